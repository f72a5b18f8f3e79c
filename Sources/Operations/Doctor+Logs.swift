internal import Checking
internal import CivilTime
internal import Contracts
internal import Decoding
internal import Metering
internal import Pipelines
internal import Reconciliation

extension Doctor {
  /// A log and what its first lines are; `nil` for those that were not looked into.
  struct ExaminedLog {
    var file: InputFile
    var sample: LogSample?
  }

  /// Newest logs that are looked into.
  private static let samplesMax = 20
  /// Lines of one kind that are shown.
  static let shownMax = 10
  private static let ageMax = Interval(seconds: 2 * 86_400)

  func logs(_ pipeline: PipelineFile) -> ([Check], [ExaminedLog]) {
    var checks: [Check] = []
    var files: [String: InputFile] = [:]
    for path in pipeline.shortLogs {
      do throws(InputError) {
        let selection = try LogSelection(
          [path], formats: pipeline.formats, encoding: pipeline.encoding,
          mayBeNone: pipeline.workspace != nil)
        for file in selection.files { files[file.path] = file }
        checks += selection.warnings.prefix(Self.shownMax).map { .warning("logs", $0) }
      } catch {
        checks.append(.error("logs", error.description))
      }
    }
    let newest = files.values.sorted {
      ($0.modifiedAt, $0.path) > ($1.modifiedAt, $1.path)
    }
    guard let last = newest.first else {
      if checks.isEmpty {
        checks.append(
          .warning(
            "logs", "none is there yet; where that is not so, check the paths under 'logs'"))
      }
      return (checks, [])
    }
    checks += age(last)
    var logs = newest.map { ExaminedLog(file: $0, sample: nil) }
    for index in logs.indices.prefix(Self.samplesMax) where logs[index].file.isStored {
      do throws(InputError) {
        let sample = try LogSample(
          logs[index].file, formats: pipeline.formats, encoding: pipeline.encoding)
        logs[index].sample = sample
        if !sample.isEmpty, sample.format == nil {
          checks.append(
            .error(
              "logs",
              "\(logs[index].file.path): no format reads its first lines, which would be "
                + "quarantined; 'duizhang check' says what comes closest"))
        }
      } catch {
        checks.append(.error("logs", error.description))
      }
    }
    let bytes = files.values.reduce(0) { $0 + $1.sizeBytes }
    let formats = Set(logs.compactMap(\.sample?.format)).sorted().joined(separator: ", ")
    let found = Check.ok(
      "logs",
      "\(files.count) of \(Size.text(bytes)), the newest of \(last.modifiedAt.rfc3339(in: .utc))"
        + (formats.isEmpty ? "" : "; the newest are in the format \(formats)"))
    return ([found] + checks, logs)
  }

  private func age(_ newest: InputFile) -> [Check] {
    let age = machine.now - newest.modifiedAt
    let words =
      "\(newest.path) is the newest, and was last written to at "
      + newest.modifiedAt.rfc3339(in: .utc)
    if age > Self.ageMax {
      return [
        .warning(
          "logs", "\(words), more than 2 days ago; check that logs still come, and their paths")
      ]
    }
    if age < Interval(seconds: -86_400) {
      return [.warning("logs", "\(words), which is yet to come; check the clocks")]
    }
    return []
  }

  /// Bytes as stored of the logs that were last written to on the newest one's day (UTC).
  func newestDayBytes(_ logs: [ExaminedLog]) -> Int {
    guard let newest = logs.first else { return 0 }
    let day = Zone.utc.date(of: newest.file.modifiedAt)
    return logs.filter { Zone.utc.date(of: $0.file.modifiedAt) == day }
      .reduce(0) { $0 + $1.file.sizeBytes }
  }

  func statements(
    _ pipeline: PipelineFile, _ contracts: [Contract]
  ) -> ([Check], [(String, StatedTotals)]) {
    var checks: [Check] = []
    var statements: [(String, StatedTotals)] = []
    for statement in pipeline.statements {
      do throws(RunError) {
        let totals = try pipeline.read(statement, contracts: contracts)
        statements.append((statement.contract, totals))
        if let problem = totals.problems.first {
          checks.append(
            .error(
              "statements",
              "\(totals.path): \(totals.rowsUnread) rows cannot be read"
                + (totals.rowsKept > 0 ? ", and \(totals.rowsKept) have something wrong" : "")
                + "; the first: \(problem)")
          )
        } else {
          checks.append(.ok("statements", "\(totals.path): \(totals.rows.count) rows"))
        }
      } catch {
        checks += error.messages.map { .error("statements", $0) }
      }
    }
    return (checks, statements)
  }
}
