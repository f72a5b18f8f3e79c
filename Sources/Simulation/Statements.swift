internal import CivilTime

/// Both sides' statements of the first contract, equal but for what is planted.
///
/// A unit is planted on at most once, and never beside another planted one of the same user, so
/// that every difference has one cause.
final class Statements {
  let options: SimulationOptions
  let catalogue: Catalogue
  let population: Population
  var random: Random
  /// The licensor's true units by user and start, with those that are not billable.
  let units: [StatedUnit]
  /// Whether a unit is planted on, or beside one that is.
  var isTaken: [Bool]
  var licensor: [StatedRow] = []
  var licensee: [StatedRow] = []

  /// A row of a side's detail.
  struct StatedRow {
    var unit: StatedUnit
    var moduleName: String?
  }

  init(options: SimulationOptions, traffic: borrowing Traffic) {
    let catalogue = traffic.catalogue
    self.options = options
    self.catalogue = catalogue
    population = traffic.population
    random = Random(seed: options.seed, stream: 3)
    units = (traffic.truth.ledger?.allUnits() ?? []).filter {
      catalogue.isOfFirstContract(catalogue.modules[Int($0.module)].licensee)
    }
    isTaken = [Bool](repeating: false, count: units.count)
  }

  /// Names and texts of the files.
  func texts() -> [(name: String, text: String)] {
    [
      ("licensee-statement.csv", totals(licensee)),
      ("licensee-detail.csv", detail(licensee, clockSkew: options.licenseeClockSkew)),
      ("licensor-detail.csv", detail(licensor, clockSkew: 0)),
    ]
  }

  private func moduleName(_ row: StatedRow) -> String {
    row.moduleName ?? catalogue.modules[Int(row.unit.module)].name
  }

  private func detail(_ rows: [StatedRow], clockSkew: Int) -> String {
    var text = "date,module,scenario,unit,quantity,user,conversation,started_at,ended_at,messages\n"
    let sorted = rows.indices.sorted {
      let left = rows[$0].unit
      let right = rows[$1].unit
      return (left.date, left.started, left.user, $0) < (right.date, right.started, right.user, $1)
    }
    var bytes: [UInt8] = []
    var cursor = ZoneCursor(options.zone)
    let isUTC = options.zone.identifier == "UTC"
    for index in sorted {
      let unit = rows[index].unit
      bytes.append(contentsOf: CivilDate(daysSinceEpoch: unit.date).description.utf8)
      bytes.append(
        contentsOf:
          ",\(moduleName(rows[index])),\(catalogue.scenarios[Int(unit.scenario)]),".utf8)
      bytes.append(contentsOf: "\(unit.isItem ? "item" : "conversation"),\(unit.quantity),".utf8)
      bytes.append(
        contentsOf: "\(population.text(unit.user)),\(Self.text(unit.conversation)),".utf8)
      for (time, end) in [(unit.started, ","), (unit.ended, ",\(unit.messages)\n")] {
        let instant = Instant(microseconds: (time + Int64(clockSkew)) * 1_000)
        instant.appendRFC3339(
          to: &bytes, offsetSeconds: cursor.day(of: instant).offsetSeconds, isUTC: isUTC)
        bytes.append(contentsOf: end.utf8)
      }
    }
    text += String(decoding: bytes, as: UTF8.self)
    return text
  }

  /// Quantities by day, module, scenario and unit.
  private func totals(_ rows: [StatedRow]) -> String {
    struct Key: Hashable {
      var date: Int32
      var module: String
      var scenario: String
      var unit: String
    }
    var sums: [Key: Int] = [:]
    for row in rows {
      let key = Key(
        date: row.unit.date, module: moduleName(row),
        scenario: catalogue.scenarios[Int(row.unit.scenario)],
        unit: row.unit.isItem ? "item" : "conversation")
      sums[key, default: 0] += Int(row.unit.quantity)
    }
    let isChinese = options.statementLanguage == .chinese
    var text = isChinese ? "日期,模块,场景,次数\n" : "date,module,scenario,unit,quantity\n"
    let sorted = sums.sorted {
      ($0.key.date, $0.key.module, $0.key.scenario, $0.key.unit)
        < ($1.key.date, $1.key.module, $1.key.scenario, $1.key.unit)
    }
    for (key, sum) in sorted {
      let date = CivilDate(daysSinceEpoch: key.date)
      text += "\(date),\(key.module),\(key.scenario),"
      text += isChinese ? "\(sum)\n" : "\(key.unit),\(sum)\n"
    }
    return text
  }

  /// A gateway's conversation id as the log writes it.
  static func text(_ conversation: UInt64) -> String {
    guard conversation != 0 else { return "" }
    let digits = String(conversation, radix: 16)
    return "c-" + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
  }

  /// How the truth names a unit.
  func stated(_ unit: StatedUnit, module: String? = nil) -> Truth.Discrepancy.Unit {
    Truth.Discrepancy.Unit(
      user: population.text(unit.user), conversation: Self.text(unit.conversation),
      date: CivilDate(daysSinceEpoch: unit.date),
      module: module ?? catalogue.modules[Int(unit.module)].name,
      startedAt: Instant(microseconds: unit.started * 1_000).rfc3339(in: options.zone))
  }
}
