/// What of a licensee's requests on a day came again beyond the dedupe window.
struct ReplayedCallsRow: Sendable, Equatable {
  /// Calls with a request id that were counted.
  var calls = 0
  /// Of these, calls whose request id and question the user had sent before, longer ago than the
  /// dedupe window; where a user's day has too many requests, as many as those looked at tell.
  var replays = 0
  /// Calls whose request id came before with another question: such ids name no request.
  var reuses = 0
  /// Users with replays, a user's day being one.
  var users = 0
  /// The largest that held, in microseconds.
  var dedupeWindow: Int64 = 0
  var requests = RequestSample()
  var showing = EvidenceLines()

  init() {}

  mutating func merge(_ other: ReplayedCallsRow) {
    calls += other.calls
    replays += other.replays
    reuses += other.reuses
    users += other.users
    dedupeWindow = max(dedupeWindow, other.dedupeWindow)
    requests.merge(other.requests)
    showing.merge(other.showing)
  }

  func write(to writer: inout SummaryWriter) {
    for number in [calls, replays, reuses, users] { writer.count(number) }
    writer.signed(dedupeWindow)
    requests.write(to: &writer)
    showing.write(to: &writer)
  }

  init(from reader: inout SummaryReader) throws(SummaryError) {
    let limit = 1 << 40
    calls = try reader.count(atMost: limit)
    replays = try reader.count(atMost: limit)
    reuses = try reader.count(atMost: limit)
    users = try reader.count(atMost: limit)
    dedupeWindow = try reader.signed()
    requests = try RequestSample(from: &reader)
    showing = try EvidenceLines(from: &reader)
  }
}

/// What came again on a day, by licensee.
public struct ReplayedCallsOfDay: DetectorSummary, Equatable {
  var licensees: [String: ReplayedCallsRow] = [:]

  public init() {}

  public var isEmpty: Bool { licensees.isEmpty }

  public mutating func merge(_ other: ReplayedCallsOfDay) {
    for (licensee, row) in other.licensees {
      licensees[licensee, default: ReplayedCallsRow()].merge(row)
    }
  }

  public func write(to writer: inout SummaryWriter) {
    writer.entries(licensees) { licensee, row, writer in
      writer.text(licensee)
      row.write(to: &writer)
    }
  }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    licensees = try reader.entries { reader throws(SummaryError) in
      (try reader.text(), try ReplayedCallsRow(from: &reader))
    }
  }
}
