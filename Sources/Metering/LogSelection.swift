public import Decoding
internal import Parsing

/// The logs among the files that a command line names, each known to open.
public struct LogSelection: Sendable {
  public private(set) var files: [InputFile] = []
  /// Files of folders that hold no record in their first lines: notes, contracts, reports; and
  /// pipes, devices and sockets there. A file that is named itself is never passed over, and a
  /// compressed one never either.
  public private(set) var passedOver: [String] = []

  /// - Parameter lineBytesMax: the longest line that is parsed.
  /// - Throws: ``InputError`` for the first path that cannot be read.
  public init(
    _ paths: [String], lineBytesMax: Int = LogStream.lineBytesMaxDefault
  ) throws(InputError) {
    let block = Block()
    var parser = JSONLinesParser(lineBytesMax: lineBytesMax)
    for file in try InputFiles.find(paths) {
      guard file.isStored else {
        // To look into it would take what it holds.
        if file.isFromFolder { passedOver.append(file.path) } else { files.append(file) }
        continue
      }
      let stream = try LogStream(path: file.path, lineBytesMax: lineBytesMax)
      if file.isFromFolder && stream.codec == .plain && stream.next(into: block) {
        if !Self.hasRecord(block, &parser) {
          passedOver.append(file.path)
          continue
        }
      }
      files.append(file)
    }
    if files.isEmpty, let path = paths.first {
      throw InputError(
        path: path, detail: "holds no log: no file in it has a record", remedy: "check the path")
    }
  }

  private static func hasRecord(_ block: Block, _ parser: inout JSONLinesParser) -> Bool {
    var found = false
    _ = parser.parse(block) { _, _ in
      found = true
    } rejected: { rejection, _ in
      // An object that is a record but for one field is a log's line, to be quarantined as such.
      switch rejection {
      case .unreadableTime, .unreadableStatus, .unreadableItems, .unreadableField: found = true
      default: break
      }
    }
    return found
  }
}
