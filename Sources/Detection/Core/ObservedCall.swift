public import CivilTime
internal import Shuffling

/// Whose calls of which service: what a test is made of.
public struct PlaceKey: Sendable, Hashable, Comparable {
  /// As the records name it.
  public var licensee: String
  public var app: String
  public var module: String

  public init(licensee: String, app: String, module: String) {
    self.licensee = licensee
    self.app = app
    self.module = module
  }

  public static func < (left: PlaceKey, right: PlaceKey) -> Bool {
    (left.licensee, left.app, left.module) < (right.licensee, right.app, right.module)
  }
}

extension [PlaceKey] {
  /// Those whose places these are, each once, ascending.
  var licensees: [String] { Set(map(\.licensee)).sorted() }
}

/// A user on one day of the contract; several pieces of a day, cut at midnight in UTC, are observed one by one.
struct ObservedUser {
  var licensee: String
  /// The licensee's place among those of the run: ``Swift/Array/licensees``.
  var licenseeNumber: Int
  /// As the records name it, in UTF-8; empty for calls without a user, all of which are one piece then.
  let name: PlainTable<UInt8>
  /// Of licensee and user, the same on every machine and day.
  var hash: UInt64
  /// The number of its ``ContractDay`` among those that the thread has met.
  var day: Int

  var isNamed: Bool { name.count > 0 }
  /// As the records name it: made when it is asked for, which of most users it never is.
  var user: String {
    unsafe String(unsafeUninitializedCapacity: name.count) { buffer in
      for index in name.indices { unsafe buffer[index] = name[index] }
      return name.count
    }
  }
}

/// A call as detectors see it, in order of time within a user. Hashes are 0 where the record has nothing.
public struct ObservedCall: BitwiseCopyable, Sendable {
  /// The number of its ``PlaceKey`` among those of the run.
  public var place: Int
  /// Microseconds since 1970.
  public var time: Int64
  /// The number of its line.
  public var source: UInt64
  public var question: UInt64
  public var request: UInt64
  /// The client's address.
  public var client: UInt32
  /// The user agent.
  public var device: UInt32
  public var conversation: UInt32
  /// Milliseconds; 0 where unknown.
  public var latency: Int
  public var status: Int
  public var items: Int
  public var isSuccess: Bool
  /// Whether the module is charged by item.
  public var isItem: Bool
  /// Whether it opens or closes a conversation.
  public var isEvent: Bool
  /// Whether the request id has come in the dedupe window before: a retry, counted once.
  public var isDuplicate: Bool
  /// Whether the request id may have come in this piece before, and the call is no duplicate.
  public var mayBeReplayed: Bool
  /// Of the contract's rule, in microseconds.
  public var idleTimeout: Int64
  public var dedupeWindow: Int64

  public var instant: Instant { Instant(microseconds: time) }
}

/// A refused call, or one with a path that no client sends; in order of time within a licensee.
public struct ObservedRefusal: Sendable {
  public var licensee: String
  /// The number of its ``ContractDay`` among those that the thread has met; of no contract, the day is that in UTC.
  public var day: Int
  public var time: Int64
  public var source: UInt64
  /// The hash of path and query.
  public var path: UInt64
  /// See `PathTraits`.
  public var traits: UInt16
  public var client: UInt32
  public var device: UInt32
  public var user: UInt64
  public var status: Int
}

/// A detector that looks at one user's calls after the other, in order of time. A value: each thread has its own.
protocol UserDetector {
  associatedtype Summary: DetectorSummary
  /// - Parameter places: what calls' places are numbers of.
  init(places: [PlaceKey])
  mutating func begin(_ user: ObservedUser)
  mutating func take(_ call: ObservedCall)
  /// The user's calls of the day are over; what came of them goes to the day's summary.
  mutating func end(_ user: ObservedUser)
  /// What was kept, by the number of the day; those missing at the end are empty.
  var days: [Summary] { get }
}
