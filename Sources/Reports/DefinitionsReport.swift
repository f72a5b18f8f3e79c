internal import Contracts
public import Definitions

/// `rules.csv`: what rival definitions of a conversation come to.
public struct DefinitionsReport: Sendable {
  public static let columns = [
    "contract", "period", "definition", "quantity", "amount", "difference_from_contract",
  ]

  private let figures: [DefinitionFigure]

  /// - Parameter figures: in the order of rows.
  public init(_ figures: [DefinitionFigure]) { self.figures = figures }

  /// The whole file.
  public func bytes(style: CSVStyle = CSVStyle()) -> [UInt8] {
    var buffer = style.header(Self.columns)
    for figure in figures {
      buffer.field(figure.contract)
      buffer.plainField("\(figure.period)")
      buffer.plainField(figure.definition.name)
      buffer.field(figure.quantity)
      if let amount = figure.amount {
        buffer.plainField(amount.text(places: 2))
      } else {
        buffer.emptyField()
      }
      buffer.field(figure.difference)
      buffer.endRow()
    }
    return buffer.bytes
  }
}
