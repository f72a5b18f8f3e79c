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
  /// Bytes that are gathered before they are written.
  private static let bufferBytes = 256 * 1024

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
    var report = UsageReport(
      contracts: rows.terms.contracts, attributions: rows.attributions, sources: rows.sources,
      users: users)
    var buffer = style.header(UsageReport.columns)
    buffer.bytes.reserveCapacity(Self.bufferBytes + 4_096)
    var spillFailure: String?
    try ReportError.output { () throws(OutputError) in
      let output = try open()
      var failure: OutputError?
      spillFailure = forEachRow { row, chunk in
        report.append(row, textsIn: chunk, to: &buffer)
        guard buffer.bytes.count >= Self.bufferBytes else { return true }
        do throws(OutputError) {
          try output.write(draining: &buffer)
        } catch {
          failure = error
        }
        return failure == nil
      }
      if let failure { throw failure }
      if spillFailure != nil { return }
      try output.write(draining: &buffer)
      try output.finish()
    }
    if let spillFailure { throw .records(spillFailure) }
  }

  private func forEachRow(_ body: (UsageRow, Chunk) -> Bool) -> String? {
    do throws(MeteringError) {
      try rows.forEach(body)
      return nil
    } catch {
      return error.description
    }
  }
}
