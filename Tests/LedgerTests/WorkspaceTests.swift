import CivilTime
import Foundation
import GRDB
import Glibc
import Testing

@testable import Ledger

@Suite struct WorkspaceTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private func error(_ body: () throws(WorkspaceError) -> Workspace) -> WorkspaceError? {
    do throws(WorkspaceError) {
      _ = try body()
      return nil
    } catch {
      return error
    }
  }

  // MARK: - Opening

  @Test func aNewWorkspaceIsPrivateAndItsTablesAreStrict() throws {
    let workspace = try openToWrite(folder.path + "/a/b/workspace")
    let attributes = try FileManager.default.attributesOfItem(atPath: workspace.path)
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
    try workspace.ledger.queue.read { database in
      let loose = try String.fetchAll(
        database,
        sql: """
          SELECT name FROM pragma_table_list
          WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite%'
          """)
      #expect(loose == ["grdb_migrations"])
      #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM workspace") == 1)
      #expect(try Int.fetchOne(database, sql: "PRAGMA synchronous") == 2)
      #expect(try String.fetchOne(database, sql: "PRAGMA journal_mode") == "wal")
    }
    #expect(try workspace.verify().isEmpty)
  }

  @Test func itIsOpenedAgainAsItWas() throws {
    try openToWrite(folder.workspace).takeIn("one", name: "a")
    let workspace = try openToWrite(folder.workspace)
    #expect(
      try workspace.ledger.read { state throws(WorkspaceError) in
        try state.auditEntries().map(\.action)
      } == ["workspace.create", "workspace.upgrade", "run.begin", "run.commit"])
    #expect(try workspace.verify().isEmpty)
  }

  /// A run that fails before it begins must not look like a change by someone else.
  @Test func aLedgerThatIsOnlyOpenedKeepsItsBytes() throws {
    try openToWrite(folder.workspace).takeIn("one", name: "a")
    let ledger = URL(fileURLWithPath: folder.workspace + "/ledger.sqlite")
    let bytes = try Data(contentsOf: ledger)
    for _ in 1...2 { _ = try openToWrite(folder.workspace) }
    _ = try openToRead(folder.workspace)
    #expect(try Data(contentsOf: ledger) == bytes)
    #expect(try openToRead(folder.workspace).verify().isEmpty)
  }

  /// SQLite's journal is there only while the ledger is made.
  @Test func aWorkspaceWhoseMakingWasCutShortIsNoneYet() throws {
    let path = folder.workspace
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    for name in ["ledger.sqlite", "ledger.sqlite-journal"] {
      try Data().write(to: URL(fileURLWithPath: "\(path)/\(name)"))
      #expect(
        error { () throws(WorkspaceError) in try openToRead(path) } == .unfinished(path: path))
    }
    #expect(try openToWrite(path).verify().isEmpty)
    #expect(try openToRead(path).verify().isEmpty)
  }

  @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
  func aCopyThatCannotBeWrittenIsVerified() throws {
    try openToWrite(folder.workspace).takeIn("one", name: "a")
    let path = folder.workspace
    try FileManager.default.removeItem(atPath: path + "/readers")
    try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: path)
    defer {
      try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
    }
    do {
      let found = try openToRead(path).verify()
      #expect(found.map(\.path) == ["readers"])
      #expect(found.allSatisfy { !$0.isError })
    }
    // Commits that stand in SQLite's log alone must not be passed over.
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
    try Data("log".utf8).write(to: URL(fileURLWithPath: path + "/ledger.sqlite-wal"))
    try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: path)
    #expect(
      error { () throws(WorkspaceError) in try openToRead(path) } == .readOnly(path: path))
  }

  @Test func aSecondWriterIsToldWhoTheFirstIs() throws {
    let first = try openToWrite(folder.workspace, holder: "duizhang run\nnightly.yaml")
    let error = error { () throws(WorkspaceError) in try openToWrite(folder.workspace) }
    guard case .inUse(folder.workspace, let holder) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(holder?.command == "duizhang run nightly.yaml")
    #expect(holder?.process == getpid())
    #expect(holder?.since == epoch)
    #expect(error?.description.contains("'duizhang run nightly.yaml' (process ") == true)
    withExtendedLifetime(first) {}
  }

  @Test func aWriterInAnotherProcessIsToldToo() async throws {
    let first = try openToWrite(folder.workspace, holder: "parent")
    await #expect(processExitsWith: .exitCode(4)) { [path = folder.workspace as String] in
      do throws(WorkspaceError) {
        _ = try openToWrite(path)
      } catch {
        guard case .inUse(_, let holder) = error, holder?.command == "parent" else { return }
        exit(4)
      }
    }
    withExtendedLifetime(first) {}
  }

  @Test func theLockLastsAsLongAsTheLedgerAndNoLonger() throws {
    var ledger: Ledger? = try openToWrite(folder.workspace).ledger
    let error = error { () throws(WorkspaceError) in try openToWrite(folder.workspace) }
    #expect(error != nil)
    try ledger?.read { _ throws(WorkspaceError) in }
    ledger = nil
    _ = try openToWrite(folder.workspace)
  }

  @Test func whatIsNoWorkspaceIsLeftAlone() throws {
    let path = folder.workspace
    func openings() -> [WorkspaceError?] {
      [
        error { () throws(WorkspaceError) in try openToRead(path) },
        error { () throws(WorkspaceError) in try openToWrite(path) },
      ]
    }
    #expect(
      error { () throws(WorkspaceError) in try openToRead(path) } == .missing(path: path))
    try Data("text".utf8).write(to: URL(fileURLWithPath: path))
    for error in openings() {
      guard case .notAWorkspace = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try Data("text".utf8).write(to: URL(fileURLWithPath: path + "/photo.jpg"))
    #expect(openings()[1]?.description.contains("'photo.jpg'") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["photo.jpg"])
    try DatabaseQueue(path: path + "/ledger.sqlite").write {
      try $0.execute(sql: "CREATE TABLE t (x)")
    }
    for error in openings() {
      #expect(error?.description.contains("another program's database") == true)
    }
  }

  @Test func aLedgerOfANewerVersionIsRefused() throws {
    try openToWrite(folder.workspace).takeIn("one", name: "a")
    try DatabaseQueue(path: folder.workspace + "/ledger.sqlite").write {
      try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('v99')")
    }
    let newer = WorkspaceError.newerSchema(path: folder.workspace)
    #expect(error { () throws(WorkspaceError) in try openToWrite(folder.workspace) } == newer)
    #expect(error { () throws(WorkspaceError) in try openToRead(folder.workspace) } == newer)
  }

  @Test func aReaderSeesTheLastFinishedRunAndWritesNothing() throws {
    let writer = try openToWrite(folder.workspace)
    try writer.takeIn("one", name: "a")
    let reader = try openToRead(folder.workspace)
    func names() throws(WorkspaceError) -> [String] {
      try reader.ledger.read { state throws(WorkspaceError) in
        try state.knownNames().keys.map { String(decoding: $0, as: UTF8.self) }.sorted()
      }
    }
    let run = try writer.ledger.begin(.test)
    try writer.ledger.commit(run) { transaction throws(WorkspaceError) in
      try transaction.insert(.test("two"), segments: [], name: .test("b"))
      #expect(try names() == ["a"])
      #expect(try transaction.state.knownNames().count == 2)
    }
    #expect(try names() == ["a", "b"])
    #expect(try reader.verify().isEmpty)
    let readOnly = WorkspaceError.readOnly(path: folder.workspace)
    #expect(throws: readOnly) { _ = try reader.ledger.begin(.test) }
    #expect(throws: readOnly) { _ = try reader.newFile() }
    #expect(throws: readOnly) { _ = try reader.sweep() }
  }

  // MARK: - Files

  @Test func aFileIsThereWhenItIsFinishedAndNamedByItsContent() throws {
    let workspace = try openToWrite(folder.workspace)
    do {
      var unfinished = try workspace.newFile()
      try unfinished.write(Array("never".utf8).span)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.workspace + "/tmp").isEmpty)
    let file = try workspace.store("records", as: .segment(firstDay))
    #expect(file.path == "segments/2025-12-01/\(digest("records").hexadecimal).seg")
    #expect(file.bytes == 7)
    #expect(try String(contentsOfFile: workspace.path(of: file), encoding: .utf8) == "records")
    #expect(try workspace.store("records", as: .segment(firstDay)) == file)
  }

  @Test func aSweepTakesWhatNobodyRefersToUnlessSomeoneReads() throws {
    let workspace = try openToWrite(folder.workspace)
    try workspace.takeIn("one", name: "a")
    try Data("old".utf8).write(to: URL(fileURLWithPath: folder.workspace + "/tmp/1-1"))
    let lone = folder.workspace + "/days/2020-01-01"
    try FileManager.default.createDirectory(atPath: lone, withIntermediateDirectories: false)
    try Data("lone".utf8).write(to: URL(fileURLWithPath: lone + "/x.rows"))
    let leftovers = try workspace.verify()
    #expect(leftovers.map(\.path) == ["days/2020-01-01/x.rows", "tmp/1-1"])
    #expect(leftovers.allSatisfy { !$0.isError })
    // What is written now and what a commit is about to refer to stays.
    let pending = try workspace.store("pending", as: .segment(firstDay))
    var reader: Workspace? = try openToRead(folder.workspace)
    #expect(try workspace.sweep().isPutOff)
    try reader?.ledger.read { _ throws(WorkspaceError) in }
    reader = nil
    let sweep = try workspace.sweep()
    #expect(sweep.removed == ["days/2020-01-01/x.rows", "tmp/1-1"])
    #expect(sweep.bytes == 7)
    #expect(!FileManager.default.fileExists(atPath: lone))
    #expect(FileManager.default.fileExists(atPath: workspace.path(of: pending)))
  }

  // MARK: - Crashes

  @Test func aKilledRunLeavesTheOldState() async throws {
    try openToWrite(folder.workspace).takeIn("one", name: "a")
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.workspace as String] in
      let workspace = try openToWrite(path, holder: "killed")
      let run = try workspace.ledger.begin(.test)
      // So little memory that changed pages go to the log before the commit.
      try workspace.ledger.queue.writeWithoutTransaction {
        try $0.execute(sql: "PRAGMA cache_size = 1")
      }
      try workspace.ledger.commit(run) { transaction throws(WorkspaceError) in
        for number in 0..<200 {
          try transaction.insert(
            .test("killed \(number)"), segments: [workspace.segment("killed", firstDay)],
            name: .test("k\(number)"))
        }
        _ = try workspace.build(transaction)
        kill(getpid(), SIGKILL)
      }
    }
    #expect(
      try String(contentsOfFile: folder.workspace + "/lock", encoding: .utf8)
        .hasPrefix("command: killed\n"))
    let workspace = try openToWrite(folder.workspace)
    try workspace.ledger.read { state throws(WorkspaceError) in
      #expect(
        try state.knownNames().keys.map { String(decoding: $0, as: UTF8.self) }.sorted() == ["a"])
      #expect(try state.runs().map(\.outcome) == [.done, .running])
      #expect(try state.staleDays(ruleHash: rule).isEmpty)
    }
    let found = try workspace.verify()
    #expect(found.count == 3)
    #expect(found.allSatisfy { !$0.isError })
    _ = try workspace.ledger.begin(.test)
    let outcomes = try workspace.ledger.read { state throws(WorkspaceError) in
      try state.runs().map(\.outcome)
    }
    #expect(outcomes == [.done, .interrupted, .running])
    #expect(try workspace.sweep().removed.count == 3)
    #expect(try workspace.verify().isEmpty)
  }

  @Test func aCopyTakenAtAnyMomentIsAWholeState() throws {
    let workspace = try openToWrite(folder.workspace)
    try workspace.takeIn("one", name: "a")
    let copy = folder.path + "/copy"
    func check(_ names: [String]) throws {
      let copied = try openToWrite(copy)
      #expect(
        try copied.ledger.read { state throws(WorkspaceError) in
          try state.knownNames().keys.map { String(decoding: $0, as: UTF8.self) }.sorted()
        } == names)
      #expect(try copied.verify().filter(\.isError).isEmpty)
    }
    func takeCopy() throws(WorkspaceError) {
      try? FileManager.default.removeItem(atPath: copy)
      do { try FileManager.default.copyItem(atPath: workspace.path, toPath: copy) } catch {
        Issue.record(error)
      }
    }
    let run = try workspace.ledger.begin(.test)
    try workspace.ledger.queue.writeWithoutTransaction {
      try $0.execute(sql: "PRAGMA cache_size = 1")
    }
    try workspace.ledger.commit(run) { transaction throws(WorkspaceError) in
      for number in 0..<100 {
        try transaction.insert(.test("\(number)"), segments: [], name: .test("b\(number)"))
      }
      try takeCopy()
    }
    try check(["a"])
    // The file beside the ledger is older than the commit where the process ends between them.
    let digest = try Data(contentsOf: URL(fileURLWithPath: workspace.path + "/ledger.digest"))
    try workspace.takeIn("two", name: "A")
    try takeCopy()
    try digest.write(to: URL(fileURLWithPath: copy + "/ledger.digest"))
    try check((["A", "a"] + (0..<100).map { "b\($0)" }).sorted())
  }

  /// A run killed between the commit that makes the ledger and the file beside it.
  @Test func aLedgerThatIsNewNeedsNoDigestFileYet() throws {
    let path = folder.workspace + "/ledger.digest"
    do {
      let workspace = try openToWrite(folder.workspace)
      try FileManager.default.removeItem(atPath: path)
      let problems = try workspace.verify()
      #expect(problems.map(\.path) == ["ledger.digest"])
      #expect(problems.allSatisfy { !$0.isError })
    }
    let workspace = try openToWrite(folder.workspace)
    #expect(try workspace.verify().isEmpty)
    try workspace.takeIn("one", name: "a")
    try FileManager.default.removeItem(atPath: path)
    #expect(try workspace.verify().map(\.isError) == [true])
  }

  @Test func aFullDiskChangesNothing() throws {
    let workspace = try openToWrite(folder.workspace)
    let run = try workspace.ledger.begin(.test)
    try workspace.ledger.queue.writeWithoutTransaction { database in
      let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
      try database.execute(sql: "PRAGMA max_page_count = \(pages + 4)")
    }
    #expect(throws: WorkspaceError.diskFull(path: folder.workspace + "/ledger.sqlite")) {
      try workspace.ledger.commit(run) { transaction throws(WorkspaceError) in
        for number in 0..<500 {
          try transaction.insert(.test("\(number)"), segments: [], name: .test("\(number)"))
        }
      }
    }
    #expect(try workspace.verify().isEmpty)
  }

  @Test func aCommitThatFailsNamesTheLedgerWhateverTheCallersErrorsAre() throws {
    let workspace = try openToWrite(folder.workspace)
    let run = try workspace.ledger.begin(.test)
    func failure(_ error: WorkspaceError) -> any Error { error }
    #expect {
      try workspace.ledger.commit(run, orThrow: failure) { transaction in
        // References are checked with the commit alone then.
        try transaction.execute("PRAGMA defer_foreign_keys = ON", [])
        try transaction.add(.test("a"), to: LogFileID(number: 99))
      }
    } throws: { error in
      guard case .constraint(let path, _) = error as? WorkspaceError else { return false }
      return path == folder.workspace + "/ledger.sqlite"
    }
  }

  @Test(
    "what to do is said",
    arguments: [
      (WorkspaceError.database(path: "w", detail: "d", code: 4_874), "free some space"),
      (.database(path: "w", detail: "d", code: 14), "free some space"),
      (.database(path: "w", detail: "d", code: 5), "wait until it ends"),
      (.database(path: "w", detail: "d", code: 1), "verify the workspace"),
      (.system(.sync, path: "w", errno: EIO), "check the disk and run again"),
      (.system(.open, path: "w", errno: EMFILE), "run again"),
    ])
  func remedies(error: WorkspaceError, told: String) {
    #expect(error.description.contains("; ") && error.description.contains(told))
  }
}
