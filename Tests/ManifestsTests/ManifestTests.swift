import CivilTime
import Foundation
import Ledger
import Manifests
import Reports
import Testing

@Suite("Manifests")
struct ManifestTests {
  private func hash(_ byte: UInt8) -> ContentHash { .sha256([byte]) }

  private var full: Manifest {
    var manifest = Reports.empty
    manifest.dates = CivilDate(text: "2025-12-01").flatMap { first in
      CivilDate(text: "2025-12-31").map { first...$0 }
    }
    manifest.configuration = [
      .init(role: .format, path: "f.yaml", sha256: hash(1), bytes: 10),
      .init(role: .contract, path: "/etc/\u{1F600}\t.yaml", sha256: hash(2), bytes: 0),
    ]
    manifest.inputs = [
      .init(
        name: "logs/b", bytes: .max, sha256: hash(3),
        textDigest: ContentHash(bytes: Array(0..<16)), records: 7),
      .init(name: "logs/a", bytes: 1),
      .init(name: "logs/b", bytes: 2, sha256: hash(4), textDigest: ContentHash(bytes: [0])),
    ]
    manifest.outputs = [
      .init(path: "z", sha256: hash(5), bytes: 5, dependsOn: hash(6)),
      .init(path: "a/e\u{301}", sha256: hash(7), bytes: 6),
      .init(path: "a/\u{E9}", sha256: hash(8), bytes: 6),
    ]
    return manifest
  }

  @Test("what is written is read, in the stated orders")
  func roundTrip() throws {
    let read = try Manifest.read(full.render(), path: "m")
    var sorted = full
    sorted.sort()
    #expect(read == sorted)
    #expect(read.configuration.map(\.role) == [.contract, .format])
    #expect(read.inputs.map(\.bytes) == [1, 2, .max])
    #expect(read.outputs.map(\.sha256) == [hash(7), hash(8), hash(5)])
    // The same bytes, whatever order the lists come in.
    var turned = full
    turned.inputs.reverse()
    turned.outputs.reverse()
    turned.configuration.reverse()
    #expect(turned.render() == full.render())
    #expect(read.render() == full.render())
    let empty = try Manifest.read(Reports.empty.render(), path: "m")
    #expect(empty == Reports.empty)
  }

  @Test("a member a line, an entry a line, and its own digest at the end")
  func text() {
    var manifest = Reports.empty
    manifest.outputs = [.init(path: "a", sha256: ContentHash(bytes: [1]), bytes: 2)]
    let text = String(decoding: manifest.render(), as: UTF8.self)
    #expect(
      text.hasPrefix(
        """
        {
          "manifest": 1,
          "program": {"name": "duizhang", "version": "1.2.3"},
          "pipeline": "p \\"q\\"",
          "from": null,
          "to": null,
          "rules": [
            {"contract": "C-1", "idle_timeout": "30m"},
            {"contract": "C-2", "min": 1}
          ],
          "configuration": [],
          "inputs": [],
          "outputs": [
            {"path": "a", "sha256": "01", "bytes": 2}
          ],
          "manifest_sha256": "
        """))
    #expect(text.hasSuffix("\"\n}\n"))
  }

  @Test("the tools of the system agree", .enabled(if: Tool.isThere("sha256sum")))
  func tools() throws {
    let reports = try Reports()
    let outcome = try Tool.shell(
      """
      sha256sum --strict --quiet -c SHA256SUMS &&
      [ "$(head -c -90 manifest.json | sha256sum | cut -c 1-64)" = \
        "$(tail -n 2 manifest.json | sed -n 's/.*: "\\(.*\\)"$/\\1/p')" ] &&
      sha256sum $(printf %s manifest.json) a.csv empty.csv quarantine/* zahlen-* > again &&
      cmp again SHA256SUMS
      """, in: reports.scratch.path)
    #expect(outcome == "", "\(outcome)")
    try reports.scratch.write([1], to: "empty.csv")
    #expect(
      try Tool.shell("sha256sum --strict --quiet -c SHA256SUMS || true", in: reports.scratch.path)
        .contains("empty.csv: FAILED"))
  }

  @Test("paths that cannot be a report's")
  func paths() {
    for path in [
      "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "\0", "a\0b", "-",
      "manifest.json", "SHA256SUMS",
    ] {
      #expect(!Manifest.isInside(path), "\(path)")
    }
    for path in ["a", "a/b", "...", "a/manifest.json", "2025-12/SHA256SUMS", "..a", "\n", "\\"] {
      #expect(Manifest.isInside(path), "\(path)")
    }
  }
}

/// Programs of the system.
enum Tool {
  static func isThere(_ name: String) -> Bool {
    ["/usr/bin/", "/bin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + name) }
  }

  /// - Returns: all that it says.
  static func shell(_ script: String, in folder: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", "{ \(script)\n} 2>&1 || echo \"status $?\""]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: output, as: UTF8.self)
  }
}
