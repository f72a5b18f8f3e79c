public import Decoding
public import Formats
internal import Parsing

/// The logs among the files that a command line names, each known to open.
public struct LogSelection: Sendable {
  public private(set) var files: [InputFile] = []
  /// Files of folders that hold no record in their first lines and are no logs by their names either,
  /// such as notes and contracts; and
  /// pipes, devices and sockets there. A file that is named itself is never passed over, and a
  /// compressed one never either.
  public private(set) var passedOver: [String] = []
  /// Such files that may be logs by their names: tables and texts that no format reads.
  public private(set) var doubtful: [String] = []

  /// - Parameters:
  ///   - formats: what the logs may be; `nil`: any built-in format.
  ///   - lineBytesMax: the longest line that is parsed.
  ///   - encoding: that of all logs; `nil`: as each one's byte order mark says, else UTF-8.
  ///   - mayBeNone: whether folders and patterns may hold no log.
  /// - Throws: ``InputError`` for the first path that cannot be read.
  public init(
    _ paths: [String], formats: [LogFormat]? = nil,
    lineBytesMax: Int = LogStream.lineBytesMaxDefault, encoding: TextEncoding? = nil,
    mayBeNone: Bool = false
  ) throws(InputError) {
    let block = Block()
    let recogniser = FormatRecogniser(formats, lineBytesMax: lineBytesMax)
    for file in try InputFiles.find(paths, mayBeNone: mayBeNone) {
      guard file.isStored else {
        // To look into it would take what it holds.
        if file.isFromFolder { passedOver.append(file.path) } else { files.append(file) }
        continue
      }
      let stream = try LogStream(
        path: file.path, lineBytesMax: lineBytesMax, encoding: encoding)
      let kind = NameKind(file.path)
      if file.isFromFolder && kind != .log && stream.codec == .plain && stream.next(into: block) {
        if !recogniser.recognise(block).hasRecord {
          if kind == .note { passedOver.append(file.path) } else { doubtful.append(file.path) }
          continue
        }
      }
      files.append(file)
    }
    if files.isEmpty, !mayBeNone, let path = paths.first {
      throw InputError(
        path: path, detail: "holds no log: no file in it has a record", remedy: "check the path")
    }
  }

  /// What a file in a folder is by the end of its name, unless its content says that it is a log.
  private enum NameKind {
    case log, note
    /// A log, or something else of that kind, such as a statement.
    case table

    private static let notes: Set<String> = [
      "md", "yaml", "yml", "toml", "ini", "conf", "py", "sh", "pdf", "html", "sha256", "asc", "sig",
      "readme", "license", "copying", "notice", "changelog", "makefile",
    ]
    private static let tables: Set<String> = ["csv", "tsv", "json", "txt", "xml", "xls", "xlsx"]

    init(_ path: String) {
      let name = path.split(separator: "/").last ?? ""
      let end = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
      self = Self.notes.contains(end) ? .note : Self.tables.contains(end) ? .table : .log
    }
  }
}
