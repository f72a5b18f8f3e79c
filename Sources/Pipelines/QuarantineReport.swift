internal import Counting
public import Decoding
public import Metering
internal import Parsing
internal import Reports

/// The quarantined lines of a run as files that can be mended and counted with the logs, and an index
/// of where they stand.
public struct QuarantineReport {
  /// The index, which appears last.
  public static let indexName = "index.csv"
  static let suffix = ".quarantine"
  static let columns = [
    "file", "line", "byte_offset", "length", "reason", "quarantine_file", "quarantine_line",
  ]
  private static let compressionSuffixes = [".gz", ".zz", ".zlib", ".lz4", ".zst", ".zstd"]

  private let lines: QuarantinedLines
  private let isEmpty: Bool

  /// - Parameter result: of a run that was to keep quarantined lines.
  public init(_ result: MeteringResult) {
    guard let lines = result.quarantine else { preconditionFailure("they were asked for") }
    self.lines = lines
    isEmpty = result.balance.quarantined == 0
  }

  /// Fails where a log lies in the folder, whose files are written anew.
  public static func check(_ files: [InputFile], _ folder: String) throws(InputError) {
    guard let file = Paths.first(of: files, in: folder) else { return }
    throw InputError(
      path: file.path, detail: "lies in the folder that quarantined lines are written to",
      remedy: "mend and count a copy that is elsewhere")
  }

  /// Writes the files into a folder.
  public func write(to folder: String) throws(ReportError) {
    guard let set = try prepared(in: folder) else { return }
    try ReportError.output { () throws(OutputError) in try set.commit() }
  }

  /// Writes the files, to appear when they are committed.
  ///
  /// - Returns: `nil` where there are no lines, and an earlier run has left none.
  func prepared(in folder: String) throws(ReportError) -> ReportSet? {
    if isEmpty && !OutputFolder.has(Self.indexName, in: folder) { return nil }
    var spillFailure: String?
    let set = try ReportError.output { () throws(OutputError) in
      let set = try ReportSet(folder: folder)
      set.replaceFiles(suffix: Self.suffix)
      let writer = try Writer(lines, set)
      do throws(MeteringError) {
        // Not a sequence: a text is read back when its line comes.
        // swift-format-ignore: ReplaceForEachWithForLoop
        try lines.forEach { writer.put($0, $1) }
      } catch {
        spillFailure = error.description
      }
      if spillFailure == nil { try writer.finish() }
      return set
    }
    if let spillFailure { throw .records(spillFailure) }
    return set
  }

  /// The name of a log's file before it is numbered: the log's own without folder and compression.
  static func baseName(of path: String) -> String {
    var name = path.split(separator: "/").last.map(String.init) ?? "log"
    for suffix in compressionSuffixes
    where name.utf8.count > suffix.utf8.count && name.lowercased().hasSuffix(suffix) {
      name.removeLast(suffix.count)
      break
    }
    // Room for what comes to it, within the 255 bytes that a name may have.
    while name.utf8.count > 180 { name.removeLast() }
    return name
  }

  /// Writes line after line, the file of one log after the other.
  private final class Writer {
    private static let bufferBytes = 1 << 16
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let lines: QuarantinedLines
    private let set: ReportSet
    private let index: ReportOutput
    private var rows = CSVStyle().header(QuarantineReport.columns)
    private var names: Set<String> = []
    /// How many logs of each base name there were.
    private var numbers: [String: Int] = [:]
    private var file: Int?
    private var output: ReportOutput?
    private var name = ""
    private var text: [UInt8] = []
    private var lineCount = 0
    private var failure: OutputError?

    init(_ lines: QuarantinedLines, _ set: ReportSet) throws(OutputError) {
      self.lines = lines
      self.set = set
      index = try ReportOutput(QuarantineReport.indexName, in: set)
    }

    /// - Returns: whether to go on.
    func put(_ line: QuarantinedLine, _ text: ArraySlice<UInt8>) -> Bool {
      do throws(OutputError) {
        try add(line, text)
      } catch {
        failure = failure ?? error
      }
      return failure == nil
    }

    func finish() throws(OutputError) {
      if let failure { throw failure }
      try finishFile()
      try index.write(draining: &rows)
      try index.finish()
    }

    private func add(_ line: QuarantinedLine, _ text: ArraySlice<UInt8>) throws(OutputError) {
      let (file, number) = lines.sources.location(of: line.source)
      if file != self.file {
        try finishFile()
        self.file = file
      }
      if line.hasText {
        if output == nil { try begin(file, text) }
        self.text += text
        self.text.append(0x0A)
        lineCount += 1
        if self.text.count >= Self.bufferBytes { try flush() }
      }
      rows.field(lines.sources.name(ofFile: file))
      rows.field(number)
      rows.field(line.byteOffset)
      rows.field(line.byteCount)
      rows.field(line.rejection.reason)
      if line.hasText {
        rows.field(name)
        rows.field(lineCount)
      } else {
        rows.emptyField()
        rows.emptyField()
      }
      rows.endRow()
      if rows.bytes.count >= Self.bufferBytes { try index.write(draining: &rows) }
    }

    private func begin(_ file: Int, _ first: ArraySlice<UInt8>) throws(OutputError) {
      let base = QuarantineReport.baseName(of: lines.sources.name(ofFile: file))
      name = base + QuarantineReport.suffix
      var number = numbers[base] ?? 1
      while !names.insert(name).inserted {
        number += 1
        name = "\(base)-\(number)" + QuarantineReport.suffix
      }
      numbers[base] = number
      output = try ReportOutput(name, in: set)
      if lines.isConverted { text += Self.byteOrderMark }
      if let header = lines.header(ofFile: file) {
        text += header + [0x0A]
        lineCount = 1
      } else if !lines.isConverted && Codec.mistakes(first) {
        // Behind an empty line, what looks like a compressed file is none.
        text.append(0x0A)
        lineCount = 1
      }
    }

    private func flush() throws(OutputError) {
      try output?.write(text)
      text.removeAll(keepingCapacity: text.count <= 2 * Self.bufferBytes)
    }

    private func finishFile() throws(OutputError) {
      try flush()
      try output?.finish()
      output = nil
      lineCount = 0
    }
  }
}
