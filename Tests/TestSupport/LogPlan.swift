internal import CivilTime
public import Contracts
public import Counting

/// A random log with the contracts that it is counted by.
public struct LogPlan: Sendable {
  public var contracts: [Contract]
  public var isWithoutFile: Bool
  /// The contracts as a person reads them, for a test's message.
  public var yaml: String
  /// The lines of each file.
  public var files: [[LogLine]]
  /// When the newest file was written, in microseconds since 1970; `nil`: after all records.
  public var writtenAt: Int64?

  public init(contracts: [Contract], isWithoutFile: Bool, yaml: String, files: [[LogLine]]) {
    self.contracts = contracts
    self.isWithoutFile = isWithoutFile
    self.yaml = yaml
    self.files = files
  }

  public func terms() throws -> Terms {
    isWithoutFile
      ? Terms(rule: contracts[0].rules[0].rule, zone: contracts[0].zone)
      : Terms(try ContractBook(contracts))
  }

  public var placedLines: [PlacedLine] {
    files.enumerated().flatMap { file, lines in
      lines.enumerated().map { PlacedLine(line: $1, file: file, number: $0 + 1) }
    }
  }

  public func reference(fileNames: [String]) -> Counted {
    var reference = Reference(
      contracts: contracts, isWithoutFile: isWithoutFile, writtenAt: writtenAt)
    return reference.count(placedLines, fileNames: fileNames)
  }

  /// The log as a person reads it.
  public var shown: String {
    files.enumerated().map { file, lines in
      "file \(file)\n"
        + lines.map { String(decoding: $0.bytes, as: UTF8.self) }
        .joined(separator: "\n")
    }.joined(separator: "\n")
  }
}

/// What a random log is made from; the defaults are small and dense.
public struct LogShape: Sendable {
  public var recordCount = 20...200
  public var fileCount = 1...4
  public var userCount = 3
  /// Whether all contracts' identities have, or all lack, the user; `nil`: as it comes.
  public var identityHasUser: Bool?
  public var badPercent = 3
  /// How often files are dated so early that some records are a day ahead of them all.
  public var earlyFilePercent = 0

  public init() {}
}

extension LogPlan {
  /// A zone with a moment around which its days are worth a look.
  private static let places: [(zone: String, seconds: Int64)] = [
    ("UTC", 1_764_547_200), ("UTC", 946_684_800), ("Asia/Shanghai", 1_764_604_800),
    ("America/New_York", 1_741_503_600),  // 2025-03-09, clocks go forward
    ("America/New_York", 1_762_063_200),  // 2025-11-02, clocks go back
    ("America/St_Johns", 1_162_089_060),  // 2006-10-29, from 00:01 back to 23:01
    ("Australia/Lord_Howe", 1_743_865_200),  // 2025-04-06, half an hour back
    ("Pacific/Apia", 1_325_239_200),  // 2011-12-30 did not exist
    ("America/Sao_Paulo", 1_539_486_000),  // 2018-11-04, midnight did not exist
  ]
  private static let zones: [String: Zone] = Dictionary(
    uniqueKeysWithValues: Set(places.map(\.zone)).compactMap { name in
      Zone(identifier: name).map { (name, $0) }
    })

  /// Makes a log; the same one for the same numbers.
  public static func random(
    _ random: inout SeededRandom, _ shape: LogShape = LogShape()
  ) throws -> LogPlan {
    let place = random.one(of: places)
    let zone = zones[place.zone] ?? .utc
    let base = Instant(seconds: place.seconds)
    let isWithoutFile = random.chance(30)
    var contracts: [Contract] = []
    var yaml = "# \(place.zone)\n"
    let identityHasUser = shape.identityHasUser ?? (random.chance(50) ? random.chance(50) : nil)
    let date = zone.date(of: base) + random.number(0...1)
    for index in 0..<(isWithoutFile ? 1 : random.number(1...4)) {
      let text = contractText(
        &random, index: index, date: date, identityHasUser: identityHasUser,
        isPlain: isWithoutFile)
      yaml += text
      var contract = try Contract(yaml: text, path: "c\(index).yaml")
      contract.zone = zone
      if isWithoutFile { contract.number = "" }
      contracts.append(contract)
    }
    var writer = RecordWriter(random: random, contracts: contracts, zone: zone, base: base, shape)
    let files = writer.files()
    random = writer.random
    var plan = LogPlan(
      contracts: contracts, isWithoutFile: isWithoutFile, yaml: yaml, files: files)
    if random.chance(shape.earlyFilePercent) {
      // Some record is the last that can be, and others come later.
      let times = files.joined().compactMap { line in
        if case .record(let record) = line.meaning { record.time } else { nil }
      }
      plan.writtenAt = random.one(of: times) - 86_400_000_000 + Int64(random.number(-1...1))
    }
    return plan
  }

  private static func contractText(
    _ random: inout SeededRandom, index: Int, date: CivilDate, identityHasUser: Bool?,
    isPlain: Bool
  ) -> String {
    var text = "contract: C\(index)\nlicensee: {keys: "
    // Contracts 0 and 1 follow each other for one licensee, the others are alone.
    switch index {
    case 0: text += "[acme, acme-mini, \"\u{4E2D}\u{6587}\"]}\nterm: {to: \(date + (-1))}\n"
    case 1: text += "[acme]}\nterm: {from: \(date)}\n"
    case 2: text += "[beta]}\nterm: {from: \(date + (-1)), opened: \(date), to: \(date)}\n"
    default: text += "[\"a very long licensee's name\", gamma]}\n"
    }
    if isPlain || random.chance(60) {
      text += "conversation: {\(ruleText(&random, identityHasUser))}\n"
    } else {
      text += "conversation:\n  - {\(ruleText(&random, identityHasUser))}\n"
      text += "  - {from: \(date), \(ruleText(&random, identityHasUser))}\n"
    }
    if !isPlain && random.chance(70) {
      text += "prices:\n  - {module: kb, unit: item, price: 1}\n"
      text += "  - {module: mixed, unit: item, price: 1, to: \(date + (-1))}\n"
      text += "  - {module: mixed, unit: conversation, price: 1, from: \(date)}\n"
      text += "  - {module: \"caf\u{E9}\", scenario: s1, unit: item, price: 1, from: \(date)}\n"
    }
    return text
  }

  private static func ruleText(_ random: inout SeededRandom, _ identityHasUser: Bool?) -> String {
    let withUser = [
      "[user]", "[user]", "[user, conversation]", "[module, user]", "[user, app, scenario]",
    ]
    let withoutUser = ["[conversation]", "[module]", "[app, scenario]", "[conversation, module]"]
    let identities =
      identityHasUser.map { $0 ? withUser : withoutUser } ?? withUser + withoutUser
    let parts = [
      "identity: \(random.one(of: identities))",
      "idle_timeout: \(random.one(of: ["1us", "10s", "30m", "1h"]))",
      "max_duration: \(random.one(of: ["none", "none", "25s", "1h", "1us"]))",
      "starts_on: \(random.one(of: ["[open]", "[]", "[open, hello]"]))",
      "ends_on: \(random.one(of: ["[close]", "[]", "[close, bye]"]))",
      "ignores: \(random.one(of: ["[ping]", "[]"]))",
      "successful: \(random.one(of: ["200-299", "\"200,204\"", "100-599", "\"200-250,304\""]))",
      "failed_messages: \(random.one(of: ["ignore", "extend"]))",
      "min_messages: \(random.number(0...3))",
      "counted_in: \(random.one(of: ["start", "end"]))",
      "dedupe_window: \(random.one(of: ["0s", "1us", "10s", "1h"]))",
    ]
    return parts.joined(separator: ", ")
  }
}
