public import CivilTime

/// Rows of RFC 4180 CSV as bytes: UTF-8, LF line ends, quotes only where a cell needs them.
///
/// Append the cells of a row, then call ``endRow()``. The bytes may be taken and emptied
/// (`bytes.removeAll(keepingCapacity: true)`) after any row.
///
/// A text cell that a spreadsheet would run as a formula gets a leading apostrophe, as OWASP's
/// "CSV Injection" advises; numbers and times that we write ourselves do not need it.
public struct CSVBuffer: Sendable {
  /// What was written and not yet taken.
  public var bytes: [UInt8]
  @usableFromInline var fieldCount = 0
  @usableFromInline var rowIsBlank = true

  @inlinable
  public init(bytesReserved: Int = 0) {
    bytes = []
    bytes.reserveCapacity(bytesReserved)
  }

  /// Appends a text cell of UTF-8.
  @inlinable
  public mutating func field(_ text: Span<UInt8>) {
    separate()
    guard !text.isEmpty else { return }
    rowIsBlank = false
    let isFormula = Self.startsFormula(text)
    var needsQuotes = false
    for index in text.indices {
      let byte = text[index]
      if byte == 0x2C || byte == 0x22 || byte == 0x0D || byte == 0x0A {
        needsQuotes = true
        break
      }
    }
    if !needsQuotes {
      if isFormula { bytes.append(0x27) }
      append(text)
      return
    }
    bytes.append(0x22)
    if isFormula { bytes.append(0x27) }
    for index in text.indices {
      let byte = text[index]
      if byte == 0x22 { bytes.append(0x22) }
      bytes.append(byte)
    }
    bytes.append(0x22)
  }

  /// Appends a text cell.
  @inlinable
  public mutating func field(_ text: String) { field(text.utf8.span) }

  /// Appends an integer cell.
  @inlinable
  public mutating func field(_ number: Int) {
    separate()
    rowIsBlank = false
    if number < 0 { bytes.append(0x2D) }
    var rest = number.magnitude
    let start = bytes.count
    repeat {
      bytes.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    var low = start
    var high = bytes.count - 1
    while low < high {
      bytes.swapAt(low, high)
      low += 1
      high -= 1
    }
  }

  /// Appends a day of the years 0 to 9999, `2025-12-01`.
  @inlinable
  public mutating func field(_ date: CivilDate) {
    separate()
    rowIsBlank = false
    let (year, month, day) = date.components
    digits(year / 100)
    digits(year % 100)
    bytes.append(0x2D)
    digits(month)
    bytes.append(0x2D)
    digits(day)
  }

  /// Appends a moment: RFC 3339 with milliseconds at an offset from UTC.
  @inlinable
  public mutating func field(_ instant: Instant, offsetSeconds: Int64, isUTC: Bool) {
    separate()
    rowIsBlank = false
    instant.appendRFC3339(to: &bytes, offsetSeconds: offsetSeconds, isUTC: isUTC)
  }

  /// Appends a cell that we wrote ourselves, such as a decimal number: never quoted, never taken
  /// for a formula. It must not hold a comma, a quote or a line end.
  @inlinable
  public mutating func plainField(_ text: String) {
    assert(!text.utf8.contains { [0x2C, 0x22, 0x0A, 0x0D].contains($0) }, "not plain: \(text)")
    separate()
    guard !text.isEmpty else { return }
    rowIsBlank = false
    append(text.utf8.span)
  }

  /// Appends cells that are written already, separators between them included.
  @inlinable
  public mutating func writtenFields(_ text: Span<UInt8>, count: Int) {
    separate()
    fieldCount += count - 1
    rowIsBlank = false
    append(text)
  }

  @inlinable
  public mutating func emptyField() { separate() }

  /// Ends the row. A row of one empty cell is written as `""`, so that no reader takes it for a
  /// blank line.
  @inlinable
  public mutating func endRow() {
    if rowIsBlank && fieldCount == 1 {
      bytes.append(0x22)
      bytes.append(0x22)
    }
    bytes.append(0x0A)
    fieldCount = 0
    rowIsBlank = true
  }

  /// Two digits of a number from 0 to 99.
  @inlinable
  mutating func digits(_ number: Int) {
    bytes.append(0x30 + UInt8(truncatingIfNeeded: number / 10))
    bytes.append(0x30 + UInt8(truncatingIfNeeded: number % 10))
  }

  @inlinable
  mutating func separate() {
    if fieldCount > 0 { bytes.append(0x2C) }
    fieldCount += 1
  }

  /// The one place that hands memory to the standard library: a copy of a whole span at once.
  @inlinable
  mutating func append(_ text: Span<UInt8>) {
    unsafe text.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
  }

  /// Whether the first character is one of `= + - @`, a tab or a line end, or the full-width
  /// form (U+FF1D, U+FF0B, U+FF0D, U+FF20) that spreadsheets treat alike.
  @inlinable
  static func startsFormula(_ text: Span<UInt8>) -> Bool {
    switch text[0] {
    case 0x3D, 0x2B, 0x2D, 0x40, 0x09, 0x0D, 0x0A: return true
    case 0xEF:
      guard text.count >= 3 else { return false }
      let last = text[2]
      return text[1] == 0xBC && (last == 0x9D || last == 0x8B || last == 0x8D || last == 0xA0)
    default: return false
    }
  }
}
