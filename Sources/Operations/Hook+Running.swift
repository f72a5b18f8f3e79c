internal import CivilTime
internal import Files
internal import Foundation
internal import Glibc
public import Pipelines
internal import Reports

extension Hook {
  /// Whether a run that ended so is told of: one that needs a person or failed, and not one that left the
  /// work to another run (4), which will say itself how it ended.
  public static func isCalled(status: Int32) -> Bool { status != 0 && status != 4 }

  /// What is wrong with the program, and how to mend it; `nil` where it can be started.
  public func problem(pipelinePath: String) -> String? {
    problem.map { "\(pipelinePath):\(line): hook: \($0)" }
  }

  /// Starts the program, with what the run came to on its standard input, and waits for it.
  ///
  /// - Returns: what went wrong, for people; `nil` where nothing did.
  public func run(_ facts: RunFacts) -> String? {
    let place = "\(facts.path):\(line): hook: "
    guard problem == nil, let program else { return problem.map { place + $0 } }
    var environment = ProcessInfo.processInfo.environment
    environment["DUIZHANG_STATUS"] = "\(facts.status)"
    environment["DUIZHANG_PIPELINE"] = facts.pipeline
    environment["DUIZHANG_OUT"] = facts.folder
    let child = ChildProcess(
      program: program, arguments: Array(command.dropFirst()), environment: environment,
      input: facts.json.render(), timeLimitMilliseconds: Int(timeLimit.microseconds / 1_000))
    do throws(SystemError) {
      switch try child.run() {
      case .exited(0): return nil
      case .exited(let status):
        return place + "'\(program)' ended with status \(status); what it said stands above"
      case .signalled(let signal): return place + "'\(program)' was ended by signal \(signal)"
      case .timedOut:
        return place
          + "'\(program)' took more than \(timeLimit.text) and was ended; see why, or give "
          + "it more with 'hook_time_limit'"
      }
    } catch {
      return place + "'\(program)' could not be started: \(error.reason)"
        + (error.number == ENOEXEC ? "; a script's first line says what runs it: #!/bin/sh" : "")
    }
  }

  /// The program's path; `nil` where its name is in no folder of `PATH`.
  private var program: String? {
    guard let name = command.first, !name.contains("/") else { return command.first }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return path.split(separator: ":").map { "\($0)/\(name)" }.first {
      FileDescriptor.kind($0) == S_IFREG && FileDescriptor.allows(X_OK, $0)
    }
  }

  private var problem: String? {
    let name = command[0]
    guard let program else {
      return
        "'\(name)' is in no folder of PATH; write its path, or './\(name)' for one beside this file"
    }
    switch FileDescriptor.kind(program) {
    case nil:
      let words = name.split(separator: " ")
      return "there is no program '\(program)'"
        + (command.count == 1 && words.count > 1
          ? "; a program with arguments is a list: [\(words.joined(separator: ", "))]"
          : "; check the path")
    case S_IFREG:
      return FileDescriptor.allows(X_OK, program)
        ? nil
        : "'\(program)' may not be executed by this user; chmod +x it, and check who may enter its folder"
    default: return "'\(program)' is no file; name the program itself"
    }
  }
}

extension RunFacts {
  /// What the hook reads.
  var json: JSONValue {
    [
      "pipeline": .string(pipeline), "file": .string(path), "status": .number(Int(status)),
      "needs_person": .array(needsPerson.map { .string($0) }),
      "errors": .array(errors.map { .string($0) }), "reports": .string(folder),
      "ended_at": .string(endedAt.rfc3339(in: .utc)),
    ]
  }
}

extension SystemError {
  /// In the system's words.
  var reason: String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
  }
}
