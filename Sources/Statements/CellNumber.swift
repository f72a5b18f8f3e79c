internal import Contracts
internal import Decoding

/// Counts and amounts of money in cells.
enum CellNumber {
  /// Largest quantity of one row; beyond it a cell is a mistake, and sums stay far from overflow.
  static let quantityMax = 1_000_000_000_000

  // MARK: - Common forms

  /// A count of plain digits; `nil` for any other form.
  @inline(__always)
  static func plainCount(_ cell: ByteView) -> Int? {
    guard cell.count > 0 && cell.count <= 12 else { return nil }
    var value = 0
    for index in 0..<cell.count {
      let digit = cell[index] &- 0x30
      guard digit < 10 else { return nil }
      value = value &* 10 &+ Int(digit)
    }
    return value
  }

  /// An amount of plain digits with at most one point, as a number and its places; `nil` for any other
  /// form.
  @inline(__always)
  static func plainAmount(_ cell: ByteView) -> Money? {
    guard cell.count > 0 && cell.count <= 13 else { return nil }
    var value: Int64 = 0
    var point = -1
    for index in 0..<cell.count {
      let byte = cell[index]
      if byte == 0x2E && point < 0 && index > 0 {
        point = index
        continue
      }
      let digit = byte &- 0x30
      guard digit < 10 else { return nil }
      value = value &* 10 &+ Int64(digit)
    }
    var scale = point < 0 ? 0 : cell.count - 1 - point
    guard point < 0 || scale > 0, scale <= 10 else { return nil }
    while scale > 0 && value % 10 == 0 {
      value /= 10
      scale -= 1
    }
    return Money(digits: Int128(value), scale: scale)
  }

  // MARK: - All forms

  static let countRemedy =
    "expected a whole number such as 1234 or 1,234, at most 1,000,000,000,000"

  /// `1234`, `1,234`, `１，２３４`, `1234.0`, `-3`, `(3)`.
  static func count(_ text: String) throws(CellFault) -> Int {
    let figure = try figure(text)
    let number = try decimal(figure, wholeDigitsMax: 13, placesMax: 10, CellFault(countRemedy))
    if hasThousandsPoint(figure) {
      throw CellFault(
        "the point may set off thousands or decimals; write 1234 or 1,234 in place of 1.234")
    }
    guard number.scale == 0, number.digits.magnitude <= quantityMax else {
      throw CellFault(countRemedy)
    }
    return Int(number.digits)
  }

  /// `1.234`, which is a thousand to some.
  private static func hasThousandsPoint(_ figure: String) -> Bool {
    let digits = figure.drop { "-+( ".contains($0) }
    guard let point = digits.firstIndex(of: "."), !digits.contains(",") else { return false }
    let whole = digits[..<point]
    let places = digits[point...].dropFirst().prefix { $0.isNumber }
    return (1...3).contains(whole.count) && whole != "0" && places.count == 3
  }

  /// `1,234.56`, `¥1,234.56`, `1234.56元`, `(12.00)`.
  static func amount(_ text: String) throws(CellFault) -> Money {
    let fault = CellFault("expected yuan such as 1234.50, 1,234.50 or ¥1,234.50")
    var figure = try figure(text)
    // A sign may stand before or behind the currency, and brackets around both.
    var isNegative = false
    if figure.hasPrefix("("), figure.hasSuffix(")") {
      isNegative = true
      figure = CellText.trimmed(figure.dropFirst().dropLast())
      guard !figure.hasPrefix("-") else { throw fault }
    } else if figure.hasPrefix("-") {
      isNegative = true
      figure = CellText.trimmed(figure.dropFirst())
      guard !figure.hasPrefix("-") else { throw fault }
    }
    for currency in ["¥", "CNY", "RMB", "人民币"] where figure.uppercased().hasPrefix(currency) {
      figure = CellText.trimmed(figure.dropFirst(currency.count))
    }
    for currency in ["元", "CNY", "RMB"] where figure.uppercased().hasSuffix(currency) {
      figure = CellText.trimmed(figure.dropLast(currency.count))
    }
    if isNegative && figure.hasPrefix("-") { throw fault }
    let number = try decimal(figure, wholeDigitsMax: 12, placesMax: 10, fault)
    return isNegative ? Money.zero - number : number
  }

  private static func figure(_ text: String) throws(CellFault) -> String {
    let figure = CellText.figure(text)
    if CellText.isSpreadsheetError(figure) { throw .spreadsheetError }
    if let unit = figure.last(where: { "万亿千百".contains($0) }) {
      throw CellFault("write the number in full, without \(unit)")
    }
    return figure
  }

  /// A decimal number; thousands separators only where every group has three digits, so that a
  /// decimal comma is never taken for one.
  private static func decimal(
    _ text: String, wholeDigitsMax: Int, placesMax: Int, _ fault: CellFault
  ) throws(CellFault) -> Money {
    var text = text
    var sign = ""
    if text.hasPrefix("("), text.hasSuffix(")") {
      sign = "-"
      text = CellText.trimmed(text.dropFirst().dropLast())
    } else if text.hasPrefix("-") {
      sign = "-"
      text = String(text.dropFirst())
    } else if text.hasPrefix("+") {
      text = String(text.dropFirst())
    }
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first else { throw fault }
    let groups = whole.split(separator: ",", omittingEmptySubsequences: false)
    guard let head = groups.first else { throw fault }
    if groups.count > 1 {
      let rest = groups.dropFirst()
      guard (1...3).contains(head.utf8.count), rest.allSatisfy({ $0.utf8.count == 3 }) else {
        throw fault
      }
    }
    let digits = groups.joined()
    guard (1...wholeDigitsMax).contains(digits.utf8.count) else { throw fault }
    var number = sign + digits
    if parts.count == 2 {
      guard (1...placesMax).contains(parts[1].utf8.count) else { throw fault }
      number += ".\(parts[1])"
    }
    guard let money = Money(text: number) else { throw fault }
    return money
  }
}
