public import Decoding
public import Formats
internal import Parsing

/// The logs among the files that a command line names, each known to open.
public struct LogSelection: Sendable {
  public private(set) var files: [InputFile] = []
  /// Files of folders that hold no record in their first lines: notes, contracts, reports; and
  /// pipes, devices and sockets there. A file that is named itself is never passed over, and a
  /// compressed one never either.
  public private(set) var passedOver: [String] = []

  /// - Parameters:
  ///   - formats: what the logs may be; `nil`: any built-in format.
  ///   - lineBytesMax: the longest line that is parsed.
  ///   - encoding: that of all logs; `nil`: as each one's byte order mark says, else UTF-8.
  /// - Throws: ``InputError`` for the first path that cannot be read.
  public init(
    _ paths: [String], formats: [LogFormat]? = nil,
    lineBytesMax: Int = LogStream.lineBytesMaxDefault, encoding: TextEncoding? = nil
  ) throws(InputError) {
    let block = Block()
    let recogniser = FormatRecogniser(formats, lineBytesMax: lineBytesMax)
    for file in try InputFiles.find(paths) {
      guard file.isStored else {
        // To look into it would take what it holds.
        if file.isFromFolder { passedOver.append(file.path) } else { files.append(file) }
        continue
      }
      let stream = try LogStream(
        path: file.path, lineBytesMax: lineBytesMax, encoding: encoding)
      if file.isFromFolder && stream.codec == .plain && stream.next(into: block) {
        if !Self.hasRecord(recogniser.recognise(block)) {
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

  private static func hasRecord(_ recognition: Recognition) -> Bool {
    recognition.trials.contains { trial in
      if trial.records > 0 { return true }
      // An object that is a record but for one field is a log's line, to be quarantined as such.
      switch trial.firstRejection?.rejection {
      case .unreadableTime, .unreadableStatus, .unreadableItems, .unreadableField: return true
      default: return false
      }
    }
  }
}
