import Foundation
import Ledger
import Manifests
import Reports
import Testing

@Suite("Folders held against their manifests")
struct VerifyTests {
  @Test("what was written is right")
  func right() throws {
    let reports = try Reports()
    let check = reports.verify()
    #expect(check.problems == [])
    #expect(check.files == 6)
    let sizes = try (Reports.names + ["manifest.json", "SHA256SUMS"]).map {
      try reports.scratch.bytes($0).count
    }
    #expect(check.bytes == sizes.reduce(0, +))
    #expect(check.sha256 == .sha256(try reports.scratch.bytes("manifest.json")))
    #expect(check.manifest?.output("a.csv")?.dependsOn == .sha256([1, 2, 3]))
    #expect(try Manifest.read(folder: reports.scratch.path) == check.manifest)
  }

  @Test("every byte of every file, changed, is found, and no other file is blamed")
  func flips() throws {
    let reports = try Reports()
    for name in Reports.names + ["manifest.json", "SHA256SUMS"] {
      let bytes = try reports.scratch.bytes(name)
      for index in bytes.indices {
        // Among these, letters of the other case and bytes that are no UTF-8.
        for bits: UInt8 in [0x01, 0x20, 0x80] {
          var changed = bytes
          changed[index] ^= bits
          try reports.scratch.write(changed, to: name)
          #expect(Array(reports.errors().keys) == [name], "byte \(index) of \(name)")
        }
      }
      try reports.scratch.write(bytes, to: name)
    }
    #expect(reports.errors() == [:])
  }

  @Test("files that are cut off, longer, or gone are found at every length")
  func lengths() throws {
    let reports = try Reports()
    for name in Reports.names + ["manifest.json", "SHA256SUMS"] {
      let bytes = try reports.scratch.bytes(name)
      for count in bytes.indices {
        try reports.scratch.write(Array(bytes[..<count]), to: name)
        #expect(Array(reports.errors().keys) == [name], "\(count) bytes of \(name)")
      }
      try reports.scratch.write(bytes + [0x0A], to: name)
      #expect(Array(reports.errors().keys) == [name], "\(name)")
      try reports.scratch.remove(name)
      #expect(Array(reports.errors().keys) == [name], "\(name)")
      try FileManager.default.createDirectory(
        atPath: reports.scratch.path(name), withIntermediateDirectories: true)
      #expect(Array(reports.errors().keys) == [name], "\(name)")
      try reports.scratch.remove(name)
      try reports.scratch.write(bytes, to: name)
    }
    #expect(reports.errors() == [:])
    try reports.scratch.write([1, 2], to: "a.csv")
    #expect(reports.errors() == ["a.csv": .size(expected: 27, found: 2)])
  }

  @Test("swapped files, and those of another run")
  func swapped() throws {
    let reports = try Reports()
    let (one, two) = (
      try reports.scratch.bytes("a.csv"), try reports.scratch.bytes("zahlen-ä.csv")
    )
    try reports.scratch.write(two, to: "a.csv")
    try reports.scratch.write(one, to: "zahlen-ä.csv")
    #expect(reports.errors().keys.sorted() == ["a.csv", "zahlen-ä.csv"])
    let other = try Reports()
    var manifest = other.manifest
    manifest.pipeline = "another"
    try reports.scratch.write(manifest.render(), to: "manifest.json")
    try reports.scratch.write(one, to: "a.csv")
    try reports.scratch.write(two, to: "zahlen-ä.csv")
    // A manifest that is whole, and is not the one that the list of digests was written with.
    let kind = try #require(reports.errors()["SHA256SUMS"])
    #expect(reports.errors().count == 1)
    guard case .sums(line: 1, expected: let line?) = kind else {
      Issue.record("\(kind)")
      return
    }
    #expect(line.hasSuffix("  manifest.json"))
  }

  @Test("files that no manifest names are notes; those of folders with their own are theirs")
  func strangers() throws {
    let reports = try Reports()
    try reports.scratch.write([1], to: "b.csv")
    try reports.scratch.write([1], to: "notes/deep/b.txt")
    try reports.scratch.write([1], to: ".count.csv.1-0.part")
    try reports.scratch.write(Reports.empty.render(), to: "2025-12/manifest.json")
    try reports.scratch.write([1], to: "2025-12/c.csv")
    try reports.scratch.write([1], to: ".2025-12.1-0.part/manifest.json")
    let check = reports.verify()
    #expect(check.isRight)
    #expect(
      check.problems.map { $0.path.replacingOccurrences(of: reports.scratch.path, with: "") }
        == ["/.count.csv.1-0.part", "/b.csv", "/notes/deep/b.txt"])
    #expect(check.problems.map(\.kind) == [.leftover, .unnamed, .unnamed])
    #expect(
      Manifest.folders(in: reports.scratch.path)
        == [reports.scratch.path, reports.scratch.path + "/2025-12"])
  }

  @Test("a folder whose manifest was taken away is still one, and its parent need be none")
  func folders() throws {
    let reports = try Reports()
    try reports.scratch.remove("manifest.json")
    #expect(Manifest.folders(in: reports.scratch.path) == [reports.scratch.path])
    #expect(reports.errors() == ["manifest.json": .manifest(.missing)])
    try reports.scratch.remove("SHA256SUMS")
    #expect(Manifest.folders(in: reports.scratch.path) == [])
    try reports.scratch.write(
      Array("\(String(repeating: "0", count: 64))  a.csv\n".utf8), to: "SHA256SUMS")
    #expect(Manifest.folders(in: reports.scratch.path) == [])
  }

  @Test("a run that ended while its reports were appearing is told as such")
  func unfinished() throws {
    for appeared in 1...5 {
      let reports = try Reports()
      let set = try ReportSet(folder: reports.scratch.path)
      for name in ["a.csv", "empty.csv", "zahlen-ä.csv"] {
        try set.write(Array("another \(name)\n".utf8), to: name)
      }
      var manifest = Reports.empty
      manifest.add(set)
      manifest.outputs += reports.manifest.outputs.filter { $0.path.hasPrefix("quarantine/") }
      try set.write(manifest)
      // What the renames of a run that is killed leave.
      let order = ["a.csv", "empty.csv", "zahlen-ä.csv", "SHA256SUMS", "manifest.json"]
      for name in order.prefix(appeared) {
        let hidden = try #require(
          FileManager.default.contentsOfDirectory(atPath: reports.scratch.path)
            .first { $0.hasPrefix(".\(name).") })
        try? reports.scratch.remove(name)
        try FileManager.default.moveItem(
          atPath: reports.scratch.path(hidden), toPath: reports.scratch.path(name))
      }
      #expect(reports.verify().isRight == (appeared == 5))
      #expect(
        reports.verify().problems.contains { $0.kind == .unfinished } == (appeared < 5))
      withExtendedLifetime(set) {}
    }
  }

  @Test("links may lead to files of the folder, and not out of it")
  func links() throws {
    let reports = try Reports()
    let outside = try Scratch()
    let bytes = try reports.scratch.bytes("a.csv")
    try outside.write(bytes, to: "a.csv")
    try reports.scratch.remove("a.csv")
    try reports.scratch.link("a.csv", to: outside.path("a.csv"))
    #expect(reports.errors().count == 1)
    guard case .outside? = reports.errors()["a.csv"] else {
      Issue.record("\(reports.errors())")
      return
    }
    // Nor by a folder's link.
    try reports.scratch.remove("a.csv")
    try reports.scratch.write(bytes, to: "kept.csv")
    try reports.scratch.link("a.csv", to: "kept.csv")
    #expect(reports.errors() == [:])
    let lines = try reports.scratch.bytes("quarantine/l\no\\g.quarantine")
    try outside.write(lines, to: "l\no\\g.quarantine")
    try reports.scratch.remove("quarantine")
    try reports.scratch.link("quarantine", to: outside.path)
    #expect(reports.errors().keys.map { $0.hasPrefix("quarantine/") } == [true])
    // The folder itself may be named by a link.
    let other = try Reports()
    try outside.link("reports", to: other.scratch.path)
    #expect(Manifest.verify(folder: outside.path("reports")).problems == [])
  }

  @Test("what would be waited for is no file", .timeLimit(.minutes(1)))
  func pipes() throws {
    let reports = try Reports()
    try reports.scratch.remove("a.csv")
    #expect(try Tool.shell("mkfifo a.csv", in: reports.scratch.path) == "")
    #expect(reports.errors() == ["a.csv": .notAFile])
  }

  @Test("logs and configuration, where they were and elsewhere")
  func inputs() throws {
    let logs = try Scratch()
    try logs.write([1, 2, 3], to: "a.log")
    try logs.write([4], to: "b.log")
    try logs.write([9, 9], to: "c.yaml")
    let reports = try Scratch()
    var manifest = Reports.empty
    manifest.inputs = [
      .init(name: logs.path("a.log"), bytes: 3, sha256: .sha256([1, 2, 3])),
      .init(name: logs.path("b.log"), bytes: 1),
    ]
    manifest.configuration = [
      .init(role: .contract, path: logs.path("c.yaml"), sha256: .sha256([9, 9]), bytes: 2)
    ]
    let set = try ReportSet(folder: reports.path)
    try set.write(manifest)
    try set.commit()
    func kinds(_ search: FileSearch?) -> [ManifestProblem.Kind] {
      Manifest.verify(folder: reports.path, inputs: search, threads: 3).problems.map(\.kind)
    }
    #expect(kinds(nil) == [])
    #expect(kinds(FileSearch()) == [.sizesOnly(files: 1)])
    try logs.write([1, 2, 4], to: "a.log")
    try logs.write([4, 4], to: "b.log")
    try logs.remove("c.yaml")
    let changed: [ManifestProblem.Kind] = [
      .missing, .content(expected: .sha256([1, 2, 3]), found: .sha256([1, 2, 4])),
      .size(expected: 1, found: 2),
    ]
    #expect(kinds(FileSearch()) == changed)
    try logs.remove("b.log")
    #expect(kinds(FileSearch()) == changed.dropLast() + [.lost])
    let archive = try Scratch()
    try archive.write([3, 2, 1], to: "x/1")
    try archive.write([1, 2, 3], to: "x/2")
    try archive.write([9, 9], to: "y/z/3")
    #expect(kinds(FileSearch(folders: [archive.path])) == [.lost])
  }
}
