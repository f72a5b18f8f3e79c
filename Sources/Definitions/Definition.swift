internal import CivilTime
public import Contracts

/// A definition of what is billed as one conversation.
public enum Definition: Sendable, Hashable {
  /// The contract's own.
  case contract
  /// The contract's own, but for the day and month that a conversation belongs to.
  case countedOtherwise(ConversationRule.CountedIn?)
  /// The contract's own, but for the idle timeout: 1 to 1,440 minutes.
  case idleTimeout(minutes: Int)
  /// The contract's own, failed calls being messages as others are.
  case failedCalls
  /// The contract's own, repetitions of a request id being calls as others are.
  case duplicates
  /// Ended by closing and opening events alone, however long a pause is.
  case closeEvent
  /// What the gateway gives one conversation id.
  case conversationID
  /// A user's messages within 24 hours of the first one.
  case userDay
  /// A user's messages within a quarter of an hour of the clock.
  case quarterHour
  /// Each successful call.
  case call

  /// Those that are counted anew, by a rule of their own.
  public static let countedAnew: [Definition] = [
    .failedCalls, .duplicates, .closeEvent, .conversationID, .userDay,
  ]

  /// The name that reports use.
  public var name: String {
    switch self {
    case .contract: "contract"
    case .countedOtherwise(let day): "counted_in=\(day?.rawValue ?? "other")"
    case .idleTimeout(let minutes): "idle_timeout=\(minutes)m"
    case .failedCalls: "failed_calls_counted"
    case .duplicates: "duplicates_counted"
    case .closeEvent: "close_event"
    case .conversationID: "conversation_id"
    case .userDay: "user_24h"
    case .quarterHour: "clock_15m"
    case .call: "call"
    }
  }

  /// Makes the rule of ``countedAnew`` of a contract's own.
  public func change(_ rule: inout ConversationRule) {
    switch self {
    case .failedCalls: rule.successful = [0...999]
    case .duplicates: rule.dedupeWindow = Interval(microseconds: -1)
    case .closeEvent:
      rule.idleTimeout = .longestSetting
      rule.maxDuration = nil
      if rule.endsOn.isEmpty { rule.endsOn = ConversationRule().endsOn }
    case .conversationID:
      rule.identity = [.conversation]
      rule.idleTimeout = .longestSetting
      rule.maxDuration = nil
      rule.startsOn = []
      rule.endsOn = []
    case .userDay:
      rule.identity = [.user]
      rule.idleTimeout = .longestSetting
      rule.maxDuration = Interval(seconds: 86_400)
      rule.startsOn = []
      rule.endsOn = []
    default: break
    }
  }
}
