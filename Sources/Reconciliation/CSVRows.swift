/// The rows of a CSV file as RFC 4180 has them, one at a time.
///
/// Quoted cells may hold delimiters, line ends and doubled quotes; a quote inside an unquoted cell
/// stands for itself. Rows end with LF, CRLF or CR, the last one with or without.
struct CSVRows: Sequence, IteratorProtocol {
  /// A row and where it stands.
  struct Row: Equatable {
    /// As spreadsheets number rows: the first is 1, blank rows count, a cell of many lines is one.
    var number: Int
    /// The line of the file on which the row begins, from 1.
    var line: Int
    var cells: [String]
    /// Whether a quoted cell was still open at the end of the file.
    var isUnterminated = false

    var isBlank: Bool { cells.allSatisfy { $0.allSatisfy(\.isWhitespace) } }
  }

  private let bytes: [UInt8]
  private let delimiter: UInt8
  private var position = 0
  private var number = 0
  private var line = 1

  /// - Parameter bytes: valid UTF-8; a byte order mark is passed over.
  init(_ bytes: [UInt8], delimiter: UInt8) {
    self.bytes = bytes
    self.delimiter = delimiter
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  mutating func next() -> Row? {
    guard position < bytes.count else { return nil }
    number += 1
    var row = Row(number: number, line: line, cells: [])
    var cell: [UInt8] = []
    var isEnd = false
    while !isEnd {
      cell.removeAll(keepingCapacity: true)
      if position < bytes.count, bytes[position] == 0x22 {
        row.isUnterminated = readQuoted(into: &cell)
      }
      isEnd = readPlain(into: &cell)
      row.cells.append(String(decoding: cell, as: UTF8.self))
    }
    return row
  }

  /// Reads from an opening quote to behind its closing one.
  ///
  /// - Returns: whether the file ended first.
  private mutating func readQuoted(into cell: inout [UInt8]) -> Bool {
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == 0x22 {
        guard position < bytes.count, bytes[position] == 0x22 else { return false }
        position += 1
      } else if byte == 0x0A {
        line += 1
      }
      cell.append(byte)
    }
    return true
  }

  /// Reads to behind the next delimiter or line end.
  ///
  /// - Returns: whether the row ends there.
  private mutating func readPlain(into cell: inout [UInt8]) -> Bool {
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == delimiter { return false }
      if byte == 0x0D || byte == 0x0A {
        if byte == 0x0D, position < bytes.count, bytes[position] == 0x0A { position += 1 }
        line += 1
        return true
      }
      cell.append(byte)
    }
    return true
  }
}
