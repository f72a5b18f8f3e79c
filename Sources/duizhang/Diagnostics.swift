import ArgumentParser
import Glibc
import Reports

enum StandardError {
  static func write(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
      }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

enum MessageFormat: String, ExpressibleByArgument, CaseIterable { case text, json }

/// What a command says on standard error.
struct Diagnostics: Sendable {
  enum Level: String { case info, warning, error }

  var format: MessageFormat
  var isQuiet: Bool

  /// Says one thing; `--quiet` leaves only errors and warnings.
  func say(_ level: Level, _ message: String) {
    if isQuiet && level == .info { return }
    switch format {
    case .text:
      let prefix = level == .info ? "" : "duizhang: \(level.rawValue): "
      StandardError.write((prefix + message).printable + "\n")
    case .json:
      let value: JSONValue = ["level": .string(level.rawValue), "message": .string(message)]
      StandardError.write(value.renderLine() + "\n")
    }
  }

  /// Gives a report's value: its text for people, its JSON for programs.
  func report(text: String, json: JSONValue) {
    if isQuiet { return }
    switch format {
    case .text: StandardError.write(text.printable)
    case .json: StandardError.write(json.renderLine() + "\n")
    }
  }
}
