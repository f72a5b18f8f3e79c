public import CivilTime
public import Decoding
public import Formats
internal import Parsing

/// What a log's first block says of it: a look that takes moments, however large the log is.
public struct LogSample: Sendable {
  /// Whose calls of what.
  public struct Use: Sendable, Hashable {
    public var licensee: String
    public var module: String
    public var time: Instant
  }

  /// Whether there is no line in it.
  public var isEmpty: Bool
  /// The format's name; `nil` where no format reads the lines.
  public var format: String?
  /// One for each licensee and module, at its first call's time.
  public var uses: [Use] = []

  /// - Parameters:
  ///   - formats: what the log may be; `nil`: any built-in format.
  ///   - encoding: that of the text; `nil`: as its byte order mark says, else UTF-8.
  /// - Throws: ``InputError`` where the log cannot be opened.
  public init(
    _ file: InputFile, formats: [LogFormat]?, encoding: TextEncoding?
  ) throws(InputError) {
    let stream = try LogStream(
      path: file.path, lineBytesMax: LogStream.lineBytesMaxDefault, encoding: encoding)
    let block = Block()
    isEmpty = !stream.next(into: block)
    guard !isEmpty else { return }
    let recognition = FormatRecogniser(formats).recognise(block)
    guard !recognition.isUnknown else { return }
    format = recognition.plan.format.name
    var parser = FormatParser(recognition.plan, block)
    let bytes = block.wholeBytes
    func text(_ slice: Slice) -> String { bytes.text(Int(slice.start), Int(slice.count)) }
    var seen: Set<[String]> = []
    var uses: [Use] = []
    _ = parser.parse(block) { call, _ in
      let use = Use(
        licensee: text(call[.licensee]), module: text(call[.module]), time: call.time)
      if seen.insert([use.licensee, use.module]).inserted { uses.append(use) }
    } rejected: { _, _ in
    }
    self.uses = uses
  }
}
