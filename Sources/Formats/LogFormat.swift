public import CivilTime

/// How the lines of a log become records: a file of its own for each format, which users copy and
/// change.
public struct LogFormat: Sendable, Hashable {
  public var name: String
  /// One line on whose log it is.
  public var title: String
  public var syntax: LineSyntax
  /// What lines begin with that are no records, such as `#`.
  public var comment: String?
  /// Values that stand for none, such as `-`.
  public var absent: [String] = []
  /// The zone of times that state none.
  public var zone: Zone?
  /// Where the request's method and address stand, from which `method`, `path` and `query:…` come.
  public var request: RequestPlace?
  /// The value that holds the request's cookies, from which `cookie:…` comes.
  public var cookies: String?
  /// For each field its sources; the first one that a line has a value for holds.
  public var fields: [Field: [ValueSource]] = [:]
  /// What a line's other values say about its fields; the first rule that fits holds.
  public var rules: [FormatRule] = []

  /// The canonical log: NDJSON whose keys are the names of the fields.
  public static let canonical: LogFormat = {
    var format = LogFormat(
      name: "ndjson", title: "canonical log: a JSON object a line, with the names of the fields",
      syntax: .json)
    for field in Field.allCases { format.fields[field] = [.value(field.name)] }
    return format
  }()

  public init(name: String, title: String, syntax: LineSyntax) {
    self.name = name
    self.title = title
    self.syntax = syntax
  }
}

/// How a line is cut into named values.
public enum LineSyntax: Sendable, Hashable {
  /// A JSON object (RFC 8259); values are named by their path, as in `request.headers.host`.
  case json
  /// `key=value` pairs, values in quotes where they have spaces.
  case logfmt
  /// A row (RFC 4180, without line breaks in a value); values are named by the header.
  case table(TableSyntax)
  /// Values between literal texts.
  case pattern(LinePattern)
}

public struct TableSyntax: Sendable, Hashable {
  /// One ASCII character.
  public var delimiter: UInt8
  /// Tabs, line ends and backslashes are written `\t`, `\n` and `\\`, and there are no quotes.
  public var hasBackslashes: Bool
  /// The columns' names; `nil`: the log's first line has them.
  public var header: [String]?

  public init(delimiter: UInt8, hasBackslashes: Bool, header: [String]?) {
    self.delimiter = delimiter
    self.hasBackslashes = hasBackslashes
    self.header = header
  }
}

/// Where a log's lines state the request.
public enum RequestPlace: Sendable, Hashable {
  /// One value: `POST /v1/bots/a/messages?user=u HTTP/1.1`.
  case line(String)
  /// Values of their own; the URL may lack scheme and host, and the query may stand apart.
  case parts(method: String?, url: String, query: String?)
}

/// Where a field's value comes from.
public enum ValueSource: Sendable, Hashable {
  /// A value of the line, by its name.
  case value(String)
  /// A value of the line that is how long something took, in a unit that is not milliseconds.
  case duration(String, DurationUnit)
  /// A parameter of the request's query, decoded.
  case query(String)
  case cookie(String)
  case method
  /// The request's path, decoded.
  case path
  /// Texts and other sources one after the other, as for a date and a time in two columns.
  case joined([JoinedPart])

  public enum JoinedPart: Sendable, Hashable {
    case text(String)
    indirect case source(ValueSource)
  }
}

/// What a duration is given in, where not in milliseconds; the names are those that format files use.
public enum DurationUnit: String, Sendable, Hashable, CaseIterable {
  case seconds, microseconds, nanoseconds
}

/// What is set where a record meets conditions.
public struct FormatRule: Sendable, Hashable {
  public var conditions: [Condition] = []
  public var path: PathPattern?
  public var sets: [Setting] = []
  /// Whether the record is none that counts: another page of the same server.
  public var ignores = false

  public init() {}

  public enum Condition: Sendable, Hashable {
    case status([ClosedRange<Int>])
    /// Any of these texts, which a `*` at either end makes the end or the beginning of one.
    case text(ValueSource, anyOf: [Wildcard])
  }

  public struct Setting: Sendable, Hashable {
    public var field: Field
    public var parts: [Part]
  }

  public enum Part: Sendable, Hashable {
    case text(String)
    /// A segment of the path, by its number in the pattern.
    case segment(Int)
  }
}

/// A text, or what begins, ends or is in the midst of one.
public struct Wildcard: Sendable, Hashable {
  public var text: [UInt8]
  public var isOpenAtStart: Bool
  public var isOpenAtEnd: Bool

  public init(_ pattern: String) {
    var bytes = Array(pattern.utf8)
    isOpenAtStart = bytes.first == UInt8(ascii: "*")
    if isOpenAtStart { bytes.removeFirst() }
    isOpenAtEnd = bytes.last == UInt8(ascii: "*")
    if isOpenAtEnd { bytes.removeLast() }
    text = bytes
  }
}

/// A path with named segments: `/v1/bots/{module}/messages`; `/*` at its end takes any rest.
public struct PathPattern: Sendable, Hashable {
  public enum Segment: Sendable, Hashable {
    case text([UInt8])
    /// One segment, not empty.
    case name(String)
  }

  public var segments: [Segment]
  public var isOpen: Bool

  /// The numbers of the named segments.
  public var names: [String: Int] {
    var names: [String: Int] = [:]
    for (index, segment) in segments.enumerated() {
      if case .name(let name) = segment { names[name] = index }
    }
    return names
  }

  /// - Returns: `nil` where the pattern does not begin with a slash, names a segment twice, or has
  ///   braces within a segment.
  public init?(_ pattern: String) {
    guard pattern.hasPrefix("/") else { return nil }
    var parts = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    isOpen = parts.last == "*"
    if isOpen { parts.removeLast() }
    segments = []
    var seen: Set<Substring> = []
    for part in parts {
      if part.hasPrefix("{") && part.hasSuffix("}") && part.count > 2 {
        let name = part.dropFirst().dropLast()
        guard !name.contains(where: { "{}".contains($0) }), seen.insert(name).inserted else {
          return nil
        }
        segments.append(.name(String(name)))
      } else {
        guard !part.contains(where: { "{}".contains($0) }) else { return nil }
        segments.append(part == "*" ? .name("*\(segments.count)") : .text(Array(part.utf8)))
      }
    }
  }
}
