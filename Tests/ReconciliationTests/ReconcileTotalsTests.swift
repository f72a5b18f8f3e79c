import CivilTime
import Counting
import Reconciliation
import TestSupport
import Testing

@testable import Contracts
@testable import Statements

private func licensor(
  _ day: String, _ module: String, _ quantity: Int, scenario: String = "after-sales",
  meter: Meter = .conversation, licensee: String = "acme", contract: String = "DZ-1"
) throws -> DailyTotal {
  DailyTotal(
    contract: contract, licensee: licensee, date: try date(day), module: module,
    scenario: scenario, meter: meter, quantity: quantity, messages: quantity, failedMessages: 0,
    duplicates: 0)
}

private func licensee(
  _ rows: [StatedTotal],
  columns: Set<StatementColumn> = [.date, .module, .scenario, .unit, .quantity]
) -> StatedTotals {
  StatedTotals(path: "acme.csv", rows: rows, columns: columns)
}

private func claim(
  _ day: String, _ module: String, _ quantity: Int, scenario: String? = "after-sales",
  meter: Meter? = .conversation, amount: String? = nil
) throws -> StatedTotal {
  StatedTotal(
    date: try date(day), module: module, scenario: scenario, meter: meter, quantity: quantity,
    amount: try amount.map { try #require(Money(text: $0)) })
}

private func range(_ first: String, _ last: String) throws -> ClosedRange<CivilDate> {
  try date(first)...date(last)
}

@Suite("Reconciling totals")
struct ReconcileTotalsTests {
  @Test("months and days, a full outer join, in order")
  func join() throws {
    let result = reconcileTotals(
      contract: try exampleContract(),
      licensor: [
        try licensor("2026-01-01", "text-bot", 7), try licensor("2025-12-31", "text-bot", 100),
        try licensor("2025-12-31", "text-bot", 20, licensee: "acme-mini"),
        try licensor("2025-12-31", "text-bot", 999, contract: "DZ-2"),
        try licensor("2025-12-30", "text-bot", 50), try licensor("2025-11-30", "text-bot", 1),
      ],
      licensee: licensee([
        try claim("2025-12-31", "text-bot", 119), try claim("2025-12-31", "kb", 3, meter: .item),
        try claim("2026-02-01", "text-bot", 5),
      ]),
      range: try range("2025-12-30", "2026-01-01"))
    #expect(result.contract == "DZ-1")
    #expect(result.months.map(\.period) == ["2025-12", "2025-12", "2026-01"])
    #expect(result.months.map(\.module) == ["kb", "text-bot", "text-bot"])
    #expect(result.months.map(\.licensorQuantity) == [0, 170, 7])
    #expect(result.months.map(\.licenseeQuantity) == [3, 119, 0])
    #expect(result.months.map(\.difference) == [-3, 51, 7])
    #expect(
      result.days.map(\.period) == ["2025-12-30", "2025-12-31", "2025-12-31", "2026-01-01"])
    #expect(result.days.map(\.difference) == [50, -3, 1, 7])
    #expect(result.months.map(\.licensorAmount) == ["0", "59.5", "2.45"].map { Money(text: $0) })
    #expect(result.months.map(\.licenseeAmount) == [nil, Money(text: "41.65"), Money(text: "0")])
    #expect(
      result.months.map(\.amountDifference) == [nil, Money(text: "17.85"), Money(text: "2.45")])
    #expect(!result.isWithinTolerance)
    #expect(
      result.notes == [
        .daysWithoutLicenseeFigures([try date("2025-12-30"), try date("2026-01-01")], dayCount: 3),
        .rowsOutsideRange(1),
      ])
    #expect(
      result.notes.first?.description
        == "the licensee's statement covers 1 of 3 days; without figures, and taken as zero: "
        + "2025-12-30, 2026-01-01")
  }

  @Test(
    "the difference in percent, rounded half away from zero, and the tolerance of 0.5 %",
    arguments: [
      (1_000, 1_000, "0.0000", true), (1_000, 995, "0.5000", true), (1_000, 994, "0.6000", false),
      (1_000, 1_005, "-0.5000", true), (1_000, 1_006, "-0.6000", false), (3, 2, "33.3333", false),
      (3, 1, "66.6667", false), (3, 5, "-66.6667", false), (0, 0, "0.0000", true),
      (0, 1, nil, false), (5, 0, "100.0000", false), (2_000_000, 1_999_999, "0.0001", true),
      (-1_000, -995, "0.5000", true), (200_000_000, 199_999_901, "0.0000", true),
    ] as [(Int, Int, String?, Bool)])
  func percent(licensorCount: Int, licenseeCount: Int, expected: String?, within: Bool) throws {
    let result = reconcileTotals(
      contract: try exampleContract(),
      licensor: [try licensor("2025-12-01", "text-bot", licensorCount)],
      licensee: licensee([try claim("2025-12-01", "text-bot", licenseeCount)]),
      range: try range("2025-12-01", "2025-12-01"))
    let row = try #require(result.months.first)
    #expect(row.differencePercent?.text(places: 4) == expected)
    #expect(row.isWithinTolerance == within)
    #expect(result.isWithinTolerance == within)
    #expect(result.notes.isEmpty)
  }

  @Test("amounts follow the price of each day and are rounded to fen once, at the end")
  func amounts() throws {
    var contract = try exampleContract()
    contract.prices = [
      try price("text-bot", nil, "0.333", to: "2025-12-01"),
      try price("text-bot", nil, "0.111", from: "2025-12-02"),
      try price("text-bot", "vip", "9.00", from: "2025-12-02"),
    ]
    let result = reconcileTotals(
      contract: contract,
      licensor: [
        try licensor("2025-12-01", "text-bot", 1), try licensor("2025-12-02", "text-bot", 1),
        try licensor("2025-12-02", "text-bot", 2, scenario: "vip"),
      ],
      licensee: licensee([
        try claim("2025-12-01", "text-bot", 1), try claim("2025-12-02", "text-bot", 1),
        try claim("2025-12-02", "text-bot", 2, scenario: "vip", amount: "17.5"),
      ]),
      range: try range("2025-12-01", "2025-12-02"))
    #expect(result.months.map(\.scenario) == ["after-sales", "vip"])
    #expect(result.months.map(\.licensorAmount) == [Money(text: "0.44"), Money(text: "18")])
    #expect(result.months.map(\.licenseeAmount) == [Money(text: "0.44"), Money(text: "17.5")])
    #expect(result.days.map(\.licensorAmount) == ["0.33", "0.11", "18"].map { Money(text: $0) })
    // Equal quantities, an amount beyond the tolerance.
    #expect(result.months.map(\.isWithinTolerance) == [true, false])
  }

  @Test("amounts that round to the same fen do not differ")
  func sameFen() throws {
    var contract = try exampleContract()
    contract.prices = [try price("text-bot", nil, "0.0035")]
    let result = reconcileTotals(
      contract: contract, licensor: [try licensor("2025-12-01", "text-bot", 3)],
      licensee: licensee([try claim("2025-12-01", "text-bot", 3, amount: "0.01")]),
      range: try range("2025-12-01", "2025-12-01"))
    #expect(result.months.map(\.amountDifference) == [.zero])
    #expect(result.isWithinTolerance)
  }

  @Test("a month with a day that has no price has no amount, a day without units needs none")
  func unpriced() throws {
    var contract = try exampleContract()
    contract.prices = [try price("text-bot", nil, "1", from: "2025-12-02")]
    contract.term.from = nil
    let result = reconcileTotals(
      contract: contract,
      licensor: [
        try licensor("2025-12-01", "text-bot", 1), try licensor("2025-12-02", "text-bot", 1),
      ],
      licensee: licensee([
        try claim("2025-12-01", "text-bot", 0), try claim("2025-12-02", "text-bot", 2),
      ]),
      range: try range("2025-12-01", "2025-12-02"))
    #expect(result.months.map(\.licensorAmount) == [nil])
    #expect(result.months.map(\.licenseeAmount) == [Money(2)])
    #expect(result.months.map(\.amountDifference) == [nil])
  }

  @Test("use after the term is priced on the same terms")
  func holdover() throws {
    var contract = try exampleContract()
    contract.prices = [try price("text-bot", nil, "2", to: "2026-11-30")]
    let result = reconcileTotals(
      contract: contract, licensor: [try licensor("2026-12-24", "text-bot", 3)],
      licensee: licensee([]), range: try range("2026-12-24", "2026-12-24"))
    #expect(result.months.map(\.licensorAmount) == [Money(6)])
  }

  @Test("without scenario and unit columns, modules are compared as a whole")
  func collapsed() throws {
    var contract = try exampleContract()
    contract.prices = [
      try price("text-bot", "a", "1"), try price("text-bot", "b", "2"),
      try price("kb", nil, "0.5", meter: .item),
    ]
    let result = reconcileTotals(
      contract: contract,
      licensor: [
        try licensor("2025-12-01", "text-bot", 3, scenario: "a"),
        try licensor("2025-12-01", "text-bot", 4, scenario: "b"),
        try licensor("2025-12-01", "kb", 4, scenario: "", meter: .item),
      ],
      licensee: licensee(
        [
          try claim("2025-12-01", "text-bot", 7, scenario: nil, meter: nil),
          try claim("2025-12-01", "kb", 4, scenario: nil, meter: nil),
        ], columns: [.date, .module, .quantity]),
      range: try range("2025-12-01", "2025-12-01"))
    #expect(result.months.map(\.module) == ["kb", "text-bot"])
    #expect(result.months.map(\.difference) == [0, 0])
    #expect(result.months.map(\.scenario) == ["", ""])
    #expect(result.months.map(\.meter) == [nil, nil])
    // Two prices could be meant for the licensee's figure; neither is guessed.
    #expect(result.months.map(\.licenseeAmount) == [Money(2), nil])
    #expect(result.months.map(\.licensorAmount) == [Money(2), Money(11)])
    #expect(result.notes == [.columnNotCompared(.scenario), .columnNotCompared(.unit)])
  }

  @Test("rows of others are left out, and what was not read is said")
  func notes() throws {
    var rows = [try claim("2025-12-01", "text-bot", 1), try claim("2025-12-01", "text-bot", 2)]
    rows[0].contract = "DZ-2"
    rows[1].licensee = "other"
    var own = try claim("2025-12-01", "text-bot", 4)
    own.licensee = "acme-mini"
    own.contract = "DZ-1"
    let totals = try StatedTotals.read(
      .bytes(
        Array(
          "date,module,scenario,unit,quantity\nx,a,b,c,1\n2025-12-01,a,,会话,-4\ntotal,,,,-3\n".utf8),
        path: "f"), zone: .utc)
    var file = licensee(rows + [own])
    file.problems = totals.problems
    file.rowsUnread = totals.rowsUnread
    file.rowsKept = totals.rowsKept
    file.skippedTotals = totals.skippedTotals
    file.contradictions = totals.contradictions
    let result = reconcileTotals(
      contract: try exampleContract(), licensor: [], licensee: file,
      range: try range("2025-12-01", "2025-12-01"))
    #expect(result.months.map(\.licenseeQuantity) == [4])
    #expect(
      result.notes.map(\.description) == [
        "rows of the licensee's statement for another contract or licensee, left out: 2",
        "rows of the licensee's statement that could not be read, missing in its figures: 1",
        "rows of the licensee's statement in which something is wrong, compared as they are: 1",
        "rows of the licensee's statement that add up others, left out: 4",
        "f: row 4: \"total\" states -3 as quantity, but the rows above add up to -4; rows above that "
          + "could not be read: 1",
      ])
  }

  @Test("units are added up by all that is compared; one without any time is in no day")
  func units() throws {
    let text =
      "module,unit,conversation,started_at,amount\na,次,1,2025-12-01 08:00,1.5\na,次,2,2025-12-01 09:00,2\n"
      + "a,次,3,2025-12-01 09:00,\nb,次,4,2025-12-02 09:00,1\nb,次,5,,1\n"
    let totals = try StatedTotals.read(
      .bytes(Array(text.utf8), path: "f"), zone: exampleContract().zone)
    #expect(totals.rows.map(\.quantity) == [1, 2, 1])
    #expect(totals.rows.map { $0.amount?.description } == [nil, "3.5", "1"])
    #expect(totals.rowsUnread == 1 && totals.rowsKept == 0)
    #expect(totals.problems.map(\.isKept) == [false])
    #expect(totals.columns.isSuperset(of: [.date, .quantity]))
  }

  @Test("a file of nothing, of others only, or of another period says so")
  func wrongFiles() throws {
    let contract = try exampleContract()
    let december = try range("2025-12-01", "2025-12-02")
    func notes(_ rows: [StatedTotal]) -> [String] {
      reconcileTotals(
        contract: contract, licensor: [], licensee: licensee(rows), range: december
      ).notes.map(\.description)
    }
    let none =
      "the licensee's statement covers 0 of 2 days; without figures, and taken as zero: 2025-12-01 to "
      + "2025-12-02"
    #expect(
      notes([]) == [
        "the licensee's statement has a header and no rows; every figure of its is taken as zero",
        none,
      ])
    var other = try claim("2025-12-01", "text-bot", 1)
    other.contract = "DZ-2"
    #expect(
      notes([other]) == [
        "every row of the licensee's statement is for another contract or licensee (DZ-2); check that it "
          + "is the right file", none,
        "rows of the licensee's statement for another contract or licensee, left out: 1",
      ])
    #expect(
      notes([try claim("2025-11-01", "text-bot", 1), try claim("2025-11-30", "text-bot", 1)]) == [
        "every row of the licensee's statement is out of the range: it has 2025-11-01 to 2025-11-30, "
          + "compared are 2025-12-01 to 2025-12-02; check that it is the right period's", none,
        "rows of the licensee's statement for days out of the range, left out: 2",
      ])
  }

  @Test("months are compared where the range has all of them, and days are not")
  func months() throws {
    let counted = [
      try licensor("2025-12-01", "text-bot", 7), try licensor("2026-01-31", "text-bot", 4),
    ]
    var rows = [try claim("2025-12-01", "text-bot", 7), try claim("2026-01-01", "text-bot", 5)]
    for index in rows.indices { rows[index].isMonth = true }
    let whole = reconcileTotals(
      contract: try exampleContract(), licensor: counted, licensee: licensee(rows),
      range: try range("2025-12-01", "2026-01-31"))
    #expect(whole.months.map(\.difference) == [0, -1])
    #expect(whole.days.isEmpty)
    #expect(
      whole.notes.map(\.description) == [
        "the licensee's statement has figures of whole months; days are not compared"
      ])
    let part = reconcileTotals(
      contract: try exampleContract(), licensor: counted, licensee: licensee(rows),
      range: try range("2025-12-01", "2026-01-30"))
    #expect(part.months.map(\.difference) == [0])
    #expect(
      part.notes.map(\.description).contains(
        "rows of the licensee's statement for months of which only some days are compared, left out: 1; "
          + "compare whole months (--period)"))
  }
}

@Suite("Reconciling two files of totals")
struct ReconcileFilesTests {
  private func compare(
    _ left: StatedTotals, _ right: StatedTotals, _ first: String, _ last: String
  ) throws -> TotalsReconciliation {
    reconcileTotals(
      contract: try exampleContract(), licensor: left, licensee: right,
      range: try range(first, last))
  }

  @Test("the licensor's file is told of as the licensee's is")
  func notes() throws {
    let day = try claim("2025-12-01", "text-bot", 4)
    var other = day
    other.contract = "DZ-2"
    var left = licensee([day, other, try claim("2025-11-30", "text-bot", 9)])
    left.rowsUnread = 2
    left.rowsKept = 1
    left.contradictions = [
      TotalContradiction(
        path: "own.csv", row: 9, label: "合计", column: "次数", stated: "5", since: "4", all: "4",
        unreadRows: 0)
    ]
    let result = try compare(left, licensee([day]), "2025-12-01", "2025-12-02")
    #expect(result.months.map(\.difference) == [0])
    #expect(
      result.notes.map(\.description) == [
        "the licensee's statement covers 1 of 2 days; without figures, and taken as zero: 2025-12-02",
        "the licensor's statement covers 1 of 2 days; without figures, and taken as zero: 2025-12-02",
        "rows of the licensor's statement for days out of the range, left out: 1",
        "rows of the licensor's statement for another contract or licensee, left out: 1",
        "rows of the licensor's statement that could not be read, missing in its figures: 2",
        "rows of the licensor's statement in which something is wrong, compared as they are: 1",
        "own.csv: row 9: \"合计\" states 5 as 次数, but the rows above add up to 4",
      ])
    let empty = try compare(licensee([]), licensee([day]), "2025-12-01", "2025-12-01")
    #expect(
      empty.notes.first?.description
        == "the licensor's statement has a header and no rows; every figure of its is taken as zero"
    )
  }

  @Test("scenarios and units are compared where both have them, days where neither states months")
  func columns() throws {
    let bare = [try claim("2025-12-01", "text-bot", 5, scenario: nil, meter: nil, amount: "1.75")]
    let full = [
      try claim("2025-12-01", "text-bot", 3), try claim("2025-12-01", "text-bot", 3, scenario: "b"),
    ]
    let result = try compare(
      licensee(bare, columns: [.date, .module, .quantity, .amount]), licensee(full), "2025-12-01",
      "2025-12-31")
    #expect(result.months.map(\.difference) == [-1])
    #expect(result.months.map(\.scenario) == [""] && result.months.map(\.meter) == [nil])
    // What the licensor states counts; scenario b has no price.
    #expect(result.months.map(\.licensorAmount) == [Money(text: "1.75")])
    #expect(result.months.map(\.licenseeAmount) == [nil])
    #expect(
      result.notes.suffix(2) == [
        .ofLicensor(.columnNotCompared(.scenario)), .ofLicensor(.columnNotCompared(.unit)),
      ])
    // Neither file has them: that is said once.
    let both = try compare(
      licensee(bare, columns: [.date, .module]), licensee(bare, columns: [.date, .module]),
      "2025-12-01", "2025-12-01")
    #expect(both.notes == [.columnNotCompared(.scenario), .columnNotCompared(.unit)])
    var month = try claim("2025-12-01", "text-bot", 7)
    month.isMonth = true
    let months = try compare(licensee([month]), licensee(full), "2025-12-01", "2025-12-31")
    #expect(months.days.isEmpty && months.months.map(\.difference) == [4, -3])
    #expect(
      months.notes.last?.description
        == "the licensor's statement has figures of whole months; days are not compared")
  }

  @Test("files of other months are told of, with a month to compare where both have one")
  func periods() throws {
    let (november, december, january) = (
      try claim("2025-11-03", "text-bot", 1), try claim("2025-12-04", "text-bot", 1),
      try claim("2026-01-05", "text-bot", 1)
    )
    func last(_ left: [StatedTotal], _ right: [StatedTotal]) throws -> ReconciliationNote? {
      try compare(licensee(left), licensee(right), "2025-11-01", "2026-01-31").notes.last
    }
    #expect(
      try last([november, december], [december, january])?.description
        == "the licensee's statement has figures of 2025-12-04 to 2026-01-05, the licensor's of 2025-11-03 to "
        + "2025-12-04; what only one has is a difference: compare one month (--period 2025-12)")
    #expect(
      try last([november], [january])?.description
        == "the licensee's statement has figures of 2026-01-05 to 2026-01-05, the licensor's of 2025-11-03 to "
        + "2025-11-03; what only one has is a difference: they have no month in common; check that both are of one "
        + "period")
    // Other days of the same months are told of as days without figures alone.
    let same = try last([november, january], [november, january])
    if case .periodsDiffer = same { Issue.record("the files are of the same months") }
  }
}
