import CivilTime
import Files
import Foundation
import Glibc

@testable import Ledger

/// A folder that goes with the test.
final class TestFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/ledger-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  var workspace: String { path + "/workspace" }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

let epoch = Instant(seconds: 1_764_547_200)  // 2025-12-01T00:00:00Z
let firstDay = CivilDate(year: 2025, month: 12, day: 1)
let rule = ContentHash.sha256(Array("rule".utf8))

func openToWrite(
  _ path: String, holder: String = "test"
) throws(WorkspaceError) -> Workspace {
  try Workspace.open(path, access: .write(holder: holder), programVersion: "1.0") { epoch }
}

func openToRead(_ path: String) throws(WorkspaceError) -> Workspace {
  try Workspace.open(path, access: .read, programVersion: "1.0")
}

func digest(_ text: String) -> ContentHash { .sha256(Array(text.utf8)) }

extension RunStart {
  static var test: RunStart {
    RunStart(
      command: "duizhang run test.yaml", programVersion: "1.0", configurationHash: digest("c"),
      ruleHash: rule, user: "tester")
  }
}

extension LogFile {
  /// A log whose text is named by a word.
  static func test(_ word: String) -> LogFile {
    var file = LogFile(
      textDigest: digest(word), storedSHA256: digest("stored " + word), storedBytes: 50,
      textBytes: 100, codec: "gzip", encoding: "utf-8", format: "ndjson", lines: 10, records: 7,
      blockLines: [3, 300, 70_000])
    file.blank = 1
    file.quarantined = 2
    file.blankBytes = 1
    file.quarantinedBytes = 20
    file.firstTime = epoch
    file.lastTime = epoch + Interval(seconds: 60)
    file.damages = [.init(kind: "corrupt", byteOffset: 7, byteCount: nil, detail: "坏")]
    file.rejections = [.init(reason: "has no time", count: 2, firstLines: [4, 9])]
    return file
  }
}

extension LogName {
  static func test(_ path: String) -> LogName {
    LogName(path: path, storedSHA256: digest(path), storedBytes: 50, modifiedAt: epoch)
  }
}

extension Workspace {
  func store(_ text: String, as place: NewFile.Place) throws(WorkspaceError) -> StoredFile {
    var file = try newFile()
    try file.write(Array(text.utf8).span)
    return try file.finish(as: place)
  }

  func segment(_ text: String, _ day: CivilDate) throws(WorkspaceError) -> Segment {
    let start = Instant(seconds: Int64(day.daysSinceEpoch) * 86_400)
    return Segment(
      day: day, file: try store(text, as: .segment(day)), records: 7, firstTime: start,
      lastTime: start + Interval(seconds: 60))
  }

  /// Builds all days that are stale; a day carries over what `carry` says of it.
  func build(
    _ transaction: LedgerTransaction, carry: (CivilDate) -> String? = { _ in nil }
  ) throws(WorkspaceError) -> [CivilDate] {
    var done: [CivilDate] = []
    while let stale = try transaction.state.staleDay(after: done.last, ruleHash: rule) {
      done.append(stale.day)
      guard case .build(let inputs) = stale.work else {
        try transaction.remove(stale.day)
        continue
      }
      var carryOut: StoredFile?
      if let text = carry(stale.day) {
        carryOut = try store(text, as: .day(stale.day, name: "carry"))
      }
      try transaction.put(
        Day(
          day: stale.day, inputsHash: inputs, carryIn: stale.carryIn?.sha256, carryOut: carryOut,
          result: try store("result \(inputs.hexadecimal)", as: .day(stale.day, name: "result")),
          rows: try store("rows \(inputs.hexadecimal)", as: .day(stale.day, name: "rows")),
          dates: stale.day...stale.day, effectiveEnd: epoch))
    }
    return done
  }

  /// A run that takes one log in.
  @discardableResult
  func takeIn(
    _ word: String, name: String, days: [CivilDate] = [firstDay]
  ) throws(WorkspaceError) -> LogFileID {
    let run = try ledger.begin(.test)
    return try ledger.commit(run) { transaction throws(WorkspaceError) in
      var segments: [Segment] = []
      for day in days { segments.append(try segment(word, day)) }
      let id = try transaction.insert(.test(word), segments: segments, name: .test(name))
      _ = try build(transaction)
      return id
    }
  }
}

/// Flips a bit of a file.
func flip(_ path: String, at offset: Int) throws {
  var data = try Data(contentsOf: URL(fileURLWithPath: path))
  data[offset] ^= 1
  // In place, so that open descriptors see it too.
  let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  try handle.write(contentsOf: data)
  try handle.close()
}
