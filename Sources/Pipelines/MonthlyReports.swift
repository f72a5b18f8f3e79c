internal import CivilTime
internal import Contracts
internal import Counting
internal import Ledger
internal import Manifests
internal import Metering
internal import Nights
internal import Reconciliation
internal import Reports
internal import Segments
internal import Shuffling
internal import Statements

/// Writes the reports of a workspace's months, each into a folder of its own; of the usage detail, a file for
/// each date. Only what changed is written.
struct MonthlyReports {
  let reports: RangeReports
  let count: StoredCount
  let closed: [ClosedPeriod]
  /// All that was booked for closed months.
  let adjustments: [Adjustment]
  /// What the reports depend on beside what was counted: program, configuration, keys.
  let setup: String

  private var pipeline: PipelineFile { reports.pipeline }
  private var out: String { Paths.shortened(pipeline.out) }

  /// Writes the months that are not as they were reported before. One that is closed is written only where its
  /// folder is gone, or of another count than that by which it was closed.
  func write(
    _ months: [CivilMonth]
  ) throws(RunError) -> (
    written: [RangeOutcome], unchanged: [(month: CivilMonth, concerns: [String])]
  ) {
    var written: [RangeOutcome] = []
    var unchanged: [(month: CivilMonth, concerns: [String])] = []
    // Also where no month is written.
    OutputFolder.sweep(out)
    for month in months {
      if let last = closed.last, month <= last.month {
        guard let period = closed.first(where: { $0.month == month }) else { continue }
        let frozen = count.frozen(period)
        if LastReport.read(folder(of: month))?.isOf(counted(month, frozen)) ?? false { continue }
        written.append(try write(month, frozen))
        continue
      }
      if let last = LastReport.read(folder(of: month)),
        last.isCurrent(state(of: month, count), count)
      {
        unchanged.append((month, last.concerns))
      } else {
        written.append(try writeAnew(month))
      }
    }
    return (written, unchanged)
  }

  /// All months that there is something of, that something is booked in, or that have a folder of this pipeline
  /// from when there was.
  var months: [CivilMonth] {
    let known = Set(count.months + adjustments.map(\.booked))
    let there = OutputFolder.folders(in: out).compactMap { CivilMonth(text: $0) }.filter { month in
      !known.contains(month)
        && LastReport.read(folder(of: month))?.isOf(pipeline.name, month) ?? false
    }
    return known.union(there).sorted()
  }

  func writeAnew(_ month: CivilMonth) throws(RunError) -> RangeOutcome { try write(month, count) }

  /// What is booked in a month.
  private func booked(in month: CivilMonth) -> [BookedAdjustment] {
    booked(adjustments.filter { $0.booked == month })
  }

  /// Adjustments with what they are worth.
  func booked(_ adjustments: [Adjustment]) -> [BookedAdjustment] {
    adjustments.map { adjustment in
      let contract = reports.terms.contracts.first { $0.number == adjustment.contract }
      return BookedAdjustment(adjustment, contract)
    }
  }

  private func folder(of month: CivilMonth) -> String { "\(out)/\(month)" }

  /// All that the reports of a month depend on, but for the names of logs.
  private func state(of month: CivilMonth, _ count: StoredCount) -> ContentHash {
    var text = "month 1\n\(setup)\n"
    let dates = count.dates ?? month.first...month.last
    text += "before \(dates.lowerBound < month.first) behind \(dates.upperBound > month.last)\n"
    for entry in reports.statements.all {
      let (contract, statement) = (entry.contract, entry.totals)
      let rows = statement.rows.filter { $0.date.month == month }
      text +=
        "statement \(contract) \(rows) \(statement.problems) \(statement.columns.map(\.rawValue).sorted())"
        + " \(statement.rowsUnread) \(statement.rowsKept) \(statement.skippedTotals)"
        + " \(statement.contradictions)\n"
      // Of details more is compared than their sums.
      guard entry.areDetails && !rows.isEmpty else { continue }
      for file in reports.configuration
      where file.role == .statement && entry.files.contains(where: { $0.path == file.path }) {
        text += "detail \(file.sha256.hexadecimal)\n"
      }
    }
    text += adjustments.filter { $0.booked == month }.map { "\($0)\n" }.joined()
    text += count.state(of: month.first...month.last)
    return Self.digest(text)
  }

  /// What was counted of a month, and nothing of how it is reported.
  private func counted(_ month: CivilMonth, _ count: StoredCount) -> ContentHash {
    Self.digest("count 1\n" + count.state(of: month.first...month.last))
  }

  private static func digest(_ text: String) -> ContentHash { .sha256(Array(text.utf8)) }

  private func write(_ month: CivilMonth, _ count: StoredCount) throws(RunError) -> RangeOutcome {
    try RunError.stored { () throws in
      let range = try count.range(month.first...month.last)
      let result = try range.result()
      let dates = count.dates ?? month.first...month.last
      let days = Set(result.totals.map(\.date))
      var outcome = try reports.outcome(
        result, month: month, covered: CoveredDays(all: dates), adjustments: booked(in: month),
        folder: folder(of: month),
        units: RangeReports.Units(counted: { try range.rows(of: days) }))
      let folder = try ReportError.output { () throws(OutputError) in
        try ReportFolder(path: self.folder(of: month))
      }
      let last = LastReport.read(self.folder(of: month))
      var dependsOn = try writeDetails(
        of: days, range, last, to: folder)
      var names = try reports.write(outcome, result, to: folder.set)
      names.insert(contentsOf: dependsOn.keys.sorted(), at: 1)
      try reports.writeSummary(&outcome, names, to: folder.set)
      dependsOn[RangeReports.summary] = state(of: month, count)
      dependsOn[RangeReports.totals] = counted(month, count)
      var manifest = Manifest(outcome, reports, inputs: range.inputs.map(Manifest.Input.init))
      manifest.add(folder.set) { dependsOn[$0] }
      try ReportError.output { () throws(OutputError) in
        try folder.set.write(manifest)
        try folder.commit()
      }
      return outcome
    }
  }

  /// Writes the usage detail of each date, or takes over what is right already.
  ///
  /// - Returns: for the name of each file, a digest of what it depends on.
  private func writeDetails(
    of dates: Set<CivilDate>, _ range: StoredRange, _ last: LastReport?, to folder: ReportFolder
  ) throws -> [String: ContentHash] {
    var dependsOn: [String: ContentHash] = [:]
    var changed: Set<CivilDate> = []
    func name(_ date: CivilDate) -> String { "\(RangeOutcome.dayDetailPrefix)\(date).csv" }
    for date in dates.sorted() {
      let state = Self.digest("detail 1\n\(setup)\n\(try range.state(of: date))")
      dependsOn[name(date)] = state
      let isKept = last?.content(of: name(date), state).map { folder.keep($0) } ?? false
      if !isKept { changed.insert(date) }
    }
    if !changed.isEmpty {
      try UsageWriter(
        try range.rows(of: changed), users: reports.users.all, style: reports.style
      ).write(of: changed, in: folder.set, name: name)
    }
    return dependsOn
  }
}
