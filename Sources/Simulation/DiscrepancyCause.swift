/// Why a unit differs between the two sides' statements, as reconciliation names it.
public enum DiscrepancyCause: String, Sendable, Hashable, CaseIterable {
  // In the order of planting: what only few units allow comes first.
  case periodBoundary = "period_boundary"
  case notBillable = "not_billable"
  case merged
  case split
  case duplicateAtLicensee = "duplicate_at_licensee"
  case duplicateAtLicensor = "duplicate_at_licensor"
  case missingAtLicensee = "missing_at_licensee"
  case moduleMismatch = "module_mismatch"
  case userMismatch = "user_mismatch"
  case outsideContract = "outside_contract"
  case noTraffic = "missing_at_licensor_no_traffic"
  case logGap = "missing_at_licensor_log_gap"

  /// The ways in which it is planted, in turn.
  var kinds: [DiscrepancyKind] {
    switch self {
    case .periodBoundary: [.bookedByEnd, .bookedInUTC]
    case .notBillable: [.openedOnly, .failedCalls, .tooFewMessages]
    case .merged: [.mergedSameID, .mergedOtherID, .mergedNoID]
    case .split: [.splitSameID, .splitOtherIDs, .splitNoIDs]
    case .duplicateAtLicensee: [.twiceAtLicensee, .itemTwiceAtLicensee]
    case .duplicateAtLicensor: [.twiceAtLicensor, .itemTwiceAtLicensor]
    case .missingAtLicensee: [.omitted, .itemOmitted]
    case .moduleMismatch: [.misfiled, .misfiledNoID]
    case .userMismatch: [.misnamed, .misnamedNoID]
    case .outsideContract: [.unlistedModule, .unlistedScenario, .outsideTerm]
    case .noTraffic: [.unserved, .itemUnserved]
    case .logGap: [.unlogged, .itemUnlogged]
    }
  }

  /// The one way in which it is planted where the options do not ask for causes.
  var plainKind: DiscrepancyKind {
    switch self {
    case .periodBoundary: .bookedElsewhere
    case .split: .halved
    default: kinds[0]
    }
  }
}

/// A way to plant a cause.
enum DiscrepancyKind {
  case bookedElsewhere, bookedByEnd, bookedInUTC
  case openedOnly, failedCalls, tooFewMessages
  case mergedSameID, mergedOtherID, mergedNoID
  case halved, splitSameID, splitOtherIDs, splitNoIDs
  case twiceAtLicensee, itemTwiceAtLicensee
  case twiceAtLicensor, itemTwiceAtLicensor
  case omitted, itemOmitted
  case misfiled, misfiledNoID
  case misnamed, misnamedNoID
  case unlistedModule, unlistedScenario, outsideTerm
  case unserved, itemUnserved
  case unlogged, itemUnlogged

  /// As the truth tells it from the others of its cause.
  var detail: String {
    switch self {
    case .bookedElsewhere, .halved: ""
    case .bookedByEnd: "booked_by_end"
    case .bookedInUTC: "booked_in_utc"
    case .openedOnly: "opened_only"
    case .failedCalls: "failed_calls"
    case .tooFewMessages: "too_few_messages"
    case .mergedSameID, .splitSameID: "same_id"
    case .mergedOtherID: "other_id"
    case .splitOtherIDs: "other_ids"
    case .mergedNoID, .misfiledNoID, .misnamedNoID: "no_id"
    case .splitNoIDs: "no_ids"
    case .misfiled, .misnamed: "with_id"
    case .unlistedModule: "unlisted_module"
    case .unlistedScenario: "unlisted_scenario"
    case .outsideTerm: "outside_term"
    case .twiceAtLicensee, .twiceAtLicensor, .omitted, .unserved, .unlogged: "conversation"
    case .itemTwiceAtLicensee, .itemTwiceAtLicensor, .itemOmitted, .itemUnserved, .itemUnlogged:
      "item"
    }
  }
}
