internal import Yams

/// A YAML file being read: its tree, and the mistakes found so far.
///
/// Readers ask the ``root`` for values; each wrong one is reported here and reading goes on, so
/// that a user sees all mistakes of a file at once. ``check()`` ends the reading.
///
/// YAML is taken as text: no scalar becomes a number or a date but by the reader that knows what
/// the key means, so `0.35` is exact and `2025-12-01` is no timestamp.
package final class ConfigurationDocument {
  /// Configuration is written by people; a larger file is another file given by mistake.
  static let bytesMax = 4 << 20
  /// What the anchors and aliases of a file may come to when written out.
  static let expandedBytesMax = 16 << 20
  static let problemCountMax = 1_000
  static let duplicateCountMax = 64
  /// Values that a reader looks at; more can only come from aliases of aliases.
  static let visitCountMax = 1_000_000

  package let file: String
  private(set) var problems: [ConfigurationProblem] = []
  private var visitCount = 0
  private var renamedKeys: [RenamedKey] = []
  /// The top-level value; `nil` where the text is no YAML or is empty, which is then reported.
  package private(set) var root: ConfigurationValue?

  package init(yaml text: String, file: String) {
    self.file = file
    let text =
      text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    guard Self.expandedBytes(of: text) <= Self.expandedBytesMax else {
      report(
        .syntax, line: 1, key: "",
        detail: "has too many anchors and aliases; write the values in place")
      return
    }
    guard let node = compose(text) else { return }
    let value = ConfigurationValue(node: node, path: "", document: self)
    if value.isNull {
      report(.syntax, line: 1, key: "", detail: "is empty; expected a mapping of keys to values")
    } else {
      root = value
    }
  }

  /// Ends the reading.
  ///
  /// - Throws: all mistakes reported so far, where there are any.
  package func check() throws(ConfigurationError) {
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
  }

  /// Whether so much is wrong that more would help nobody.
  package var isFull: Bool { problems.count >= Self.problemCountMax }

  package func report(_ problem: ConfigurationProblem) {
    if !isFull { problems.append(problem) }
  }

  private func report(
    _ kind: ConfigurationProblem.Kind, line: Int, column: Int? = nil, key: String, detail: String
  ) {
    report(
      ConfigurationProblem(
        kind: kind, file: file, line: line, column: column, key: key, detail: detail))
  }

  /// Whether one more value may be looked at.
  package func visit() -> Bool {
    visitCount += 1
    if visitCount == Self.visitCountMax {
      report(.syntax, line: 1, key: "", detail: "has too many values")
    }
    return visitCount < Self.visitCountMax
  }
}

// MARK: - From text to tree

extension ConfigurationDocument {
  /// A key that stands more than once in its mapping, renamed in the text so that the parser,
  /// which stops at the first such key, reads on.
  private struct RenamedKey {
    var line: Int
    var column: Int
  }

  /// Two characters of a private-use area, the second one different for each renamed key.
  private static let renamedMark: Unicode.Scalar = "\u{E000}"
  private static let renamedNumbers: UInt32 = 0xE100

  /// The key as the user wrote it.
  package static func written(_ key: String) -> String {
    let scalars = key.unicodeScalars
    guard scalars.first == renamedMark, let number = scalars.dropFirst().first,
      number.value >= renamedNumbers
    else { return key }
    return String(scalars.dropFirst(2))
  }

  /// The place in the text as the user wrote it.
  func place(of mark: Mark?) -> (line: Int, column: Int) {
    guard let mark else { return (1, 1) }
    let before = renamedKeys.count { $0.line == mark.line && $0.column < mark.column }
    return (mark.line, mark.column - 2 * before)
  }

  private func compose(_ text: String) -> Node? {
    var text = text
    while true {
      do {
        let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
        return try parser.singleRoot() ?? Node("")
      } catch let error as YamlError {
        if case .duplicatedKeysInMapping(let keys, let context) = error {
          if let renamed = rename(keyAt: context.mark, in: text) {
            text = renamed
            continue
          }
          let place = place(of: context.mark)
          report(
            .duplicateKey, line: place.line, column: place.column,
            key: keys.first.map(Self.written) ?? "", detail: "duplicate key")
        } else {
          report(error, in: text)
        }
        return nil
      } catch {
        report(.syntax, line: 1, key: "", detail: "is not valid YAML")
        return nil
      }
    }
  }

  /// The text with the plain or quoted key at `mark` renamed; `nil` for any other key, and after
  /// ``duplicateCountMax`` of them.
  private func rename(keyAt mark: Mark, in text: String) -> String? {
    guard renamedKeys.count < Self.duplicateCountMax,
      let number = Unicode.Scalar(Self.renamedNumbers + UInt32(renamedKeys.count))
    else { return nil }
    var scalars = text.unicodeScalars
    var index = scalars.startIndex
    var line = 1
    while line < mark.line, index < scalars.endIndex {
      let scalar = scalars[index]
      index = scalars.index(after: index)
      let isLineFeedAhead = index < scalars.endIndex && scalars[index] == "\n"
      // The line breaks of YAML 1.1.
      let breaks: [Unicode.Scalar] = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]
      if breaks.contains(scalar), !(scalar == "\r" && isLineFeedAhead) { line += 1 }
    }
    guard var place = scalars.index(index, offsetBy: mark.column - 1, limitedBy: scalars.endIndex),
      place < scalars.endIndex, !"&*!?[{|>".unicodeScalars.contains(scalars[place])
    else { return nil }
    if scalars[place] == "\"" || scalars[place] == "'" { place = scalars.index(after: place) }
    scalars.insert(contentsOf: [Self.renamedMark, number], at: place)
    renamedKeys.append(RenamedKey(line: mark.line, column: mark.column))
    return String(scalars)
  }

  private func report(_ error: YamlError, in text: String) {
    var line = 1
    var column: Int?
    var detail = "is not valid YAML"
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      (line, column) = place(of: mark)
      let prefix = context.map { "\($0.text), " } ?? ""
      detail = "not valid YAML: \(prefix)\(problem)"
    case .reader(let problem, let offset, _, _):
      let before = text.prefix(offset ?? 0)
      line = 1 + before.count { $0.isNewline }
      detail = "not valid YAML: \(problem)"
    default: break
    }
    report(.syntax, line: line, column: column, key: "", detail: detail)
  }

  /// An upper bound of the text's size with all aliases written out: with `n` anchors and `k`
  /// aliases the deepest nest gives each level k/n of them, hence (k/n)ⁿ copies.
  ///
  /// Only the tree's leaves are shared in memory, but comparing keys walks all copies.
  static func expandedBytes(of text: String) -> Int {
    let bytes = Array(text.utf8)
    var anchorCount = 0
    var aliasCount = 0
    for position in bytes.indices where bytes[position] == 0x26 || bytes[position] == 0x2A {
      let startsToken = position == 0 || " \t\r\n[{,:-?".utf8.contains(bytes[position - 1])
      let next = position + 1 < bytes.count ? bytes[position + 1] : 0x20
      guard startsToken, next > 0x20 else { continue }
      if bytes[position] == 0x26 { anchorCount += 1 } else { aliasCount += 1 }
    }
    var worst = 1.0
    var power = 1
    while power <= min(anchorCount, aliasCount, 64) {
      var copies = 1.0
      for _ in 0..<power { copies *= Double(aliasCount) / Double(power) }
      worst = max(worst, copies)
      power += 1
    }
    let expanded = worst * Double(bytes.count)
    return expanded < 1e15 ? max(Int(expanded), 0) : Int.max
  }
}
