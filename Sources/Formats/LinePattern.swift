/// A line as literal texts with values between them: what `log_format`, `LogFormat` and Envoy's
/// format strings describe.
public struct LinePattern: Sendable, Hashable {
  public enum Piece: Sendable, Hashable {
    case text([UInt8])
    /// A value, by its name.
    case value(String)
  }

  /// How a server writes what a value cannot hold as it is.
  public enum Escaping: String, Sendable, Hashable, CaseIterable {
    /// `\xHH`, and a backslash before quotation marks, backslashes, `n`, `r` and `t`: nginx's
    /// default, and Apache's.
    case backslash = "default"
    /// As in JSON: nginx's `escape=json`.
    case json
    case none
  }

  public var pieces: [Piece]
  public var escaping: Escaping

  public init(pieces: [Piece], escaping: Escaping) {
    self.pieces = pieces
    self.escaping = escaping
  }

  public var names: [String] {
    pieces.compactMap { if case .value(let name) = $0 { name } else { nil } }
  }

  /// Whose words a pattern is written in.
  public enum Dialect: String, Sendable, CaseIterable {
    /// `$name` and `${name}` (ngx_http_log_module).
    case nginx
    /// `%h`, `%>s`, `%{X-User-Id}i` (mod_log_config).
    case apache
    /// `%START_TIME%`, `%REQ(X-REQUEST-ID)%` (Envoy's access log operators).
    case envoy
    /// `{name}`.
    case text
  }

  public struct Mistake: Error, Hashable {
    public var detail: String
  }

  /// Reads a pattern.
  ///
  /// - Throws: ``Mistake`` where something is no value of the dialect, no value is there at all, or
  ///   two have nothing between them, so that no one could tell where the first one ends.
  public init(_ pattern: String, _ dialect: Dialect, escaping: Escaping) throws(Mistake) {
    self.escaping = escaping
    pieces = []
    let characters = Array(pattern)
    var position = 0
    var text = ""
    while position < characters.count {
      guard let (name, count) = try Self.value(characters[position...], dialect) else {
        // `%%` and `{{` stand for one of them.
        let isDoubled =
          dialect != .nginx && position + 1 < characters.count
          && characters[position] == characters[position + 1]
          && (dialect == .text ? "{}" : "%").contains(characters[position])
        if let escaped = Self.escaped(characters[position...], dialect) {
          position += 1
          text.append(escaped)
        } else {
          text.append(characters[position])
        }
        position += isDoubled ? 2 : 1
        continue
      }
      if !text.isEmpty { pieces.append(.text(Array(text.utf8))) }
      if text.isEmpty, case .value(let before) = pieces.last {
        throw Mistake(
          detail: "nothing stands between '\(before)' and '\(name)', so that no one can tell where "
            + "the one ends and the other begins")
      }
      text = ""
      pieces.append(.value(name))
      position += count
    }
    if !text.isEmpty { pieces.append(.text(Array(text.utf8))) }
    if names.isEmpty { throw Mistake(detail: "there is no value in it") }
    if pieces.contains(where: {
      if case .text(let bytes) = $0 { bytes.contains(0x0A) } else { false }
    }) {
      throw Mistake(detail: "a record takes one line, and this has a line break")
    }
  }

  /// The value that begins here, and how many characters it takes.
  private static func value(
    _ rest: ArraySlice<Character>, _ dialect: Dialect
  ) throws(Mistake) -> (String, Int)? {
    switch dialect {
    case .nginx: nginx(rest)
    case .apache: try apache(rest)
    case .envoy: try envoy(rest)
    case .text: try text(rest)
    }
  }

  /// What a backslash and the character behind it stand for within the quotes of nginx.conf
  /// (ngx_conf_read_token) or of an Apache directive; `nil` where the backslash is one.
  private static func escaped(_ rest: ArraySlice<Character>, _ dialect: Dialect) -> Character? {
    guard dialect == .nginx || dialect == .apache, rest.first == "\\" else { return nil }
    switch rest.dropFirst().first {
    case "\"": return "\""
    case "'": return "'"
    case "\\": return "\\"
    case "t": return "\t"
    case "n": return "\n"
    case "r": return "\r"
    default: return nil
    }
  }

  private static func isNameCharacter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || character == "_")
  }

  private static func nginx(_ rest: ArraySlice<Character>) -> (String, Int)? {
    guard rest.first == "$" else { return nil }
    let behind = rest.dropFirst()
    if behind.first == "{" {
      let name = behind.dropFirst().prefix(while: isNameCharacter)
      guard !name.isEmpty, behind.dropFirst(name.count + 1).first == "}" else { return nil }
      return (String(name), name.count + 3)
    }
    let name = behind.prefix(while: isNameCharacter)
    return name.isEmpty ? nil : (String(name), name.count + 1)
  }

  /// `{name}`.
  private static func text(_ rest: ArraySlice<Character>) throws(Mistake) -> (String, Int)? {
    guard rest.first == "{" else { return nil }
    // Of three braces the first two are one, and the third begins a value.
    if rest.dropFirst().first == "{" { return nil }
    guard let end = rest.firstIndex(of: "}") else {
      throw Mistake(detail: "'{' has no '}' behind it; '{{' is a brace")
    }
    let name = rest[(rest.startIndex + 1)..<end]
    if name.isEmpty { throw Mistake(detail: "no name stands between '{' and '}'; '{{' is a brace") }
    if name.contains("{") { throw Mistake(detail: "'{' has no '}' behind it; '{{' is a brace") }
    return (String(name), name.count + 2)
  }

  /// `%…h`, where `…` may be statuses (`!200,304`), `<` or `>`, and `{…}`.
  private static func apache(_ rest: ArraySlice<Character>) throws(Mistake) -> (String, Int)? {
    guard rest.first == "%", rest.dropFirst().first != "%" else { return nil }
    var position = rest.startIndex + 1
    while position < rest.endIndex, "!,<>".contains(rest[position]) || rest[position].isNumber {
      position += 1
    }
    var argument = ""
    if position < rest.endIndex, rest[position] == "{" {
      guard let end = rest[position...].firstIndex(of: "}") else {
        throw Mistake(detail: "'%{' has no '}' behind it")
      }
      argument = String(rest[position...end])
      position = end + 1
    }
    let letters = rest[position...].prefix { $0 == "^" }.isEmpty ? 1 : 3
    let kind = String(rest[position...].prefix(letters))
    guard kind.count == letters, kind.last?.isLetter == true else {
      throw Mistake(detail: "'%' begins no directive of Apache's; '%%' is a percent sign")
    }
    return (argument + kind, position + letters - rest.startIndex)
  }

  /// `%NAME%`, `%NAME(argument)%`, `%NAME(argument):length%`.
  private static func envoy(_ rest: ArraySlice<Character>) throws(Mistake) -> (String, Int)? {
    guard rest.first == "%", rest.dropFirst().first != "%" else { return nil }
    var depth = 0
    for position in (rest.startIndex + 1)..<rest.endIndex {
      switch rest[position] {
      case "(": depth += 1
      case ")": depth -= 1
      case "%" where depth == 0:
        return (String(rest[(rest.startIndex + 1)..<position]), position + 1 - rest.startIndex)
      default: break
      }
    }
    throw Mistake(detail: "'%' begins no operator that ends with '%'; '%%' is a percent sign")
  }
}
