public import Counting
public import Shuffling

/// The usage detail of a run, sorted, row by row.
@safe
public final class UsageRows: @unchecked Sendable {
  private let sorters: [ExternalSorter<UsageOrder>]
  public let attributions: Attributions
  public let terms: Terms
  public let sources: SourceTable

  package init(
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
    guard
      let stretches = ExternalSorter.stretches(of: sorters, recordCount: Self.stretchRows)
    else {
      var renderer = begin()
      var count = 0
      var goesOn = true
      try forEach { row, chunk in
        renderer.append(row, textsIn: chunk)
        count += 1
        if count % Self.stretchRows == 0 { goesOn = put(&renderer) }
        return goesOn
      }
      if goesOn { _ = put(&renderer) }
      return
    }
    let turns = Turns(count: stretches.count)
    Workers.run(sorters.count) { [self] _ in
      var renderer = begin()
      while let turn = turns.next() {
        unsafe ExternalSorter.forEach(in: sorters, stretch: stretches[turn]) { record in
          renderer.append(unsafe record.pointee, textsIn: unsafe Chunk(containing: record))
          return true
        }
        turns.take(turn) { put(&renderer) }
      }
    }
  }

  /// Rows that are rendered at a time.
  private static let stretchRows = 8_192
}

/// Renders rows, one thread's share at a time.
public protocol RowRenderer: SendableMetatype {
  /// - Parameter chunk: where the row's texts lie.
  mutating func append(_ row: UsageRow, textsIn chunk: Chunk)
}
