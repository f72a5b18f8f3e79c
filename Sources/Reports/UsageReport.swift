internal import CivilTime
public import Contracts
public import Counting
public import Shuffling

/// `usage-detail.csv`: a row for each unit, the conversations that are not billable included.
///
/// Rows come sorted and are appended one by one, since there may be tens of millions.
public struct UsageReport: Sendable {
  public static let columns = [
    "contract", "licensee", "date", "module", "scenario", "app", "unit", "quantity", "user",
    "conversation", "started_at", "ended_at", "ended_by", "messages", "failed_messages",
    "not_billable_because", "source",
  ]

  /// How the users of a contract are shown (`service.data_security`).
  public enum UserDisplay: Sendable {
    case plain
    case omitted
    case pseudonym(UserPseudonym)

    /// A user as reports may name it.
    public func text(_ user: String) -> String {
      switch self {
      case .plain: user
      case .omitted: "a user"
      case .pseudonym(let pseudonym): user.isEmpty ? "" : pseudonym.text(user)
      }
    }
  }

  private let contracts: [Contract]
  private let attributions: [Attribution]
  /// For each attribution, the cells before and behind the date as they are written.
  private let before: [[UInt8]]
  private let behind: [[UInt8]]
  private let sources: SourceTable
  private let users: [UserDisplay]
  private var zones: [ZoneCursor]
  private var text: [UInt8] = []
  private var pseudonym: [UInt8] = []
  private var lastUser: [UInt8] = []
  private var lastContract = -1

  /// - Parameter users: for each contract, how its users are shown.
  public init(
    contracts: [Contract], attributions: Attributions, sources: SourceTable, users: [UserDisplay]
  ) {
    self.contracts = contracts
    self.attributions = attributions.all
    before = attributions.all.map {
      Self.cells([contracts[$0.contract].number, $0.licensee])
    }
    behind = attributions.all.map {
      Self.cells([$0.module, $0.scenario, $0.app, $0.meter.rawValue])
    }
    self.sources = sources
    self.users = users
    zones = contracts.map { ZoneCursor($0.zone) }
  }

  private static func cells(_ texts: [String]) -> [UInt8] {
    var buffer = CSVBuffer()
    for text in texts { buffer.field(text) }
    return buffer.bytes
  }

  /// Appends a row.
  ///
  /// - Parameter chunk: where the row's texts lie.
  public mutating func append(_ row: UsageRow, textsIn chunk: Chunk, to buffer: inout CSVBuffer) {
    let contract = attributions[row.attribution].contract
    let before = self.before[row.attribution]
    buffer.writtenFields(before.span, count: 2)
    buffer.field(row.date)
    let behind = self.behind[row.attribution]
    buffer.writtenFields(behind.span, count: 4)
    buffer.field(Int(row.quantity))
    appendUser(row.user(in: chunk), contract, to: &buffer)
    text.removeAll(keepingCapacity: true)
    row.conversation(in: chunk).append(to: &text)
    buffer.field(text.span)
    append(row.startedAt, contract, to: &buffer)
    append(row.endedAt, contract, to: &buffer)
    if let ending = row.ending { buffer.field(ending.text) } else { buffer.emptyField() }
    buffer.field(Int(row.messages))
    buffer.field(Int(row.failedMessages))
    buffer.field(row.notBillable.text)
    appendSource(row.source, to: &buffer)
    buffer.endRow()
  }

  private mutating func append(
    _ time: Int64, _ contract: Int, to buffer: inout CSVBuffer
  ) {
    let instant = Instant(microseconds: time)
    let day = zones[contract].day(of: instant)
    buffer.field(
      instant, offsetSeconds: day.offsetSeconds,
      isUTC: contracts[contract].zone.identifier == "UTC")
  }

  private mutating func appendUser(
    _ user: ChunkText, _ contract: Int, to buffer: inout CSVBuffer
  ) {
    text.removeAll(keepingCapacity: true)
    user.append(to: &text)
    switch users[contract] {
    case .plain: buffer.field(text.span)
    case .omitted: buffer.emptyField()
    case .pseudonym(let key):
      if text.isEmpty {
        buffer.emptyField()
        return
      }
      if contract != lastContract || text != lastUser {
        var made: [UInt8] = []
        key.append(text.span, to: &made)
        pseudonym = made
        lastUser = text
        lastContract = contract
      }
      buffer.field(pseudonym.span)
    }
  }

  private mutating func appendSource(_ number: UInt64, to buffer: inout CSVBuffer) {
    let (file, line) = sources.location(of: number)
    text.removeAll(keepingCapacity: true)
    text.append(contentsOf: sources.name(ofFile: file).utf8)
    text.append(0x3A)
    var digits = line
    let start = text.count
    repeat {
      text.append(0x30 + UInt8(digits % 10))
      digits /= 10
    } while digits > 0
    text[start...].reverse()
    buffer.field(text.span)
  }
}
