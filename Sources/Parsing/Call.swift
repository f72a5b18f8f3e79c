public import CivilTime

/// A stretch of bytes in a block.
@frozen
public struct Slice: Sendable {
  public var start: UInt32
  /// 0 where the field is absent.
  public var count: UInt32

  @inlinable
  public init(start: Int, count: Int) {
    self.start = UInt32(truncatingIfNeeded: start)
    self.count = UInt32(truncatingIfNeeded: count)
  }

  public static let absent = Slice(start: 0, count: 0)

  @inlinable
  public var isEmpty: Bool { count == 0 }
}

/// The record fields that decide counts; all others are validated and passed over.
@frozen
public enum Field: UInt8, Sendable, CaseIterable {
  case licensee, user, conversation, requestID, event, module, scenario, app, origin, clientIP
  case time, status, items

  /// The field's name in the canonical NDJSON log.
  public var name: String {
    switch self {
    case .licensee: "licensee"
    case .user: "user"
    case .conversation: "conversation"
    case .requestID: "request_id"
    case .event: "event"
    case .module: "module"
    case .scenario: "scenario"
    case .app: "app"
    case .origin: "origin"
    case .clientIP: "client_ip"
    case .time: "time"
    case .status: "status"
    case .items: "items"
    }
  }

  /// Fields of text, which come first among the cases.
  @usableFromInline static let textCount: UInt8 = 10
}

/// One record as its line states it: texts are slices of the line's block, escapes decoded.
@frozen
public struct Call {
  public var time = Instant(microseconds: 0)
  /// HTTP status; 200 where the line has none.
  public var status = 200
  /// 1 where the line has none.
  public var items = 1
  /// The fields of text, by the raw value of their ``Field``, and room for what no one asks for.
  /// An event that is absent means `message`.
  @usableFromInline var texts: InlineArray<16, Slice> = InlineArray(repeating: .absent)

  /// The slice of a field of text.
  @inlinable
  public subscript(field: Field) -> Slice {
    @inline(__always) get { texts[Int(field.rawValue)] }
  }

  public init() {}

  /// Makes all fields absent again.
  @inline(__always)
  mutating func clear() {
    for index in 0..<Int(Field.textCount) { texts[index] = .absent }
    status = 200
    items = 1
  }
}

/// Why a line was quarantined.
public enum Rejection: UInt8, Sendable, Hashable, CaseIterable {
  case notAnObject, invalidJSON, invalidText, noTime, unreadableTime, unreadableStatus
  case unreadableItems, unreadableField, tooLong

  /// In words, for the person who mends the line.
  public var reason: String {
    switch self {
    case .notAnObject: "is not a JSON object"
    case .invalidJSON: "is not valid JSON"
    case .invalidText:
      "is not valid UTF-8, or a text holds a raw control character or is not closed"
    case .noTime: "has no time"
    case .unreadableTime: "has a time that is neither RFC 3339 with a zone nor a number since 1970"
    case .unreadableStatus: "has a status that is not a whole number from 0 to 999"
    case .unreadableItems: "has items that are not a whole number from 0 to 4294967295"
    case .unreadableField: "has an object, an array or half a surrogate pair where a name belongs"
    case .tooLong: "is longer than 1 MiB"
    }
  }
}
