import CivilTime
import Foundation
import Ledger
import Manifests
import Reports
import Testing

/// A folder of its own, removed at the end.
final class Scratch {
  let path: String

  init() throws {
    path =
      URL(fileURLWithPath: NSTemporaryDirectory()).path + "/manifests-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try FileManager.default.createDirectory(
      atPath: URL(fileURLWithPath: path(name)).deletingLastPathComponent().path,
      withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
  }

  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: path(name), withDestinationPath: target)
  }
}

/// A small folder of reports with its manifest, as callers write one.
struct Reports {
  let scratch: Scratch
  let manifest: Manifest
  /// Of all, but for the manifest and the list of digests.
  static let names = ["a.csv", "empty.csv", "quarantine/l\no\\g.quarantine", "zahlen-ä.csv"]

  init() throws {
    scratch = try Scratch()
    let set = try ReportSet(folder: scratch.path)
    try set.write(Array("date,quantity\n2025-12-01,3\n".utf8), to: "a.csv")
    try set.write(Array("umlauts\n".utf8), to: "zahlen-ä.csv")
    try set.write([], to: "empty.csv")
    let lines = try ReportSet(folder: scratch.path("quarantine"))
    try lines.write(Array("{broken\n".utf8), to: "l\no\\g.quarantine")
    var manifest = Self.empty
    manifest.add(set) { $0 == "a.csv" ? .sha256([1, 2, 3]) : nil }
    manifest.add(lines, in: "quarantine")
    try set.write(manifest)
    try lines.commit()
    try set.commit()
    self.manifest = manifest
  }

  static var empty: Manifest {
    Manifest(
      program: Manifest.Program(version: "1.2.3"), pipeline: "p \"q\"",
      rules: [["contract": "C-1", "idle_timeout": "30m"], ["contract": "C-2", "min": 1]])
  }

  func verify(_ inputs: FileSearch? = nil) -> ManifestCheck {
    Manifest.verify(folder: scratch.path, inputs: inputs)
  }

  /// What is found, as paths from the folder.
  func errors(_ inputs: FileSearch? = nil) -> [String: ManifestProblem.Kind] {
    Dictionary(
      verify(inputs).problems.filter(\.isError).map {
        ($0.path.replacingOccurrences(of: scratch.path + "/", with: ""), $0.kind)
      }, uniquingKeysWith: { first, _ in first })
  }
}

/// A document with the two lines at its end that a manifest has.
func sealed(_ text: String) -> [UInt8] {
  let bytes = Array(text.utf8)
  let hash = ContentHash.sha256(bytes).hexadecimal
  return bytes + Array("  \"manifest_sha256\": \"\(hash)\"\n}\n".utf8)
}
