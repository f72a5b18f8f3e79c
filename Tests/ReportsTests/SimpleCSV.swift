/// An RFC 4180 parser of a few lines, written apart from the product's own, to read back what it
/// writes.
func parseCSV(_ bytes: [UInt8]) -> [[[UInt8]]] {
  var rows: [[[UInt8]]] = []
  var row: [[UInt8]] = []
  var cell: [UInt8] = []
  var isQuoted = false
  var index = 0
  while index < bytes.count {
    let byte = bytes[index]
    index += 1
    switch (isQuoted, byte) {
    case (true, 0x22):
      if index < bytes.count, bytes[index] == 0x22 {
        cell.append(byte)
        index += 1
      } else {
        isQuoted = false
      }
    case (false, 0x22): isQuoted = true
    case (false, 0x2C):
      row.append(cell)
      cell = []
    case (false, 0x0A):
      rows.append(row + [cell])
      row = []
      cell = []
    default: cell.append(byte)
    }
  }
  precondition(!isQuoted && row.isEmpty && cell.isEmpty, "the file ends with a whole row")
  return rows
}
