internal import Counting
public import Metering
public import Reports
internal import Shuffling

/// Why a report did not come into being.
public enum ReportError: Error, Sendable, CustomStringConvertible {
  case output(OutputError)
  /// Records that were put aside could not be read back.
  case records(String)

  public var description: String {
    switch self {
    case .output(let error): error.description
    case .records(let text): text
    }
  }

  /// Whether it is only that the reader of standard output went away.
  public var isBrokenPipe: Bool {
    if case .output(.brokenPipe) = self { return true }
    return false
  }

  /// Does something that can fail for the output's sake.
  public static func output<Value>(
    _ body: () throws(OutputError) -> Value
  ) throws(ReportError) -> Value {
    do throws(OutputError) {
      return try body()
    } catch {
      throw .output(error)
    }
  }
}

/// Writes the usage detail, however long.
public struct UsageWriter {
  private let rows: UsageRows
  private let users: [UsageReport.UserDisplay]
  private let style: CSVStyle

  /// - Parameter users: for each contract, how its users are shown.
  public init(_ rows: UsageRows, users: [UsageReport.UserDisplay], style: CSVStyle) {
    self.rows = rows
    self.users = users
    self.style = style
  }

  /// Writes the report to a file of a folder, or to standard output.
  public func write(_ name: String, in folder: String?) throws(ReportError) {
    try write { () throws(OutputError) in try ReportOutput(name, in: folder) }
  }

  /// Writes the report, to appear with others.
  public func write(_ name: String, in set: ReportSet) throws(ReportError) {
    try write { () throws(OutputError) in try ReportOutput(name, in: set) }
  }

  private func write(_ open: () throws(OutputError) -> ReportOutput) throws(ReportError) {
    var spillFailure: String?
    try ReportError.output { () throws(OutputError) in
      let sink = Sink(try open())
      var header = style.header(UsageReport.columns)
      sink.put(&header)
      do throws(MeteringError) {
        try rows.render { [rows, users] in
          Renderer(
            report: UsageReport(
              contracts: rows.terms.contracts, attributions: rows.attributions,
              sources: rows.sources, users: users))
        } put: {
          sink.put(&$0.buffer)
        }
      } catch {
        spillFailure = error.description
        return
      }
      try sink.finish()
    }
    if let spillFailure { throw .records(spillFailure) }
  }

  private struct Renderer: RowRenderer {
    var report: UsageReport
    var buffer = CSVBuffer()

    mutating func append(_ row: UsageRow, textsIn chunk: Chunk) {
      report.append(row, textsIn: chunk, to: &buffer)
    }
  }

  /// The output, which takes one piece at a time, and its first failure.
  private final class Sink: @unchecked Sendable {
    private let output: ReportOutput
    private var failure: OutputError?

    init(_ output: ReportOutput) { self.output = output }

    @discardableResult
    func put(_ buffer: inout CSVBuffer) -> Bool {
      do throws(OutputError) {
        try output.write(draining: &buffer)
      } catch {
        failure = failure ?? error
      }
      return failure == nil
    }

    func finish() throws(OutputError) {
      if let failure { throw failure }
      try output.finish()
    }
  }
}
