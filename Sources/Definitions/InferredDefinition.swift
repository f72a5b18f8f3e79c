public import CivilTime
internal import Contracts

/// A definition that another party's totals may come from, and what it leaves unexplained.
public struct InferredDefinition: Sendable, Hashable {
  /// One way in which the other party's count departs from the contract's.
  public enum Change: Sendable, Hashable {
    /// What is billed as one conversation; the contract's own alone where nothing departs from it.
    case definition(Definition)
    /// Days of a zone that is so many minutes ahead of UTC.
    case zone(aheadMinutes: Int)
    /// The records of a stretch of time are missing; the zone is the contract's.
    case lostTime(Range<Instant>, Zone)
    /// The records of a log are missing.
    case lostLog(String)
  }

  /// What holds together; never empty.
  public var changes: [Change]
  /// Units in excess and missing by day, module and scenario, added up without their signs; 0: it gives exactly the
  /// totals.
  public var unexplained: Int

  public init(_ changes: [Change], unexplained: Int) {
    self.changes = changes
    self.unexplained = unexplained
  }

  public var isExact: Bool { unexplained == 0 }

  /// As in ``Definition/name``; several, with commas, where they hold together.
  public var name: String { changes.map(\.name).joined(separator: ", ") }

  /// In plain words, such as `an idle timeout of 20 minutes`.
  public var words: String { changes.map(\.words).joined(separator: " together with ") }
}

extension InferredDefinition.Change {
  public var name: String {
    switch self {
    case .definition(let definition): definition.name
    case .zone(let minutes): "time_zone=\(Self.offset(minutes))"
    case .lostTime(let time, let zone): "without \(time.lowerBound.rfc3339(in: zone)) to +1h"
    case .lostLog(let path): "without \(path)"
    }
  }

  var words: String {
    switch self {
    case .definition(let definition): definition.words
    case .zone(0): "counting by days of UTC"
    case .zone(let minutes): "counting by days of a time zone at \(Self.offset(minutes))"
    case .lostTime(let time, let zone):
      "a count without the records of the hour from \(time.lowerBound.rfc3339(in: zone))"
    case .lostLog(let path): "a count without the records of \(path)"
    }
  }

  /// `+08:00`.
  private static func offset(_ minutes: Int) -> String {
    func padded(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
    let size = abs(minutes)
    return "\(minutes < 0 ? "-" : "+")\(padded(size / 60)):\(padded(size % 60))"
  }
}

extension Definition {
  /// What it counts by, in plain words.
  var words: String {
    switch self {
    case .contract: "the contract's own definition"
    case .countedOtherwise(.end): "counting conversations on the day of their last message"
    case .countedOtherwise(.start): "counting conversations on the day of their first message"
    case .countedOtherwise(nil):
      "counting conversations on the other day of their first and last message"
    case .idleTimeout(1): "an idle timeout of 1 minute"
    case .idleTimeout(let minutes): "an idle timeout of \(minutes) minutes"
    case .failedCalls: "counting failed calls"
    case .duplicates: "counting repeated request ids"
    case .closeEvent: "ending conversations at closing and opening events alone"
    case .conversationID: "one conversation for each conversation id"
    case .userDay: "one conversation for a user's messages within 24 hours"
    case .quarterHour: "one conversation for each quarter of an hour of the clock with messages"
    case .call: "one conversation for each call"
    }
  }
}
