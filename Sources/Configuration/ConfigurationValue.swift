internal import Yams

/// A value of a configuration file, with its key path and its place.
///
/// Every reader returns `nil` after reporting to the document what it expected.
package struct ConfigurationValue {
  let node: Node
  /// `prices[1].unit`.
  package let path: String
  let document: ConfigurationDocument

  /// From 1.
  package var line: Int { document.place(of: node.mark).line }

  /// Nothing was written, or `~` or `null`.
  package var isNull: Bool {
    guard let scalar = node.scalar, scalar.style == .plain || scalar.style == .any else {
      return false
    }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  /// The scalar's text as written; `nil` for lists and mappings, without a report.
  package var scalarText: String? { isNull ? nil : node.scalar?.string }

  package var isList: Bool { node.sequence != nil }

  /// The value in words for a message.
  package var found: String {
    switch node {
    case .sequence: return "a list"
    case .mapping: return "a mapping"
    case .alias: return "an alias"
    case .scalar(let scalar):
      if isNull { return "nothing" }
      let text = String(
        String.UnicodeScalarView(
          scalar.string.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 })
      )
      return text.count > 60 ? "'\(text.prefix(60))…'" : "'\(text)'"
    }
  }

  /// Reports that the value is not what its key takes.
  package func reject(expected: String, nearest: String? = nil) {
    let place = document.place(of: node.mark)
    document.report(
      ConfigurationProblem(
        kind: .wrongValue, file: document.file, line: place.line, column: place.column, key: path,
        expected: expected, found: found, nearestKey: nearest))
  }

  /// Reports that the value does not go together with another.
  package func contradict(_ detail: String) {
    let place = document.place(of: node.mark)
    document.report(
      ConfigurationProblem(
        kind: .contradiction, file: document.file, line: place.line, column: place.column,
        key: path, detail: detail))
  }

  func child(_ node: Node, _ suffix: String) -> ConfigurationValue {
    ConfigurationValue(node: node, path: path + suffix, document: document)
  }

  /// The elements of a list.
  package func elements(expected: String) -> [ConfigurationValue]? {
    guard document.visit(), let sequence = node.sequence else {
      reject(expected: expected)
      return nil
    }
    return sequence.enumerated().map { child($0.element, "[\($0.offset)]") }
  }

  /// The elements of a list, or the one value that stands without one.
  package func elementsOrOne() -> [ConfigurationValue] {
    guard document.visit(), let sequence = node.sequence else { return [self] }
    return sequence.enumerated().map { child($0.element, "[\($0.offset)]") }
  }

  /// The value as a mapping with these keys and no others.
  package func mapping(keys: [String]) -> ConfigurationMapping? {
    guard document.visit(), let mapping = node.mapping else {
      reject(expected: "a mapping with the keys \(keys.joined(separator: ", "))")
      return nil
    }
    return ConfigurationMapping(self, mapping, keys: keys)
  }

  /// The keys and values of a mapping whose keys are for the file to choose, in order; also those where
  /// nothing was written.
  package func entries(expected: String) -> [(key: String, value: ConfigurationValue)]? {
    guard document.visit(), let mapping = node.mapping else {
      reject(expected: expected)
      return nil
    }
    let keys = mapping.map { ConfigurationDocument.written($0.key.scalar?.string ?? "") }
    let known = ConfigurationMapping(self, mapping, keys: keys)
    var seen: Set<String> = []
    return keys.compactMap { key in
      guard seen.insert(key).inserted, let value = known.values[key] else { return nil }
      return (key, value)
    }
  }
}

/// A mapping of a configuration file whose unknown and repeated keys have been reported.
package struct ConfigurationMapping {
  package let value: ConfigurationValue
  private let knownKeys: [String]
  fileprivate var values: [String: ConfigurationValue] = [:]

  init(_ value: ConfigurationValue, _ mapping: Node.Mapping, keys: [String]) {
    self.value = value
    knownKeys = keys
    var lines: [String: Int] = [:]
    for (keyNode, node) in mapping {
      let key = ConfigurationDocument.written(keyNode.scalar?.string ?? "")
      let isMerge = key == "<<"
      if isMerge {
        // YAML 1.1: the keys of one or more other mappings, where this one has not its own.
        merge(node)
        continue
      }
      let place = value.document.place(of: keyNode.mark)
      if let first = lines[key] {
        report(.duplicateKey, key, place, detail: "duplicate key; first on line \(first)")
        continue
      }
      lines[key] = place.line
      guard keys.contains(key) else {
        report(.unknownKey, key, place)
        continue
      }
      values[key] = value.child(node, self.suffix(key))
    }
  }

  private func suffix(_ key: String) -> String { value.path.isEmpty ? key : ".\(key)" }

  private mutating func merge(_ node: Node) {
    let sources = node.sequence.map(Array.init) ?? [node]
    for source in sources {
      guard value.document.visit(), let mapping = source.mapping else {
        value.child(node, suffix("<<")).reject(expected: "an alias of a mapping")
        return
      }
      let merged = ConfigurationMapping(value, mapping, keys: knownKeys)
      values.merge(merged.values) { own, _ in own }
    }
  }

  private func report(
    _ kind: ConfigurationProblem.Kind, _ key: String, _ place: (line: Int, column: Int),
    detail: String? = nil
  ) {
    guard !value.document.isFull else { return }
    value.document.report(
      ConfigurationProblem(
        kind: kind, file: value.document.file, line: place.line, column: place.column,
        key: value.path + suffix(key),
        nearestKey: kind == .unknownKey ? nearestName(to: key, among: knownKeys) : nil,
        knownKeys: kind == .unknownKey ? knownKeys : [], detail: detail))
  }

  /// The value of a key; `nil` where the key is absent or nothing was written.
  package subscript(key: String) -> ConfigurationValue? {
    precondition(knownKeys.contains(key), "\(key) is not among the keys that were announced")
    return values[key].flatMap { $0.isNull ? nil : $0 }
  }

  /// The value of a key that must be there.
  package func required(_ key: String, expected: String) -> ConfigurationValue? {
    if let value = self[key] { return value }
    let place = value.document.place(of: (values[key]?.node ?? value.node).mark)
    value.document.report(
      ConfigurationProblem(
        kind: .missingKey, file: value.document.file, line: place.line, column: place.column,
        key: value.path + suffix(key), expected: expected))
    return nil
  }
}
