internal import Contracts
public import Definitions
public import Reports

/// What rival definitions come to, as it is told on standard error.
public struct DefinitionsSummary {
  private let figures: [DefinitionFigure]

  /// Idle timeouts that are told of, in minutes; all are in the report.
  private static let minutesTold: Set<Int> = [
    1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 240, 480, 1_440,
  ]

  public init(_ figures: [DefinitionFigure]) {
    self.figures = figures.filter {
      guard case .idleTimeout(let minutes) = $0.definition else { return true }
      return Self.minutesTold.contains(minutes)
    }
  }

  public var text: String {
    guard !figures.isEmpty else { return "no conversations\n" }
    var table = TextTable(["contract", "period", "definition", "quantity", "difference", "yuan"])
    for figure in figures {
      table.append([
        figure.contract, "\(figure.period)", figure.definition.name,
        MeteringSummary.grouped(figure.quantity), MeteringSummary.grouped(figure.difference),
        figure.amount?.text(places: 2) ?? "",
      ])
    }
    return "definitions of a conversation, idle timeouts in part:\n" + table.text
  }

  public var json: JSONValue {
    let rows = figures.map { figure -> JSONValue in
      [
        "contract": .string(figure.contract), "period": .string("\(figure.period)"),
        "definition": .string(figure.definition.name), "quantity": .number(figure.quantity),
        "difference_from_contract": .number(figure.difference),
        "amount": figure.amount.map { .string($0.text(places: 2)) } ?? .null,
      ]
    }
    return ["definitions": .array(rows)]
  }
}
