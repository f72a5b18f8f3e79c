import Decoding
import Formats

/// Reads rows of a table: RFC 4180 without line breaks in a value, or tabs with backslashes.
struct TableReader {
  private let table: TableSyntax
  /// For each column the slot of its value.
  private let slots: [Int]

  init(_ table: TableSyntax, _ plan: FormatPlan) {
    self.table = table
    slots = (plan.header ?? []).map { name in
      plan.valueNames.firstIndex(of: name) ?? FormatPlan.none
    }
  }

  /// Reads a row.
  ///
  /// - Parameter decode: takes the slot of a value that is not written as it is.
  func read(
    _ bytes: ByteView, _ line: Range<Int>, into values: Slots, decode: (Int) -> Void
  ) -> Rejection? {
    var position = line.lowerBound
    var column = 0
    while true {
      var value: Slice
      var isEscaped = false
      if !table.hasBackslashes && position < line.upperBound && bytes[position] == 0x22 {
        let start = position + 1
        position = start
        while true {
          while position < line.upperBound && bytes[position] != 0x22 { position += 1 }
          guard position < line.upperBound else { return .unlikeFormat }
          guard position + 1 < line.upperBound && bytes[position + 1] == 0x22 else { break }
          isEscaped = true
          position += 2
        }
        value = Slice(start: start, count: position - start)
        position += 1
        guard position == line.upperBound || bytes[position] == table.delimiter else {
          return .unlikeFormat
        }
      } else {
        let start = position
        while position < line.upperBound && bytes[position] != table.delimiter {
          if bytes[position] == 0x5C { isEscaped = table.hasBackslashes }
          position += 1
        }
        value = Slice(start: start, count: position - start)
      }
      guard column < slots.count else { return .wrongColumnCount }
      if slots[column] >= 0 {
        values[slots[column]] = value
        if isEscaped { decode(slots[column]) }
      }
      column += 1
      guard position < line.upperBound else { break }
      position += 1
    }
    return column == slots.count ? nil : .wrongColumnCount
  }

  /// The names in a log's first line; `nil` where that is no row.
  static func header(_ line: [UInt8], _ table: TableSyntax) -> [String]? {
    var names: [String] = []
    var name: [UInt8] = []
    var isQuoted = false
    var position = 0
    while position < line.count {
      let byte = line[position]
      if byte == 0x22 && !table.hasBackslashes {
        if isQuoted && position + 1 < line.count && line[position + 1] == 0x22 {
          name.append(byte)
          position += 1
        } else {
          isQuoted.toggle()
        }
      } else if byte == table.delimiter && !isQuoted {
        names.append(String(decoding: name, as: UTF8.self))
        name = []
      } else {
        name.append(byte)
      }
      position += 1
    }
    names.append(String(decoding: name, as: UTF8.self))
    return isQuoted ? nil : names
  }
}
