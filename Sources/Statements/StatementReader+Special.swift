internal import Contracts
internal import Decoding

// Rows that are no data: blank ones, repeated headers, rows that add up others, notes.
extension StatementReader {
  /// Whether a row may add up others, by the first bytes of the cells that would say so.
  var mayBeSpecial: Bool {
    Self.mayBeTotal(scanner.cell(0)) || Self.mayBeTotal(scanner.cell(columns.module))
      || columns.scenario >= 0 && Self.mayBeTotal(scanner.cell(columns.scenario))
  }

  static func mayBeTotal(_ cell: ByteView) -> Bool {
    guard cell.count >= 3 else { return false }
    let first = cell[0]
    if first >= 0x30 && first <= 0x39 { return false }
    let second = cell[1]
    switch first {
    case 0x54, 0x74: return second | 0x20 == 0x6F  // to
    case 0x53, 0x73: return second | 0x20 == 0x75  // su
    case 0x47, 0x67: return second | 0x20 == 0x72  // gr
    case 0xE5:  // 合, 小, 共
      let third = cell[2]
      return second == 0x90 && third == 0x88 || second == 0xB0 && third == 0x8F
        || second == 0x85 && third == 0xB1
    case 0xE6: return second == 0x80 || second == 0x9C  // 总, 本
    case 0xE7: return second == 0xB4  // 累
    // White space and full-width forms.
    case ...0x20, 0xC2, 0xE3, 0xEF: return true
    default: return false
    }
  }

  /// Passes over a row that is no data.
  ///
  /// - Returns: `nil` where it is some.
  mutating func passOverSpecial() -> Bool? {
    let texts = scanner.texts.map { CellText.trimmed($0) }
    guard let first = texts.firstIndex(where: { !$0.isEmpty }) else { return false }
    if let label = totalLabel(texts, first) {
      passOver(texts, total: label)
      return false
    }
    if isHeader(texts) {
      summary.repeatedHeaders += 1
      return false
    }
    if isNote(texts, first) {
      summary.noteCount += 1
      if summary.notes.count < StatementSummary.listedMax { summary.notes.append(passed(texts)) }
      return false
    }
    return nil
  }

  private func passed(_ texts: [String]) -> PassedOverRow {
    PassedOverRow(row: scanner.number, cells: texts.filter { !$0.isEmpty })
  }

  private func cell(_ place: Int, _ texts: [String]) -> String {
    place >= 0 && place < texts.count ? texts[place] : ""
  }

  private func totalLabel(_ texts: [String], _ first: Int) -> String? {
    let isName = [columns.user, columns.conversation, columns.app].contains(first)
    let times = [columns.date, columns.month, columns.startedAt]
    if !isName || times.allSatisfy({ cell($0, texts).isEmpty }),
      CellText.totalLabel(texts[first]) != nil
    {
      return texts[first]
    }
    let places = [columns.date, columns.month, columns.startedAt, columns.module, columns.scenario]
    return places.map { cell($0, texts) }.first { CellText.totalLabel($0) != nil }
  }

  private mutating func passOver(_ texts: [String], total label: String) {
    summary.totalRowCount += 1
    if summary.totalRows.count < StatementSummary.listedMax {
      summary.totalRows.append(passed(texts))
    }
    let (since, sinceAny, all) = check.mark(CellText.totalLabel(label) ?? label)
    // A sum may be that of a module that it names.
    let ofModule = check.sums(ofModule: CellText.name(cell(columns.module, texts))) ?? all
    let quantityText = cell(columns.quantity, texts)
    if let stated = try? CellNumber.count(quantityText) {
      let sums = [since.quantity, sinceAny.quantity, ofModule.quantity, all.quantity]
      if !sums.contains(Int128(stated)) {
        contradict(
          label, columns.quantity, "\(stated)", "\(since.quantity)", "\(all.quantity)")
      }
    }
    let amountText = cell(columns.amount, texts)
    if check.rowsWithoutAmount == 0, let stated = try? CellNumber.amount(amountText) {
      let sums = [since, sinceAny, ofModule, all].map {
        Money(digits: $0.amount, scale: TotalsCheck.places)
      }
      // A total is shown in fen.
      if !sums.contains(where: { $0 == stated || $0.rounded(toScale: 2) == stated }) {
        contradict(label, columns.amount, "\(stated)", since.amountText, all.amountText)
      }
    }
  }

  private mutating func contradict(
    _ label: String, _ place: Int, _ stated: String, _ since: String, _ all: String
  ) {
    guard summary.contradictions.count < StatementSummary.listedMax else { return }
    summary.contradictions.append(
      TotalContradiction(
        path: path, row: scanner.number, label: label, column: header.names[place],
        stated: stated, since: since, all: all, unreadRows: summary.rowsUnread))
  }

  /// Whether the row repeats the header, as behind a page break.
  private func isHeader(_ texts: [String]) -> Bool {
    header.columns.values.allSatisfy {
      StatementColumn.normalized(cell($0, texts)) == headerNames[$0]
    }
  }

  /// Whether the row is a remark or signatures: no figure and no time, and words in the first cell that
  /// stand alone, name a remark, or have a colon as all other cells do.
  private func isNote(_ texts: [String], _ first: Int) -> Bool {
    let figures = [columns.quantity, columns.amount, columns.unitPrice, columns.endedAt]
    guard figures.allSatisfy({ $0 == first || cell($0, texts).isEmpty }) else { return false }
    let text = CellText.halfWidth(texts[first])
    guard text.contains(where: \.isLetter), CellTime.read(text) == nil else { return false }
    if texts.count(where: { !$0.isEmpty }) == 1 {
      return first == 0 || !columns.names.contains(first)
    }
    let word = text.lowercased().filter { $0 != ":" && !$0.isWhitespace }
    return ["备注", "附注", "注", "说明", "note", "notes", "remark", "remarks"].contains(word)
      || texts.allSatisfy { $0.isEmpty || $0.contains(":") || $0.contains("：") }
  }
}
