internal import CivilTime
internal import Contracts

extension LicenseeTotals {
  /// Rows that may stand above the header, such as a title.
  static let rowsAboveHeaderMax = 10
  /// Comma, tab, semicolon.
  private static let delimiters: [UInt8] = [0x2C, 0x09, 0x3B]

  /// Reads CSV in UTF-8, with or without byte order mark; delimiter and columns are told from the
  /// content.
  ///
  /// - Parameters:
  ///   - path: for messages.
  ///   - mapping: header names of columns that are not known by name.
  /// - Throws: where the file as a whole cannot be read; a single row is a ``RowProblem``.
  public static func read(
    _ bytes: [UInt8], path: String, columns mapping: [LicenseeColumn: String] = [:]
  ) throws(LicenseeTotalsError) -> LicenseeTotals {
    if let offset = firstInvalidByte(bytes) { throw .notUTF8(path: path, byteOffset: offset) }
    let header = try header(bytes, path: path, mapping: mapping)
    var totals = LicenseeTotals(path: path, rows: [], columns: Set(header.columns.keys))
    for row in CSVRows(bytes, delimiter: header.delimiter)
    where row.number > header.row.number && !row.isBlank {
      if header.isTotal(row) {
        let cells = row.cells.map { LicenseeText.trimmed($0) }.filter { !$0.isEmpty }
        totals.skippedTotals.append(SkippedRow(row: row.number, cells: cells))
        continue
      }
      do throws(RowProblem) {
        totals.rows.append(try header.total(row))
      } catch {
        totals.problems.append(error)
      }
    }
    return totals
  }

  /// Where the bytes stop being UTF-8; `nil` where all of them are.
  private static func firstInvalidByte(_ bytes: [UInt8]) -> Int? {
    do throws(UTF8.ValidationError) {
      _ = try UTF8Span(validating: bytes.span)
      return nil
    } catch {
      return error.byteOffsets.lowerBound
    }
  }

  /// The first row in which every required column is known, under the delimiter that makes the
  /// most of it; else the error for the row that comes nearest.
  private static func header(
    _ bytes: [UInt8], path: String, mapping: [LicenseeColumn: String]
  ) throws(LicenseeTotalsError) -> LicenseeHeader {
    var best: LicenseeHeader?
    var bestRepeated: [LicenseeColumn] = []
    for delimiter in delimiters {
      let rows = CSVRows(bytes, delimiter: delimiter).lazy.filter { !$0.isBlank }
      for row in rows.prefix(rowsAboveHeaderMax + 1) {
        let (columns, repeated) = LicenseeColumn.find(in: row.cells, mapping: mapping)
        let header = LicenseeHeader(path: path, delimiter: delimiter, row: row, columns: columns)
        if best.map({ header.isBetter(than: $0) }) ?? true {
          best = header
          bestRepeated = repeated
        }
      }
    }
    guard let best else { throw .empty(path: path) }
    let names = best.row.cells.map { LicenseeText.trimmed($0) }
    let missing = LicenseeColumn.required.filter { best.columns[$0] == nil }
    guard missing.isEmpty else {
      throw .columnsMissing(path: path, missing: missing, found: names)
    }
    if let column = bestRepeated.first {
      throw .columnRepeated(path: path, column: column, found: names)
    }
    return best
  }
}

/// The header row, and how it reads the rows below.
struct LicenseeHeader {
  var path: String
  var delimiter: UInt8
  var row: CSVRows.Row
  var columns: [LicenseeColumn: Int]

  private var requiredCount: Int {
    LicenseeColumn.required.count { columns[$0] != nil }
  }

  func isBetter(than other: LicenseeHeader) -> Bool {
    (requiredCount, columns.count) > (other.requiredCount, other.columns.count)
  }

  private func cell(_ column: LicenseeColumn, in row: CSVRows.Row) -> String? {
    guard let position = columns[column] else { return nil }
    return position < row.cells.count ? row.cells[position] : ""
  }

  func isTotal(_ row: CSVRows.Row) -> Bool {
    if let first = row.cells.first(where: { !LicenseeText.trimmed($0).isEmpty }),
      LicenseeText.isTotal(first)
    {
      return true
    }
    return [LicenseeColumn.date, .module, .scenario].contains { column in
      cell(column, in: row).map { LicenseeText.isTotal($0) } ?? false
    }
  }

  func total(_ row: CSVRows.Row) throws(RowProblem) -> LicenseeTotal {
    if row.isUnterminated {
      throw RowProblem(
        path: path, row: row.number, line: row.line, column: "", value: row.cells.last ?? "",
        remedy: "a quote is opened here and never closed; close it")
    }
    let date = try value(
      .date, in: row, LicenseeText.date,
      remedy: "expected a day such as 2025-12-01, 2025/12/1, 20251201 or 2025年12月1日")
    let quantity = try value(
      .quantity, in: row, LicenseeText.quantity,
      remedy: "expected a whole number such as 1234 or 1,234, at most 1,000,000,000,000")
    var total = LicenseeTotal(
      date: date, module: try text(.module, in: row) ?? "", quantity: quantity)
    total.contract = try text(.contract, in: row)
    total.licensee = try text(.licensee, in: row)
    total.scenario = cell(.scenario, in: row).map { LicenseeText.name($0) }
    if columns[.unit] != nil {
      total.meter = try value(
        .unit, in: row, LicenseeText.meter,
        remedy: "expected conversation (会话, 次) or item (条)")
    }
    let amount = try money(.amount, in: row)
    let unitPrice = try money(.unitPrice, in: row)
    total.amount = amount ?? unitPrice.map { $0 * quantity }
    return total
  }

  private func value<Value>(
    _ column: LicenseeColumn, in row: CSVRows.Row, _ read: (String) -> Value?, remedy: String
  ) throws(RowProblem) -> Value {
    let text = cell(column, in: row) ?? ""
    guard let value = read(text) else { throw problem(column, row, value: text, remedy: remedy) }
    return value
  }

  /// A cell that must not be empty where the file has its column.
  private func text(_ column: LicenseeColumn, in row: CSVRows.Row) throws(RowProblem) -> String? {
    guard let cell = cell(column, in: row) else { return nil }
    let text = LicenseeText.name(cell)
    guard !text.isEmpty else {
      throw problem(column, row, value: "", remedy: "fill in the \(column.rawValue) in every row")
    }
    return text
  }

  private func money(_ column: LicenseeColumn, in row: CSVRows.Row) throws(RowProblem) -> Money? {
    guard let text = cell(column, in: row), !LicenseeText.trimmed(text).isEmpty else { return nil }
    return try value(
      column, in: row, LicenseeText.amount, remedy: "expected yuan such as 1234.50 or 1,234.50")
  }

  private func problem(
    _ column: LicenseeColumn, _ row: CSVRows.Row, value: String, remedy: String
  ) -> RowProblem {
    let name = columns[column].map { LicenseeText.trimmed(self.row.cells[$0]) } ?? ""
    return RowProblem(
      path: path, row: row.number, line: row.line, column: name, value: value, remedy: remedy)
  }
}
