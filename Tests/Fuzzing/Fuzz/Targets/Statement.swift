internal import CivilTime
internal import Contracts
internal import Counting

@testable internal import Reconciliation

/// The licensee's statement: its rows are read or told why not, and can be compared with a count.
struct StatementTarget: FuzzTarget {
  static let name = "statement"

  private let contract: Contract

  init() {
    // The finest shares and the largest amounts that a contract can state.
    let yaml = """
      contract: C-1
      licensee: {name: Acme, keys: [acme]}
      prices:
        - {module: bot, unit: conversation, price: "999999999999.99999999"}
        - {module: kb, unit: item, price: "0.35"}
      settlement: {tolerance: "0.00000001%"}
      """
    guard let contract = try? Contract(yaml: yaml, path: "contract.yaml") else {
      preconditionFailure("the contract is right")
    }
    self.contract = contract
  }

  mutating func check(_ input: [UInt8]) {
    for delimiter in [0x2C, 0x3B, 0x09] as [UInt8] { rows(input, delimiter) }
    let totals: LicenseeTotals
    do throws(LicenseeTotalsError) {
      totals = try LicenseeTotals.read(input, path: "statement.csv")
    } catch {
      require(!"\(error)".isEmpty, "an error has words")
      return
    }
    let lines = 1 + input.count { $0 == 0x0A || $0 == 0x0D }
    for problem in totals.problems {
      require((1...lines).contains(problem.line), "a problem lies in the file: \(problem)")
    }
    for row in totals.rows {
      require(abs(row.quantity) <= LicenseeText.quantityMax, "a quantity has its bounds")
    }
    reconcile(totals)
  }

  /// Rows written with all cells quoted are read as the same rows.
  private func rows(_ input: [UInt8], _ delimiter: UInt8) {
    guard String(validating: input, as: UTF8.self) != nil else { return }
    let rows = Array(CSVRows(input, delimiter: delimiter))
    var written: [UInt8] = []
    for row in rows {
      let cells = row.cells.map { cell -> [UInt8] in
        let text = cell.utf8.map { $0 == 0x22 ? [0x22, 0x22] : [$0] as [UInt8] }
        return [0x22] + text.joined() + [0x22]
      }
      written += cells.joined(separator: [delimiter]) + [0x0A]
    }
    let again = Array(CSVRows(written, delimiter: delimiter))
    require(again.map(\.cells) == rows.map(\.cells), "rows are what is written")
    require(again.map(\.number) == rows.map(\.number), "rows are numbered")
  }

  /// Every figure of the statement within the range is in one row.
  private func reconcile(_ totals: LicenseeTotals) {
    let range = CivilDate(year: 2025, month: 12, day: 1)...CivilDate(year: 2026, month: 1, day: 31)
    let counted = [("bot", Meter.conversation, 1_000_000), ("kb", .item, 7)].map {
      DailyTotal(
        contract: "C-1", licensee: "acme", date: range.lowerBound, module: $0, scenario: "",
        meter: $1, quantity: $2, messages: 0, failedMessages: 0, duplicates: 0)
    }
    let compared = reconcileTotals(
      contract: contract, licensor: counted, licensee: totals, range: range)
    let stated = totals.rows.filter { row in
      range.contains(row.date) && row.contract ?? "C-1" == "C-1"
        && ["acme", "Acme"].contains(row.licensee ?? "acme")
    }
    let sum = stated.reduce(0) { $0 + $1.quantity }
    for rows in [compared.days, compared.months] {
      require(rows.reduce(0) { $0 + $1.licenseeQuantity } == sum, "differences add up")
      for row in rows {
        _ = row.amountDifference?.text(places: 2)
        _ = row.differencePercent?.text(places: 4)
      }
    }
    for note in compared.notes { require(!"\(note)".isEmpty, "a note has words") }
  }
}
