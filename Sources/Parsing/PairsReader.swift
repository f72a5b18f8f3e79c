import Decoding

/// Reads `key=value` pairs between blanks, as logfmt has them.
struct PairsReader {
  private let names: [[UInt8]]

  init(_ plan: FormatPlan) { names = plan.valueNames.map { Array($0.utf8) } }

  /// - Parameter decode: takes the slot of a value in quotes that has escapes.
  func read(
    _ bytes: ByteView, _ line: Range<Int>, into values: Slots, decode: (Int) -> Void
  ) -> Rejection? {
    var position = line.lowerBound
    var next = 0
    while true {
      while position < line.upperBound && bytes[position] == 0x20 { position += 1 }
      guard position < line.upperBound else { return nil }
      let key = position
      while position < line.upperBound && bytes[position] != 0x3D && bytes[position] != 0x20 {
        guard bytes[position] != 0x22 else { return .unlikeFormat }
        position += 1
      }
      let keyCount = position - key
      guard keyCount > 0 else { return .unlikeFormat }
      // A key alone says that something is so, and has no value.
      guard position < line.upperBound && bytes[position] == 0x3D else { continue }
      position += 1
      var isEscaped = false
      let value: Slice
      if position < line.upperBound && bytes[position] == 0x22 {
        let start = position + 1
        position = start
        while position < line.upperBound && bytes[position] != 0x22 {
          if bytes[position] == 0x5C {
            isEscaped = true
            position += 1
          }
          position += 1
        }
        guard position < line.upperBound else { return .unlikeFormat }
        value = Slice(start: start, count: position - start)
        position += 1
        guard position == line.upperBound || bytes[position] == 0x20 else { return .unlikeFormat }
      } else {
        let start = position
        while position < line.upperBound && bytes[position] != 0x20 { position += 1 }
        value = Slice(start: start, count: position - start)
      }
      if let number = number(bytes, key, keyCount, next) {
        next = number + 1
        values[number] = value
        if isEscaped { decode(number) }
      }
    }
  }

  private func number(_ bytes: ByteView, _ start: Int, _ count: Int, _ next: Int) -> Int? {
    func stands(_ name: [UInt8]) -> Bool {
      guard name.count == count else { return false }
      for index in 0..<count where bytes[start + index] != name[index] { return false }
      return true
    }
    if next < names.count && stands(names[next]) { return next }
    return names.firstIndex(where: stands)
  }
}
