public import Metering

extension LogSelection {
  /// What the user should know of the files that were passed over.
  public var notices: [String] {
    passedOver.map { "\($0): passed over: no log, since it holds no record or is no file" }
  }

  /// What may be a mistake.
  public var warnings: [String] {
    doubtful.map {
      "\($0): passed over: no format reads its first lines; if it is a log, name it itself, and see what "
        + "'duizhang check' says of it"
    }
  }
}
