internal import Counting
internal import Detection
internal import Ledger

/// What was seen of a day's calls, in a file of its own: only who looks for misuse reads it.
///
/// The numbers of lines speak of logs by their places in the list of the day's result.
enum SeenCalls {
  /// The extension of such a file.
  static let fileExtension = "seen"

  /// What begins each file that this version writes: detectors of other versions keep other things.
  private static var start: [UInt8] {
    // Of nothing, the version is followed by the number of days alone.
    DetectionSummary().encoded().dropLast()
  }

  /// A text that tells apart the versions of what is kept.
  static var version: String { start.map { "\($0)" }.joined(separator: ".") }

  /// Stands before what was seen in part; no version begins so.
  private static let markOfPart: UInt8 = 0

  /// - Parameter isPart: whether some of the day's segments do not have all that is looked at.
  static func bytes(_ summary: DetectionSummary, isPart: Bool) -> [UInt8] {
    (isPart ? [markOfPart] : []) + summary.encoded()
  }

  /// - Parameter files: the numbers that the day's logs have now.
  /// - Returns: `nil` where another version has written it.
  static func read(
    _ bytes: [UInt8], path: String, files: [Int]
  ) throws(WorkspaceError) -> (summary: DetectionSummary, isPart: Bool)? {
    let isPart = bytes.first == markOfPart
    let bytes = isPart ? Array(bytes.dropFirst()) : bytes
    guard bytes.starts(with: start) else { return nil }
    do throws(SummaryError) {
      let summary = try DetectionSummary(decoding: bytes) { stored in
        let (file, block, line) = Source.parts(of: stored)
        guard files.indices.contains(file) else { return nil }
        return Source.number(file: files[file], block: block, line: line)
      }
      return (summary, isPart)
    } catch {
      throw .corrupt(path: path, detail: "\(error)")
    }
  }
}
