public import Counting
public import Shuffling

/// The usage detail of a run, sorted, row by row.
@safe
public final class UsageRows: @unchecked Sendable {
  private let sorters: [ExternalSorter<UsageOrder>]
  public let attributions: Attributions
  public let terms: Terms
  public let sources: SourceTable

  init(
    sorters: [ExternalSorter<UsageOrder>], attributions: Attributions, terms: Terms,
    sources: SourceTable
  ) {
    self.sorters = sorters
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
      try unsafe ExternalSorter.forEach(in: sorters) { record in
        body(unsafe record.pointee, unsafe Chunk(containing: record))
      }
    } catch {
      throw .spill(error.description)
    }
  }
}
