internal import CivilTime
public import Configuration

extension LogFormat {
  private static let keys = [
    "format", "title", "lines", "comment", "absent", "time_zone", "request", "cookies", "fields",
    "rules",
  ]

  /// Reads a format file.
  ///
  /// - Throws: all mistakes of the file at once, each with its line.
  public static func read(path: String) throws(ConfigurationError) -> LogFormat {
    try LogFormat(yaml: ConfigurationDocument.text(path: path), path: path)
  }

  /// Reads the text of a format file.
  ///
  /// - Throws: all mistakes of the text at once, each with its line.
  public init(yaml text: String, path: String) throws(ConfigurationError) {
    let document = ConfigurationDocument(yaml: text, file: path)
    let format = document.root?.mapping(keys: Self.keys).flatMap { LogFormat($0) }
    try document.check()
    guard let format else {
      // Every reader that gives up reports why.
      preconditionFailure("a format was refused without a reason")
    }
    self = format
  }

  private init?(_ file: ConfigurationMapping) {
    let name = file.required("format", expected: "the format's name")?.text()
    let lines = file.required("lines", expected: LineSyntax.expected)
    let syntax = lines.flatMap { LineSyntax($0) }
    self.init(
      name: name ?? "", title: file["title"]?.text() ?? name ?? "", syntax: syntax ?? .json)
    comment = file["comment"]?.text(expected: "what such a line begins with")
    absent = file["absent"]?.texts(of: "text that stands for no value") ?? []
    if let value = file["time_zone"] {
      zone = value.scalarText.flatMap { Zone(identifier: $0) }
      if zone == nil {
        value.reject(
          expected: "an IANA time zone such as Asia/Shanghai",
          nearest: value.scalarText.flatMap { nearestName(to: $0, among: Zone.knownIdentifiers) })
      }
    }
    let names = SourceNames(syntax ?? .json, hasRequest: file["request"] != nil, file["cookies"])
    request = file["request"].flatMap { RequestPlace($0, names) }
    cookies = file["cookies"].flatMap { names.value($0) }
    readFields(file, names)
    rules = (file["rules"]?.elements(expected: "a list of rules") ?? []).compactMap {
      FormatRule($0, names)
    }
    guard name != nil, syntax != nil else { return nil }
  }

  private mutating func readFields(_ file: ConfigurationMapping, _ names: SourceNames) {
    guard
      let mapping = file.required("fields", expected: "where the record's fields come from")?
        .mapping(keys: Field.allCases.map(\.name))
    else { return }
    for field in Field.allCases {
      guard let value = mapping[field.name] else { continue }
      let sources = value.elementsOrOne()
      if sources.isEmpty { value.reject(expected: "the name of a value") }
      fields[field] = sources.compactMap { names.source($0, hasUnits: field == .latency) }
    }
    _ = mapping.required(Field.time.name, expected: "the value that is the record's time")
  }
}

extension LineSyntax {
  static let expected =
    "json, logfmt, csv, tsv, or a mapping with nginx, apache, envoy, text, csv or tsv"

  init?(_ value: ConfigurationValue) {
    switch value.scalarText {
    case "json": self = .json
    case "logfmt": self = .logfmt
    case "csv":
      self = .table(
        TableSyntax(delimiter: UInt8(ascii: ","), hasBackslashes: false, header: nil))
    case "tsv":
      self = .table(
        TableSyntax(delimiter: UInt8(ascii: "\t"), hasBackslashes: true, header: nil))
    case .some:
      value.reject(expected: Self.expected)
      return nil
    case nil:
      let dialects = LinePattern.Dialect.allCases.map(\.rawValue)
      guard let mapping = value.mapping(keys: dialects + ["csv", "tsv", "escape"]) else {
        return nil
      }
      let given = (dialects + ["csv", "tsv"]).filter { mapping[$0] != nil }
      guard given.count == 1, let kind = given.first, let content = mapping[kind] else {
        value.reject(expected: Self.expected)
        return nil
      }
      if kind == "csv" || kind == "tsv" {
        mapping["escape"]?.contradict("only \(dialects.joined(separator: ", ")) have 'escape'")
        guard let table = TableSyntax(content, isTSV: kind == "tsv") else { return nil }
        self = .table(table)
      } else {
        guard let pattern = LinePattern(content, kind, mapping["escape"]) else { return nil }
        self = .pattern(pattern)
      }
    }
  }
}

extension TableSyntax {
  fileprivate init?(_ value: ConfigurationValue, isTSV: Bool) {
    guard let mapping = value.mapping(keys: ["delimiter", "header"]) else { return nil }
    self.init(
      delimiter: UInt8(ascii: isTSV ? "\t" : ","), hasBackslashes: isTSV,
      header: mapping["header"]?.texts(of: "column"))
    guard let given = mapping["delimiter"] else { return }
    let byte = given.scalarText.flatMap { $0.utf8.count == 1 ? $0.utf8.first : nil }
    guard let byte, byte < 0x80, ![0x00, 0x0A, 0x0D, 0x22].contains(byte),
      !(isTSV && byte == UInt8(ascii: "\\"))
    else {
      given.reject(expected: "one ASCII character such as \";\", in quotes")
      return nil
    }
    delimiter = byte
  }
}

extension LinePattern {
  fileprivate init?(_ value: ConfigurationValue, _ kind: String, _ escape: ConfigurationValue?) {
    guard let dialect = Dialect(rawValue: kind),
      let text = value.text(expected: "a line's pattern", lines: true, tabs: true)
    else { return nil }
    let escaping =
      escape.map { $0.choice(of: Escaping.self) ?? .none }
      ?? (dialect == .envoy ? .none : .backslash)
    do throws(Mistake) {
      // A pattern over several lines of YAML is one line of the log.
      try self.init(text.filter { $0 != "\n" }, dialect, escaping: escaping)
    } catch {
      value.contradict(error.detail)
      return nil
    }
  }
}

/// What a format file may call a value.
struct SourceNames {
  /// `nil` where the log decides: JSON, `key=value` pairs, a header.
  private let known: [String]?
  private let hasRequest: Bool
  private let hasCookies: Bool

  init(_ syntax: LineSyntax, hasRequest: Bool, _ cookies: ConfigurationValue?) {
    switch syntax {
    case .json, .logfmt: known = nil
    case .table(let table): known = table.header
    case .pattern(let pattern): known = pattern.names
    }
    self.hasRequest = hasRequest
    hasCookies = cookies != nil
  }

  /// The name of one of the line's values.
  func value(_ value: ConfigurationValue) -> String? {
    guard let name = value.text(expected: "the name of a value") else { return nil }
    return isKnown(name, value) ? name : nil
  }

  /// - Parameter hasUnits: whether it is a duration, whose unit may be said.
  func source(_ value: ConfigurationValue, hasUnits: Bool) -> ValueSource? {
    guard let text = value.text(expected: "the name of a value") else { return nil }
    guard hasUnits, known?.contains(text) != true,
      let unit = DurationUnit.allCases.first(where: { text.hasPrefix("\($0.rawValue):") })
    else { return source(text, value) }
    let name = name(behind: "\(unit.rawValue):", text, "a value", value)
    guard let name, isKnown(name, value) else { return nil }
    return .duration(name, unit)
  }

  private func isKnown(_ name: String, _ value: ConfigurationValue) -> Bool {
    guard let known, !known.contains(name) else { return true }
    value.reject(
      expected: "the name of one of the line's values: \(known.joined(separator: ", "))",
      nearest: nearestName(to: name, among: known))
    return false
  }

  /// - Parameters:
  ///   - value: for reports.
  ///   - isKey: whether the text is the value's key.
  func source(
    _ text: String, _ value: ConfigurationValue, isKey: Bool = false
  ) -> ValueSource? {
    if let known, known.contains(text) { return .value(text) }
    if text.contains("{") { return joined(text, value, isKey: isKey) }
    if text.hasPrefix("query:") {
      guard requestIsKnown(value) else { return nil }
      return name(behind: "query:", text, "a parameter", value).map { .query($0) }
    }
    if text.hasPrefix("cookie:") {
      guard hasCookies else {
        value.contradict("the file has no key 'cookies' that says which value has the cookies")
        return nil
      }
      return name(behind: "cookie:", text, "a cookie", value).map { .cookie($0) }
    }
    if hasRequest && text == "method" { return .method }
    if hasRequest && text == "path" { return .path }
    if let known {
      let written = isKey ? text : value.scalarText ?? text
      let nearest =
        nearestName(to: text, among: known) ?? nearestName(to: written, among: known)
      let names = known.joined(separator: ", ")
      if isKey {
        let hint = nearest.map { "; did you mean '\($0)'?" } ?? ""
        value.contradict("'\(text)' is none of the line's values: \(names)\(hint)")
      } else {
        value.reject(
          expected: "the name of one of the line's values: \(names)", nearest: nearest)
      }
      return nil
    }
    return .value(text)
  }

  private func name(
    behind prefix: String, _ text: String, _ what: String, _ value: ConfigurationValue
  ) -> String? {
    let name = text.dropFirst(prefix.count)
    if name.isEmpty { value.reject(expected: "the name of \(what) behind '\(prefix)'") }
    return name.isEmpty ? nil : String(name)
  }

  func requestIsKnown(_ value: ConfigurationValue) -> Bool {
    if hasRequest { return true }
    value.contradict("the file has no key 'request' that says where method and URL are")
    return false
  }

  /// `{date} {time}`.
  private func joined(
    _ text: String, _ value: ConfigurationValue, isKey: Bool
  ) -> ValueSource? {
    var parts: [ValueSource.JoinedPart] = []
    var rest = Substring(text)
    while let open = rest.firstIndex(of: "{") {
      // Apache's names have braces of their own.
      var depth = 0
      let close = rest[open...].firstIndex { character in
        depth += character == "{" ? 1 : character == "}" ? -1 : 0
        return depth == 0
      }
      guard let close else {
        value.contradict("'{' has no '}' behind it")
        return nil
      }
      if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
      let name = String(rest[rest.index(after: open)..<close])
      guard let part = source(name, value, isKey: isKey) else { return nil }
      parts.append(.source(part))
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    return .joined(parts)
  }
}

extension RequestPlace {
  init?(_ value: ConfigurationValue, _ names: SourceNames) {
    guard let mapping = value.mapping(keys: ["line", "method", "url", "query"]) else { return nil }
    if let line = mapping["line"] {
      if mapping["url"] ?? mapping["method"] ?? mapping["query"] != nil {
        value.contradict("either 'line', or 'method', 'url' and 'query'")
      }
      guard let name = names.value(line) else { return nil }
      self = .line(name)
      return
    }
    guard let url = mapping.required("url", expected: "the value that has the URL or path") else {
      return nil
    }
    guard let name = names.value(url) else { return nil }
    self = .parts(
      method: mapping["method"].flatMap { names.value($0) }, url: name,
      query: mapping["query"].flatMap { names.value($0) })
  }
}

extension FormatRule {
  init?(_ value: ConfigurationValue, _ names: SourceNames) {
    self.init()
    guard let mapping = value.mapping(keys: ["when", "set", "ignore"]) else { return nil }
    if let when = mapping["when"] {
      for (key, condition) in when.entries(expected: "a mapping of conditions") ?? [] {
        readCondition(key, condition, names)
      }
    }
    // What is neither true nor false has been reported.
    if let ignore = mapping["ignore"] { ignores = ignore.boolean() ?? true }
    if let set = mapping["set"] {
      if ignores { set.contradict("a record that is ignored needs no fields") }
      readSettings(set)
    } else if !ignores {
      value.contradict("the rule neither sets a field nor ignores the record")
    }
  }

  private mutating func readCondition(
    _ key: String, _ value: ConfigurationValue, _ names: SourceNames
  ) {
    switch key {
    case "path":
      guard names.requestIsKnown(value) else { return }
      path = value.text().flatMap { PathPattern($0) }
      if path == nil {
        value.reject(expected: "a path such as /v1/bots/{module}/messages or /assets/*")
      }
    case "status":
      let ranges = value.elementsOrOne().compactMap { Self.range($0) }
      conditions.append(.status(ranges))
    default:
      guard let source = names.source(key, value, isKey: true) else { return }
      let texts = value.texts(of: "text") ?? []
      conditions.append(.text(source, anyOf: texts.map { Wildcard($0) }))
    }
  }

  private static func range(_ value: ConfigurationValue) -> ClosedRange<Int>? {
    let bounds = (value.scalarText ?? "").split(separator: "-", omittingEmptySubsequences: false)
      .map { Int($0) }
    if (1...2).contains(bounds.count), let first = bounds[0], let last = bounds[bounds.count - 1],
      (0...999).contains(first), (first...999).contains(last)
    {
      return first...last
    }
    value.reject(expected: "a status such as 200 or a range such as 200-299")
    return nil
  }

  private mutating func readSettings(_ value: ConfigurationValue) {
    let fields = Field.allCases.filter { $0 != .time && $0 != .status && $0 != .latency }
    guard let mapping = value.mapping(keys: fields.map(\.name)) else { return }
    for field in fields {
      guard let value = mapping[field.name] else { continue }
      if field == .items {
        guard let items = value.integer(0...Int(UInt32.max)) else { continue }
        sets.append(Setting(field: field, parts: [.text("\(items)")]))
        continue
      }
      guard let text = value.text(), let parts = parts(text, value) else { continue }
      sets.append(Setting(field: field, parts: parts))
    }
  }

  private func parts(_ text: String, _ value: ConfigurationValue) -> [Part]? {
    var parts: [Part] = []
    var rest = Substring(text)
    while let open = rest.firstIndex(of: "{") {
      guard let close = rest[open...].firstIndex(of: "}") else {
        value.contradict("'{' has no '}' behind it")
        return nil
      }
      if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
      let name = String(rest[rest.index(after: open)..<close])
      let names = path?.names ?? [:]
      guard let segment = names[name] else {
        value.reject(
          expected: "a text, in which {…} names a segment of the rule's path",
          nearest: nearestName(to: name, among: names.keys.sorted()))
        return nil
      }
      parts.append(.segment(segment))
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    return parts
  }
}
