internal import CivilTime
internal import Contracts
internal import Counting
internal import Decoding
internal import Reconciliation

@testable internal import Statements

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
    let totals: StatedTotals
    do throws(StatementError) {
      totals = try StatedTotals.read(.bytes(input, path: "statement.csv"), zone: .utc)
    } catch {
      require(!"\(error)".isEmpty, "an error has words")
      return
    }
    let lines = 2 + input.count { $0 == 0x0A || $0 == 0x0D }
    for problem in totals.problems {
      require((1...lines).contains(problem.line), "a problem lies in the file: \(problem)")
    }
    for row in totals.rows {
      require(
        abs(row.quantity) <= CellNumber.quantityMax * max(input.count, 1),
        "a quantity has its bounds")
    }
    reconcile(totals)
  }

  /// Rows written with all cells quoted are read as the same rows.
  private func rows(_ input: [UInt8], _ delimiter: UInt8) {
    // Other encodings are told by zeros and by what is no UTF-8.
    guard String(validating: input, as: UTF8.self) != nil, !input.contains(0),
      let rows = scanned(input, delimiter)
    else { return }
    var written: [UInt8] = []
    for row in rows {
      let cells = row.map { cell -> [UInt8] in
        let text = cell.utf8.map { $0 == 0x22 ? [0x22, 0x22] : [$0] as [UInt8] }
        return [0x22] + text.joined() + [0x22]
      }
      written += cells.joined(separator: [delimiter]) + [0x0A]
    }
    require(scanned(written, delimiter) == rows, "rows are what is written")
  }

  /// The cells of all rows; `nil` where some row is none.
  private func scanned(_ bytes: [UInt8], _ delimiter: UInt8) -> [[String]]? {
    guard let text = try? TextStream(bytes, path: "statement.csv") else { return nil }
    var scanner = CSVScanner(text, delimiter: delimiter)
    guard scanner.delimiter == delimiter else { return nil }
    var rows: [[String]] = []
    while true {
      switch scanner.next() {
      case .row: rows.append(scanner.texts)
      case .end: return rows
      default: return nil
      }
    }
  }

  /// Every figure of the statement within the range is in one row.
  private func reconcile(_ totals: StatedTotals) {
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
    // Days are not compared where some figures are of months.
    let hasMonths = stated.contains(where: \.isMonth)
    for rows in hasMonths ? [compared.months] : [compared.days, compared.months] {
      require(rows.reduce(0) { $0 + $1.licenseeQuantity } == sum, "differences add up")
      for row in rows {
        _ = row.amountDifference?.text(places: 2)
        _ = row.differencePercent?.text(places: 4)
      }
    }
    for note in compared.notes { require(!"\(note)".isEmpty, "a note has words") }
  }
}
