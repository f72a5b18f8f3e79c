/// What is kept of one user of a day who shows something. Merges add up, as those of a
/// ``DetectorSummary`` do.
protocol UserRow: Sendable, Equatable {
  mutating func merge(_ other: Self)
  func write(to writer: inout SummaryWriter)
  init(from reader: inout SummaryReader) throws(SummaryError)
}

/// A user of a licensee. The order is that of the hash, which is the same on every machine.
struct UserKey: Sendable, Hashable, Comparable {
  var hash: UInt64
  var licensee: String
  var user: String

  init(_ user: ObservedUser) {
    hash = user.hash
    licensee = user.licensee
    self.user = user.user
  }

  init(hash: UInt64, licensee: String, user: String) {
    self.hash = hash
    self.licensee = licensee
    self.user = user
  }

  func hash(into hasher: inout Hasher) { hasher.combine(hash) }

  static func < (left: UserKey, right: UserKey) -> Bool {
    if left.hash != right.hash { return left.hash < right.hash }
    return (left.licensee, left.user) < (right.licensee, right.user)
  }
}

/// The rows of a day's users, at most ``usersMax``: those of the smallest hashes, so that neither
/// order nor split decide who is kept, and a user who is kept on one day is so on others.
struct UserRows<Row: UserRow>: Sendable, Equatable {
  static var usersMax: Int { 1_000 }

  private(set) var rows: [UserKey: Row] = [:]
  /// Nobody beyond is kept.
  private var last: UserKey?

  init() {}

  var isEmpty: Bool { rows.isEmpty }

  /// Whether the row of a user of that hash could be kept; asked before it is made.
  func mayKeep(hash: UInt64) -> Bool { last.map { hash <= $0.hash } ?? true }

  mutating func add(_ row: Row, of key: UserKey) {
    if let last, last < key { return }
    if let own = rows[key] {
      var sum = own
      sum.merge(row)
      rows[key] = sum
      return
    }
    rows[key] = row
    if rows.count > 2 * Self.usersMax { bound() }
  }

  private mutating func bound() {
    guard rows.count > Self.usersMax else { return }
    let hashes = rows.keys.map(\.hash).sorted()
    let hash = hashes[Self.usersMax - 1]
    // Users of one hash are told apart by their names.
    let ofHash = rows.keys.filter { $0.hash == hash }.sorted()
    let below = hashes.prefix { $0 < hash }.count
    let last = ofHash[Self.usersMax - 1 - below]
    for key in rows.keys.filter({ last < $0 }) { rows[key] = nil }
    self.last = last
  }

  /// Within the bound, for those who look.
  var settled: UserRows {
    var copy = self
    copy.bound()
    return copy
  }

  mutating func merge(_ other: UserRows) {
    for (key, row) in other.rows { add(row, of: key) }
    bound()
  }

  static func == (left: UserRows, right: UserRows) -> Bool {
    left.settled.rows == right.settled.rows
  }

  func write(to writer: inout SummaryWriter) {
    writer.entries(settled.rows) { key, row, writer in
      writer.number(key.hash)
      writer.text(key.licensee)
      writer.text(key.user)
      row.write(to: &writer)
    }
  }

  init(from reader: inout SummaryReader) throws(SummaryError) {
    rows = try reader.entries { reader throws(SummaryError) in
      let key = UserKey(
        hash: try reader.number(), licensee: try reader.text(), user: try reader.text())
      return (key, try Row(from: &reader))
    }
    guard rows.count <= Self.usersMax else { throw reader.error("it has too many users") }
  }
}

/// The rows of one user over a range of days, by day.
struct UserHistory<Row: UserRow> {
  var key: UserKey
  var days: [(day: Int, row: Row)]

  /// All users of some days, by licensee and in the order of their hashes.
  static func all(
    _ days: some Sequence<(day: Int, rows: UserRows<Row>)>
  ) -> [(licensee: String, users: [UserHistory<Row>])] {
    var keys: [UserKey] = []
    var rows: [(day: Int, row: Row)] = []
    for (day, users) in days {
      for (key, row) in users.settled.rows {
        keys.append(key)
        rows.append((day, row))
      }
    }
    // By user and day; each user's days lie side by side then.
    let order = keys.indices.sorted {
      keys[$0] == keys[$1] ? rows[$0].day < rows[$1].day : keys[$0] < keys[$1]
    }
    var licensees: [String: [UserHistory<Row>]] = [:]
    var start = 0
    while start < order.count {
      let key = keys[order[start]]
      var end = start + 1
      while end < order.count, keys[order[end]] == key { end += 1 }
      licensees[key.licensee, default: []].append(
        UserHistory(key: key, days: order[start..<end].map { rows[$0] }))
      start = end
    }
    return licensees.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

/// A line that shows something, and when.
struct EvidenceLine: Sendable, Hashable, Comparable {
  var time: Int64
  var source: UInt64

  static func < (left: EvidenceLine, right: EvidenceLine) -> Bool {
    (left.time, left.source) < (right.time, right.source)
  }
}

/// The first lines that show something, at most ``countMax``, each once.
struct EvidenceLines: Sendable, Equatable {
  static let countMax = 6

  private(set) var lines: [EvidenceLine] = []

  /// - Parameter lines: in order; each once, or side by side.
  init(ascending lines: some Sequence<EvidenceLine>) {
    self.lines.reserveCapacity(Self.countMax)
    for line in lines where line != self.lines.last && self.lines.count < Self.countMax {
      self.lines.append(line)
    }
  }

  var sources: [UInt64] { lines.map(\.source) }

  mutating func add(time: Int64, source: UInt64) {
    let line = EvidenceLine(time: time, source: source)
    if lines.count == Self.countMax, let last = lines.last, last < line { return }
    guard !lines.contains(line) else { return }
    let place = lines.firstIndex { line < $0 } ?? lines.count
    lines.insert(line, at: place)
    if lines.count > Self.countMax { lines.removeLast() }
  }

  mutating func merge(_ other: EvidenceLines) {
    for line in other.lines { add(time: line.time, source: line.source) }
  }

  func write(to writer: inout SummaryWriter) {
    writer.count(lines.count)
    for line in lines {
      writer.signed(line.time)
      writer.source(line.source)
    }
  }

  init() {}

  init(from reader: inout SummaryReader) throws(SummaryError) {
    for _ in 0..<(try reader.count(atMost: Self.countMax)) {
      add(time: try reader.signed(), source: try reader.source())
    }
  }
}

extension UInt64 {
  /// This and another number of a stored summary, which may be anything, or the largest.
  func saturating(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
