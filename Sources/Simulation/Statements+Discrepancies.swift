internal import CivilTime

extension Statements {
  /// What is done to some units.
  struct Plan {
    /// Units that it stands on, one after the other.
    var indices: [Int] = []
    /// What the licensee lists, in their place where there are any.
    var licensee: [StatedRow] = []
    /// What the licensor lists beside them.
    var licensorToo: [StatedRow] = []
  }

  /// Fills both sides with the units, and plants differences.
  ///
  /// - Returns: what was planted, cause by cause; fewer than wanted where the traffic offers fewer.
  func plant() -> [Truth.Discrepancy] {
    var changes: [Int: [StatedRow]] = [:]
    var extra: [StatedRow] = []
    var extraOfLicensor: [StatedRow] = []
    var result: [Truth.Discrepancy] = []
    for cause in DiscrepancyCause.allCases {
      for (kind, plans) in plan(cause) {
        for plan in plans {
          for index in plan.indices { changes[index] = [] }
          if let first = plan.indices.first {
            changes[first] = plan.licensee
          } else {
            extra += plan.licensee
          }
          extraOfLicensor += plan.licensorToo
        }
        result.append(discrepancy(cause, kind, plans))
      }
    }
    licensor = units.filter(\.isBillable).map { StatedRow(unit: $0) } + extraOfLicensor
    for (index, unit) in units.enumerated() {
      licensee += changes[index] ?? (unit.isBillable ? [StatedRow(unit: unit)] : [])
    }
    licensee += extra
    return result
  }

  private func discrepancy(
    _ cause: DiscrepancyCause, _ kind: DiscrepancyKind, _ plans: [Plan]
  ) -> Truth.Discrepancy {
    func quantity(_ rows: [StatedRow]) -> Int { rows.reduce(0) { $0 + Int($1.unit.quantity) } }
    var result = Truth.Discrepancy(
      cause: cause.rawValue, detail: plantsAllWays ? kind.detail : "", count: plans.count,
      quantityEffect: 0, units: [])
    for plan in plans {
      let here = plan.indices.map { units[$0] }.filter(\.isBillable).map { StatedRow(unit: $0) }
      let licensor = here + plan.licensorToo
      let effect = quantity(plan.licensee) - quantity(licensor)
      result.quantityEffect += effect
      // The licensor's view of it, or else the licensee's.
      let main = plan.indices.first.map { StatedRow(unit: units[$0]) } ?? plan.licensee.first
      guard let main else { continue }
      result.units.append(
        .init(
          main: stated(main), quantityEffect: effect, licensor: licensor.map(stated),
          licensee: plan.licensee.map(stated)))
    }
    return result
  }

  /// Whether causes are asked for one by one.
  var plantsAllWays: Bool { options.discrepancies != nil }

  /// What is planted of a cause, by the way in which it is.
  private func plan(_ cause: DiscrepancyCause) -> [(DiscrepancyKind, [Plan])] {
    guard let wanted = options.discrepancies else {
      return [(cause.plainKind, takePlain(cause.plainKind, options.discrepanciesPerCause))]
    }
    var left = wanted[cause] ?? 0
    guard left > 0 else { return [] }
    let kinds = cause.kinds
    var plans = [[Plan]](repeating: [], count: kinds.count)
    let start = random.below(kinds.count)
    // What one way finds no more units for, the others make up.
    for isSecondRound in [false, true] {
      for step in kinds.indices where left > 0 {
        let place = (start + step) % kinds.count
        let share = isSecondRound ? left : (left + kinds.count - step - 1) / (kinds.count - step)
        let found = take(kinds[place], share)
        plans[place] += found
        left -= found.count
      }
    }
    return zip(kinds, plans).filter { !$1.isEmpty }
  }

  // MARK: - Units

  /// Visits every unit once, in no particular order, until enough are taken.
  private func visit(_ wanted: Int, _ takes: (Int) -> Bool) {
    guard !units.isEmpty, wanted > 0 else { return }
    let start = random.below(units.count)
    // A stride that is prime to the count.
    var stride = max(1, units.count * 5 / 8)
    while Self.greatestCommonDivisor(stride, units.count) != 1 { stride += 1 }
    var taken = 0
    for step in units.indices where taken < wanted {
      if takes((start + step * stride) % units.count) { taken += 1 }
    }
  }

  private static func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
    right == 0 ? left : greatestCommonDivisor(right, left % right)
  }

  /// Takes up to `wanted` units that a kind can be planted on, none beside another.
  private func takePlain(_ kind: DiscrepancyKind, _ wanted: Int) -> [Plan] {
    let neighbours = kind == .mergedSameID ? 1 : 0
    var taken: [Int] = []
    visit(wanted) { index in
      let reach = max(0, index - 1)...min(units.count - 1, index + neighbours + 1)
      guard !reach.contains(where: { isTaken[$0] }) else { return false }
      let before = random
      defer { random = before }
      guard plan(kind, index) != nil else { return false }
      for near in reach { isTaken[near] = true }
      taken.append(index)
      return true
    }
    return taken.sorted().compactMap { plan(kind, $0) }
  }

  /// Takes up to `wanted` units that a kind can be planted on, none within hours of another of the
  /// same user.
  private func take(_ kind: DiscrepancyKind, _ wanted: Int) -> [Plan] {
    var plans: [Plan] = []
    visit(wanted) { index in
      guard let plan = plan(kind, index), isFree(plan) else { return false }
      for row in rows(plan) {
        plantedSpans[row.unit.user, default: []].append(row.unit.started...row.unit.ended)
      }
      plans.append(plan)
      return true
    }
    return plans
  }

  private func rows(_ plan: Plan) -> [StatedRow] {
    plan.indices.map { StatedRow(unit: units[$0]) } + plan.licensee
  }

  private func isFree(_ plan: Plan) -> Bool {
    rows(plan).allSatisfy { row in
      !hasPlanted(row.unit.user, near: row.unit.started...row.unit.ended)
    }
  }

  /// Whether something of a user is planted within hours of a time.
  func hasPlanted(_ user: Int32, near span: ClosedRange<Int64>) -> Bool {
    let near = (span.lowerBound - Self.apart)...(span.upperBound + Self.apart)
    return plantedSpans[user]?.contains { $0.overlaps(near) } ?? false
  }

  static let apart: Int64 = 3 * 3_600_000

  /// Whether a user has a unit within a time, open ends included.
  func isBusy(_ user: Int32, _ span: ClosedRange<Int64>) -> Bool {
    var low = 0
    var high = units.count
    // No conversation of the model is longer than a day.
    let earliest = span.lowerBound - 86_400_000
    while low < high {
      let middle = (low + high) / 2
      if (units[middle].user, units[middle].started) < (user, earliest) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    while low < units.count, units[low].user == user, units[low].started <= span.upperBound {
      if units[low].ended >= span.lowerBound { return true }
      low += 1
    }
    return false
  }
}
