import CivilTime
import Files
import Foundation
import Glibc
import Operations
import Pipelines
import Testing

@Suite("The hook", .serialized)
struct HookTests {
  private static let facts = RunFacts(
    pipeline: "夜间 \"job\"", path: "p.yaml", folder: "/reports",
    endedAt: Instant(microseconds: 1_764_641_407_250_000), durationSeconds: 1, status: 1,
    needsPerson: ["1 finding of high severity: see findings.csv"], errors: [])

  private func hook(_ command: String..., timeLimit: Int64 = 60) -> Hook {
    Hook(command: command, timeLimit: Interval(seconds: timeLimit), line: 4)
  }

  @Test("it is told by standard input and environment, and has no open file of ours")
  func told() throws {
    let scratch = try Scratch()
    let script = """
      cat > '\(scratch.path)/in'
      echo "$DUIZHANG_STATUS|$DUIZHANG_PIPELINE|$DUIZHANG_OUT" > '\(scratch.path)/env'
      ls -l /proc/self/fd > '\(scratch.path)/fds'
      grep Sig /proc/self/status > '\(scratch.path)/signals'
      """
    let open = try FileDescriptor.openToRead("/dev/zero").get()
    #expect(hook("sh", "-c", script).run(Self.facts) == nil)
    _ = FileDescriptor.close(open)
    let told = try JSONSerialization.jsonObject(with: Data(scratch.text("in").utf8))
    #expect(
      told as? NSDictionary == [
        "pipeline": "夜间 \"job\"", "file": "p.yaml", "status": 1,
        "needs_person": ["1 finding of high severity: see findings.csv"], "errors": [],
        "reports": "/reports", "ended_at": "2025-12-02T02:10:07.250Z",
      ] as NSDictionary)
    #expect(try scratch.text("env") == "1|夜间 \"job\"|/reports\n")
    let files = try scratch.text("fds")
    #expect(files.contains("0 -> pipe:") && !files.contains("/dev/zero"))
    let ignored = try scratch.text("signals").split(separator: "\n")
      .first { $0.hasPrefix("SigIgn:") }?.split(separator: "\t").last
    #expect(ignored.flatMap { UInt64($0, radix: 16) }.map { $0 & (1 << (13 - 1)) } == 0)
  }

  @Test("one that does not read its input, however long that is, stops nobody")
  func unread() throws {
    var facts = Self.facts
    facts.errors = (0..<10_000).map { "mistake \($0) of many" }
    #expect(hook("true").run(facts) == nil)
    #expect(hook("sh", "-c", "exec < /dev/null; sleep 0.1").run(facts) == nil)
    let scratch = try Scratch()
    #expect(hook("sh", "-c", "sleep 0.1; cat > '\(scratch.path)/in'").run(facts) == nil)
    let told = try JSONSerialization.jsonObject(with: Data(scratch.text("in").utf8))
    #expect((told as? [String: Any])?["errors"] as? [String] == facts.errors)
  }

  @Test("its failure is told with place and remedy")
  func failures() throws {
    let scratch = try Scratch()
    #expect(hook("sh", "-c", "exit 7").run(Self.facts)?.contains("ended with status 7") == true)
    #expect(
      hook("sh", "-c", "kill -9 $$").run(Self.facts)?.contains("was ended by signal 9") == true)
    let silent = try scratch.write("silent", "nothing that a kernel runs\n", mode: 0o700)
    let unknown = try #require(hook(silent).run(Self.facts))
    #expect(
      unknown.hasPrefix("p.yaml:4: hook: '\(silent)' could not be started: Exec format error"))
    #expect(unknown.hasSuffix("#!/bin/sh"))
  }

  @Test("one that takes too long is ended with all that it started")
  func timeLimit() throws {
    let scratch = try Scratch()
    let pids = scratch.path + "/pids"
    // The shell's child would live on for a minute.
    let script = "sleep 60 & echo $! > '\(pids)'; wait"
    let begin = ContinuousClock.now
    let told = try #require(hook("sh", "-c", script, timeLimit: 1).run(Self.facts))
    #expect(ContinuousClock.now - begin < .seconds(30))
    #expect(told.contains("took more than 1s and was ended; see why, or give it more"))
    let child = try #require(Int32(scratch.text("pids").trimmingCharacters(in: .newlines)))
    // It may be there yet for moments, and as a process that nobody has reaped for longer.
    var isRunning = true
    for _ in 1...500 where isRunning {
      let status = (try? String(contentsOfFile: "/proc/\(child)/status", encoding: .utf8)) ?? ""
      isRunning = !status.isEmpty && !status.contains("State:\tZ")
      if isRunning { usleep(10_000) }
    }
    #expect(!isRunning)
  }

  @Test("a program that cannot be started is known before")
  func problems() throws {
    let scratch = try Scratch()
    let plain = try scratch.write("plain", "#!/bin/sh\n", mode: 0o600)
    func problem(_ command: String...) -> String {
      Hook(command: command, line: 4).problem(pipelinePath: "p.yaml") ?? ""
    }
    #expect(problem("sh", "-c", "exit 1").isEmpty)
    #expect(problem("/bin/sh").isEmpty)
    #expect(
      problem("no-such-program").hasPrefix(
        "p.yaml:4: hook: 'no-such-program' is in no folder of PATH"))
    #expect(problem("/bin/sh -c true").contains("a list: [/bin/sh, -c, true]"))
    #expect(problem("/no/such").contains("there is no program '/no/such'; check the path"))
    #expect(problem(scratch.path).contains("is no file"))
    // Root too may execute only what someone may.
    #expect(problem(plain).contains("may not be executed by this user; chmod +x it"))
    #expect(Hook(command: [plain]).run(Self.facts)?.contains("may not be executed") == true)
  }

  @Test("who is told of what")
  func isCalled() {
    let called = (0...5).filter { Hook.isCalled(status: $0) }
    #expect(called == [1, 2, 3, 5])
  }
}
