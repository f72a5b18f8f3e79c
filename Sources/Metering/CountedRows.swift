public import Counting
internal import Decoding
public import Shuffling

/// Units of the usage detail, sorted.
@safe
public struct CountedRows: @unchecked Sendable {
  private let sorters: [ExternalSorter<UsageOrder>]

  /// - Parameter sorters: finished ones.
  package init(_ sorters: [ExternalSorter<UsageOrder>]) { self.sorters = sorters }

  /// Calls `body` with every row and the chunk that its texts lie in, both valid for this call.
  ///
  /// - Parameter body: returns whether to go on.
  public func forEach(_ body: (UsageRow, Chunk) -> Bool) throws(SpillError) {
    try unsafe ExternalSorter.forEach(in: sorters) { record in
      body(unsafe record.pointee, unsafe Chunk(containing: record))
    }
  }

  /// Renders all rows on as many threads as counted them, and hands the pieces on in order.
  ///
  /// - Parameters:
  ///   - stretchRows: rows of a piece; the last one may have fewer, or none.
  ///   - begin: makes what one thread renders its rows with; called once for each thread.
  ///   - put: takes the next piece; returns whether to go on.
  public func render<Renderer: RowRenderer>(
    stretchRows: Int = 8_192,
    begin: @escaping @Sendable () -> Renderer,
    put: @escaping @Sendable (inout Renderer) -> Bool
  ) throws(SpillError) {
    guard let stretches = ExternalSorter.stretches(of: sorters, recordCount: stretchRows) else {
      var renderer = begin()
      var count = 0
      var pieces = 0
      var goesOn = true
      try forEach { row, chunk in
        renderer.append(row, textsIn: chunk)
        count += 1
        if count % stretchRows == 0 {
          renderer.finish(piece: pieces)
          pieces += 1
          goesOn = put(&renderer)
        }
        return goesOn
      }
      if goesOn {
        renderer.finish(piece: pieces)
        _ = put(&renderer)
      }
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
        renderer.finish(piece: turn)
        turns.take(turn) { put(&renderer) }
      }
    }
  }
}

/// Renders rows, one thread's share at a time.
public protocol RowRenderer: SendableMetatype {
  /// - Parameter chunk: where the row's texts lie.
  mutating func append(_ row: UsageRow, textsIn chunk: Chunk)

  /// Ends a piece, which is handed on next.
  ///
  /// - Parameter piece: its number, from 0.
  mutating func finish(piece: Int)
}

extension RowRenderer {
  public mutating func finish(piece: Int) {}
}
