import Contracts
import Decoding
import Foundation
import Metering
import Pipelines
import Testing

/// The package's own folder, whose sample logs these tests read.
let packageFolder = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// Where stories take place, without a slash at its end.
let temporaryFolder = URL(fileURLWithPath: NSTemporaryDirectory()).path

/// A folder of its own, removed at the end.
final class Scratch {
  let path: String

  init() throws {
    path = temporaryFolder + "/pipelines-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws -> String {
    try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
    return "\(path)/\(name)"
  }

  func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
  }

  func table(_ name: String) throws -> Table {
    Table(String(decoding: try bytes(name), as: UTF8.self))
  }

  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}

/// A CSV report (RFC 4180) as rows by column name.
struct Table {
  var header: [String] = []
  var rows: [[String: String]] = []

  init(_ text: String) {
    var cells: [String] = []
    var cell = ""
    var isQuoted = false
    var isQuotePending = false
    for character in text {
      if isQuoted && !isQuotePending {
        if character == "\"" { isQuotePending = true } else { cell.append(character) }
      } else if isQuotePending && character == "\"" {
        cell.append("\"")
        isQuotePending = false
      } else if character == "\"" {
        isQuoted = true
      } else {
        isQuoted = false
        isQuotePending = false
        switch character {
        case ",":
          cells.append(cell)
          cell = ""
        case "\n":
          take(cells + [cell])
          cells = []
          cell = ""
        default: cell.append(character)
        }
      }
    }
  }

  private mutating func take(_ cells: [String]) {
    if header.isEmpty {
      header = cells
    } else {
      rows.append(Dictionary(zip(header, cells)) { first, _ in first })
    }
  }

  func sum(_ column: String, where holds: ([String: String]) -> Bool = { _ in true }) -> Int {
    rows.filter(holds).reduce(0) { $0 + (Int($1[column] ?? "") ?? 0) }
  }
}

/// The nightly pipeline of the sample logs with reports elsewhere.
func samplePipeline(out: String) throws -> PipelineFile {
  var pipeline = try PipelineFile.read(path: packageFolder + "/pipelines/nightly.yaml")
  pipeline.out = out
  return pipeline
}

func metering(threads: Int = 2) -> MeteringOptions {
  MeteringOptions(
    threads: threads, memoryBytes: 512 << 20, temporaryFolder: NSTemporaryDirectory())
}

/// One line of a log, read as slowly and plainly as can be.
struct LogLine {
  var fields: [String: Any]
  subscript(name: String) -> String { fields[name] as? String ?? "" }

  var secondsSinceEpoch: Double? {
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    return (try? Date(self["time"], strategy: style))?.timeIntervalSince1970
  }
}

/// The lines of the sample logs that are JSON objects, by `file:line`.
func sampleLines() throws -> [String: LogLine] {
  var lines: [String: LogLine] = [:]
  let folder = packageFolder + "/sample-logs"
  for name in try FileManager.default.contentsOfDirectory(atPath: folder)
  where name.hasPrefix("gateway-") {
    let stream = try LogStream(path: "\(folder)/\(name)")
    let block = Block()
    var text = ""
    while stream.next(into: block) { text += block.bytes.text(0, block.count) }
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      guard
        let fields = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      else { continue }
      lines["\(name):\(index + 1)"] = LogLine(fields: fields)
    }
  }
  return lines
}

/// The reports of a run without a workspace.
let reportNames = [
  "count.csv", "usage-detail.csv", "findings.csv", "reconciliation.csv",
  "reconciliation-daily.csv", "difference-bridge.csv", "differences.csv", "quarantine.csv",
  "run-summary.json", "SHA256SUMS", "manifest.json",
]
