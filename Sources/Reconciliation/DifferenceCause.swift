/// Why the two sides see units differently, in the order in which causes are tried: the first that holds is given.
public enum DifferenceCause: String, Sendable, Hashable, CaseIterable {
  /// One side lists the same unit twice.
  case duplicateAtLicensor = "duplicate_at_licensor"
  case duplicateAtLicensee = "duplicate_at_licensee"
  /// Out of the term, or of a module or scenario that the price list has not.
  case outsideContract = "outside_contract"
  /// Both have it, in different months.
  case periodBoundary = "period_boundary"
  /// One unit of the licensor's is several of the licensee's, or the other way round.
  case split
  case merged
  /// One side counts what failed, or was only opened and closed.
  case notBillable = "not_billable"
  /// Both have it, under another module or scenario, or under another user.
  case moduleMismatch = "module_mismatch"
  case userMismatch = "user_mismatch"
  /// Only the licensor has it.
  case missingAtLicensee = "missing_at_licensee"
  /// Only the licensee has it, where the gateway's log is incomplete.
  case missingAtLicensorLogGap = "missing_at_licensor_log_gap"
  /// Only the licensee has it, where the log is complete.
  case missingAtLicensorNoTraffic = "missing_at_licensor_no_traffic"
  /// Both have it, at another price; a step of bridges alone.
  case priceDifference = "price_difference"
  /// None of these.
  case unexplained
}

/// Whose a unit is.
public enum StatedSide: UInt8, Sendable, Hashable, CaseIterable {
  case licensor
  case licensee
  /// The gateway's log counted by the contract's rule: evidence, where it is no side itself.
  case log
  /// The same log counted as if failed calls were none.
  case traffic
}
