import Foundation
import Testing

/// The package's own folder.
let packageFolder = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// Where stories take place, without a slash at its end.
let temporaryFolder = URL(fileURLWithPath: NSTemporaryDirectory()).path

/// What a command did.
struct Outcome {
  var status: Int32
  /// Whether a signal ended it.
  var wasKilled: Bool
  var output: String
  var errors: String

  var lines: [Substring] { output.split(separator: "\n") }
}

/// A folder with the files of one story, in which the built command runs; removed at the end.
final class Story {
  let path: String

  /// The command beside the bundle of tests that is running.
  static let executable: String = {
    let bundle =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let beside = URL(fileURLWithPath: bundle).deletingLastPathComponent().path + "/duizhang"
    let arguments = CommandLine.arguments.map {
      URL(fileURLWithPath: $0).deletingLastPathComponent().path + "/duizhang"
    }
    return ([beside] + arguments + [packageFolder + "/.build/debug/duizhang"])
      .first { FileManager.default.isExecutableFile(atPath: $0) } ?? beside
  }()

  init() throws {
    path = temporaryFolder + "/command-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws {
    try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
  }

  func folder(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: "\(path)/\(name)", withIntermediateDirectories: true)
  }

  func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
  }

  func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

  func names(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)")) ?? []).sorted()
  }

  /// Runs the command in the folder.
  func duizhang(_ arguments: String..., input: String? = nil) throws -> Outcome {
    try run(Self.executable, arguments, input: input)
  }

  /// Runs a script of bash in the folder, in which `$DUIZHANG` is the command and `$PACKAGE` the
  /// package's folder.
  func shell(_ script: String) throws -> Outcome {
    try run("/bin/bash", ["-c", script], input: nil)
  }

  private func run(_ executable: String, _ arguments: [String], input: String?) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    // What the machine's user has set must not decide a test.
    process.environment = [
      "PATH": "/usr/bin:/bin", "HOME": path + "/home", "TMPDIR": NSTemporaryDirectory(),
      "DUIZHANG": Self.executable, "PACKAGE": packageFolder, "LC_ALL": "C.UTF-8",
    ]
    // Files, since a pipe that nobody empties would stop the command.
    let name = ".\(UUID().uuidString)"
    for end in ["in", "out", "err"] { try write("\(name).\(end)", end == "in" ? input ?? "" : "") }
    func handle(_ end: String) -> FileHandle? {
      end == "in"
        ? FileHandle(forReadingAtPath: "\(path)/\(name).in")
        : FileHandle(forWritingAtPath: "\(path)/\(name).\(end)")
    }
    process.standardInput = handle("in")
    process.standardOutput = handle("out")
    process.standardError = handle("err")
    try process.run()
    process.waitUntilExit()
    defer {
      for end in ["in", "out", "err"] {
        try? FileManager.default.removeItem(atPath: "\(path)/\(name).\(end)")
      }
    }
    return Outcome(
      status: process.terminationStatus,
      wasKilled: process.terminationReason == .uncaughtSignal, output: try text("\(name).out"),
      errors: try text("\(name).err"))
  }
}

/// A line of a log of 1 December 2025.
func call(
  _ time: String, user: String = "u1", licensee: String = "acme", module: String = "bot"
) -> String {
  """
  {"time":"2025-12-01T\(time)Z","licensee":"\(licensee)","user":"\(user)","module":"\(module)"}

  """
}

/// Two conversations of one user.
let twoConversations = call("08:00:00") + call("08:30:00") + call("09:00:00.001")

let countHeader =
  "contract,licensee,date,module,scenario,unit,quantity,messages,failed_messages,duplicates\n"
