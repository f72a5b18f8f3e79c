public import CivilTime
public import Contracts

/// One line of `count.csv`: what a licensee used of a module in a scenario on a day.
public struct DailyTotal: Sendable, Hashable {
  /// The contract's number; empty without a contract.
  public var contract: String
  /// The record field `licensee`.
  public var licensee: String
  public var date: CivilDate
  public var module: String
  public var scenario: String
  public var meter: Meter
  /// Billable units.
  public var quantity: Int
  /// Successful records behind them.
  public var messages: Int
  public var failedMessages: Int
  public var duplicates: Int

  public init(
    contract: String, licensee: String, date: CivilDate, module: String, scenario: String,
    meter: Meter, quantity: Int, messages: Int, failedMessages: Int, duplicates: Int
  ) {
    self.contract = contract
    self.licensee = licensee
    self.date = date
    self.module = module
    self.scenario = scenario
    self.meter = meter
    self.quantity = quantity
    self.messages = messages
    self.failedMessages = failedMessages
    self.duplicates = duplicates
  }
}
