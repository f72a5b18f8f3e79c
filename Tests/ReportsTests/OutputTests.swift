import Files
import Foundation
import Testing

@testable import Reports

/// A folder of its own, removed at the end.
private final class Scratch {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/reports-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: path + "/" + name, encoding: .utf8)
  }

  static func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }
}

@Suite("Files written whole or not at all")
struct OutputFileTests {
  @Test("a report appears when it is committed, private to its owner")
  func commit() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/count.csv"
    try "old".write(toFile: path, atomically: false, encoding: .utf8)
    var file = try OutputFile(path: path)
    try file.write(Array("a\n".utf8).span)
    try file.write(Array("b\n".utf8).span)
    #expect(try scratch.text("count.csv") == "old")
    #expect(scratch.names.count == 2)
    try file.commit()
    #expect(try scratch.text("count.csv") == "a\nb\n")
    #expect(scratch.names == ["count.csv"])
    #expect(try Scratch.mode(path) == 0o600)
  }

  @Test("a report that is given up leaves nothing behind and the old one in place")
  func givenUp() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/count.csv"
    try OutputFile.write(Array("old".utf8), to: path)
    do {
      var file = try OutputFile(path: path)
      try file.write(Array("half".utf8).span)
      #expect(scratch.names.count == 2)
    }
    #expect(scratch.names == ["count.csv"])
    #expect(try scratch.text("count.csv") == "old")
  }

  @Test("a rename that fails leaves nothing behind")
  func renameFails() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/count.csv"
    var file = try OutputFile(path: path)
    try file.write(Array("a".utf8).span)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    var failure: OutputError?
    do throws(OutputError) { try file.commit() } catch { failure = error }
    #expect(failure == .failed(.rename, path: path, errno: EISDIR))
    #expect(scratch.names == ["count.csv"])
  }

  @Test("folders, devices and missing folders are refused with the path")
  func refused() throws {
    let scratch = try Scratch()
    #expect(throws: OutputError.notARegularFile(path: scratch.path)) {
      try OutputFile.write([], to: scratch.path)
    }
    #expect(throws: OutputError.notARegularFile(path: "/dev/null")) {
      try OutputFile.write([], to: "/dev/null")
    }
    let path = scratch.path + "/none/count.csv"
    let error = OutputError.failed(.create, path: path, errno: ENOENT)
    #expect(throws: error) { try OutputFile.write([], to: path) }
    #expect(
      error.description
        == "cannot create \(path): No such file or directory; check that the folder of this path "
        + "exists")
  }

  @Test("folders are created private, those that are there stay as they are")
  func folders() throws {
    let scratch = try Scratch()
    let before = try Scratch.mode(scratch.path)
    try OutputFolder.create(scratch.path + "/a/b")
    try OutputFolder.create(scratch.path + "/a/b")
    try OutputFolder.create(scratch.path + "/a/c/")
    #expect(try Scratch.mode(scratch.path + "/a") == 0o700)
    #expect(try Scratch.mode(scratch.path + "/a/b") == 0o700)
    #expect(try Scratch.mode(scratch.path) == before)
    try OutputFile.write([], to: scratch.path + "/file")
    #expect(throws: OutputError.failed(.createFolder, path: scratch.path + "/file", errno: EEXIST))
    {
      try OutputFolder.create(scratch.path + "/file")
    }
  }

  @Test(
    "folder and name of a path",
    arguments: [
      ("a", ".", "a"), ("a/b", "a", "b"), ("/a", "/", "a"), ("/a/b", "/a", "b"),
      ("./报表.csv", ".", "报表.csv"),
    ])
  func parts(path: String, folder: String, name: String) {
    #expect(FileDescriptor.folder(of: path) == folder)
    #expect(OutputFile.name(of: path) == name)
  }
}

@Suite("Folders of reports that appear as a whole")
struct ReportFolderTests {
  private func appear(_ text: String, at path: String) throws {
    let folder = try ReportFolder(path: path)
    try folder.set.write(Array(text.utf8), to: "\(text).csv")
    try folder.commit()
  }

  @Test("one takes the other's place, and nothing else is left")
  func exchange() throws {
    let scratch = try Scratch()
    let month = scratch.path + "/out/2025-12"
    for text in ["one", "two"] {
      try appear(text, at: month)
      #expect(try FileManager.default.contentsOfDirectory(atPath: month) == ["\(text).csv"])
    }
    do {
      let folder = try ReportFolder(path: month)
      try folder.set.write([1], to: "given up.csv")
      let output = try ReportOutput("half.csv", in: folder.set)
      try output.write([1])
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/out")
    #expect(names == ["2025-12"])
    #expect(try scratch.text("out/2025-12/two.csv") == "two")
  }

  @Test("what killed runs left goes; what others write or is called otherwise stays")
  func leftOvers() throws {
    let scratch = try Scratch()
    // No process has so large a number; the second is ours by its number, as another process's was in a container.
    let dead = ["99999999-0", "\(getpid())-7"]
    let kept = [".2025-12.1-0.part", ".2025-12.x-0.part", "2025-12.99999999-0.part", ".profile"]
    for name in dead.map({ ".2025-12.\($0).part" }) + kept {
      let path = "\(scratch.path)/\(name)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      try OutputFile.write([1], to: path + "/count.csv")
    }
    for number in dead {
      try OutputFile.write([1], to: "\(scratch.path)/.count.csv.\(number).part")
    }
    let folder = try ReportFolder(path: scratch.path + "/2025-12")
    #expect(Set(scratch.names).isSuperset(of: kept))
    #expect(scratch.names.count == kept.count + 1)
    OutputFolder.sweep(scratch.path)
    #expect(scratch.names.count == kept.count + 1)
    try folder.commit()
    #expect(scratch.names == (kept + ["2025-12"]).sorted())
  }
}

@Suite("Standard output")
struct StandardOutputTests {
  @Test("bytes arrive in order, however they are cut")
  func order() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/out"
    let descriptor = try FileDescriptor.create(path).get()
    var output = StandardOutput(descriptor: descriptor)
    var expected: [UInt8] = []
    for size in [1, 10, 70_000, 3, 65_536, 65_535, 2, 200_000, 5] {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ size) }
      try output.write(bytes.span)
      expected += bytes
    }
    try output.flush()
    #expect(FileDescriptor.close(descriptor) == nil)
    #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == expected)
  }

  @Test("a reader that went away is a broken pipe")
  func brokenPipe() throws {
    let pipe = Pipe()
    try pipe.fileHandleForReading.close()
    let descriptor = pipe.fileHandleForWriting.fileDescriptor
    var output = StandardOutput(descriptor: descriptor)
    try output.write(Array("a".utf8).span)
    #expect(throws: OutputError.brokenPipe) { try output.flush() }
    try pipe.fileHandleForWriting.close()
  }

  @Test("a full disk is said to be one")
  func fullDisk() throws {
    // Writes to this device always fail as on a full disk.
    let handle = try #require(FileHandle(forWritingAtPath: "/dev/full"))
    var output = StandardOutput(descriptor: handle.fileDescriptor)
    var buffer = CSVBuffer()
    buffer.field("a")
    buffer.endRow()
    try output.write(draining: &buffer)
    #expect(buffer.bytes.isEmpty)
    let error = OutputError.failed(.write, path: "standard output", errno: ENOSPC)
    #expect(throws: error) { try output.flush() }
    #expect(error.description.contains("No space left on device; free some space"))
    let broken = OutputError.failed(.sync, path: "a", errno: EIO)
    #expect(broken.description.contains("; check the disk"))
    try handle.close()
  }
}

@Suite("Privacy key and pseudonyms")
struct UserPseudonymTests {
  @Test("the first default key is made, private; the next call reads the same")
  func defaultKey() throws {
    let scratch = try Scratch()
    let environment = ["XDG_CONFIG_HOME": scratch.path + "/config", "HOME": "/nowhere"]
    let first = try PrivacyKey.loadOrCreateDefault(environment: environment)
    #expect(first.wasCreated)
    #expect(first.path == scratch.path + "/config/duizhang/privacy.key")
    #expect(first.key.bytes.count == 32)
    #expect(try Scratch.mode(first.path) == 0o600)
    #expect(try Scratch.mode(scratch.path + "/config/duizhang") == 0o700)
    let second = try PrivacyKey.loadOrCreateDefault(environment: environment)
    #expect(!second.wasCreated)
    #expect(second.key.bytes == first.key.bytes)
    let files = try FileManager.default.contentsOfDirectory(
      atPath: scratch.path + "/config/duizhang")
    #expect(files == ["privacy.key"])
    let other = try PrivacyKey.loadOrCreateDefault(
      environment: ["XDG_CONFIG_HOME": "relative", "HOME": scratch.path])
    #expect(other.path == scratch.path + "/.config/duizhang/privacy.key")
    #expect(other.key.bytes != first.key.bytes)
  }

  @Test("no home, no key, a short key: each says what to do")
  func errors() throws {
    let scratch = try Scratch()
    #expect(throws: PrivacyKeyError.noHome) {
      try PrivacyKey.loadOrCreateDefault(environment: ["HOME": "", "XDG_CONFIG_HOME": "x"])
    }
    let path = scratch.path + "/k"
    #expect(throws: PrivacyKeyError.unreadable(path: path, errno: ENOENT)) {
      try PrivacyKey.load(path: path)
    }
    try OutputFile.write(Array(repeating: 1, count: 15), to: path)
    #expect(throws: PrivacyKeyError.tooShort(path: path, bytes: 15)) {
      try PrivacyKey.load(path: path)
    }
    try OutputFile.write(Array(repeating: 1, count: 16), to: path)
    #expect(try PrivacyKey.load(path: path).bytes == Array(repeating: 1, count: 16))
    try OutputFile.write(Array(repeating: 1, count: 4_097), to: path)
    #expect(throws: PrivacyKeyError.tooLong(path: path)) { try PrivacyKey.load(path: path) }
    #expect(PrivacyKeyError.tooShort(path: "k", bytes: 3).description.contains("/dev/urandom > k"))
  }

  @Test(
    "HMAC-SHA256 of RFC 4231, cut to 16 bytes",
    arguments: [
      // Test cases 1 and 6: a key of 20 bytes, and one longer than a block.
      (
        [UInt8](repeating: 0x0B, count: 20), "Hi There", "u-b0344c61d8db38535ca8afceaf0bf12b"
      ),
      (
        [UInt8](repeating: 0xAA, count: 131),
        "Test Using Larger Than Block-Size Key - Hash Key First",
        "u-60e431591ee0b67f0d8a26aacbf5b77f"
      ),
    ])
  func vectors(key: [UInt8], user: String, expected: String) throws {
    let pseudonym = UserPseudonym(key: try PrivacyKey(bytes: key))
    #expect(pseudonym.text(user) == expected)
    var bytes = Array("x".utf8)
    pseudonym.append(user.utf8.span, to: &bytes)
    #expect(bytes == Array(("x" + expected).utf8))
    #expect(bytes.count == 1 + UserPseudonym.textBytes)
  }
}
