public import Configuration
public import Decoding
internal import Glibc
public import Ledger
public import Metering
internal import Nights
public import Reports
internal import Segments
internal import Shuffling
public import Statements

/// Why a nightly run came to nothing; the reports of the run before are untouched.
public enum RunError: Error, Sendable {
  case configuration(ConfigurationError)
  case privacyKey(PrivacyKeyError)
  /// A log or a statement that cannot be opened.
  case input(InputError)
  /// A statement of which nothing can be read.
  case statement(StatementError)
  case metering(MeteringError)
  case workspace(WorkspaceError)
  /// What was asked for does not go together.
  case usage(String)
  /// A contract says something else of a closed month than when that was closed.
  case terms(String)
  /// A file of the workspace that cannot be read or written, or is not what was written.
  case stored(String)
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
    case .workspace(let error): [error.description]
    case .stored(let text), .usage(let text), .terms(let text): [text]
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

extension RunError {
  /// Does something with records that may be put aside on disk.
  static func spill<Value>(
    _ body: () throws(SpillError) -> Value
  ) throws(RunError) -> Value {
    do throws(SpillError) {
      return try body()
    } catch {
      throw .metering(.spill(error.description))
    }
  }

  /// A statement that cannot be opened is an input like a log.
  init(_ error: StatementError) {
    if case .input(let error) = error { self = .input(error) } else { self = .statement(error) }
  }

  /// Does something with a workspace, whose errors end the run.
  static func stored<Value>(_ body: () throws -> Value) throws(RunError) -> Value {
    do {
      return try body()
    } catch let error as RunError {
      throw error
    } catch let error as ClosingError {
      throw .usage("\(error)")
    } catch let error as ClosedTermsError {
      throw .terms("\(error)")
    } catch let error as IntakeError {
      throw RunError(error)
    } catch let error as WorkspaceError {
      throw .workspace(error)
    } catch let error as SegmentError {
      throw RunError(error)
    } catch let error as SpillError {
      throw .metering(.spill(error.description))
    } catch let error as ReportError {
      throw .report(error)
    } catch {
      throw .stored("\(error)")
    }
  }

  init(_ error: IntakeError) {
    switch error {
    case .input(let errors): self = .metering(.input(errors))
    case .strict(let texts): self = .metering(.strict(texts))
    case .segment(let error): self.init(error)
    case .workspace(let error): self = .workspace(error)
    }
  }

  init(_ error: SegmentError) {
    let remedy =
      switch error.problem {
      case .failed(_, let error) where error.number == ENOSPC || error.number == EDQUOT:
        "free some space and run again: what was taken in before still holds"
      case .failed: "check the disk, and who owns the workspace"
      default:
        "see 'duizhang workspace verify'; restore the workspace from a copy, or begin a new one from "
          + "the logs"
      }
    self = .stored("\(error); \(remedy)")
  }
}
