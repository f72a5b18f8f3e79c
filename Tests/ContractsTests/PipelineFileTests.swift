import Configuration
import Contracts
import Decoding
import Detection
import Pipelines
import Testing

@Suite struct PipelineFileTests {
  static let nightly = """
    pipeline: nightly
    logs: [../sample-logs/gateway-*.ndjson.gz]   # files, directories or globs
    encoding: GBK
    contracts: [../sample-logs/contract.yaml]
    statements:                                   # the licensee's own daily totals
      - {contract: DZ-2025-018, file: ../sample-logs/licensee-statement.csv, columns: {date: 日期, quantity: 次数}}
    out: ../reports
    headers: zh
    bom: yes
    quarantined_share: "0.1%"
    privacy_key: /etc/duizhang/key
    threads: 2
    memory: 512M

    """

  @Test func theWholeFileReads() throws {
    let pipeline = try PipelineFile(yaml: Self.nightly, path: "pipelines/nightly.yaml")
    #expect(pipeline.name == "nightly")
    #expect(pipeline.logs == ["pipelines/../sample-logs/gateway-*.ndjson.gz"])
    #expect(pipeline.encoding == .gb18030)
    #expect(pipeline.contracts == ["pipelines/../sample-logs/contract.yaml"])
    let statement = try #require(pipeline.statements.first)
    #expect(pipeline.statements.count == 1)
    #expect(statement.contract == "DZ-2025-018")
    #expect(statement.file == "pipelines/../sample-logs/licensee-statement.csv")
    #expect(statement.columns == [.date: "日期", .quantity: "次数"])
    #expect(pipeline.out == "pipelines/../reports")
    #expect(pipeline.headers == .zh && pipeline.bom)
    #expect(pipeline.quarantinedShare == Money(text: "0.001"))
    #expect(pipeline.privacyKey == "/etc/duizhang/key")
    #expect(pipeline.threads == 2)
    #expect(pipeline.memory == ByteCount(bytes: 536_870_912))
  }

  @Test func whatIsNotSaidHasADefault() throws {
    let pipeline = try PipelineFile(yaml: "{pipeline: p, logs: log.gz, out: o}", path: "p.yaml")
    #expect(pipeline.logs == ["log.gz"] && pipeline.out == "o")
    #expect(pipeline.contracts.isEmpty && pipeline.statements.isEmpty)
    #expect(pipeline.encoding == nil && pipeline.headers == .en && !pipeline.bom)
    #expect(pipeline.quarantinedShare == .zero)
    #expect(pipeline.privacyKey == nil && pipeline.threads == nil && pipeline.memory == nil)
    #expect(pipeline.detection == DetectionSettings())
  }

  @Test func misuseIsLookedForUnlessTheFileSaysNo() throws {
    func detection(_ text: String) throws -> DetectionSettings? {
      try PipelineFile(
        yaml: "pipeline: p\nlogs: log.gz\nout: o\ndetection: \(text)\n", path: "p.yaml"
      ).detection
    }
    for text in ["off", "no", "false", "OFF"] { #expect(try detection(text) == nil) }
    for text in ["on", "yes", "true", "{}", ""] {
      #expect(try detection(text) == DetectionSettings())
    }
    let some = try detection("{without: [volume_shift, probing], false_discovery_rate: 1%}")
    #expect(some?.without == [.volumeShift, .probing] && some?.falseDiscoveryRate == 0.01)
    let none = DetectionSettings.tested.map(\.rawValue).joined(separator: ", ")
    #expect(try detection("{without: [\(none)]}")?.isOn == false)
  }

  @Test(arguments: [
    ("log: [b]", "did you mean 'logs'?"),
    (
      "encoding: latin1",
      "p.yaml:2: encoding: expected utf-8, utf-16, utf-16le, utf-16be, gb18030, gbk or gb2312, "
        + "found 'latin1'"
    ),
    (
      "detection: maybe",
      "p.yaml:2: detection: expected on, off, or a mapping with the keys without, false_discovery_rate, "
        + "found 'maybe'"
    ),
    ("headers: de", "p.yaml:2: headers: expected en or zh, found 'de'"),
    ("bom: maybe", "p.yaml:2: bom: expected true or false, found 'maybe'"),
    ("quarantined_share: 2", "p.yaml:2: quarantined_share: expected a share between 0 and 1"),
    ("threads: 0", "p.yaml:2: threads: expected a number of threads, 1 to 1024, found '0'"),
    ("memory: lots", "p.yaml:2: memory: expected a size such as 512M or 1G, found 'lots'"),
    ("memory: [1G]", "p.yaml:2: memory: expected a size such as 512M or 1G, found a list"),
    (
      "workspace: w, keep_segments: 34d",
      "keep_segments: expected a number of days from 35d to 36500d, such as 400d, found '34d'"
    ),
    (
      "workspace: w, keep_segments: 400",
      "keep_segments: expected a number of days from 35d to 36500d, such as 400d, found '400'"
    ),
    ("keep_segments: 400d", "keep_segments: only together with 'workspace'"),
    ("contracts: []", "p.yaml:2: contracts: expected at least one contract file"),
    ("statements: [{file: f}]", "p.yaml:2: statements[0].contract: missing"),
    ("statements: [{contract: c}]", "p.yaml:2: statements[0].file: missing"),
    (
      "statements: [{contract: c, file: f, columns: {qty: n}}]",
      "p.yaml:2: statements[0].columns.qty: unknown key"
    ),
    (
      "statements: [{contract: c, file: f, columns: {date: n, quantity: n}}]",
      "p.yaml:2: statements[0].columns.quantity: column 'n' is already named for something else"
    ),
  ])
  func mistakes(line: String, told: String) throws {
    let error = try #require(throws: ConfigurationError.self) {
      try PipelineFile(yaml: "{pipeline: p, logs: [a], out: o,\n\(line)}", path: "p.yaml")
    }
    #expect(error.problems.count == 1)
    #expect(error.description.contains(told), "\(error)")
  }

  @Test func whatMustBeThereIsNamedAtOnce() throws {
    let error = try #require(throws: ConfigurationError.self) {
      try PipelineFile(yaml: "threads: 1", path: "p.yaml")
    }
    #expect(error.problems.map(\.key) == ["pipeline", "logs", "out"])
    #expect(error.problems.allSatisfy { $0.kind == .missingKey })
  }

  @Test func aMissingFileIsAConfigurationError() throws {
    let error = try #require(throws: ConfigurationError.self) {
      try PipelineFile.read(path: "/nonexistent/nightly.yaml")
    }
    #expect(error.problems.map(\.kind) == [.unreadableFile])
  }
}
