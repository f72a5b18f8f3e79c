internal import CivilTime
internal import Contracts
internal import Decoding

/// The place of each column in a row; −1 where the file has none.
struct ColumnPlaces {
  let contract, licensee, date, month, module, scenario, app, unit, quantity, unitPrice: Int
  let amount, user, conversation, startedAt, endedAt, messages: Int

  /// Those of names.
  var names: [Int] { [contract, licensee, module, scenario, app, user, conversation] }

  init(_ header: StatementHeader) {
    func place(_ column: StatementColumn) -> Int { header.columns[column] ?? -1 }
    contract = place(.contract)
    licensee = place(.licensee)
    date = place(.date)
    month = place(.month)
    module = place(.module)
    scenario = place(.scenario)
    app = place(.app)
    unit = place(.unit)
    quantity = place(.quantity)
    unitPrice = place(.unitPrice)
    amount = place(.amount)
    user = place(.user)
    conversation = place(.conversation)
    startedAt = place(.startedAt)
    endedAt = place(.endedAt)
    messages = place(.messages)
  }
}

// Reading one row. What is common is read as bytes; any other form of a cell as a text.
extension StatementReader {
  /// Reads the scanner's row.
  ///
  /// - Returns: whether it is given; what is wrong with it is in ``problemsOfRow``.
  mutating func read(into row: inout StatementRow) -> Bool {
    row.row = scanner.number
    row.line = scanner.line
    guard scanner.isValid else {
      problemsOfRow.append(
        rowProblem(
          "the row is neither UTF-8 nor in the encoding of the rows before it; save the file as "
            + "\"CSV UTF-8\"", scanner.beginning))
      return false
    }
    if mayBeSpecial, let isGiven = passOverSpecial() { return isGiven }
    let isRead = kind == .detail ? readDetail(into: &row) : readTotal(into: &row)
    if !problemsOfRow.isEmpty, let isGiven = passOverSpecial() {
      problemsOfRow.removeAll(keepingCapacity: true)
      return isGiven
    }
    guard isRead else { return false }
    note(row)
    return true
  }

  private mutating func note(_ row: borrowing StatementRow) {
    noteFigures(row.quantity, row.amount, module: kind == .totals ? row.module : nil)
    if let date = row.date { note(date) }
    if let contract = row.contract { note(contract: contract) }
  }

  @inline(__always)
  mutating func noteFigures(_ quantity: Int, _ amount: Money?, module: String?) {
    guard columns.quantity >= 0 || columns.amount >= 0 else { return }
    check.add(quantity, amount, module: module)
  }

  @inline(__always)
  mutating func note(_ date: CivilDate) {
    guard let dates = summary.dates, dates.contains(date) else { return widen(date) }
  }

  private mutating func widen(_ date: CivilDate) {
    let dates = summary.dates ?? date...date
    summary.dates = min(dates.lowerBound, date)...max(dates.upperBound, date)
  }

  mutating func note(contract: String) {
    if summary.contracts.count < 5, contract != summary.contracts.last,
      !summary.contracts.contains(contract)
    {
      summary.contracts.append(contract)
    }
  }

  // MARK: - Kinds

  private mutating func readDetail(into row: inout StatementRow) -> Bool {
    var isRead = readNames(into: &row)
    row.isMonth = false
    row.startedAt = moment(.startedAt, columns.startedAt)
    row.endedAt = columns.endedAt >= 0 ? moment(.endedAt, columns.endedAt) : nil
    if row.startedAt == nil {
      empty(.startedAt, columns.startedAt)
      // Its id or its end may still tell what it is.
      if row.endedAt == nil && row.conversation?.isEmpty ?? true { isRead = false }
    }
    row.date = nil
    if columns.date >= 0 { row.date = day(.date, columns.date) }
    if row.date == nil, let moment = row.startedAt ?? row.endedAt {
      row.date = zoneCursor.day(of: moment).date
    }
    row.messages = columns.messages >= 0 ? count(.messages, columns.messages) : nil
    row.quantity = columns.quantity >= 0 ? count(.quantity, columns.quantity) ?? 1 : 1
    return readFigures(into: &row) && isRead
  }

  private mutating func readTotal(into row: inout StatementRow) -> Bool {
    let isRead = readNames(into: &row)
    row.isMonth = false
    row.date = nil
    if columns.date >= 0 {
      row.date = day(.date, columns.date, allowsMonth: true, &row.isMonth)
      if row.date == nil { empty(.date, columns.date) }
    } else {
      row.date = month()
      row.isMonth = true
      if row.date == nil { empty(.month, columns.month) }
    }
    var hasQuantity = false
    if let quantity = count(.quantity, columns.quantity) {
      row.quantity = quantity
      hasQuantity = true
    } else {
      empty(.quantity, columns.quantity)
    }
    return readFigures(into: &row) && isRead && row.date != nil && hasQuantity
  }

  /// - Returns: whether the row can be compared by what it names.
  private mutating func readNames(into row: inout StatementRow) -> Bool {
    var isRead = true
    row.contract = columns.contract >= 0 ? memoName(columns.contract) : nil
    row.licensee = columns.licensee >= 0 ? memoName(columns.licensee) : nil
    row.module = memoName(columns.module)
    row.scenario = columns.scenario >= 0 ? memoName(columns.scenario) : nil
    row.app = columns.app >= 0 ? memoName(columns.app) : nil
    row.user = columns.user >= 0 ? name(columns.user) : nil
    row.conversation = columns.conversation >= 0 ? name(columns.conversation) : nil
    if row.contract?.isEmpty ?? false {
      empty(.contract, columns.contract)
      isRead = false
    }
    if row.licensee?.isEmpty ?? false {
      empty(.licensee, columns.licensee)
      isRead = false
    }
    if row.module.isEmpty { empty(.module, columns.module) }
    return isRead && !hasSpreadsheetError(row)
  }

  private mutating func hasSpreadsheetError(_ row: borrowing StatementRow) -> Bool {
    func isWrong(_ text: String?) -> Bool { text?.utf8.first == 0x23 }
    guard
      isWrong(row.module) || isWrong(row.scenario) || isWrong(row.contract) || isWrong(row.licensee)
        || isWrong(row.app) || isWrong(row.user) || isWrong(row.conversation)
    else { return false }
    let names: [(StatementColumn, Int)] = [
      (.contract, columns.contract), (.licensee, columns.licensee), (.module, columns.module),
      (.scenario, columns.scenario), (.app, columns.app), (.user, columns.user),
      (.conversation, columns.conversation),
    ]
    var isFound = false
    for (column, place) in names where place >= 0 {
      if CellText.isSpreadsheetError(scanner.text(place)) {
        fault(column, place, .spreadsheetError)
        isFound = true
      }
    }
    return isFound
  }

  /// - Returns: whether all figures are read; negative quantities are told, and are figures.
  private mutating func readFigures(into row: inout StatementRow) -> Bool {
    row.meter = columns.unit >= 0 ? meter() : nil
    row.amount = columns.amount >= 0 ? amount(.amount, columns.amount) : nil
    row.unitPrice = columns.unitPrice >= 0 ? amount(.unitPrice, columns.unitPrice) : nil
    let isRead = problemsOfRow.allSatisfy { $0.isKept }
    if row.quantity < 0 {
      problemsOfRow.append(
        problem(
          .quantity, columns.quantity,
          "a negative quantity takes back what other rows state; check that it is meant",
          isKept: true))
    }
    return isRead
  }

  // MARK: - Cells

  private mutating func memoName(_ place: Int) -> String {
    let cell = scanner.cell(place)
    if let text = memos.text(cell) { return text }
    let text = CellText.name(CSVScanner.string(cell))
    memos.keep(cell, text)
    return text
  }

  private func name(_ place: Int) -> String {
    let cell = scanner.cell(place)
    let text = CSVScanner.string(cell)
    guard cell.count > 0 else { return text }
    // Letters, digits and the like at both ends need no second look.
    let first = cell[0]
    let last = cell[cell.count - 1]
    if first > 0x27 && first < 0x80 && last > 0x20 && last < 0x80 { return text }
    return CellText.name(text)
  }

  /// Whether a cell has nothing but white space.
  private func isBlank(_ place: Int) -> Bool {
    let cell = scanner.cell(place)
    if cell.count == 0 { return true }
    let first = cell[0]
    if first > 0x20 && first < 0x80 && first != 0x27 { return false }
    return CellText.figure(CSVScanner.string(cell)).isEmpty
  }

  /// A day that can be read as bytes.
  mutating func plainDay(_ cell: ByteView) -> CivilDate? {
    guard cell.count <= 16 else { return nil }
    let words = cell.words(at: 0, count: cell.count)
    if let last = lastDay, last.words == (words.first, words.second) { return last.day }
    let time = cell.withSpan(0, cell.count) { CellTime.read($0) }
    guard let time, time.form == .yearFirst, time.timeOfDay == nil, let day = time.day(nil) else {
      return nil
    }
    lastDay = ((words.first, words.second), day)
    return day
  }

  private mutating func day(_ column: StatementColumn, _ place: Int) -> CivilDate? {
    var isMonth = false
    return day(column, place, allowsMonth: false, &isMonth)
  }

  private mutating func day(
    _ column: StatementColumn, _ place: Int, allowsMonth: Bool, _ isMonth: inout Bool
  ) -> CivilDate? {
    let cell = scanner.cell(place)
    guard cell.count > 0 else { return nil }
    if let day = plainDay(cell) { return day }
    if isBlank(place) { return nil }
    let text = CSVScanner.string(cell)
    do throws(CellFault) {
      return try CellTime.day(text, orders[column])
    } catch {
      if allowsMonth, let day = try? CellTime.month(text) {
        isMonth = true
        return day
      }
      fault(column, place, error)
      return nil
    }
  }

  private mutating func month() -> CivilDate? {
    if isBlank(columns.month) { return nil }
    do throws(CellFault) {
      guard let month = try CellTime.month(scanner.text(columns.month)) else {
        throw CellTime.monthFault
      }
      return month
    } catch {
      fault(.month, columns.month, error)
      return nil
    }
  }

  /// A moment that can be read as bytes.
  func plainMoment(_ column: StatementColumn, _ cell: ByteView) -> Instant? {
    let time = cell.withSpan(0, cell.count) { CellTime.read($0) }
    guard let time, let timeOfDay = time.timeOfDay, let day = time.day(orders[column]) else {
      return nil
    }
    let local = Int64(day.daysSinceEpoch) * 86_400_000_000 + timeOfDay
    if let offset = time.offset { return Instant(microseconds: local - offset * 1_000_000) }
    return zone.instant(ofLocal: Instant(microseconds: local))
  }

  private mutating func moment(_ column: StatementColumn, _ place: Int) -> Instant? {
    let cell = scanner.cell(place)
    guard cell.count > 0 else { return nil }
    if let moment = plainMoment(column, cell) { return moment }
    if isBlank(place) { return nil }
    do throws(CellFault) {
      return try CellTime.moment(CSVScanner.string(cell), orders[column], zone)
    } catch {
      fault(column, place, error)
      return nil
    }
  }

  /// `nil` where the cell is empty, or wrong.
  private mutating func count(_ column: StatementColumn, _ place: Int) -> Int? {
    let cell = scanner.cell(place)
    if let count = CellNumber.plainCount(cell) { return count }
    if isBlank(place) { return nil }
    do throws(CellFault) {
      return try CellNumber.count(CSVScanner.string(cell))
    } catch {
      fault(column, place, error)
      return nil
    }
  }

  private mutating func amount(_ column: StatementColumn, _ place: Int) -> Money? {
    let cell = scanner.cell(place)
    if let amount = CellNumber.plainAmount(cell) { return amount }
    if isBlank(place) { return nil }
    do throws(CellFault) {
      return try CellNumber.amount(CSVScanner.string(cell))
    } catch {
      fault(column, place, error)
      return nil
    }
  }

  private mutating func meter() -> Meter? {
    let text = memoName(columns.unit)
    let (meter, isKnown) = meter(text)
    if !isKnown {
      let remedy = "expected conversation (会话, 次) or item (条)"
      fault(
        .unit, columns.unit,
        CellText.isSpreadsheetError(text) ? .spreadsheetError : CellFault(remedy))
    }
    return meter
  }

  /// The meter that a text names, and whether it names one or may be empty.
  func meter(_ text: String) -> (Meter?, isKnown: Bool) {
    switch text {
    case "conversation", "会话": return (.conversation, true)
    case "item", "条": return (.item, true)
    default: break
    }
    switch CellText.halfWidth(text).lowercased() {
    case "conversation", "conversations", "会话", "对话", "次", "次数": return (.conversation, true)
    case "item", "items", "条", "条数": return (.item, true)
    default: return (nil, kind == .detail && CellText.halfWidth(text).isEmpty)
    }
  }

  // MARK: - Problems

  private func problem(
    _ column: StatementColumn, _ place: Int, _ remedy: String, isKept: Bool
  ) -> RowProblem {
    RowProblem(
      path: path, row: scanner.number, line: scanner.line,
      column: place >= 0 && place < header.names.count ? header.names[place] : column.rawValue,
      value: scanner.text(max(place, 0)), remedy: remedy, isKept: isKept)
  }

  private mutating func fault(_ column: StatementColumn, _ place: Int, _ fault: CellFault) {
    // Without these a unit can still be compared.
    let isKept = column == .endedAt || column == .messages
    problemsOfRow.append(problem(column, place, fault.remedy, isKept: isKept))
  }

  /// Tells a cell that must not be empty, unless what stands in it was told already.
  private mutating func empty(_ column: StatementColumn, _ place: Int) {
    guard isBlank(place) else { return }
    problemsOfRow.append(
      problem(
        column, place,
        "fill in the \(column.rawValue) in every row (of merged cells only the first is exported)",
        isKept: true))
  }
}

/// The texts of short cells that come again and again, so that each is made once.
struct TextMemos {
  private struct Memo {
    var first: UInt64 = 0
    var second: UInt64 = 0
    var count = -1
    var text = ""
  }

  private static let slots = 256
  private var memos = [Memo](repeating: Memo(), count: slots)

  @inline(__always)
  private static func slot(_ first: UInt64, _ second: UInt64) -> Int {
    let mixed = (first ^ second &* 0x9E37_79B9_7F4A_7C15) &* 0xBF58_476D_1CE4_E5B9
    return Int(mixed >> 56)
  }

  func text(_ cell: ByteView) -> String? {
    guard cell.count <= 16 else { return nil }
    let (first, second) = cell.words(at: 0, count: cell.count)
    let memo = memos[Self.slot(first, second)]
    return memo.count == cell.count && memo.first == first && memo.second == second
      ? memo.text : nil
  }

  mutating func keep(_ cell: ByteView, _ text: String) {
    guard cell.count <= 16 else { return }
    let (first, second) = cell.words(at: 0, count: cell.count)
    memos[Self.slot(first, second)] = Memo(
      first: first, second: second, count: cell.count, text: text)
  }
}
