import Configuration
import Contracts
import Foundation
import Metering
import Pipelines
import Reports
import Testing

/// A pipeline over a few lines, with a contract and statements of its own.
private struct Story {
  let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    _ = try scratch.write(
      "a.ndjson",
      """
      {"time":"2025-12-01T01:00:00Z","licensee":"acme","user":"u1","module":"bot"}
      {"time":"2025-12-01T01:10:00Z","licensee":"acme","user":"u1","module":"bot"}
      {"time":"2025-12-01T15:50:00Z","licensee":"acme","user":"u2","module":"bot"}
      {"time":"2025-12-01T16:10:00Z","licensee":"acme","user":"u2","module":"bot"}

      """)
    _ = try scratch.write(
      "c.yaml",
      """
      contract: C-1
      licensee: {name: Acme, keys: [acme]}
      prices: [{service: s, module: bot, unit: conversation, price: "0.35", enabled: true}]
      settlement: {tolerance: "0%"}
      privacy: {user: plain}
      """)
  }

  /// - Parameter keys: lines of the pipeline file beside its name, logs and folder.
  func run(_ keys: String) throws -> RangeOutcome {
    let text = "pipeline: p\nlogs: [a.ndjson]\nout: reports\n" + keys
    let path = try scratch.write("p.yaml", text)
    let pipeline = try RunError.configuration { () throws(ConfigurationError) in
      try PipelineFile.read(path: path)
    }
    let outcome = try NightlyRun(pipeline, options: .init(metering: metering())).run()
    return try #require(outcome.parts.first)
  }

  func messages(_ keys: String) throws -> [String] {
    do {
      _ = try run(keys)
      return []
    } catch let error as RunError {
      return error.messages.map { $0.replacingOccurrences(of: scratch.path + "/", with: "") }
    }
  }

  func table(_ name: String) throws -> Table { try scratch.table("reports/" + name) }

  var hasReports: Bool { FileManager.default.fileExists(atPath: scratch.path + "/reports") }
}

@Suite("The nightly run")
struct NightlyRunTests {
  @Test("without contracts each licensee is its own, with days in the zone given")
  func withoutContracts() throws {
    let story = try Story()
    let outcome = try story.run("")
    #expect(!outcome.needsPerson)
    #expect(
      try story.table("count.csv").rows.map { $0["date"] ?? "" } == ["2025-12-01"])
    #expect(outcome.months.map(\.owner) == ["acme"])
    #expect(outcome.months.map(\.conversations) == [2])
    _ = try story.run("time_zone: Asia/Tokyo\n")
    // 15:50 UTC is the next day in Tokyo.
    #expect(
      try story.table("count.csv").rows.map { $0["date"] ?? "" } == ["2025-12-01", "2025-12-02"])
    #expect(try story.table("findings.csv").rows.isEmpty)
  }

  @Test("a zone does not go with contracts, and has to be one")
  func zones() throws {
    let story = try Story()
    #expect(
      try story.messages("contracts: [c.yaml]\ntime_zone: UTC\n") == [
        "p.yaml:5: time_zone: not together with contracts, each of which says which zone holds"
      ])
    #expect(
      try story.messages("time_zone: Beijing\n") == [
        "p.yaml:4: time_zone: expected an IANA time zone such as Asia/Shanghai, found 'Beijing'"
      ])
  }

  @Test("a month that agrees needs nobody; months are valued at list prices")
  func agreement() throws {
    let story = try Story()
    _ = try story.scratch.write("s.csv", "日期,模块,次数,金额\n2025-12-01,bot,2,0.70\n")
    let outcome = try story.run(
      "contracts: [c.yaml]\nstatements: [{contract: C-1, file: s.csv}]\n")
    #expect(!outcome.needsPerson)
    #expect(outcome.months.map(\.net) == [Money(text: "0.7")])
    #expect(outcome.text.contains("nothing needs a person"))
    #expect(try story.table("reconciliation.csv").rows.map { $0["difference"] } == ["0"])
  }

  @Test("statements of one contract are taken together, with what both tell apart")
  func statementsTogether() throws {
    let story = try Story()
    _ = try story.scratch.write("s1.csv", "date,module,scenario,quantity\n2025-12-01,bot,x,1\n")
    _ = try story.scratch.write("s2.csv", "date,module,quantity\n2025-12-01,bot,1\n")
    let outcome = try story.run(
      """
      contracts: [c.yaml]
      statements: [{contract: C-1, file: s1.csv}, {contract: C-1, file: s2.csv}]

      """)
    #expect(!outcome.needsPerson)
    let rows = try story.table("reconciliation.csv").rows
    #expect(rows.count == 1)
    #expect(rows.first?["licensee_quantity"] == "2")
    #expect(rows.first?["scenario"] == "")
  }

  @Test(
    "a statement of single units is added up by day in the contract's zone; doubtful rows are told")
  func usageDetail() throws {
    let story = try Story()
    let lines =
      "模块;会话编号;开始时间;数量\nbot;a;2025-12-01 09:00;2\nbot;b;2025/12/1 下午3:00;\nbot;c;2025-12-01 10:00;-1\n"
    _ = try story.scratch.write("s.csv", lines)
    _ = try story.scratch.write(
      "a.ndjson", "{\"time\":\"2025-12-01T01:00:00Z\",\"user\":\"u\",\"module\":\"bot\"}\n")
    let outcome = try story.run(
      "contracts: [c.yaml]\nstatements: [{contract: C-1, file: s.csv}]\n")
    let rows = try story.table("reconciliation-daily.csv").rows
    #expect(rows.map { $0["period"] } == ["2025-12-01"])
    #expect(rows.map { $0["licensee_quantity"] } == ["2"])
    let concern = RunConcern.doubtfulRows(path: story.scratch.path + "/s.csv", rows: 1)
    #expect(outcome.concerns.contains(concern))
    #expect(
      concern.description
        == "1 row of \(story.scratch.path)/s.csv with something wrong, compared as they are: mend the "
        + "rows named above")
  }

  @Test("what needs a person is told with the report to open")
  func concerns() throws {
    let story = try Story()
    _ = try story.scratch.write(
      "s.csv", "date,module,quantity\n2025-12-01,bot,3\n2025-12-01,bot,many\n")
    _ = try story.scratch.write("a.ndjson", "{\n{\"time\":\"2025-12-01T01:00:00Z\"}\n")
    let outcome = try story.run(
      "contracts: [c.yaml]\nstatements: [{contract: C-1, file: s.csv}]\n")
    #expect(
      outcome.concerns == [
        .quarantined(lines: 1, of: 2, allowedPercent: "0"),
        .beyondTolerance(contract: "C-1", period: "2025-12", lines: 1),
        .unreadableRows(path: story.scratch.path + "/s.csv", rows: 1),
      ])
    #expect(outcome.text.contains("row 3 (line 3), column \"quantity\": cannot read \"many\""))
    let summary = try story.scratch.bytes("reports/run-summary.json")
    struct Summary: Decodable { var needsPerson: [String] }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let told = try decoder.decode(Summary.self, from: summary).needsPerson
    #expect(told == outcome.concerns.map(\.description))
  }

  @Test("the quarantined share is a bound, not beyond which but up to which all is well")
  func quarantinedShare() throws {
    let story = try Story()
    _ = try story.scratch.write("a.ndjson", "{\n{\"time\":\"2025-12-01T01:00:00Z\"}\n")
    #expect(try !story.run("quarantined_share: 0.5\n").needsPerson)
    #expect(try story.run("quarantined_share: 0.49\n").needsPerson)
  }

  @Test("all mistakes of configuration are told at once, before any log is read")
  func configuration() throws {
    let story = try Story()
    _ = try story.scratch.write("d.yaml", "contract: C-1\nlicensee: {keys: [acme]}\n")
    let messages = try story.messages(
      """
      contracts: [c.yaml, d.yaml]
      statements:
        - {contract: C-2, file: s.csv}

      """)
    #expect(messages.count == 3)
    #expect(messages.contains { $0.contains("d.yaml:1: contract: number 'C-1' is also that of") })
    #expect(messages.contains { $0.contains("licensee 'acme' also has contract C-1") })
    #expect(
      messages.contains(
        "p.yaml:6: statements[0].contract: no contract has the number 'C-2'; expected 'C-1' or "
          + "'C-1'"))
    #expect(!story.hasReports)
    #expect(
      try story.messages("statements: [{contract: C-2, file: s.csv}]\n") == [
        "p.yaml:4: statements[0].contract: no contract has the number 'C-2'; the pipeline names no "
          + "contracts"
      ])
  }

  @Test("a statement that cannot be read ends the run before it begins")
  func statements() throws {
    let story = try Story()
    let keys = "contracts: [c.yaml]\nstatements: [{contract: C-1, file: s.csv}]\n"
    #expect(
      try story.messages(keys) == [
        "s.csv: cannot be opened: No such file or directory; check the path"
      ])
    _ = try story.scratch.write("s.csv", "date,quantity\n")
    #expect(try story.messages(keys).first?.contains("s.csv: a usage detail needs module") == true)
    #expect(!story.hasReports)
  }

  @Test("each contract's days, totals and findings are its own")
  func severalContracts() throws {
    let story = try Story()
    func line(_ time: String, _ licensee: String) -> String {
      "{\"time\":\"\(time)\",\"licensee\":\"\(licensee)\",\"user\":\"u\",\"app\":\"x\"}\n"
    }
    let times = ["2025-12-31T14:30:00Z", "2025-12-31T15:30:00Z", "2025-12-31T16:30:00Z"]
    _ = try story.scratch.write(
      "a.ndjson", times.map { line($0, "acme") + line($0, "globex") }.joined())
    for (name, licensee, zone) in [("c", "acme", "Asia/Shanghai"), ("d", "globex", "Asia/Tokyo")] {
      _ = try story.scratch.write(
        "\(name).yaml",
        """
        contract: \(licensee)-1
        licensee: {keys: [\(licensee)]}
        time_zone: \(zone)
        allowed: {apps: [\(name)]}
        privacy: {user: plain}
        """)
    }
    let outcome = try story.run("contracts: [c.yaml, d.yaml]\n")
    #expect(
      outcome.months.map { "\($0.owner) \($0.month) \($0.conversations)" } == [
        "acme-1 2025-12 2", "acme-1 2026-01 1", "globex-1 2025-12 1", "globex-1 2026-01 2",
      ])
    let findings = try story.table("findings.csv").rows
    // In an hour's calls nothing can be told of their number.
    #expect(
      findings.filter { $0["severity"] == "info" }.map { $0["finding"] }
        == ["volume_shift", "volume_shift"])
    let evidence = findings.filter { $0["severity"] != "info" }.map { row in
      [row["licensee"] ?? ""]
        + (row["evidence"] ?? "").split(separator: "; ").map { String($0.suffix(1)) }
    }
    #expect(evidence == [["acme", "1", "3", "5"], ["globex", "2", "4", "6"]])
  }

  @Test("a log that breaks off is a concern, and what was readable counts")
  func damage() throws {
    let story = try Story()
    let lines = "{\"time\":\"2025-12-01T01:00:00Z\",\"user\":\"u\"}\n"
    // An LZ4 frame of one stored block, without the mark of its end.
    var frame: [UInt8] = [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82]
    frame += [UInt8(lines.utf8.count), 0, 0, 0x80] + Array(lines.utf8)
    // One that is whole before it, and something foreign between them: two places of one file.
    let bytes = frame + [0, 0, 0, 0] + Array("foreign".utf8) + frame
    try Data(bytes).write(to: URL(fileURLWithPath: story.scratch.path + "/a.ndjson"))
    let outcome = try story.run("")
    #expect(outcome.concerns == [.damagedFiles(1)])
    let summary = String(
      decoding: try story.scratch.bytes("reports/run-summary.json"), as: UTF8.self)
    let offsets = summary.matches(of: #/"byte_offset": ?([0-9]+)/#).compactMap { Int($0.1) }
    #expect(offsets == [frame.count + 4, bytes.count])
    let counts = summary.matches(of: #/"byte_count": ?([0-9a-z]+)/#).map { String($0.1) }
    #expect(counts == ["7", "null"])
    #expect(outcome.months.map(\.conversations) == [1])
  }

  @Test("reports dress as the pipeline says")
  func style() throws {
    let story = try Story()
    _ = try story.run("headers: zh\nbom: true\n")
    for name in reportNames where name.hasSuffix(".csv") {
      let text = String(decoding: try story.scratch.bytes("reports/" + name), as: UTF8.self)
      let header = text.split(separator: "\n").first ?? ""
      #expect(header.hasPrefix("\u{FEFF}"), "\(name)")
      let isChinese = header.split(separator: ",").allSatisfy { column in
        column.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
      }
      #expect(isChinese, "\(name): \(header)")
    }
  }

  @Test("a contract's key goes before the pipeline's")
  func privacyKeys() throws {
    let story = try Story()
    _ = try story.scratch.write("own.key", String(repeating: "o", count: 32))
    _ = try story.scratch.write("shared.key", String(repeating: "s", count: 32))
    func users(_ privacy: String) throws -> Set<String> {
      _ = try story.scratch.write(
        "c.yaml", "contract: C-1\nlicensee: {keys: [acme]}\nprivacy: \(privacy)\n")
      _ = try story.run("contracts: [c.yaml]\nprivacy_key: shared.key\n")
      return Set(try story.table("usage-detail.csv").rows.map { $0["user"] ?? "" })
    }
    let shared = try UserPseudonym(
      key: PrivacyKey(bytes: Array(repeating: UInt8(ascii: "s"), count: 32)))
    let own = try UserPseudonym(
      key: PrivacyKey(bytes: Array(repeating: UInt8(ascii: "o"), count: 32)))
    #expect(try users("{user: hmac}") == [shared.text("u1"), shared.text("u2")])
    #expect(
      try users("{user: hmac, key_file: own.key}") == [own.text("u1"), own.text("u2")])
    #expect(try users("{user: omit}") == [""])
  }

  @Test("a report that cannot be written leaves the others as they were")
  func outputFails() throws {
    let story = try Story()
    _ = try story.run("")
    let before = try story.scratch.bytes("reports/count.csv")
    let blocked = story.scratch.path + "/reports/run-summary.json"
    try FileManager.default.removeItem(atPath: blocked)
    try FileManager.default.createDirectory(atPath: blocked, withIntermediateDirectories: false)
    _ = try story.scratch.write("a.ndjson", "{\"time\":\"2025-12-09T01:00:00Z\"}\n")
    let messages = try story.messages("")
    #expect(messages.first?.contains("run-summary.json: expected a report file") == true)
    #expect(try story.scratch.bytes("reports/count.csv") == before)
    let names = try FileManager.default.contentsOfDirectory(
      atPath: story.scratch.path + "/reports")
    #expect(names.sorted() == reportNames.sorted())
  }
}
