public import Metering

extension LogSelection {
  /// What the user should know of the files that were passed over.
  public var notices: [String] {
    passedOver.map { "\($0): passed over, since it holds no record" }
  }
}
