public import Counting
public import Shuffling

/// The usage detail of a run, sorted, row by row.
public final class UsageRows: Sendable {
  private let rows: CountedRows
  public let attributions: Attributions
  public let terms: Terms
  public let sources: SourceTable

  package init(
    _ rows: CountedRows, attributions: Attributions, terms: Terms, sources: SourceTable
  ) {
    self.rows = rows
    self.attributions = attributions
    self.terms = terms
    self.sources = sources
  }

  /// Calls `body` with every row and the chunk that its texts lie in, both valid for this call.
  ///
  /// - Parameter body: returns whether to go on.
  /// - Throws: ``MeteringError/spill(_:)``.
  public func forEach(_ body: (UsageRow, Chunk) -> Bool) throws(MeteringError) {
    do throws(SpillError) {
      try rows.forEach(body)
    } catch {
      throw .spill(error.description)
    }
  }

  /// As ``forEach(_:)``, with the failure as it is.
  package func forEachRow(_ body: (UsageRow, Chunk) -> Bool) throws(SpillError) {
    try rows.forEach(body)
  }

  /// Renders all rows on as many threads as counted them, and hands the pieces on in order.
  ///
  /// - Parameters:
  ///   - begin: makes what one thread renders its rows with; called once for each thread.
  ///   - put: takes the next piece; returns whether to go on.
  /// - Throws: ``MeteringError/spill(_:)``.
  public func render<Renderer: RowRenderer>(
    begin: @escaping @Sendable () -> Renderer,
    put: @escaping @Sendable (inout Renderer) -> Bool
  ) throws(MeteringError) {
    do throws(SpillError) {
      try rows.render(begin: begin, put: put)
    } catch {
      throw .spill(error.description)
    }
  }
}
