import CivilTime
import Contracts
import Reconciliation

/// The obvious way of reconciling two details: every row is held against every row of the other side. No log, and no
/// difference of clocks.
struct DetailReference {
  /// A row of one side.
  struct Row: Hashable {
    /// Tells it from all rows of both sides.
    var place: Int
    var isLicensor: Bool
    var month: Int
    var module: String
    var isItem: Bool
    var quantity: Int
    var user: String
    var id: String
    /// Milliseconds.
    var start: Int?
    var end: Int?
    var messages: Int?
    /// Whether the term and the price list have it.
    var isInside: Bool

    /// All that a side says of it.
    var content: Row {
      var row = self
      row.place = 0
      return row
    }
  }

  /// One difference, as a text.
  static func text(_ cause: DifferenceCause, _ places: [Int]) -> String {
    "\(causeWord(cause)) \(places.sorted().map(String.init).joined(separator: "+"))"
  }

  /// Whether nothing was logged is not the reference's matter.
  private static func causeWord(_ cause: DifferenceCause) -> String {
    cause == .missingAtLicensorLogGap || cause == .missingAtLicensorNoTraffic
      ? "missing_at_licensor" : cause.rawValue
  }

  private let slack = 2_000
  private var rows: [Row]
  private var parents: [Int]
  private var isClosed: [Bool]

  init(_ rows: [Row]) {
    self.rows = rows
    parents = Array(rows.indices)
    isClosed = rows.map { _ in false }
  }

  // MARK: - What belongs together

  private func root(_ index: Int) -> Int {
    var index = index
    while parents[index] != index { index = parents[index] }
    return index
  }

  private func isAlone(_ index: Int) -> Bool {
    let own = root(index)
    return !rows.indices.contains { $0 != index && root($0) == own }
  }

  private mutating func join(_ left: Int, _ right: Int) { parents[root(left)] = root(right) }

  private func near(_ left: Int?, _ right: Int?) -> Bool {
    guard let left, let right else { return false }
    return abs(left - right) <= slack
  }

  /// Both times, where both are known.
  private func fits(_ left: Row, _ right: Row) -> Bool {
    near(left.start, right.start)
      && (left.end == nil || right.end == nil || near(left.end, right.end))
  }

  private func overlap(_ left: Row, _ right: Row) -> Bool {
    guard let first = left.start, let second = right.start else { return false }
    let (firstEnd, secondEnd) = (left.end ?? first, right.end ?? second)
    let common = min(firstEnd, secondEnd) - max(first, second)
    return firstEnd == first || secondEnd == second ? common >= -slack : common > 0
  }

  private mutating func forPairs(_ body: (inout Self, Int, Int) -> Void) {
    for left in rows.indices where rows[left].isLicensor {
      for right in rows.indices where !rows[right].isLicensor { body(&self, left, right) }
    }
  }

  private mutating func joinAll() {
    forPairs { reference, left, right in
      let (first, second) = (reference.rows[left], reference.rows[right])
      guard !first.id.isEmpty, first.id == second.id, first.isItem == second.isItem,
        // Items of one id are many.
        !first.isItem || reference.fits(first, second)
      else { return }
      reference.join(left, right)
      if reference.fits(first, second) {
        reference.isClosed[left] = true
        reference.isClosed[right] = true
      }
    }
    forPairs { reference, left, right in
      let (first, second) = (reference.rows[left], reference.rows[right])
      guard first.user == second.user, first.isItem == second.isItem,
        first.module == second.module || first.quantity == second.quantity,
        reference.isAlone(left), reference.isAlone(right), reference.fits(first, second)
      else { return }
      reference.join(left, right)
      reference.isClosed[left] = true
      reference.isClosed[right] = true
    }
    forPairs { reference, left, right in
      let (first, second) = (reference.rows[left], reference.rows[right])
      guard !first.user.isEmpty, first.user == second.user, !first.isItem, !second.isItem,
        first.module == second.module, !reference.isClosed[left], !reference.isClosed[right],
        reference.overlap(first, second)
      else { return }
      reference.join(left, right)
    }
  }

  /// What is left of either side and agrees in all but the user; no row has two such.
  private mutating func joinByTimeAlone(_ isLeft: (Int) -> Bool) {
    forPairs { reference, left, right in
      let (first, second) = (reference.rows[left], reference.rows[right])
      guard isLeft(left), isLeft(right), reference.isAlone(left), reference.isAlone(right),
        first.module == second.module, first.quantity == second.quantity,
        first.messages == second.messages || first.messages == nil || second.messages == nil,
        reference.fits(first, second)
      else { return }
      reference.join(left, right)
    }
  }

  // MARK: - Causes

  /// All differences, in order.
  mutating func differences() -> [String] {
    var texts: [String] = []
    // What a side lists again.
    var seen: Set<Row> = []
    var kept: [Row] = []
    for row in rows {
      if row.start != nil && !seen.insert(row.content).inserted {
        texts.append(
          Self.text(row.isLicensor ? .duplicateAtLicensor : .duplicateAtLicensee, [row.place]))
      } else {
        kept.append(row)
      }
    }
    self = DetailReference(kept)
    joinAll()
    let singles = rows.indices.map { isAlone($0) }
    var told: Set<Int> = []
    for index in rows.indices where singles[index] {
      if !rows[index].isInside {
        texts.append(Self.text(.outsideContract, [rows[index].place]))
        told.insert(index)
      } else if rows[index].quantity == 0 {
        told.insert(index)
      }
    }
    joinByTimeAlone { singles[$0] && !told.contains($0) }
    let groups = Dictionary(grouping: rows.indices.filter { !told.contains($0) }) { root($0) }
    for group in groups.values {
      let group = group.map { rows[$0] }
      if let cause = cause(group.filter(\.isLicensor), group.filter { !$0.isLicensor }) {
        texts.append(Self.text(cause, group.map(\.place)))
      }
    }
    return texts.sorted()
  }

  private func cause(_ licensor: [Row], _ licensee: [Row]) -> DifferenceCause? {
    if licensee.isEmpty { return .missingAtLicensee }
    if licensor.isEmpty { return .missingAtLicensorNoTraffic }
    let (first, second) = (
      licensor.reduce(0) { $0 + $1.quantity }, licensee.reduce(0) { $0 + $1.quantity }
    )
    if first == second && Set(licensor.map(\.month)) != Set(licensee.map(\.month)) {
      return .periodBoundary
    }
    if first != second && (first == 0 || second == 0) { return .notBillable }
    if licensor.count < licensee.count { return .split }
    if licensor.count > licensee.count { return .merged }
    if first != second { return .unexplained }
    if Set(licensor.map(\.module)) != Set(licensee.map(\.module)) { return .moduleMismatch }
    let users = Set((licensor + licensee).map(\.user).filter { !$0.isEmpty })
    return users.count > 1 ? .userMismatch : nil
  }
}
