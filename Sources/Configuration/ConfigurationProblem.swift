/// One mistake in a configuration file: where it stands, what was expected and how to mend it.
public struct ConfigurationProblem: Error, Hashable, Sendable {
  public enum Kind: Sendable, Hashable {
    case unreadableFile, syntax, duplicateKey, unknownKey, missingKey, wrongValue, contradiction
  }

  public var kind: Kind
  /// The path as it was given.
  public var file: String
  /// From 1; `nil` where the file could not be read at all.
  public var line: Int?
  /// From 1, in Unicode scalars.
  public var column: Int?
  /// The way to the value: `prices[1].unit`; empty for the file as a whole.
  public var key: String
  public var expected: String?
  /// The value as written, in quotes, or `a list`, `a mapping`, `nothing`.
  public var found: String?
  /// The known key that an unknown one was probably meant to be.
  public var nearestKey: String?
  public var knownKeys: [String] = []
  /// What is wrong, where expected and found do not say it.
  public var detail: String?
}

extension ConfigurationProblem {
  /// A value that does not go together with another file's.
  public static func contradiction(
    file: String, line: Int?, key: String, detail: String
  ) -> ConfigurationProblem {
    ConfigurationProblem(
      kind: .contradiction, file: file, line: line, column: nil, key: key, detail: detail)
  }
}

extension ConfigurationProblem: CustomStringConvertible {
  /// `contract.yaml:12: prices[1].untt: unknown key; did you mean 'unit'? (known keys: …)`.
  public var description: String {
    var parts = [line.map { "\(file):\($0)" } ?? file]
    if !key.isEmpty { parts.append(key) }
    parts.append(message)
    return parts.joined(separator: ": ")
  }

  /// The mistake without its place.
  public var message: String {
    switch kind {
    case .unreadableFile: return "cannot be read: \(detail ?? "")"
    case .syntax, .duplicateKey, .contradiction: return detail ?? ""
    case .unknownKey:
      let hint = nearestKey.map { "; did you mean '\($0)'?" } ?? ""
      return "unknown key\(hint) (known keys: \(knownKeys.joined(separator: ", ")))"
    case .missingKey: return "missing; expected \(expected ?? "a value")"
    case .wrongValue:
      let hint = nearestKey.map { "; did you mean '\($0)'?" } ?? ""
      return "expected \(expected ?? "another value"), found \(found ?? "nothing")\(hint)"
    }
  }
}

/// Every mistake of one or more configuration files, by file and line; never empty.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  public let problems: [ConfigurationProblem]

  public init(problems: [ConfigurationProblem]) {
    // What stands at one place stays in the order in which it was found.
    let order = problems.enumerated().sorted { left, right in
      let (first, second) = (left.element, right.element)
      return (first.file, first.line ?? 0, first.column ?? 0, left.offset)
        < (second.file, second.line ?? 0, second.column ?? 0, right.offset)
    }
    self.problems = order.map(\.element)
  }

  /// One problem a line.
  public var description: String { problems.map(\.description).joined(separator: "\n") }
}
