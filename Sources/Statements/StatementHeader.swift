/// The header of a statement: where it stands, how the file's cells are separated and what its columns
/// hold.
struct StatementHeader {
  /// Rows that are not blank and may stand above the header, such as titles.
  static let rowsAboveMax = 30
  /// Comma, tab, semicolon.
  private static let delimiters: [UInt8] = [0x2C, 0x09, 0x3B]

  static let detailColumns: [StatementColumn] = [.module, .startedAt]
  static let totalsColumns: [StatementColumn] = [.date, .module, .quantity]

  var delimiter: UInt8
  var row: Int
  var line: Int
  /// The names as the file has them.
  var names: [String]
  var columns: [StatementColumn: Int]
  /// Rows above that are not blank.
  var titles: [PassedOverRow]
  private var repeated: [StatementColumn]
  private var unmapped: [StatementColumn]

  var kind: StatementKind { columns[.startedAt] == nil ? .totals : .detail }

  private var missingOfDetail: [StatementColumn] {
    Self.detailColumns.filter { columns[$0] == nil }
  }

  private var missingOfTotals: [StatementColumn] {
    Self.totalsColumns.filter { columns[$0] == nil && ($0 != .date || columns[.month] == nil) }
  }

  private var isComplete: Bool { missingOfDetail.isEmpty || missingOfTotals.isEmpty }

  private func isBetter(than other: StatementHeader) -> Bool {
    if isComplete != other.isComplete { return isComplete }
    let requiredMissing = min(missingOfDetail.count + 1, missingOfTotals.count)
    let otherMissing = min(other.missingOfDetail.count + 1, other.missingOfTotals.count)
    if isComplete { return columns.count > other.columns.count }
    return (-requiredMissing, columns.count) > (-otherMissing, other.columns.count)
  }

  /// The row in which the columns of a kind are known, under the delimiter that makes the most of it;
  /// the first of several such rows.
  ///
  /// - Throws: for the row that comes nearest, where there is none.
  static func find(
    _ head: CSVHead, path: String, mapping: [StatementColumn: String]
  ) throws(StatementError) -> StatementHeader {
    var best: StatementHeader?
    for delimiter in head.declared.map({ [$0] }) ?? delimiters {
      var scanner = CSVScanner(head, delimiter: delimiter, isHeadOnly: true)
      var titles: [PassedOverRow] = []
      while titles.count <= rowsAboveMax {
        let found = scanner.next()
        if found == .end { break }
        guard found == .row else { continue }
        let texts = scanner.texts.map { CellText.trimmed($0) }
        if texts.allSatisfy(\.isEmpty) { continue }
        let (columns, repeated, unmapped) = StatementColumn.find(in: texts, mapping: mapping)
        let header = StatementHeader(
          delimiter: delimiter, row: scanner.number, line: scanner.line, names: texts,
          columns: columns, titles: titles, repeated: repeated, unmapped: unmapped)
        if best.map({ header.isBetter(than: $0) }) ?? true { best = header }
        titles.append(
          PassedOverRow(row: scanner.number, cells: texts.filter { !$0.isEmpty }))
      }
    }
    guard let best else { throw .empty(path: path) }
    let found = best.names.filter { !$0.isEmpty }
    if let column = best.unmapped.first, let name = mapping[column] {
      throw .mappedColumnMissing(path: path, column: column, name: name, found: found)
    }
    guard best.isComplete else {
      throw .columnsMissing(
        path: path, detail: best.missingOfDetail, totals: best.missingOfTotals, found: found)
    }
    if let column = best.repeated.first {
      throw .columnRepeated(path: path, column: column, found: found)
    }
    return best
  }
}
