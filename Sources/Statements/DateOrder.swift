/// Whether dates that end with the year, such as 1/12/2025, begin with the day or the month.
public enum DateOrder: Sendable, Hashable {
  case dayFirst, monthFirst
}

/// What the cells of one column say about the order of their dates.
struct DateOrderEvidence {
  /// A cell and the number of its row.
  struct Cell {
    var row: Int
    var text: String
  }

  private(set) var dayFirst: Cell?
  private(set) var monthFirst: Cell?
  private(set) var undecided: Cell?

  /// Whether there are dates that end with the year.
  var isNeeded: Bool { dayFirst != nil || monthFirst != nil || undecided != nil }

  var order: DateOrder? {
    if dayFirst != nil { return monthFirst == nil ? .dayFirst : nil }
    return monthFirst != nil ? .monthFirst : nil
  }

  mutating func note(_ text: String, row: Int) {
    guard let time = CellTime.read(CellText.figure(text)), time.form == .yearLast else { return }
    let (first, second, _) = time.numbers
    // What is a day either way, or none at all, says nothing.
    guard first != second, max(first, second) <= 31, min(first, second) <= 12 else { return }
    let cell = Cell(row: row, text: CellText.trimmed(text))
    if first > 12 {
      if dayFirst == nil { dayFirst = cell }
    } else if second > 12 {
      if monthFirst == nil { monthFirst = cell }
    } else if undecided == nil {
      undecided = cell
    }
  }
}
