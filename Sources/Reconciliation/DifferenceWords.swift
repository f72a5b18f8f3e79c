internal import CivilTime

extension BridgeStep {
  /// What a reader of the bridge should know of a step, in words.
  func explanation(of cause: DifferenceCause) -> String {
    if cause == .priceDifference {
      return "units that both sides have, at other prices or amounts than the price list's"
    }
    let known = reasons.sorted { $0.key < $1.key }
    // A step whose differences are told of in another month or module.
    guard !known.isEmpty else {
      return "the other side of differences under another month or module"
    }
    let texts = known.map { reason, count in
      reason.words.isEmpty ? "\(count)" : "\(count): \(reason.words)"
    }
    var text = "\(cause.words): \(texts.joined(separator: "; "))"
    if let pauses {
      text += "; pauses of \(Self.duration(pauses.lowerBound))"
      if pauses.upperBound != pauses.lowerBound {
        text += " to \(Self.duration(pauses.upperBound))"
      }
    }
    return text
  }

  /// `4m 02s`, `1h 05m`.
  static func duration(_ microseconds: Int64) -> String {
    let seconds = microseconds / 1_000_000
    let (hours, minutes) = (seconds / 3_600, seconds % 3_600 / 60)
    func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if hours > 0 { return "\(hours)h \(padded(minutes))m" }
    if minutes > 0 { return "\(minutes)m \(padded(seconds % 60))s" }
    return "\(seconds)s"
  }
}

extension Difference {
  /// Why the sides see it differently, in words.
  public var explanation: String {
    var text = cause.words
    if !reason.words.isEmpty { text += ": \(reason.words)" }
    if let pauses {
      text += "; pauses of \(BridgeStep.duration(pauses.lowerBound))"
      if pauses.upperBound != pauses.lowerBound {
        text += " to \(BridgeStep.duration(pauses.upperBound))"
      }
    }
    return text
  }
}

extension DifferenceCause {
  /// What it says of units.
  var words: String {
    switch self {
    case .duplicateAtLicensor: "the licensor lists it twice"
    case .duplicateAtLicensee: "the licensee lists it twice"
    case .outsideContract: "not of the contract"
    case .periodBoundary: "in another month"
    case .split: "one of the licensor's is several of the licensee's"
    case .merged: "several of the licensor's are one of the licensee's"
    case .notBillable: "not to be charged"
    case .moduleMismatch: "both have it, under another module"
    case .userMismatch: "both have it, under another user"
    case .missingAtLicensee: "only the licensor has it"
    case .missingAtLicensorLogGap, .missingAtLicensorNoTraffic: "only the licensee has it"
    case .priceDifference: "both have it, at another price"
    case .unexplained: "no known cause"
    }
  }
}

extension DifferenceReason {
  /// What it adds to a cause; empty for nothing.
  var words: String {
    switch self {
    case .none: ""
    case .beforeTerm: "its day is before the term"
    case .afterTerm: "its day is after the term"
    case .moduleNotListed: "the price list does not have the module"
    case .scenarioNotListed: "the price list does not have the module in the scenario"
    case .byEnd: "the licensee counts by the end"
    case .inUTC: "the licensee counts by days of UTC"
    case .otherDay: "the licensee counts it on a day that neither start nor end is on"
    case .shorterTimeout: "as with an idle timeout shorter than the pauses"
    case .longerTimeout: "as with an idle timeout of at least the pauses"
    case .otherIDs: "counted by conversation ids"
    case .closeEvents: "counted by closing events, or with another longest duration"
    case .modulesApart: "modules or scenarios are counted apart"
    case .otherCuts: "cut at other moments"
    case .notCharged: "one side itself lists it as not charged"
    case .onlyOpenedAndClosed:
      "only opened and closed, or fewer messages than the contract asks for"
    case .allFailed: "all its calls failed"
    case .testUser: "of a test user"
    case .takenBack: "a side's rows of it add up to nothing"
    case .scenario: "the scenario is another one"
    case .byTimeAlone: "start, end and all else agree"
    case .logShowsIt: "the gateway's log shows it"
    case .noLog: "no log was given to hold it against"
    case .noCalls: "the log is complete there and has no calls of it"
    case .inGap: "in a gap of the log"
    case .inSilence:
      "no log was given; the licensor lists nothing then, for longer than chance explains"
    case .beforeUnits: "no log was given; the licensor lists nothing so early"
    case .behindUnits: "no log was given; the licensor lists nothing so late"
    case .beforeLog: "before the log begins"
    case .behindLog: "after the log ends"
    case .silence: "nothing at all was logged then, which may be a gap or chance"
    case .failuresUnknown: "whether calls of it failed was not looked at"
    case .otherQuantity: "both have it, with another quantity"
    case .logShowsItUncounted: "the log shows it, and the licensor does not list it"
    case .logLacksIt: "the log does not show it"
    }
  }
}
