public import Configuration
public import Decoding
public import Metering
public import Reconciliation
public import Reports

/// Why a nightly run came to nothing; the reports of the run before are untouched.
public enum RunError: Error, Sendable {
  case configuration(ConfigurationError)
  case privacyKey(PrivacyKeyError)
  /// A log or a statement that cannot be opened.
  case input(InputError)
  /// A statement of which nothing can be read.
  case statement(LicenseeTotalsError)
  case metering(MeteringError)
  case report(ReportError)

  /// What to say, one thing a line.
  public var messages: [String] {
    switch self {
    case .configuration(let error): error.problems.map(\.description)
    case .privacyKey(let error): [error.description]
    case .input(let error): [error.description]
    case .statement(let error): [error.description]
    case .metering(.input(let errors)): errors.map(\.description)
    case .metering(.spill(let text)): [text]
    case .metering(.strict(let texts)): texts
    case .report(let error): [error.description]
    }
  }
}

extension RunError {
  /// Reads configuration, whose mistakes end the run.
  public static func configuration<Value>(
    _ body: () throws(ConfigurationError) -> Value
  ) throws(RunError) -> Value {
    do throws(ConfigurationError) {
      return try body()
    } catch {
      throw .configuration(error)
    }
  }
}
