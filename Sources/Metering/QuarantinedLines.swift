public import Counting
internal import Parsing
internal import Shuffling

/// The quarantined lines of a run as they stand in their logs, in order.
public final class QuarantinedLines: Sendable {
  private let store: QuarantineStore
  public let sources: SourceTable
  private let headers: [[UInt8]?]
  /// Whether the logs' encoding was declared, and is not that of these texts, which are UTF-8.
  public let isConverted: Bool

  init(
    _ store: QuarantineStore, _ sources: SourceTable, _ recognitions: [Recognition?],
    isConverted: Bool?
  ) {
    self.store = store
    self.sources = sources
    headers = recognitions.map { $0?.plan.headerLine }
    self.isConverted = isConverted ?? false
  }

  /// The first line of a log that is a table with a header.
  public func header(ofFile file: Int) -> [UInt8]? { headers[file] }

  /// Calls `body` with every line and its text, which is empty where it is not kept.
  ///
  /// - Parameter body: returns whether to go on.
  /// - Throws: ``MeteringError/spill(_:)``.
  public func forEach(
    _ body: (QuarantinedLine, ArraySlice<UInt8>) -> Bool
  ) throws(MeteringError) {
    do throws(SpillError) {
      try store.forEach(body)
    } catch {
      throw .spill(error.description)
    }
  }
}
