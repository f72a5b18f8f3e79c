internal import CivilTime
internal import Contracts
internal import Shuffling

/// Units of both sides that are the same use: a connected component of what belongs together.
struct UnitGroup {
  /// Places in a ``UnitBatch``, in order of time.
  var licensor: [Int] = []
  var licensee: [Int] = []

  var isPair: Bool { licensor.count == 1 && licensee.count == 1 }
  var isSingle: Bool { licensor.count + licensee.count == 1 }
}

/// Finds which units of a batch belong together: linked ones, then those with the same start and end, then those that
/// overlap; a sweep over each side in order of time.
struct UnitMatcher {
  private let times: AlignedTimes
  private let modules: [Int]

  /// For each unit: the one that stands for its group; itself, at first.
  private var parents: [Int] = []
  /// Whether a unit is in a pair that fits exactly, to which nothing else belongs.
  private var isClosed: [Bool] = []
  private var isLinked: [Bool] = []
  private var licensor: [Int] = []
  private var licensee: [Int] = []

  private let isItem: [Bool]

  /// - Parameter kinds: of all units; those of one module and meter may be cut differently.
  init(_ times: AlignedTimes, kinds: [UnitKind]) {
    self.times = times
    isItem = kinds.map { $0.meter == .item }
    var numbers: [UnitKind: Int] = [:]
    modules = kinds.map { kind in
      var module = kind
      module.scenario = ""
      if let number = numbers[module] { return number }
      numbers[module] = numbers.count
      return numbers.count - 1
    }
  }

  private var slack: Int64 { times.slack }
  private func start(_ unit: UnitRecord) -> Int64 { times.start(unit) }
  private func end(_ unit: UnitRecord) -> Int64 { times.end(unit) }

  /// The groups of a batch's units; those of the log are in none.
  ///
  /// - Parameter byID: whether units belong together by their ids alone; else by their users.
  mutating func groups(of batch: UnitBatch, byID: Bool) -> [UnitGroup] {
    begin(batch)
    if licensee.isEmpty || licensor.isEmpty {
      return (licensor.map { UnitGroup(licensor: [$0]) })
        + (licensee.map { UnitGroup(licensee: [$0]) })
    }
    if byID {
      if licensor.count == 1 && licensee.count == 1 {
        let isNear = isNear(batch[licensor[0]], batch[licensee[0]])
        return isNear
          ? [UnitGroup(licensor: licensor, licensee: licensee)]
          : [UnitGroup(licensor: licensor), UnitGroup(licensee: licensee)]
      }
    } else {
      joinLinked(batch)
    }
    // The nearest first, so that of units close to each other each finds its own.
    for tolerance in times.tightSlack < slack ? [times.tightSlack, slack] : [slack] {
      joinExact(batch, within: tolerance, acrossModules: false, byID)
      joinExact(batch, within: tolerance, acrossModules: true, byID)
    }
    joinReversals(batch, byID)
    joinOverlapping(batch, byID) { [modules] in
      modules[$0.kind] == modules[$1.kind]
    }
    joinOverlapping(batch, byID, onlySingles: true) { _, _ in true }
    if byID {
      joinToOpenEnds(batch)
      joinRest(batch)
    }
    return collected()
  }

  private mutating func begin(_ batch: UnitBatch) {
    parents.removeAll(keepingCapacity: true)
    isClosed.removeAll(keepingCapacity: true)
    isLinked.removeAll(keepingCapacity: true)
    licensor.removeAll(keepingCapacity: true)
    licensee.removeAll(keepingCapacity: true)
    var isInOrder = true
    for index in 0..<batch.count {
      parents.append(index)
      isClosed.append(false)
      isLinked.append(false)
      let unit = batch[index]
      switch unit.side {
      case .licensor: licensor.append(index)
      case .licensee: licensee.append(index)
      case .log, .traffic: break
      }
      if unit.isLinked { isInOrder = false }
    }
    // Linked ones stand where their group does.
    guard !isInOrder else { return }
    let times = times
    func comes(_ left: Int, _ right: Int) -> Bool {
      (times.start(batch[left]), left) < (times.start(batch[right]), right)
    }
    licensor.sort(by: comes)
    licensee.sort(by: comes)
  }

  /// Whether a unit of the batch at hand was joined to another one.
  func isJoined(_ index: Int) -> Bool { isLinked[index] }

  /// What the log has of a unit that only one side has, in the same batch.
  func evidence(for index: Int, in batch: UnitBatch) -> (unit: Int, evidence: LogEvidence)? {
    var best: (unit: Int, evidence: LogEvidence)?
    for other in 0..<batch.count {
      let logged = batch[other]
      guard logged.side == .log || logged.side == .traffic,
        touch(logged, batch[index]), batch.haveEqualUsers(index, other)
      else { continue }
      let found: LogEvidence =
        logged.side == .traffic ? .failed : logged.isNotBillable ? .notBillable : .billable
      if let best, best.evidence.rawValue <= found.rawValue { continue }
      if batch[index].side == .licensee, isOfLicensor(logged, other, batch) { continue }
      best = (other, found)
    }
    return best
  }

  /// Whether what the log has is a unit that the licensor lists.
  private func isOfLicensor(_ logged: UnitRecord, _ index: Int, _ batch: UnitBatch) -> Bool {
    licensor.contains { listed in
      (logged.side == .log ? times.fit(batch[listed], logged) : touch(batch[listed], logged))
        && batch.haveEqualUsers(listed, index)
    }
  }

  private func touch(_ left: UnitRecord, _ right: UnitRecord) -> Bool {
    !left.isTimeUnknown && !right.isTimeUnknown
      && min(end(left), end(right)) - max(start(left), start(right)) >= -slack
  }

  // MARK: - Joining

  private mutating func root(_ index: Int) -> Int {
    var root = index
    while parents[root] != root {
      parents[root] = parents[parents[root]]
      root = parents[root]
    }
    return root
  }

  private mutating func join(_ left: Int, _ right: Int) {
    let (first, second) = (root(left), root(right))
    if first != second { parents[max(first, second)] = min(first, second) }
    isLinked[left] = true
    isLinked[right] = true
  }

  private mutating func joinLinked(_ batch: UnitBatch) {
    var firsts: [UInt64: Int] = [:]
    var counts: [UInt64: Int] = [:]
    for index in licensor + licensee {
      guard let number = batch.link(index)?.number else { continue }
      counts[number, default: 0] += 1
      if let first = firsts[number] {
        join(first, index)
      } else {
        firsts[number] = index
        isLinked[index] = true
      }
    }
    guard !firsts.isEmpty else { return }
    for index in licensee {
      guard let number = batch.link(index)?.number, counts[number] == 2,
        let first = firsts[number], batch[first].side == .licensor,
        times.fit(batch[first], batch[index])
      else { continue }
      isClosed[first] = true
      isClosed[index] = true
    }
  }

  /// Whether two units with one id may be one; items of one id are many, and are told apart by their times.
  private func isNear(_ left: UnitRecord, _ right: UnitRecord) -> Bool {
    guard isItem[left.kind] == isItem[right.kind] else { return false }
    if isItem[left.kind] { return times.fit(left, right) }
    return left.isTimeUnknown || right.isTimeUnknown
      || abs(start(left) - start(right)) <= Self.nearMax
  }

  /// Ids may come again later for something else.
  private static let nearMax: Int64 = 36 * 3_600_000_000

  /// Whether units may belong together by what they are paired by; without a user only those of one moment do.
  private func belong(
    _ batch: UnitBatch, _ left: Int, _ right: Int, _ byID: Bool, exactly: Bool
  ) -> Bool {
    if byID { return batch.haveEqualConversations(left, right) }
    return batch.haveEqualUsers(left, right)
      && (exactly || !batch[left].user(in: batch.chunk).isEmpty)
  }

  /// Joins units with equal starts and ends, one to one, the nearest first come.
  private mutating func joinExact(
    _ batch: UnitBatch, within slack: Int64, acrossModules: Bool, _ byID: Bool
  ) {
    var first = 0
    for index in licensee where !isLinked[index] {
      let unit = batch[index]
      let start = start(unit)
      while first < licensor.count && self.start(batch[licensor[first]]) < start - slack {
        first += 1
      }
      var best: (distance: Int64, index: Int)?
      var place = first
      while place < licensor.count {
        let candidate = licensor[place]
        let other = batch[candidate]
        if self.start(other) > start + slack { break }
        place += 1
        guard !isLinked[candidate], times.fit(other, unit, within: slack),
          (other.quantity < 0) == (unit.quantity < 0),
          acrossModules
            ? other.quantity == unit.quantity && isItem[other.kind] == isItem[unit.kind]
            : modules[other.kind] == modules[unit.kind],
          belong(batch, candidate, index, byID, exactly: true)
        else { continue }
        let distance =
          abs(self.start(other) - start) + abs(end(other) - end(unit))
          + (other.kind == unit.kind ? 0 : 1) + (other.quantity == unit.quantity ? 0 : 1)
        if distance < best?.distance ?? .max { best = (distance, candidate) }
      }
      guard let best else { continue }
      join(best.index, index)
      isClosed[best.index] = true
      isClosed[index] = true
    }
  }

  /// Joins rows that take back what another row of their side states to that one, where the other side has it too.
  private mutating func joinReversals(_ batch: UnitBatch, _ byID: Bool) {
    for side in [licensor, licensee] {
      for index in side where batch[index].quantity < 0 && !isLinked[index] {
        let unit = batch[index]
        guard
          let original = side.first(where: {
            isLinked[$0] && batch[$0].quantity == -unit.quantity && batch[$0].kind == unit.kind
              && (byID || times.fit(batch[$0], unit))
              && belong(batch, $0, index, byID, exactly: true)
          })
        else { continue }
        join(original, index)
        isClosed[index] = true
      }
    }
  }

  /// Joins what is left to what it overlaps on the other side.
  private mutating func joinOverlapping(
    _ batch: UnitBatch, _ byID: Bool, onlySingles: Bool = false,
    where areAlike: (UnitRecord, UnitRecord) -> Bool
  ) {
    var left = 0
    /// Licensor's units that have begun and may not have ended.
    var open: [Int] = []
    // The licensee's in order; the licensor's that begin before each of them ends.
    for index in licensee where !isClosed[index] {
      let unit = batch[index]
      guard !unit.isTimeUnknown, !isItem[unit.kind] else { continue }
      let from = start(unit) - slack
      let to = end(unit) + slack
      while left < licensor.count && start(batch[licensor[left]]) <= to {
        if !isItem[batch[licensor[left]].kind] { open.append(licensor[left]) }
        left += 1
      }
      // What ended before this one begins has ended for all that follow.
      open.removeAll { isClosed[$0] || end(batch[$0]) < from }
      for candidate in open {
        if isLinked[candidate] && (isLinked[index] || onlySingles) { continue }
        if isLinked[index] && onlySingles { continue }
        let other = batch[candidate]
        guard !other.isTimeUnknown, overlap(other, unit), areAlike(other, unit),
          belong(batch, candidate, index, byID, exactly: false)
        else { continue }
        join(candidate, index)
      }
    }
  }

  /// Whether two units have a time in common; one without length may lie at the other's edge.
  private func overlap(_ left: UnitRecord, _ right: UnitRecord) -> Bool {
    let common = min(end(left), end(right)) - max(start(left), start(right))
    let shorter = min(end(left) - start(left), end(right) - start(right))
    return shorter == 0 ? common >= -slack : common > 0
  }

  /// Joins what is left of an id to the other side's unit whose end is not stated, and which may reach over it.
  private mutating func joinToOpenEnds(_ batch: UnitBatch) {
    for (side, others) in [(licensor, licensee), (licensee, licensor)] {
      for index in side where !isLinked[index] && !isItem[batch[index].kind] {
        let unit = batch[index]
        let isListedTwice = side.contains {
          isLinked[$0] && batch[$0].startedAt == unit.startedAt && batch[$0].endedAt == unit.endedAt
            && batch.haveEqualConversations($0, index)
        }
        guard !isListedTwice,
          let whole = others.first(where: {
            isLinked[$0] && reaches(batch[$0], over: unit)
              && batch.haveEqualConversations($0, index)
          })
        else { continue }
        join(whole, index)
      }
    }
  }

  /// Whether a unit may hold another one of its id, as far as their ends are stated.
  private func reaches(_ whole: UnitRecord, over part: UnitRecord) -> Bool {
    guard whole.isEndUnknown || part.isEndUnknown, !part.isTimeUnknown, !whole.isTimeUnknown else {
      return false
    }
    return whole.isEndUnknown ? isNear(whole, part) : overlap(whole, part)
  }

  /// Joins what is left of an id, where it is one unit of each side that are not far apart.
  private mutating func joinRest(_ batch: UnitBatch) {
    let left = licensor.filter { !isLinked[$0] }
    let right = licensee.filter { !isLinked[$0] }
    guard left.count == 1, right.count == 1, isNear(batch[left[0]], batch[right[0]]),
      batch.haveEqualConversations(left[0], right[0])
    else { return }
    join(left[0], right[0])
  }

  private mutating func collected() -> [UnitGroup] {
    var places: [Int: Int] = [:]
    var groups: [UnitGroup] = []
    func place(_ root: Int) -> Int {
      if let place = places[root] { return place }
      places[root] = groups.count
      groups.append(UnitGroup())
      return groups.count - 1
    }
    for index in licensor { groups[place(root(index))].licensor.append(index) }
    for index in licensee { groups[place(root(index))].licensee.append(index) }
    return groups
  }
}
