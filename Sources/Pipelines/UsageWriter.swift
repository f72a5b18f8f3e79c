internal import CivilTime
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

  /// Writes a report for each of some dates, to appear with others.
  ///
  /// - Parameter name: that of a date's report.
  func write(
    of dates: Set<CivilDate>, in set: ReportSet, name: (CivilDate) -> String
  ) throws(ReportError) {
    let dates = dates.sorted()
    let places = Dictionary(uniqueKeysWithValues: dates.enumerated().map { ($1, $0) })
    try write(places) { () throws(OutputError) in
      var outputs: [ReportOutput] = []
      for date in dates { outputs.append(try ReportOutput(name(date), in: set)) }
      return outputs
    }
  }

  private func write(_ open: () throws(OutputError) -> ReportOutput) throws(ReportError) {
    try write([:]) { () throws(OutputError) in [try open()] }
  }

  /// - Parameter places: of a date, the place of its output; without any all go to the one output.
  private func write(
    _ places: [CivilDate: Int], _ open: () throws(OutputError) -> [ReportOutput]
  ) throws(ReportError) {
    var spillFailure: String?
    try ReportError.output { () throws(OutputError) in
      let sink = Sink(try open())
      for place in 0..<sink.count {
        var header = style.header(UsageReport.columns)
        sink.put(&header, to: place)
      }
      do throws(MeteringError) {
        try rows.render { [rows, users, count = sink.count] in
          Renderer(
            report: UsageReport(
              contracts: rows.terms.contracts, attributions: rows.attributions,
              sources: rows.sources, users: users),
            places: places, buffers: Array(repeating: CSVBuffer(), count: count))
        } put: { renderer in
          renderer.buffers.indices.allSatisfy { sink.put(&renderer.buffers[$0], to: $0) }
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
    let places: [CivilDate: Int]
    /// One for each output.
    var buffers: [CSVBuffer]
    private var last: (date: CivilDate, place: Int)?

    init(report: UsageReport, places: [CivilDate: Int], buffers: [CSVBuffer]) {
      self.report = report
      self.places = places
      self.buffers = buffers
    }

    mutating func append(_ row: UsageRow, textsIn chunk: Chunk) {
      report.append(row, textsIn: chunk, to: &buffers[place(of: row.date)])
    }

    private mutating func place(of date: CivilDate) -> Int {
      if buffers.count == 1 { return 0 }
      if let last, last.date == date { return last.place }
      guard let place = places[date] else {
        preconditionFailure("a row of no date that was asked for")
      }
      last = (date, place)
      return place
    }
  }

  /// The outputs, which take one piece at a time, and their first failure.
  private final class Sink: @unchecked Sendable {
    private let outputs: [ReportOutput]
    private var failure: OutputError?

    init(_ outputs: [ReportOutput]) { self.outputs = outputs }

    var count: Int { outputs.count }

    @discardableResult
    func put(_ buffer: inout CSVBuffer, to place: Int) -> Bool {
      do throws(OutputError) {
        try outputs[place].write(draining: &buffer)
      } catch {
        failure = failure ?? error
      }
      return failure == nil
    }

    func finish() throws(OutputError) {
      if let failure { throw failure }
      for output in outputs { try output.finish() }
    }
  }
}
