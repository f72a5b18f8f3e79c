internal import CivilTime
internal import Contracts
internal import Counting
internal import Detection
internal import Metering
internal import Reconciliation
public import Reports

extension RangeOutcome {
  /// `run-summary.json`. It names no time of day and no machine, so that equal input gives equal
  /// bytes.
  public var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("pipeline", .string(pipeline.name)),
      .init("from", terms.dates.map { .string("\($0.lowerBound)") } ?? .null),
      .init("to", terms.dates.map { .string("\($0.upperBound)") } ?? .null),
      .init("needs_person", .array(concerns.map { .string("\($0)") })),
      .init("contracts", .array(terms.contracts.map(\.json))),
    ]
    if case .object(let input) = input.json { members += input }
    members += [
      .init("months", .array(months.map(\.json))),
      .init("findings", .object(findingMembers)),
      .init("not_looked_at", unseenCalls.json),
      .init("reconciliation", .array(comparisons.map { $0.totals.json($0.stepSums) })),
      .init("statement_problems", .array(rowProblems.map { .string("\($0)") })),
      .init("adjustments", .array(adjustments.map(\.json))),
      .init("reports", .array(reportNames.map { .string($0) })),
    ]
    return .object(members)
  }

  /// What counted, by the rules of the contract files, or by the default rule.
  var rules: JSONValue { .array(terms.contracts.map(\.json)) }

  private var findingMembers: [JSONValue.Member] {
    Finding.Severity.allCases.reversed().map { severity in
      .init(severity.rawValue, .number(findings.count { $0.severity == severity }))
    }
  }
}

extension MonthTotal {
  fileprivate var json: JSONValue {
    [
      "owner": .string(owner), "month": .string("\(month)"),
      "conversations": .number(conversations), "items": .number(items),
      "net": net.map { .string($0.text(places: 2)) } ?? .null,
      "units_without_price": .number(unpricedUnits),
    ]
  }
}

extension TotalsReconciliation {
  fileprivate func json(_ steps: [(cause: DifferenceCause, quantity: Int)]) -> JSONValue {
    [
      "contract": .string(contract), "within_tolerance": .bool(isWithinTolerance),
      "lines": .number(months.count),
      "lines_beyond_tolerance": .number(months.count { !$0.isWithinTolerance }),
      "steps": .object(steps.map { .init($0.cause.rawValue, .number($0.quantity)) }),
      "notes": .array(notes.map { .string("\($0)") }),
    ]
  }
}

extension Contract {
  /// The contract with the rule by which it was counted.
  fileprivate var json: JSONValue {
    [
      "contract": .string(number), "file": path.isEmpty ? .null : .string(path),
      "time_zone": .string(zone.identifier), "users": .string(privacy.user.rawValue),
      "conversation": .array(rules.map(\.json)),
    ]
  }
}

extension DatedRule {
  /// In the words of the contract file.
  fileprivate var json: JSONValue {
    func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    return [
      "from": from.map { .string("\($0)") } ?? .null,
      "identity": list(rule.identity.map(\.rawValue)),
      "idle_timeout": .string(rule.idleTimeout.text),
      "max_duration": .string(rule.maxDuration?.text ?? "none"),
      "starts_on": list(rule.startsOn.sorted()), "ends_on": list(rule.endsOn.sorted()),
      "ignores": list(rule.ignores.sorted()),
      "successful": list(rule.successful.map { "\($0.lowerBound)-\($0.upperBound)" }),
      "failed_messages": .string(rule.failedMessages.rawValue),
      "min_messages": .number(rule.minMessages), "counted_in": .string(rule.countedIn.rawValue),
      "dedupe_window": .string(rule.dedupeWindow.text),
    ]
  }
}
