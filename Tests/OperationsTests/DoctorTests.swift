import CivilTime
import Foundation
import GRDB
import Ledger
import Operations
import Testing

/// What depends on the machine, which is another one here; `duizhang doctor` itself is tried by command.
@Suite("The doctor's view of a machine")
struct DoctorTests {
  /// A user with a good machine on 2 December 2025.
  private func machine(_ scratch: Scratch) -> Machine {
    Machine(
      now: Instant(microseconds: 1_764_641_407_250_000),
      environment: ["TMPDIR": scratch.path, "HOME": scratch.path], userID: 1_000,
      memoryBytes: 8 << 30, openFilesMax: 1_024,
      mounts: [Machine.Mount(path: "/", type: "ext4")])
  }

  private func examine(_ scratch: Scratch, _ machine: Machine, _ keys: String = "") throws
    -> [Check]
  {
    try scratch.write(
      "log", #"{"time":"2025-12-01T08:00:00Z","licensee":"acme","user":"u"}"# + "\n")
    let pipeline = try scratch.write(
      "p.yaml", "pipeline: p\nlogs: [log]\nout: out\n\(keys)\n")
    return Doctor(
      path: pipeline, machine: machine, memoryBytesDefault: 512 << 20, programVersion: "1"
    ).examine()
  }

  /// The words of what is no ok, but for the log's date, which is that of the test.
  private func problems(_ checks: [Check]) -> [String] {
    checks.filter { $0.level != .ok && $0.subject != "logs" }.map(\.description)
  }

  @Test("a good machine")
  func good() throws {
    let scratch = try Scratch()
    let checks = try examine(scratch, machine(scratch))
    #expect(problems(checks).isEmpty, "\(checks)")
    let subjects = checks.map(\.subject)
    for subject in [
      "pipeline", "contracts", "logs", "out", "TMPDIR", "memory", "clock", "time zones",
      "open files", "user",
    ] {
      #expect(subjects.contains(subject))
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == [
        "log", "p.yaml",
      ])
  }

  @Test("clock, root, memory and open files")
  func limits() throws {
    let scratch = try Scratch()
    var machine = machine(scratch)
    machine.now = Instant(microseconds: 0)
    machine.userID = 0
    machine.memoryBytes = 400 << 20
    machine.openFilesMax = 255
    let found = problems(try examine(scratch, machine))
    for told in [
      "error: clock: the machine's clock says 1970-01-01T00:00:00.000Z; set it",
      "warning: user: this is root",
      "error: memory: a run takes 512 MiB of the 400 MiB that a process can have, and would be ended",
      "warning: open files: 255 may be open at a time",
    ] {
      #expect(found.contains { $0.hasPrefix(told) }, "\(found)")
    }
    machine.memoryBytes = 600 << 20
    #expect(
      problems(try examine(scratch, machine)).contains {
        $0.hasPrefix("warning: memory: a run takes 512 MiB of the 600 MiB")
      })
    #expect(
      !problems(try examine(scratch, machine, "memory: 64M")).contains { $0.contains("memory") })
  }

  @Test(
    "file systems of other machines",
    arguments: ["nfs", "nfs4", "cifs", "fuse", "fuse.sshfs", "9p"])
  func remote(type: String) throws {
    let scratch = try Scratch()
    var machine = machine(scratch)
    let mount = URL(fileURLWithPath: scratch.path).resolvingSymlinksInPath().path
    machine.mounts += [
      Machine.Mount(path: mount, type: type), Machine.Mount(path: mount + "/other", type: "ext4"),
    ]
    let found = problems(try examine(scratch, machine, "workspace: ws"))
    #expect(found.count == 3, "\(found)")
    #expect(found.contains { $0.hasPrefix("warning: out: ") && $0.contains(" is on \(type), at ") })
    #expect(found.contains { $0.hasPrefix("error: workspace: ") && $0.contains("local disk") })
    #expect(found.contains { $0.hasPrefix("warning: TMPDIR: ") })
  }

  @Test("a workspace and temporary files in memory")
  func memory() throws {
    let scratch = try Scratch()
    var machine = machine(scratch)
    machine.mounts = [Machine.Mount(path: "/", type: "tmpfs")]
    let found = problems(try examine(scratch, machine, "workspace: ws"))
    #expect(found.count == 3, "\(found)")
    #expect(found.allSatisfy { $0.hasPrefix("warning: ") && $0.contains("tmpfs") })
  }

  @Test("too little room for a night")
  func space() throws {
    let scratch = try Scratch()
    let line = #"{"time":"2025-12-01T08:00:00Z","licensee":"acme","user":"u"}"# + "\n"
    let lines = String(repeating: line, count: 20_000)
    let log = FileHandle(forWritingAtPath: try scratch.write("big", lines))
    // Behind the lines, a hole.
    try log?.truncate(atOffset: 1 << 43)
    try log?.close()
    let found = problems(try examine(scratch, machine(scratch), "workspace: ws"))
    #expect(found.isEmpty)
    let pipeline = try scratch.write(
      "p.yaml", "pipeline: p\nlogs: [big]\nout: out\nworkspace: ws\n")
    let checks = Doctor(
      path: pipeline, machine: machine(scratch), memoryBytesDefault: 512 << 20, programVersion: "1"
    ).examine()
    for subject in ["out", "workspace", "TMPDIR"] {
      #expect(
        problems(checks).contains {
          $0.hasPrefix("warning: \(subject): ") && $0.contains("less than twice the newest day's")
        })
    }
  }

  @Test("a ledger of another version")
  func versions() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/ws"
    do {
      _ = try Workspace.open(path, access: .write(holder: "test"), programVersion: "1")
    }
    #expect(problems(try examine(scratch, machine(scratch), "workspace: ws")).isEmpty)
    func change(_ sql: String) throws {
      let queue = try DatabaseQueue(path: path + "/ledger.sqlite")
      try queue.write { try $0.execute(sql: sql) }
      try queue.close()
    }
    try change("INSERT INTO grdb_migrations (identifier) VALUES ('of the future')")
    #expect(
      try problems(examine(scratch, machine(scratch), "workspace: ws")).first?.hasPrefix(
        "error: workspace: \(path): this ledger is of another version of duizhang") == true)
    try change("DELETE FROM grdb_migrations")
    let older = problems(try examine(scratch, machine(scratch), "workspace: ws"))
    #expect(older.count == 1)
    #expect(older.first?.hasPrefix("warning: workspace: ") == true)
    #expect(older.first?.contains("of an older version of duizhang") == true)
  }

  @Test("this machine is known")
  func current() {
    let machine = Machine.current(now: Instant(microseconds: 0))
    #expect(machine.memoryBytes ?? 0 > 16 << 20)
    #expect(machine.openFilesMax ?? 0 > 0)
    #expect(machine.mounts.contains { $0.path == "/" })
    #expect(machine.userID == getuid())
  }
}
