/// Texts of cells as people and spreadsheets write them.
enum CellText {
  /// Full-width forms (U+FF01–U+FF5E) and other spaces as their ASCII counterparts.
  static func halfWidth(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0xFF01...0xFF5E:
        result.unicodeScalars.append(Unicode.Scalar(UInt8(scalar.value - 0xFF01 + 0x21)))
      case 0x3000, 0xA0, 0x2002...0x200A, 0x202F: result += " "
      case 0xFEFF, 0x200B: break
      case 0xFFE5: result += "¥"
      case 0x2212: result += "-"
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

  /// A name without surrounding space and the apostrophe by which reports keep spreadsheets from
  /// running a cell.
  static func name(_ text: String) -> String {
    let text = trimmed(text)
    guard text.hasPrefix("'"), let next = text.dropFirst().first else { return text }
    return "=+-@＝＋－＠".contains(next) ? String(text.dropFirst()) : text
  }

  /// A number or time in half-width forms, without the apostrophe that makes a cell a text.
  static func figure(_ text: String) -> String {
    let text = trimmed(halfWidth(text))
    return text.hasPrefix("'") ? trimmed(text.dropFirst()) : text
  }

  /// What a spreadsheet shows in place of a value: `#REF!`, `#N/A`, `#####`.
  static func isSpreadsheetError(_ text: String) -> Bool {
    let text = trimmed(halfWidth(text)).uppercased()
    guard text.hasPrefix("#") else { return false }
    return text.allSatisfy { $0 == "#" }
      || [
        "#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!",
        "#GETTING_DATA",
      ].contains(text)
  }

  /// The label of a row that repeats what others say, such as 合计, 小计 or total, without what only
  /// dresses it; `nil` for anything else.
  static func totalLabel(_ text: String) -> String? {
    let label = StatementColumn.normalized(text).filter { $0 != ":" }
    return totalLabels.contains(label) ? label : nil
  }

  private static let totalLabels: Set<String> = [
    "合计", "总计", "小计", "共计", "累计", "总合计", "本页合计", "本页小计", "本月合计", "本月小计", "total", "totals",
    "subtotal", "subtotals", "grandtotal", "sum",
  ]
}

/// Why a cell is not read: what is expected there.
struct CellFault: Error {
  var remedy: String

  init(_ remedy: String) { self.remedy = remedy }

  static let spreadsheetError = CellFault(
    "the cell is the error of a formula; mend it in the spreadsheet and save the file again")
}
