import CivilTime
import Foundation
import GRDB
import Testing

@testable import Ledger

@Suite struct LedgerTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test func whatIsPutInComesOut() throws {
    let workspace = try openToWrite(folder.workspace)
    let id = try workspace.takeIn("one", name: "/logs/one.gz", days: [firstDay, firstDay + 1])
    try workspace.ledger.read { state throws(WorkspaceError) in
      let found = try state.file(textDigest: digest("one"))
      #expect(found?.id == id)
      #expect(found?.file == .test("one"))
      #expect(try state.file(textDigest: digest("two")) == nil)
      #expect(try state.segments(of: id).map(\.day) == [firstDay, firstDay + 1])
      #expect(try state.knownNames()[Array("/logs/one.gz".utf8)]?.file == id)
      let run = try state.lastFinishedRun()
      #expect(run?.start == .test)
      #expect(run?.outcome == .done)
      #expect(run?.finishedAt == epoch)
      #expect(try state.day(firstDay)?.dates == firstDay...firstDay)
      // Two segments, and a result and rows for each day.
      #expect(try state.referencedFiles().count == 6)
      #expect(try state.staleDays(ruleHash: rule).isEmpty)
      #expect(try state.staleDays(ruleHash: digest("other")).count == 2)
    }
    #expect(try workspace.verify().isEmpty)
  }

  @Test func aContentsNameIsTheSmallestOfItsPathsInBytes() throws {
    let workspace = try openToWrite(folder.workspace)
    // In bytes 'Z' is before 'a', and 'é' behind both.
    let id = try workspace.takeIn("one", name: "/logs/é")
    for (path, smallest) in [
      ("/logs/a", "/logs/a"), ("/logs/b", "/logs/a"), ("/logs/Z", "/logs/Z"),
    ] {
      let run = try workspace.ledger.begin(.test)
      try workspace.ledger.commit(run) { transaction throws(WorkspaceError) in
        try transaction.add(.test(path), to: id)
      }
      try workspace.ledger.read { state throws(WorkspaceError) in
        #expect(try state.name(of: id) == smallest)
        #expect(try state.segments(on: firstDay).map(\.name) == [smallest])
      }
    }
    // A new name may put segments in another order, and is said in every row.
    let stale = try workspace.ledger.read { state throws(WorkspaceError) in
      try state.staleDays(ruleHash: rule).map(\.day)
    }
    #expect(stale == [firstDay])
  }

  @Test func aNameThatHoldsAnotherContentIsKnownByTheLastAndKeepsTheFirst() throws {
    let workspace = try openToWrite(folder.workspace)
    let first = try workspace.takeIn("one", name: "/logs/access.log")
    let second = try workspace.takeIn("two", name: "/logs/access.log")
    try workspace.ledger.read { state throws(WorkspaceError) in
      #expect(try state.knownNames()[Array("/logs/access.log".utf8)]?.file == second)
      #expect(try state.name(of: first) == "/logs/access.log")
      #expect(try state.segments(on: firstDay).count == 2)
    }
    let run = try workspace.ledger.begin(.test)
    try workspace.ledger.commit(run) { transaction throws(WorkspaceError) in
      try transaction.remove(first)
      #expect(try workspace.build(transaction) == [firstDay])
    }
    #expect(
      try workspace.ledger.read { state throws(WorkspaceError) in
        try state.segments(on: firstDay).map(\.log)
      } == [second])
  }

  @Test func whatIsCarriedOverRebuildsTheNextDaysUntilNothingChanges() throws {
    let workspace = try openToWrite(folder.workspace)
    let days = (0..<5).map { firstDay + $0 }
    // Nothing on the third day: it is built for what is carried through it.
    try workspace.takeIn("one", name: "a", days: [days[0], days[1], days[3], days[4]])
    func build(_ carry: [CivilDate: String], rule: ContentHash = rule) throws -> [CivilDate] {
      let run = try workspace.ledger.begin(.test)
      return try workspace.ledger.commit(run) { transaction throws(WorkspaceError) in
        // Takes the first day out, so that it is built again.
        try transaction.remove(days[0])
        return try workspace.build(transaction) { carry[$0] }
      }
    }
    #expect(try build([:]) == [days[0]])
    #expect(try build([days[0]: "x"]) == [days[0], days[1]])
    #expect(try build([days[0]: "y", days[1]: "y", days[2]: "y"]) == Array(days[0...3]))
    // The same again ends at once.
    #expect(try build([days[0]: "y", days[1]: "y", days[2]: "y"]) == [days[0]])
    // Nothing carried over takes the third day out again.
    #expect(try build([:]) == Array(days[0...3]))
    #expect(
      try workspace.ledger.read { state throws(WorkspaceError) in try state.days().map(\.day) }
        == [days[0], days[1], days[3], days[4]])
    // The last day's carry makes no day behind the last record.
    let run = try workspace.ledger.begin(.test)
    let last = try workspace.ledger.commit(run) { transaction throws(WorkspaceError) in
      try transaction.remove(days[4])
      return try workspace.build(transaction) { $0 == days[4] ? "z" : nil }
    }
    #expect(last == [days[4]])
    #expect(try workspace.verify().filter(\.isError).isEmpty)
  }

  @Test func aRunThatThrowsChangesNothing() throws {
    struct Stop: Error, Equatable {}
    let workspace = try openToWrite(folder.workspace)
    try workspace.takeIn("one", name: "a")
    let run = try workspace.ledger.begin(.test)
    func stop(_ transaction: LedgerTransaction) throws(Stop) {
      do throws(WorkspaceError) {
        try transaction.insert(
          .test("two"), segments: [workspace.segment("two", firstDay)], name: .test("b"))
      } catch {
        Issue.record(error)
      }
      throw Stop()
    }
    #expect(throws: Stop()) {
      try workspace.ledger.commit(run, orThrow: { _ in Stop() }, stop)
    }
    #expect(
      try workspace.ledger.read { state throws(WorkspaceError) in
        try state.file(textDigest: digest("two")) == nil
      })
    try workspace.ledger.abandon(run, summary: #"{"error":"stop"}"#)
    let runs = try workspace.ledger.read { state throws(WorkspaceError) in try state.runs() }
    #expect(runs.map(\.outcome) == [.done, .failed])
    #expect(throws: WorkspaceError.self) { try workspace.ledger.abandon(run, summary: "{}") }
    // Its segment belongs to no run.
    let swept = try workspace.sweep()
    #expect(swept.removed.count == 1)
    #expect(swept.bytes == 3)
    #expect(try workspace.verify().isEmpty)
  }

  @Test func rowsThatDoNotAddUpAreRefused() throws {
    let workspace = try openToWrite(folder.workspace)
    try workspace.takeIn("one", name: "a")
    let run = try workspace.ledger.begin(.test)
    func refused(_ body: (LedgerTransaction) throws(WorkspaceError) -> Void) {
      do throws(WorkspaceError) {
        try workspace.ledger.commit(run, body)
        Issue.record("was taken")
      } catch {
        guard case .constraint = error else {
          Issue.record(error)
          return
        }
      }
    }
    func refusedFile(_ change: (inout LogFile) -> Void) {
      var file = LogFile.test("two")
      change(&file)
      refused { transaction throws(WorkspaceError) in
        try transaction.insert(file, segments: [], name: .test("b"))
      }
    }
    refusedFile { $0.textDigest = digest("one") }
    refusedFile { $0.textDigest = ContentHash(bytes: [1]) }
    refusedFile { $0.lines += 1 }
    refusedFile { $0.blankBytes = 90 }
    refusedFile { $0.lastTime = nil }
    refusedFile { $0.lastTime = $0.firstTime.map { $0 + Interval(microseconds: -1) } }
    refusedFile { $0.storedBytes = -1 }
    refused { transaction throws(WorkspaceError) in
      try transaction.add(.test("c"), to: LogFileID(number: 99))
    }
    // A time on another day.
    refused { transaction throws(WorkspaceError) in
      var segment = try workspace.segment("s", firstDay)
      segment.day = firstDay + 1
      try transaction.insert(.test("two"), segments: [segment], name: .test("b"))
    }
    refused { transaction throws(WorkspaceError) in
      var segment = try workspace.segment("s", firstDay)
      segment.file.path = "segments/../../etc"
      try transaction.insert(.test("two"), segments: [segment], name: .test("b"))
    }
    refused { $0.finish(.done, summary: "no JSON") }
    refused { transaction throws(WorkspaceError) in
      try transaction.audit(actor: "a", action: "b", detail: "no JSON")
    }
    #expect(try workspace.verify().filter(\.isError).isEmpty)
  }

  @Test func theAuditLogOnlyGrows() throws {
    let workspace = try openToWrite(folder.workspace)
    try workspace.takeIn("one", name: "a")
    for statement in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
      #expect(throws: DatabaseError.self) {
        try workspace.ledger.queue.write { try $0.execute(sql: statement) }
      }
    }
    #expect(throws: DatabaseError.self) {
      try workspace.ledger.queue.write { try $0.execute(sql: "DELETE FROM run") }
    }
  }

  @Test func numbersOfBlocksAreVarints() {
    let numbers = [0, 1, 127, 128, 16_383, 16_384, 1 << 40, Int.max]
    #expect(VarInts.decode(VarInts.encode(numbers)) == numbers)
    #expect(VarInts.encode([300]) == [0xAC, 0x02])
    #expect(VarInts.decode([0x80]) == nil)
    #expect(VarInts.decode([UInt8](repeating: 0xFF, count: 11)) == nil)
  }
}
