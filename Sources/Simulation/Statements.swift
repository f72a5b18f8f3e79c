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
  /// By user, when something is planted.
  var plantedSpans: [Int32: [ClosedRange<Int64>]] = [:]
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
    units = (traffic.countedTruth.ledger?.allUnits() ?? []).filter {
      catalogue.isOfFirstContract(catalogue.modules[Int($0.module)].licensee)
    }
    isTaken = [Bool](repeating: false, count: units.count)
  }

  /// Names and contents of the files.
  func files() throws(SimulationError) -> [(name: String, bytes: [UInt8])] {
    [
      ("licensee-statement.csv", try totals(licensee, form: options.totalsForm)),
      (
        "licensee-detail.csv",
        try detail(licensee, clockSkew: options.licenseeClockSkew, form: options.detailForm)
      ),
      ("licensor-detail.csv", try detail(licensor, clockSkew: 0, form: StatementForm())),
    ]
  }

  func moduleName(_ row: StatedRow) -> String {
    row.moduleName ?? catalogue.modules[Int(row.unit.module)].name
  }

  private func detail(
    _ rows: [StatedRow], clockSkew: Int, form: StatementForm
  ) throws(SimulationError) -> [UInt8] {
    var writer = StatementWriter(form, zone: options.zone)
    writer.header([
      .date, .module, .scenario, .unit, .quantity, .user, .conversation, .startedAt, .endedAt,
      .messages,
    ])
    let sorted = rows.indices.sorted {
      let left = rows[$0].unit
      let right = rows[$1].unit
      return (left.date, left.started, left.user, $0) < (right.date, right.started, right.user, $1)
    }
    for index in sorted {
      let unit = rows[index].unit
      writer.cell(day: unit.date)
      writer.cell(moduleName(rows[index]))
      writer.cell(catalogue.scenarios[Int(unit.scenario)])
      writer.cell(unitOfItems: unit.isItem)
      writer.cell(number: Int(unit.quantity))
      writer.cell(population.text(unit.user))
      writer.cell(Self.text(unit.conversation))
      writer.cell(moment: unit.started + Int64(clockSkew))
      writer.cell(moment: unit.ended + Int64(clockSkew))
      writer.cell(number: Int(unit.messages))
      writer.endRow()
    }
    return try writer.encoded()
  }

  /// Quantities by day, module, scenario and unit.
  private func totals(
    _ rows: [StatedRow], form: StatementForm
  ) throws(SimulationError) -> [UInt8] {
    struct Key: Hashable {
      var date: Int32
      var module: String
      var scenario: String
      var isItem: Bool
    }
    var sums: [Key: Int] = [:]
    for row in rows {
      let key = Key(
        date: row.unit.date, module: moduleName(row),
        scenario: catalogue.scenarios[Int(row.unit.scenario)], isItem: row.unit.isItem)
      sums[key, default: 0] += Int(row.unit.quantity)
    }
    var writer = StatementWriter(form, zone: options.zone)
    // What is counted goes without saying in a Chinese 次数.
    let namesUnit = form.language == .english
    writer.header([.date, .module, .scenario] + (namesUnit ? [.unit] : []) + [.quantity])
    let sorted = sums.sorted {
      ($0.key.date, $0.key.module, $0.key.scenario, $0.key.isItem ? 1 : 0)
        < ($1.key.date, $1.key.module, $1.key.scenario, $1.key.isItem ? 1 : 0)
    }
    for (key, sum) in sorted {
      writer.cell(day: key.date)
      writer.cell(key.module)
      writer.cell(key.scenario)
      if namesUnit { writer.cell(unitOfItems: key.isItem) }
      writer.cell(number: sum)
      writer.endRow()
    }
    return try writer.encoded()
  }

  /// A gateway's conversation id as the log writes it.
  static func text(_ conversation: UInt64) -> String {
    guard conversation != 0 else { return "" }
    let digits = String(conversation, radix: 16)
    return "c-" + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
  }

  /// How the truth names a row.
  func stated(_ row: StatedRow) -> Truth.Discrepancy.Row {
    let unit = row.unit
    func text(_ time: Int64) -> String {
      Instant(microseconds: time * 1_000).rfc3339(in: options.zone)
    }
    return Truth.Discrepancy.Row(
      user: population.text(unit.user), conversation: Self.text(unit.conversation),
      date: CivilDate(daysSinceEpoch: unit.date), module: moduleName(row),
      scenario: catalogue.scenarios[Int(unit.scenario)], startedAt: text(unit.started),
      endedAt: text(unit.ended), quantity: Int(unit.quantity))
  }
}
