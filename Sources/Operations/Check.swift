public import Reports

/// One thing that was looked at before the first night, and what to do about it.
public struct Check: Sendable, Hashable, CustomStringConvertible {
  public enum Level: String, Sendable, Hashable {
    case ok
    /// A night would be done, and may not be what was meant.
    case warning
    /// A night would fail, need a person, or lack what it is to do.
    case error
  }

  public var level: Level
  /// What it is about, such as `workspace`.
  public var subject: String
  /// What was found; with the remedy, unless all is well.
  public var message: String

  static func ok(_ subject: String, _ message: String) -> Check {
    Check(level: .ok, subject: subject, message: message)
  }

  static func warning(_ subject: String, _ message: String) -> Check {
    Check(level: .warning, subject: subject, message: message)
  }

  static func error(_ subject: String, _ message: String) -> Check {
    Check(level: .error, subject: subject, message: message)
  }

  public var description: String { "\(level.rawValue): \(subject): \(message)" }

  public var json: JSONValue {
    [
      "level": .string(level.rawValue), "check": .string(subject), "message": .string(message),
    ]
  }
}

extension [Check] {
  /// These, or where nothing was found wrong, that all is well.
  func orOK(_ subject: String, _ message: String) -> [Check] {
    isEmpty ? [.ok(subject, message)] : self
  }
}

/// Sizes in words.
enum Size {
  /// `1.5 GiB`.
  static func text(_ bytes: Int) -> String {
    var value = Double(bytes)
    var unit = 0
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1_024, unit < units.count - 1 {
      value /= 1_024
      unit += 1
    }
    let rounded = (value * 10).rounded() / 10
    return rounded == rounded.rounded()
      ? "\(Int(rounded)) \(units[unit])" : "\(rounded) \(units[unit])"
  }
}
