import Contracts
import Counting
import Decoding
import Formats
import Foundation
import Metering
import Parsing
import TestSupport
import Testing

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path
private let samples = root + "/sample-logs"
private let formats = samples + "/formats"

/// The same calls in every format: the counts are the same.
@Suite struct FormatMeteringTests {
  private struct Sample: CustomTestStringConvertible {
    var name: String
    var isOfSeconds = false
    var testDescription: String { name }
  }

  private static let all = [
    Sample(name: "nginx-combined.log", isOfSeconds: true), Sample(name: "nginx-json.log.gz"),
    Sample(name: "apache-common.log.gz", isOfSeconds: true),
    Sample(name: "apache-combined.log.gz", isOfSeconds: true), Sample(name: "envoy.log.gz"),
    Sample(name: "envoy-json.log.gz"), Sample(name: "kong.log.gz"), Sample(name: "apisix.log.gz"),
    Sample(name: "traefik.log.gz"), Sample(name: "caddy.log.gz"),
    Sample(name: "aws-api-gateway.log.gz"), Sample(name: "aws-alb.log.gz"), Sample(name: "csv.csv"),
    Sample(name: "tsv.tsv.gz"), Sample(name: "logfmt.log.gz"),
  ]

  private let folder: TemporaryFolder
  private let terms: Terms

  init() throws {
    folder = try TemporaryFolder()
    let contract = try Contract.read(path: samples + "/contract.yaml")
    terms = Terms(try ContractBook([contract]))
  }

  private func counted(_ paths: [String], threads: Int = 2) throws -> Counted {
    try Counted.metered(paths, terms: terms, threads: threads, temporaryFolder: folder.path)
  }

  /// A row without fractions of a second below the millisecond, which some gateways write and the
  /// canonical log does not.
  private func rows(_ counted: Counted) -> [String] {
    counted.rowTexts.map { bytes in
      String(decoding: bytes, as: UTF8.self).split(
        separator: "\t", omittingEmptySubsequences: false
      )
      .map { column in
        Int64(column).map { $0 > 1_000_000_000_000 ? "\($0 / 1_000 * 1_000)" : "\($0)" }
          ?? String(column)
      }.joined(separator: "\t")
    }.sorted()
  }

  private func totals(_ counted: Counted) -> [String] {
    counted.totals.map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func everyFileOfTheFolderIsCompared() throws {
    let logs = try FileManager.default.contentsOfDirectory(atPath: formats).filter {
      !["README.md", "convert.py", "make.sh"].contains($0) && !$0.hasPrefix("canonical")
    }
    #expect(Set(logs) == Set(Self.all.map(\.name)))
  }

  @Test(arguments: all)
  private func everyFormatCountsAsTheCanonicalLog(sample: Sample) throws {
    let canonical = sample.isOfSeconds ? "canonical-seconds" : "canonical"
    let expected = try counted(["\(formats)/\(canonical).ndjson.gz"])
    #expect(expected.rows.count > 50)
    #expect(expected.balance.messages > 200)
    for threads in [1, 2, 8] {
      let counted = try counted(["\(formats)/\(sample.name)"], threads: threads)
      #expect(totals(counted) == totals(expected), "\(threads) threads")
      #expect(rows(counted) == rows(expected), "\(threads) threads")
      var balance = counted.balance
      // A header is a line that is no record.
      let headers = sample.name.contains("csv") || sample.name.contains("tsv") ? 1 : 0
      #expect(balance.blank == headers)
      balance.blank -= headers
      balance.lines -= headers
      #expect(balance == expected.balance, "\(threads) threads")
    }
  }

  /// A file for every 20 lines, each with the table's header.
  @Test(arguments: all)
  private func manySmallFilesCountAsOne(sample: Sample) throws {
    let whole = try counted(["\(formats)/\(sample.name)"])
    let stream = try LogStream(path: "\(formats)/\(sample.name)")
    let block = Block()
    var text: [UInt8] = []
    while stream.next(into: block) {
      for position in 0..<block.count { text.append(block.bytes[position]) }
    }
    let lines = text.split(separator: 0x0A).map { Array($0) + [0x0A] }
    let hasHeader = sample.name.contains("csv") || sample.name.contains("tsv")
    let header = hasHeader ? lines[0] : []
    let records = Array(lines.dropFirst(hasHeader ? 1 : 0))
    var paths: [String] = []
    for start in stride(from: 0, to: records.count, by: 20) {
      let part = header + records[start..<min(start + 20, records.count)].joined()
      let codec = StoredCodec.allCases[paths.count % StoredCodec.allCases.count]
      paths.append(
        try folder.write(codec.stored(part), as: "\(sample.name)-\(1_000 + start)"))
    }
    let counted = try counted(paths, threads: 8)
    #expect(totals(counted) == totals(whole))
    #expect(rows(counted) == rows(whole))
    #expect(counted.balance.quarantined == 0)
    #expect(counted.balance.records == whole.balance.records)
  }

  /// All formats in one run: each call again in each of them, and all but its first are duplicates.
  @Test func allFormatsTogether() throws {
    let single = try counted(["\(formats)/canonical.ndjson.gz"])
    let paths = Self.all.filter { !$0.isOfSeconds }.map { "\(formats)/\($0.name)" }
    for threads in [1, 8] {
      let together = try counted(paths + ["\(formats)/canonical.ndjson.gz"], threads: threads)
      #expect(together.balance.records == single.balance.records * (paths.count + 1))
      #expect(together.balance.quarantined == 0)
      // The same units, to the moments at which they begin and end.
      #expect(Set(rows(together).map(withoutCounts)) == Set(rows(single).map(withoutCounts)))
      #expect(together.balance.duplicates > single.balance.duplicates)
    }
  }

  private func withoutCounts(_ row: String) -> String {
    row.split(separator: "\t", omittingEmptySubsequences: false).prefix(10).joined(separator: "\t")
  }

  /// What stands beside logs in a folder is none: notes, contracts, statements, a truth.
  @Test func aFoldersNotesAreNoLogs() throws {
    let selection = try LogSelection([samples])
    let names = Set(selection.files.map { URL(fileURLWithPath: $0.path).lastPathComponent })
    #expect(names.isSuperset(of: Self.all.map(\.name)))
    #expect(names.count == 20 + 2 + Self.all.count)
    let passed = Set(selection.passedOver.map { URL(fileURLWithPath: $0).lastPathComponent })
    #expect(
      passed == [
        "README.md", "contract.yaml", "convert.py", "make.sh",
      ])
    let doubtful = Set(selection.doubtful.map { URL(fileURLWithPath: $0).lastPathComponent })
    #expect(
      doubtful == [
        "licensee-detail.csv", "licensee-statement.csv", "licensor-detail.csv", "truth.json",
      ])
    let definitions = try? LogSelection([root + "/Sources/Formats/Definitions"])
    #expect(definitions == nil)
    let documents = try? LogSelection([root + "/docs"])
    #expect(documents == nil)
  }

  @Test func whatEachFileIsCanBeAsked() throws {
    var options = MeteringOptions(
      threads: 8, memoryBytes: 256 << 20, temporaryFolder: folder.path)
    let paths = Self.all.map { "\(formats)/\($0.name)" }
    let empty = try folder.write([], as: "empty")
    let unknown = try folder.write(Array("plain words\nand more\n".utf8), as: "unknown")
    let files = try InputFiles.find(paths + [empty, unknown])
    let result = try Metering(files: files, terms: terms, options: options).run()
    for (file, format) in zip(result.files, result.formats) {
      let name = URL(fileURLWithPath: file.path).lastPathComponent
      switch name {
      case "empty": #expect(format == nil)
      case "unknown": #expect(format.map { $0.name == nil } == true)
      case "apache-combined.log.gz": #expect(format?.name == "nginx-combined")
      default:
        let format = format?.name ?? ""
        #expect(name.hasPrefix(format + "."), "\(name): \(format)")
      }
    }
    #expect(result.balance.quarantined == 2)
    // Where a run is told its format, that is the only one.
    options.formats = BuiltInFormats.all.filter { $0.name == "apache-combined" }
    let one = try Metering(
      files: try InputFiles.find(["\(formats)/apache-combined.log.gz"]), terms: terms,
      options: options
    ).run()
    #expect(one.formats.first??.name == "apache-combined")
    #expect(one.balance.quarantined == 0)
  }
}
