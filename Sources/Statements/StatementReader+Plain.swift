public import CivilTime
public import Contracts
public import Decoding

/// A row of a detail whose cells are all in the most common forms, with texts as bytes of the file.
public struct PlainRow {
  /// As ``StatementRow`` has them.
  public internal(set) var row = 0
  public internal(set) var line = 0
  public internal(set) var date = CivilDate(daysSinceEpoch: 0)
  public internal(set) var quantity = 1
  public internal(set) var startedAt = Instant(microseconds: 0)
  public internal(set) var endedAt: Instant?
  public internal(set) var messages: Int?
  public internal(set) var charge: Money?
  /// What it names: its number among ``StatementReader/names``.
  public internal(set) var names = 0
  /// Empty where it is not stated; valid until the next row.
  public internal(set) var user: ByteView
  public internal(set) var conversation: ByteView
  /// The stated amount, where there is one.
  var amount: Money?

  fileprivate init(empty: ByteView) {
    user = empty
    conversation = empty
  }
}

// Nearly all rows of a file that a program wrote. What is not read here is not wrong, but read as texts.
extension StatementReader {
  /// A row to be read into.
  public var plainRow: PlainRow { PlainRow(empty: scanner.cell(Int.max)) }

  /// Reads the scanner's row.
  ///
  /// - Returns: whether it is given; nothing is noted otherwise.
  @inline(__always)
  mutating func readPlain(_ row: inout PlainRow) -> Bool {
    guard kind == .detail, scanner.isValid, readPlainTimes(&row), readPlainFigures(&row),
      readPlainTexts(&row)
    else { return false }
    row.row = scanner.number
    row.line = scanner.line
    noteFigures(row.quantity, row.amount, module: nil)
    note(row.date)
    if !nameStates[row.names].isNoted { noteContract(row.names) }
    summary.rows += 1
    return true
  }

  @inline(__always)
  private mutating func readPlainTimes(_ row: inout PlainRow) -> Bool {
    guard let start = plainMoment(.startedAt, at: columns.startedAt) else { return false }
    row.startedAt = start
    row.endedAt = nil
    if columns.endedAt >= 0, scanner.cell(columns.endedAt).count > 0 {
      row.endedAt = plainMoment(.endedAt, at: columns.endedAt)
      if row.endedAt == nil { return false }
    }
    guard columns.date >= 0 else {
      row.date = zoneCursor.day(of: start).date
      return true
    }
    let cell = scanner.cell(columns.date)
    if cell.count == 10, let day = plainTimes.day(cell) {
      row.date = CivilDate(daysSinceEpoch: day)
      return true
    }
    guard cell.count > 0, let day = plainDay(cell) else { return false }
    row.date = day
    return true
  }

  @inline(__always)
  private mutating func plainMoment(_ column: StatementColumn, at place: Int) -> Instant? {
    let cell = scanner.cell(place)
    return plainTimes.moment(cell) ?? plainMoment(column, cell)
  }

  // MARK: - Figures

  @inline(__always)
  private mutating func readPlainFigures(_ row: inout PlainRow) -> Bool {
    row.quantity = 1
    row.messages = nil
    if columns.quantity >= 0, scanner.cell(columns.quantity).count > 0 {
      guard let quantity = plainCount(at: columns.quantity) else { return false }
      row.quantity = quantity
    }
    if columns.messages >= 0, scanner.cell(columns.messages).count > 0 {
      guard let messages = plainCount(at: columns.messages) else { return false }
      row.messages = messages
    }
    return columns.amount < 0 && columns.unitPrice < 0 || readPlainCharge(&row)
  }

  @inline(__always)
  private func plainCount(at place: Int) -> Int? { CellNumber.plainCount(scanner.cell(place)) }

  private mutating func readPlainCharge(_ row: inout PlainRow) -> Bool {
    row.amount = nil
    if columns.amount >= 0, scanner.cell(columns.amount).count > 0 {
      row.amount = CellNumber.plainAmount(scanner.cell(columns.amount))
      if row.amount == nil { return false }
    }
    row.charge = row.amount
    if columns.unitPrice >= 0, scanner.cell(columns.unitPrice).count > 0 {
      let price = CellNumber.plainAmount(scanner.cell(columns.unitPrice))
      guard let price else { return false }
      if row.charge == nil { row.charge = price * row.quantity }
    }
    return true
  }

  // MARK: - Texts

  @inline(__always)
  private mutating func readPlainTexts(_ row: inout PlainRow) -> Bool {
    if columns.user >= 0 {
      row.user = scanner.cell(columns.user)
      guard row.user.count == 0 || Self.isPlainName(row.user) else { return false }
    }
    if columns.conversation >= 0 {
      row.conversation = scanner.cell(columns.conversation)
      guard row.conversation.count == 0 || Self.isPlainName(row.conversation) else { return false }
    }
    if columns.app >= 0, !isPlainApp(scanner.cell(columns.app)) { return false }
    guard let key = nameKey else { return false }
    row.names = nameNumbers.number(key) ?? keepNames(key)
    return row.names >= 0 && !mayBePassedOver(row.names)
  }

  /// Whether an app, which is looked at only for that, is no error of a formula.
  private mutating func isPlainApp(_ app: ByteView) -> Bool {
    if app.count == 0 || Self.isPlainName(app) { return true }
    let number = cellNumbers.number(app)
    return number >= 0 && !cellNumbers.traits[number].mayBeError
  }

  /// Whether the row might be passed over: it begins as one that adds up others, and is no unit for certain.
  @inline(__always)
  private func mayBePassedOver(_ names: Int) -> Bool {
    let first = scanner.cell(0)
    if Self.mayBeTotal(first) && columns.module != 0 && columns.scenario != 0 { return true }
    // Of two figures one does not stand first, as no note has it.
    return nameStates[names].mayBeTotal
      && (columns.quantity < 0 || scanner.cell(columns.quantity).count == 0
        || columns.endedAt < 0 || scanner.cell(columns.endedAt).count == 0)
  }

  /// Whether a name is as it stands: letters, digits and the like at both ends need no second look.
  @inline(__always)
  static func isPlainName(_ cell: ByteView) -> Bool {
    let first = cell[0]
    let last = cell[cell.count &- 1]
    return first > 0x27 && first < 0x80 && last > 0x20 && last < 0x80
  }

  /// The numbers of the row's names, each in bits of its own; `nil` where one has none.
  private var nameKey: UInt64? {
    @inline(__always)
    mutating get {
      var key: UInt64 = 0
      guard add(columns.module, 0, &key), add(columns.scenario, 10, &key),
        add(columns.unit, 20, &key), add(columns.contract, 30, &key),
        add(columns.licensee, 40, &key)
      else { return nil }
      return key
    }
  }

  @inline(__always)
  private mutating func add(_ place: Int, _ shift: UInt64, _ key: inout UInt64) -> Bool {
    guard place >= 0 else { return true }
    let number = cellNumbers.number(scanner.cell(place))
    key |= UInt64(truncatingIfNeeded: number &+ 1) &<< shift
    return number >= 0
  }

  /// Keeps what the row names.
  ///
  /// - Returns: its number; below 0 where rows that name it are always read as texts.
  private mutating func keepNames(_ key: UInt64) -> Int {
    var names = StatementNames()
    names.module = text(key, 0) ?? ""
    names.scenario = text(key, 10)
    names.contract = text(key, 30)
    names.licensee = text(key, 40)
    let meter = text(key, 20).map { self.meter($0) } ?? (nil, isKnown: true)
    names.meter = meter.0
    let needed = [0, 30, 40].compactMap { traits(key, $0) }
    let labels = [0, 10].compactMap { traits(key, $0) }
    let isPlain =
      meter.isKnown && !(needed + labels).contains { $0.mayBeError }
      && !needed.contains { $0.isEmpty } && !labels.contains { $0.isTotal }
    guard nameNumbers.keep(key, isPlain ? self.names.count : -1), isPlain else { return -1 }
    self.names.append(names)
    nameStates.append(NameState(mayBeTotal: labels.contains { $0.mayBeTotal }))
    return self.names.count - 1
  }

  private mutating func noteContract(_ names: Int) {
    nameStates[names].isNoted = true
    if let contract = self.names[names].contract { note(contract: contract) }
  }

  private func number(_ key: UInt64, _ shift: UInt64) -> Int { Int(key >> shift & 0x3FF) - 1 }

  private func text(_ key: UInt64, _ shift: UInt64) -> String? {
    let number = number(key, shift)
    return number < 0 ? nil : cellNumbers.texts[number]
  }

  private func traits(_ key: UInt64, _ shift: UInt64) -> CellNumbers.Traits? {
    let number = number(key, shift)
    return number < 0 ? nil : cellNumbers.traits[number]
  }
}
