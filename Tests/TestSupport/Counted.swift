internal import CivilTime
internal import Contracts
public import Counting
internal import Decoding
public import Metering
internal import Shuffling

/// What a count gave, in a form that compares byte by byte.
public struct Counted: Sendable {
  public struct Row: Sendable, Hashable {
    /// All columns but the source.
    public var text: [UInt8]
    public var source: String

    public var shown: String { String(decoding: text, as: UTF8.self) + " ← " + source }
  }

  /// In order.
  public var rows: [Row] = []
  /// Ascending.
  public var totals: [[UInt8]] = []
  public var balance = Balance()
  public var bytes = ByteBalance()
  public var spilledBytes = 0

  public init() {}

  public var rowTexts: [[UInt8]] { rows.map(\.text) }

  /// The first difference from another count, in words; `nil` where they agree.
  ///
  /// - Parameter inAnyOrder: whether rows may come in any order, and then with their sources.
  public func difference(from other: Counted, inAnyOrder: Bool) -> String? {
    if !bytes.isBalanced { return "\(bytes) do not agree" }
    if balance != other.balance { return "balance \(balance)\nexpected \(other.balance)" }
    if totals != other.totals {
      let missing = Set(other.totals).subtracting(totals)
      return "totals\n" + Self.listed(Set(totals).subtracting(other.totals)) + "\nexpected\n"
        + Self.listed(missing)
    }
    if inAnyOrder {
      let found = Set(rows)
      let expected = Set(other.rows)
      if found != expected || rows.count != other.rows.count {
        return "rows\n" + found.subtracting(expected).map(\.shown).sorted().joined(separator: "\n")
          + "\nexpected\n"
          + expected.subtracting(found).map(\.shown).sorted().joined(separator: "\n")
      }
      return nil
    }
    guard rowTexts != other.rowTexts else { return nil }
    for (found, expected) in zip(rows, other.rows) where found.text != expected.text {
      return "row \(found.shown)\nexpected \(expected.shown)"
    }
    return "\(rows.count) rows, expected \(other.rows.count)"
  }

  private static func listed(_ lines: Set<[UInt8]>) -> String {
    lines.map { String(decoding: $0, as: UTF8.self) }.sorted().joined(separator: "\n")
  }
}

/// One row's columns, joined to bytes.
struct RowText {
  var contract: String
  var licensee: String
  var date: CivilDate
  var module: String
  var scenario: String
  var app: String
  var meter: Meter
  var quantity: Int
  var user: [UInt8]
  var conversation: [UInt8]
  var startedAt: Int64
  var endedAt: Int64
  var endedBy: String
  var messages: Int
  var failed: Int
  var notBillable: String

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    func add(_ text: String) { bytes += Array(text.utf8) + [0x09] }
    add(contract)
    add(licensee)
    add(date.description)
    add(module)
    add(scenario)
    add(app)
    add(meter.rawValue)
    add("\(quantity)")
    bytes += user + [0x09] + conversation + [0x09]
    add("\(startedAt)")
    add("\(endedAt)")
    add(endedBy)
    add("\(messages)")
    add("\(failed)")
    add(notBillable)
    return bytes
  }
}

func totalText(_ total: DailyTotal) -> [UInt8] {
  let columns = [
    total.contract, total.licensee, total.date.description, total.module, total.scenario,
    total.meter.rawValue, "\(total.quantity)", "\(total.messages)", "\(total.failedMessages)",
    "\(total.duplicates)",
  ]
  return Array(columns.joined(separator: "\t").utf8)
}

extension Counted {
  /// Counts files with the product's own code.
  public static func metered(
    _ paths: [String], terms: Terms, threads: Int, temporaryFolder: String,
    recordBytesMax: Int? = nil
  ) throws -> Counted {
    var options = MeteringOptions(
      threads: threads, memoryBytes: 256 << 20, temporaryFolder: temporaryFolder)
    options.wantsRows = true
    options.recordBytesMax = recordBytesMax
    let files = try InputFiles.find(paths)
    return try Counted(Metering(files: files, terms: terms, options: options).run(), terms)
  }

  /// A result in a form that compares.
  public init(_ result: MeteringResult, _ terms: Terms) throws {
    balance = result.balance
    bytes = result.bytes
    spilledBytes = result.spilledBytes
    totals = result.totals.map(totalText).sorted { $0.lexicographicallyPrecedes($1) }
    guard let found = result.rows else { return }
    var rows: [Row] = []
    // Not a sequence: each row is valid for its call only.
    // swift-format-ignore: ReplaceForEachWithForLoop
    try found.forEach { row, chunk in
      rows.append(Self.row(row, chunk, found.attributions, terms, found.sources))
      return true
    }
    self.rows = rows
  }

  static func row(
    _ row: UsageRow, _ chunk: Chunk, _ attributions: Attributions, _ terms: Terms,
    _ sources: SourceTable
  ) -> Row {
    let attribution = attributions.all[row.attribution]
    var user: [UInt8] = []
    row.user(in: chunk).append(to: &user)
    var conversation: [UInt8] = []
    row.conversation(in: chunk).append(to: &conversation)
    let text = RowText(
      contract: terms.contracts[attribution.contract].number,
      licensee: attribution.licensee, date: row.date, module: attribution.module,
      scenario: attribution.scenario, app: attribution.app, meter: attribution.meter,
      quantity: Int(row.quantity), user: user, conversation: conversation,
      startedAt: row.startedAt, endedAt: row.endedAt, endedBy: row.ending?.text ?? "",
      messages: Int(row.messages), failed: Int(row.failedMessages),
      notBillable: row.notBillable.text)
    return Row(text: text.bytes, source: sources.text(of: row.source))
  }
}
