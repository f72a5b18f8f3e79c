internal import CivilTime
internal import Contracts

/// Reads the values that people and spreadsheets write into cells.
enum LicenseeText {
  /// Largest quantity of one row; beyond it a cell is a mistake, and sums stay far from overflow.
  static let quantityMax = 1_000_000_000_000

  /// Full-width forms (U+FF01–U+FF5E) and the ideographic space as their ASCII counterparts.
  static func halfWidth(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0xFF01...0xFF5E:
        result.unicodeScalars.append(Unicode.Scalar(UInt8(scalar.value - 0xFF01 + 0x21)))
      case 0x3000, 0xA0: result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  static func trimmed(_ text: some StringProtocol) -> String {
    let start = text.firstIndex { !$0.isWhitespace } ?? text.endIndex
    guard let last = text.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(text[start...last])
  }

  /// A name; the apostrophe by which reports keep spreadsheets from running a cell is left out.
  static func name(_ text: String) -> String {
    let text = trimmed(text)
    guard text.hasPrefix("'"), let next = text.dropFirst().first else { return text }
    return "=+-@＝＋－＠".contains(next) ? String(text.dropFirst()) : text
  }

  /// `2025-12-01`, `2025/12/1`, `2025.12.1`, `20251201`, `2025年12月1日`, each also followed by
  /// midnight, and Excel's day numbers of the years 2000 to 2099.
  static func date(_ text: String) -> CivilDate? {
    var text = trimmed(halfWidth(text))
    for midnight in ["T00:00:00", " 00:00:00", " 0:00:00", " 00:00", " 0:00"]
    where text.hasSuffix(midnight) {
      text = String(text.dropLast(midnight.count))
      break
    }
    let parts: [Substring]
    if text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
      if text.utf8.count == 5, let day = Int32(text), (36_526...73_050).contains(day) {
        // Excel counts from 1899-12-30, 25,569 days before 1970.
        return CivilDate(daysSinceEpoch: day - 25_569)
      }
      guard text.utf8.count == 8 else { return nil }
      parts = [text.prefix(4), text.dropFirst(4).prefix(2), text.suffix(2)]
    } else if text.hasSuffix("日") {
      parts = text.dropLast().split(omittingEmptySubsequences: false) { $0 == "年" || $0 == "月" }
      guard text.contains("年"), text.contains("月") else { return nil }
    } else {
      guard let separator = text.first(where: { "-/.".contains($0) }) else { return nil }
      parts = text.split(separator: separator, omittingEmptySubsequences: false)
    }
    return date(parts)
  }

  private static func date(_ parts: [Substring]) -> CivilDate? {
    guard parts.count == 3, parts[0].utf8.count == 4 else { return nil }
    let numbers = parts.compactMap { part -> Int? in
      let part = trimmed(part)
      guard part.utf8.count <= 4, part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
        return nil
      }
      return Int(part)
    }
    guard numbers.count == 3, (1...12).contains(numbers[1]),
      numbers[2] >= 1, numbers[2] <= CivilDate.dayCount(year: numbers[0], month: numbers[1])
    else { return nil }
    return CivilDate(year: numbers[0], month: numbers[1], day: numbers[2])
  }

  /// `1234`, `1,234`, `１，２３４`, `1234.00`, `-3`.
  static func quantity(_ text: String) -> Int? {
    guard let number = decimal(text, wholeDigitsMax: 13, placesMax: 6), number.scale == 0 else {
      return nil
    }
    guard number.digits.magnitude <= quantityMax else { return nil }
    return Int(number.digits)
  }

  /// `1,234.56`, `¥1,234.56`, `1234.56元`.
  static func amount(_ text: String) -> Money? {
    var text = trimmed(halfWidth(text))
    for sign in ["¥", "￥", "CNY", "RMB"] where text.hasPrefix(sign) {
      text = trimmed(text.dropFirst(sign.count))
    }
    if text.hasSuffix("元") { text = trimmed(text.dropLast()) }
    return decimal(text, wholeDigitsMax: 12, placesMax: 10)
  }

  /// `conversation`, `会话`, `次`; `item`, `条`.
  static func meter(_ text: String) -> Meter? {
    switch trimmed(text).lowercased() {
    case "conversation", "conversations", "会话", "对话", "次", "次数": .conversation
    case "item", "items", "条", "条数": .item
    default: nil
    }
  }

  /// 合计, 总计, 小计, total and the like, which open a row that repeats what others say.
  static func isTotal(_ text: String) -> Bool {
    var text = trimmed(halfWidth(text)).lowercased()
    if text.hasSuffix(":") { text = trimmed(text.dropLast()) }
    text.removeAll { $0 == " " }
    return ["合计", "总计", "小计", "共计", "total", "totals", "subtotal", "grandtotal", "sum"]
      .contains(text)
  }

  /// A decimal number; thousands separators only where every group has three digits, so that a
  /// decimal comma is never taken for one.
  private static func decimal(_ text: String, wholeDigitsMax: Int, placesMax: Int) -> Money? {
    var text = trimmed(halfWidth(text))
    var sign = ""
    if text.hasPrefix("-") || text.hasPrefix("−") {
      sign = "-"
      text = String(text.dropFirst())
    }
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first else { return nil }
    let groups = whole.split(separator: ",", omittingEmptySubsequences: false)
    guard let head = groups.first else { return nil }
    if groups.count > 1 {
      let rest = groups.dropFirst()
      guard (1...3).contains(head.utf8.count), rest.allSatisfy({ $0.utf8.count == 3 }) else {
        return nil
      }
    }
    let digits = groups.joined()
    guard (1...wholeDigitsMax).contains(digits.utf8.count) else { return nil }
    if parts.count == 2 {
      guard (1...placesMax).contains(parts[1].utf8.count) else { return nil }
      return Money(text: "\(sign)\(digits).\(parts[1])")
    }
    return Money(text: sign + digits)
  }
}
