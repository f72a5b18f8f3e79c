public import CivilTime

/// A small report as a value: rows of cells under English column names, rendered when written.
///
/// Reports of millions of rows write to a ``CSVBuffer`` directly.
public struct CSVTable: Sendable, Hashable {
  /// One cell.
  public enum Cell: Sendable, Hashable {
    case empty
    /// Text of the log or the contract; neutralised where a spreadsheet would run it.
    case text(String)
    case number(Int)
    case date(CivilDate)
    /// A number or time that we formatted ourselves.
    case plain(String)

    /// Text, or an empty cell.
    public static func optional(_ plain: String?) -> Cell { plain.map { .plain($0) } ?? .empty }
  }

  public let columns: [String]
  public private(set) var rows: [[Cell]]

  public init(columns: [String], rows: [[Cell]] = []) {
    self.columns = columns
    self.rows = []
    self.rows.reserveCapacity(rows.count)
    for row in rows { append(row) }
  }

  /// Adds a row, which must have a cell for every column.
  public mutating func append(_ row: [Cell]) {
    precondition(row.count == columns.count, "a row has one cell for every column")
    rows.append(row)
  }

  /// The whole file.
  public func bytes(style: CSVStyle = CSVStyle()) -> [UInt8] {
    var buffer = style.header(columns)
    for row in rows {
      for cell in row {
        switch cell {
        case .empty: buffer.emptyField()
        case .text(let text): buffer.field(text)
        case .number(let number): buffer.field(number)
        case .date(let date): buffer.field(date)
        case .plain(let text): buffer.plainField(text)
        }
      }
      buffer.endRow()
    }
    return buffer.bytes
  }
}
