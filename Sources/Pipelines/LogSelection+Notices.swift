public import Metering

extension LogSelection {
  /// What the user should know of the files that were passed over.
  public var notices: [String] {
    passedOver.map { "\($0): passed over: no log, since it holds no record or is no file" }
  }
}
