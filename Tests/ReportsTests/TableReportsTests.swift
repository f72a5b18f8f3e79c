import CivilTime
import Contracts
import Counting
import Detection
import Reports
import TestSupport
import Testing

@testable import Reconciliation

private func date(_ text: String) throws -> CivilDate { try #require(CivilDate(text: text)) }

@Suite("Reports as CSV")
struct TableReportsTests {
  @Test("count.csv: rows in their order, whatever order they came in")
  func dailyTotals() throws {
    func total(
      _ contract: String, _ licensee: String, _ day: String, _ module: String, _ scenario: String,
      _ meter: Meter
    ) throws -> DailyTotal {
      DailyTotal(
        contract: contract, licensee: licensee, date: try date(day), module: module,
        scenario: scenario, meter: meter, quantity: 5, messages: 9, failedMessages: 1,
        duplicates: 2)
    }
    let ordered = [
      try total("A", "acme", "2025-12-01", "kb", "s", .conversation),
      try total("A", "acme", "2025-12-01", "kb", "s", .item),
      try total("A", "acme", "2025-12-01", "kb", "t", .conversation),
      try total("A", "acme", "2025-12-01", "text-bot", "", .conversation),
      try total("A", "acme", "2025-12-02", "a,b", "", .conversation),
      try total("A", "acme-mini", "2025-12-01", "kb", "", .conversation),
      // Canonically equal, different bytes: still in one order.
      try total("B", "cafe\u{301}", "2025-12-01", "kb", "", .conversation),
      try total("B", "caf\u{e9}", "2025-12-01", "kb", "", .conversation),
    ]
    let expected = """
      contract,licensee,date,module,scenario,unit,quantity,messages,failed_messages,duplicates
      A,acme,2025-12-01,kb,s,conversation,5,9,1,2
      A,acme,2025-12-01,kb,s,item,5,9,1,2
      A,acme,2025-12-01,kb,t,conversation,5,9,1,2
      A,acme,2025-12-01,text-bot,,conversation,5,9,1,2
      A,acme,2025-12-02,"a,b",,conversation,5,9,1,2
      A,acme-mini,2025-12-01,kb,,conversation,5,9,1,2
      B,cafe\u{301},2025-12-01,kb,,conversation,5,9,1,2
      B,caf\u{e9},2025-12-01,kb,,conversation,5,9,1,2

      """
    for seed in 1...20 as ClosedRange<UInt64> {
      var random = SeededRandom(seed: seed)
      let report = DailyTotalsReport(ordered.shuffled(using: &random))
      #expect(report.bytes() == Array(expected.utf8), "seed \(seed)")
    }
  }

  @Test("findings.csv: the columns, times in the contract's zone, most severe first")
  func findings() throws {
    let zone = try #require(Zone(identifier: "Asia/Shanghai"))
    var low = Finding(
      kind: .unlistedOrigin, severity: .low, clause: "access.scenario_only", contract: "DZ-1",
      licensee: "acme", zone: zone, records: 3, explanation: "Calls, from \"x\".",
      recommendedAction: "Ask.", evidence: ["a.log:1", "b.log:2"])
    low.app = "=web"
    low.module = "text-bot"
    low.from = Instant(seconds: 1_764_547_200)
    low.to = Instant(seconds: 1_764_547_201)
    var medium = low
    medium.kind = .unlistedScenario
    medium.severity = .medium
    medium.amountLow = Money(text: "1.2")
    medium.amountHigh = Money(text: "3")
    medium.suppressedLow = 0
    medium.suppressedHigh = 7
    medium.statistic = "O=0 E=1,5"
    medium.pValue = "2e-9"
    let table = FindingsReport([low, medium]).table
    let times = "2025-12-01T08:00:00.000+08:00,2025-12-01T08:00:01.000+08:00"
    #expect(
      String(decoding: table.bytes(), as: UTF8.self) == """
        finding,severity,clause,contract,licensee,app,module,from,to,records,statistic,p_value,\
        suppressed_low,suppressed_high,amount_low,amount_high,explanation,recommended_action,evidence
        unlisted_scenario,medium,access.scenario_only,DZ-1,acme,'=web,text-bot,\(times),3,"O=0 E=1,5",2e-9,0,7,\
        1.20,3.00,"Calls, from ""x"".",Ask.,a.log:1; b.log:2
        unlisted_origin,low,access.scenario_only,DZ-1,acme,'=web,text-bot,\(times),3,,,,,,,\
        "Calls, from ""x"".",Ask.,a.log:1; b.log:2

        """)
  }

  @Test("reconciliation.csv and reconciliation-daily.csv: exact columns")
  func reconciliation() throws {
    var row = ReconciliationRow(
      period: "2025-12", module: "text-bot", scenario: "after-sales", meter: .conversation,
      licensorQuantity: 1_000, licenseeQuantity: 1_003, licensorAmount: Money(text: "350"),
      licenseeAmount: Money(text: "351.05"), tolerance: try #require(Money(text: "0.005")),
      isWithinTolerance: true)
    let month = row
    row.period = "2025-12-01"
    row.meter = nil
    row.licensorQuantity = 0
    row.licensorAmount = nil
    row.isWithinTolerance = false
    row.tolerance = try #require(Money(text: "0.0012345"))
    let report = ReconciliationReport([
      TotalsReconciliation(contract: "DZ-1", months: [month], days: [row], notes: [])
    ])
    let header = """
      contract,period,module,scenario,unit,licensor_quantity,licensee_quantity,difference,\
      difference_pct,tolerance_pct,within_tolerance,licensor_amount,licensee_amount,\
      amount_difference

      """
    #expect(
      String(decoding: report.months.bytes(), as: UTF8.self) == header + """
        DZ-1,2025-12,text-bot,after-sales,conversation,1000,1003,-3,-0.3000,0.5000,true,350.00,\
        351.05,-1.05

        """)
    #expect(
      String(decoding: report.days.bytes(), as: UTF8.self) == header + """
        DZ-1,2025-12-01,text-bot,after-sales,,0,1003,-1003,,0.12345,false,,351.05,

        """)
  }
}
