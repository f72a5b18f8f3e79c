internal import CivilTime
internal import Contracts
internal import Detection
internal import Reconciliation
internal import Shuffling

/// Gathers the units that only the licensee has though the log is complete, as differences are told, on any number of
/// threads.
final class UnitsWithoutCall: @unchecked Sendable {
  private struct Row {
    var time: Instant
    var place: UInt64
  }

  private static let rowsMax = 6

  private let lock = Lock()
  private var modules: [String: ServedWithoutCall] = [:]
  /// The first rows of each module.
  private var rows: [String: [Row]] = [:]
  private var unpriced: Set<String> = []

  func take(_ difference: Difference) {
    let isInGap = difference.cause == .missingAtLicensorLogGap
    guard
      isInGap
        || difference.cause == .missingAtLicensorNoTraffic
          && [.noCalls, .failuresUnknown].contains(difference.reason)
    else { return }
    lock.withLock {
      for unit in difference.licensee where unit.quantity > 0 {
        let module = unit.kind.module
        var figures = modules[module] ?? ServedWithoutCall(module: module)
        if isInGap {
          figures.unitsInGaps += unit.quantity
        } else {
          add(unit, isSure: difference.reason == .noCalls, &figures)
        }
        modules[module] = figures
      }
    }
  }

  private func add(_ unit: Difference.Unit, isSure: Bool, _ figures: inout ServedWithoutCall) {
    if isSure {
      figures.units += unit.quantity
    } else {
      figures.unitsOfFailuresUnknown += unit.quantity
    }
    figures.days[unit.date, default: 0] += unit.quantity
    if let amount = unit.amount {
      figures.amount = (figures.amount ?? .zero) + amount
    } else {
      unpriced.insert(figures.module)
    }
    guard let time = unit.startedAt else { return }
    figures.first = figures.first.map { min($0, time) } ?? time
    let end = unit.endedAt ?? time
    figures.last = figures.last.map { max($0, end) } ?? end
    var first = rows[figures.module] ?? []
    first.append(Row(time: time, place: unit.place))
    first.sort { ($0.time, $0.place) < ($1.time, $1.place) }
    rows[figures.module] = Array(first.prefix(Self.rowsMax))
  }

  /// The findings, once all differences were told.
  ///
  /// - Parameters:
  ///   - stated: what the licensee states in all.
  ///   - source: where a unit of the licensee's stands.
  func findings(
    _ contract: Contract, _ stated: StatedUnits, source: (UInt64) -> String
  ) -> [Finding] {
    lock.withLock {
      modules.keys.sorted().compactMap { module in
        guard var figures = modules[module] else { return nil }
        for total in stated.totals where total.module == module {
          figures.unitsOfLicensee += total.quantity
        }
        if unpriced.contains(module) { figures.amount = nil }
        if contract.licensee.keys.count == 1 { figures.licensee = contract.licensee.keys[0] }
        figures.evidence = (rows[module] ?? []).map { source($0.place) }
        return figures.finding(contract)
      }
    }
  }
}
