package import Decoding
package import Formats

/// A reading of logs from end to end.
///
/// What is wrong with a member is often known only at its end, when its lines have been handed out. Then
/// all logs are read again, and those lines handed out as untrusted.
package final class LogReading: Sendable {
  package struct Options: Sendable {
    package var threads: Int
    /// What the logs may be; `nil`: any built-in format.
    package var formats: [LogFormat]?
    /// That of all logs; `nil`: as each one's byte order mark says, else UTF-8.
    package var encoding: TextEncoding?
    package var lineBytesMax: Int
    package var stopsAtDamage = false

    package init(
      threads: Int, formats: [LogFormat]?, encoding: TextEncoding?, lineBytesMax: Int
    ) {
      self.threads = threads
      self.formats = formats
      self.encoding = encoding
      self.lineBytesMax = lineBytesMax
    }
  }

  private let options: Options
  package let reader: LogReader
  package let formats: FileFormats

  /// - Parameter distrusted: the members, by file, that an earlier reading has found to be wrong.
  package init(
    _ files: [InputFile], _ options: Options, distrusted: [Int: DistrustedMembers] = [:]
  ) {
    self.options = options
    reader = LogReader(
      files: files, workerCount: options.threads, lineBytesMax: options.lineBytesMax,
      encoding: options.encoding, stopsAtDamage: options.stopsAtDamage, distrusted: distrusted)
    formats = FileFormats(options.formats, fileCount: files.count, options.lineBytesMax)
  }

  /// The reading that takes the place of this one, once this one is at its end; `nil` where it stands.
  ///
  /// A file that was changed in between is read as it is then.
  package var repetition: LogReading? {
    guard reader.isToBeRepeated else { return nil }
    return LogReading(reader.files, options, distrusted: reader.outcome.distrusted)
  }
}
