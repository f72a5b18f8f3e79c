public import CivilTime
public import Decoding
internal import Glibc

/// Reads a statement, a usage detail or totals, row by row in bounded memory.
///
/// Encoding, delimiter, header, kind and the order of dates are told from the content. What is wrong in
/// a row is a ``RowProblem`` and never stops the rest. Ids that come twice are not looked for.
public struct StatementReader: ~Copyable {
  /// Where a statement lies.
  public enum Source: Sendable {
    /// A file, compressed or not, or `-` for standard input.
    case file(String)
    /// Bytes, and what to call them in messages.
    case bytes([UInt8], path: String)

    public var path: String {
      switch self {
      case .file(let path), .bytes(_, let path): path
      }
    }

    /// Whether it is no pipe.
    public var canBeReadAgain: Bool {
      guard case .file(let path) = self else { return true }
      var status = stat()
      return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    func open() throws(StatementError) -> TextStream {
      do throws(InputError) {
        switch self {
        case .file(let path): return try TextStream(path: path)
        case .bytes(let bytes, let path): return try TextStream(bytes, path: path)
        }
      } catch {
        throw .input(error)
      }
    }
  }

  public let path: String
  public let layout: StatementLayout
  /// What was met so far.
  public internal(set) var summary = StatementSummary()

  /// The encoding; `nil` as long as all of the text is ASCII.
  public var encoding: TextEncoding? { text.encoding }

  let text: TextStream
  var scanner: CSVScanner
  let header: StatementHeader
  let kind: StatementKind
  let columns: ColumnPlaces
  let headerNames: [String]
  let zone: Zone
  let orders: [StatementColumn: DateOrder]
  var zoneCursor: ZoneCursor
  var check = TotalsCheck()
  var memos = TextMemos()
  var lastDay: (words: (UInt64, UInt64), day: CivilDate)?
  var problemsOfRow: [RowProblem] = []
  /// What plain rows name, by ``PlainRow/names``.
  public internal(set) var names: [StatementNames] = []
  var nameStates: [NameState] = []
  var cellNumbers = CellNumbers()
  var nameNumbers = NameNumbers()
  var plainTimes: PlainTimes

  /// Opens a statement and reads its header.
  ///
  /// - Parameters:
  ///   - columns: header names of columns, which prevail over the known ones.
  ///   - zone: the contract's, of times without an offset.
  public init(
    _ source: Source, columns mapping: [StatementColumn: String] = [:], zone: Zone
  ) throws(StatementError) {
    let path = source.path
    let text = try source.open()
    let head = CSVHead(text)
    let header = try StatementHeader.find(head, path: path, mapping: mapping)
    let orders = try Self.orders(header, head, source)
    var scanner = CSVScanner(head, delimiter: header.delimiter)
    while scanner.number < header.row, scanner.next() != .end {}
    self.path = path
    self.text = text
    self.header = header
    self.orders = orders
    self.scanner = scanner
    kind = header.kind
    columns = ColumnPlaces(header)
    headerNames = header.names.map(StatementColumn.normalized)
    self.zone = zone
    zoneCursor = ZoneCursor(zone)
    plainTimes = PlainTimes(zone)
    layout = StatementLayout(
      kind: kind, columns: header.columns.mapValues { header.names[$0] },
      headerRow: header.row, headerLine: header.line,
      delimiter: Character(Unicode.Scalar(header.delimiter)))
    summary.notes = header.titles
    summary.noteCount = header.titles.count
  }

  /// Goes to the next row.
  ///
  /// - Parameters:
  ///   - row: becomes the row.
  ///   - problem: is called for what is wrong up to the end of the row, in order.
  /// - Returns: whether there was one.
  public mutating func next(into row: inout StatementRow, problem: (RowProblem) -> Void) -> Bool {
    while true {
      let found = scanner.next()
      if found == .row {
        if take(into: &row, problem) { return true }
      } else if found == .end {
        return false
      } else {
        tell(found, problem)
      }
    }
  }

  /// What ``next(plain:other:problem:)`` went to.
  public enum NextRow {
    case plain, other, end
  }

  /// Goes to the next row of a detail; for those that are many and written as programs do.
  ///
  /// - Parameters:
  ///   - plain: becomes the row, where all of its cells are in the most common forms.
  ///   - other: becomes any other row.
  ///   - problem: is called for what is wrong up to the end of the row, in order.
  public mutating func next(
    plain: inout PlainRow, other: inout StatementRow, problem: (RowProblem) -> Void
  ) -> NextRow {
    while true {
      let found = scanner.next()
      if found == .row {
        if readPlain(&plain) { return .plain }
        if take(into: &other, problem) { return .other }
      } else if found == .end {
        return .end
      } else {
        tell(found, problem)
      }
    }
  }

  /// Reads the scanner's row; whether it is given.
  private mutating func take(
    into row: inout StatementRow, _ problem: (RowProblem) -> Void
  ) -> Bool {
    let isGiven = read(into: &row)
    if !problemsOfRow.isEmpty { report(isKept: isGiven, problem) }
    if isGiven { summary.rows += 1 }
    return isGiven
  }

  /// Tells what the scanner found in place of a row.
  private mutating func tell(_ found: CSVScanner.Found, _ problem: (RowProblem) -> Void) {
    summary.rowsUnread += 1
    switch found {
    case .unterminated:
      problem(rowProblem("a quote is opened here and never closed; close it", scanner.beginning))
    case .overlong:
      problem(
        rowProblem(
          "the row is longer than \(CSVScanner.rowBytesMax >> 10) KiB; check its line ends",
          scanner.beginning))
    case .damage(let words):
      problem(
        RowProblem(
          path: path, row: scanner.number + 1, line: scanner.line, column: "", value: words,
          remedy: "the file is damaged here; ask for it again"))
    case .row, .end: break
    }
  }

  /// Reads all rows.
  public mutating func readAll(
    _ body: (borrowing StatementRow) -> Void, problem: (RowProblem) -> Void
  ) {
    var row = StatementRow()
    while next(into: &row, problem: problem) { body(row) }
  }

  private mutating func report(isKept: Bool, _ problem: (RowProblem) -> Void) {
    if isKept { summary.rowsKept += 1 } else { summary.rowsUnread += 1 }
    for var found in problemsOfRow {
      found.isKept = isKept
      problem(found)
    }
    problemsOfRow.removeAll(keepingCapacity: true)
  }

  func rowProblem(_ remedy: String, _ value: String) -> RowProblem {
    RowProblem(
      path: path, row: scanner.number, line: scanner.line, column: "", value: value, remedy: remedy)
  }

  // MARK: - The order of dates

  /// Whether dates have the day or the month first, by column, where it matters.
  ///
  /// Where rows in the head have such dates, all rows decide, in a reading of their own.
  private static func orders(
    _ header: StatementHeader, _ head: CSVHead, _ source: Source
  ) throws(StatementError) -> [StatementColumn: DateOrder] {
    let first = evidence(
      header, CSVScanner(head, delimiter: header.delimiter, isHeadOnly: true))
    let needed = first.filter { $0.value.isNeeded }.keys
    guard let some = needed.min(by: { $0.rawValue < $1.rawValue }) else { return [:] }
    var evidence = first
    if !head.isAtEnd {
      guard source.canBeReadAgain else {
        throw .datesNeedFile(path: source.path, column: name(some, header))
      }
      evidence = self.evidence(
        header, CSVScanner(try source.open(), delimiter: header.delimiter))
    }
    return try decide(evidence, header, source.path)
  }

  private static func evidence(
    _ header: StatementHeader, _ scanner: consuming CSVScanner
  ) -> [StatementColumn: DateOrderEvidence] {
    let places = header.columns.filter { $0.key.isTime }
    var evidence = places.mapValues { _ in DateOrderEvidence() }
    while true {
      let found = scanner.next()
      if found == .end { return evidence }
      guard found == .row, scanner.number > header.row else { continue }
      for (column, place) in places {
        let cell = scanner.cell(place)
        // Cheap to rule out: most cells begin with a year.
        guard mayEndWithYear(cell) else { continue }
        evidence[column]?.note(CSVScanner.string(cell), row: scanner.number)
      }
    }
  }

  private static func mayEndWithYear(_ cell: ByteView) -> Bool {
    guard cell.count >= 8 else { return false }
    for index in 0..<4 where cell[index] &- 0x30 >= 10 { return true }
    return false
  }

  private static func decide(
    _ evidence: [StatementColumn: DateOrderEvidence], _ header: StatementHeader, _ path: String
  ) throws(StatementError) -> [StatementColumn: DateOrder] {
    var orders: [StatementColumn: DateOrder] = [:]
    for column in StatementColumn.allCases {
      guard let found = evidence[column] else { continue }
      if let day = found.dayFirst, let month = found.monthFirst {
        throw .datesContradict(
          path: path, column: name(column, header), dayFirstRow: day.row, dayFirst: day.text,
          monthFirstRow: month.row, monthFirst: month.text)
      }
      orders[column] = found.order
    }
    // A column that leaves it open is written like the others, where these agree.
    let decided = Set(orders.values)
    for column in StatementColumn.allCases where orders[column] == nil {
      guard let open = evidence[column]?.undecided else { continue }
      guard decided.count == 1, let order = decided.first else {
        throw .datesUndecided(
          path: path, column: name(column, header), row: open.row, value: open.text)
      }
      orders[column] = order
    }
    return orders
  }

  private static func name(_ column: StatementColumn, _ header: StatementHeader) -> String {
    header.columns[column].map { header.names[$0] } ?? column.rawValue
  }
}
