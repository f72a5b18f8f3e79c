public import CivilTime
public import Decoding
public import Formats

/// A stretch of bytes in a block.
@frozen
public struct Slice: Sendable {
  /// Both numbers in one word, which is stored and loaded at once: start below, count above.
  @usableFromInline package let word: UInt64

  @inlinable
  @inline(__always)
  public init(start: Int, count: Int) {
    word = UInt64(truncatingIfNeeded: count) << 32 | UInt64(truncatingIfNeeded: start)
  }

  @inlinable
  public var start: UInt32 {
    @inline(__always) get { UInt32(truncatingIfNeeded: word) }
  }

  /// 0 where the field is absent.
  @inlinable
  public var count: UInt32 {
    @inline(__always) get { UInt32(truncatingIfNeeded: word >> 32) }
  }

  @inlinable
  @inline(__always)
  package init(word: UInt64) { self.word = word }

  public static let absent = Slice(start: 0, count: 0)

  @inlinable
  public var isEmpty: Bool { count == 0 }
}

extension ByteView {
  /// The words of a text of at most sixteen bytes, zeros behind it.
  @inlinable
  @inline(__always)
  public func lanes(_ slice: Slice) -> SIMD2<UInt64> {
    let words = words(at: Int(slice.start), count: Int(slice.count))
    return SIMD2(words.first, words.second)
  }

  /// What stands before the point of a number of at most nine digits there; 0 for anything else.
  func wholeNumber(_ slice: Slice) -> Int {
    var number = 0
    for index in 0..<Int(slice.count) {
      let byte = self[Int(slice.start) + index]
      if byte == 0x2E && index > 0 { return number }
      guard byte >= 0x30, byte <= 0x39, index < 9 else { return 0 }
      number = number * 10 + Int(byte - 0x30)
    }
    return number
  }
}

extension ByteView {
  /// A duration as milliseconds, a part of one left out; 0 for what is none, or too long to mean anything.
  func milliseconds(_ slice: Slice, _ unit: DurationUnit) -> Int {
    let digitsMax = 18
    // Digits of the unit, behind the point or before it, that make a millisecond.
    let (behind, before) =
      switch unit {
      case .seconds: (3, 0)
      case .microseconds: (0, 3)
      case .nanoseconds: (0, 6)
      }
    var whole = 0
    var fraction = 0
    var places = 0
    var hasPoint = false
    for index in 0..<Int(slice.count) {
      let byte = self[Int(slice.start) + index]
      if byte == 0x2E && index > 0 && !hasPoint {
        hasPoint = true
        continue
      }
      guard byte >= 0x30, byte <= 0x39, index < digitsMax || hasPoint else { return 0 }
      let digit = Int(byte - 0x30)
      if !hasPoint {
        whole = whole * 10 + digit
      } else if places < behind {
        fraction = fraction * 10 + digit
        places += 1
      }
    }
    for _ in 0..<behind { whole = min(whole, Int(UInt32.max)) * 10 }
    for _ in places..<behind { fraction *= 10 }
    for _ in 0..<before { whole /= 10 }
    let milliseconds = whole + fraction
    return milliseconds <= Int(Int32.max) ? milliseconds : 0
  }
}

/// One record as its line states it: texts are slices of the line's block, escapes decoded.
///
/// A view of the reader's memory, valid until the reader goes on to the next line: a record as a
/// structure of its own would be copied at each step of the way.
@frozen
@safe
public struct Call {
  /// A word for each field's raw value and up to ``textSlots``, then time, status, items and
  /// where the line begins.
  @usableFromInline let words: UnsafeMutablePointer<UInt64>
  /// Fields of text, and room for the texts that no one asks for.
  @usableFromInline static let textSlots = 32
  package static let wordCount = textSlots + 5

  /// The place of a field's word among those of a call: a slice's for a text, the number's for others.
  package static func position(of field: Field) -> Int {
    switch field {
    case .time: textSlots
    case .status: textSlots + 1
    case .items: textSlots + 2
    case .latency: textSlots + 4
    default: Int(field.rawValue)
    }
  }

  /// The number that a field's slice has among the ``Slots`` that lie behind the call.
  static func slot(of field: Field) -> Int { Int(field.rawValue) - wordCount }

  /// A slot for what no one asks for.
  static let spareSlot = textSlots - 1 - wordCount

  /// - Parameter words: room for ``wordCount`` words, which stays as long as the call.
  package init(words: UnsafeMutablePointer<UInt64>) { unsafe self.words = unsafe words }

  /// The slice of a field of text. An event that is absent means `message`.
  @inlinable
  public subscript(field: Field) -> Slice {
    @inline(__always) get { unsafe Slice(word: words[Int(field.rawValue)]) }
  }

  /// The slice of a field of text, or of one that no one asks for.
  subscript(code: FieldName.Code) -> Slice {
    @inline(__always) get { unsafe Slice(word: words[Int(code) & (Self.textSlots - 1)]) }
    @inline(__always) nonmutating set {
      unsafe words[Int(code) & (Self.textSlots - 1)] = newValue.word
    }
  }

  @inlinable
  public internal(set) var time: Instant {
    @inline(__always) get {
      unsafe Instant(microseconds: Int64(bitPattern: words[Self.textSlots]))
    }
    nonmutating set {
      unsafe words[Self.textSlots] = UInt64(bitPattern: newValue.microseconds)
    }
  }

  /// HTTP status; 200 where the line has none.
  @inlinable
  public internal(set) var status: Int {
    @inline(__always) get { unsafe Int(truncatingIfNeeded: words[Self.textSlots + 1]) }
    nonmutating set { unsafe words[Self.textSlots + 1] = UInt64(newValue) }
  }

  /// 1 where the line has none.
  @inlinable
  public internal(set) var items: Int {
    @inline(__always) get { unsafe Int(truncatingIfNeeded: words[Self.textSlots + 2]) }
    nonmutating set { unsafe words[Self.textSlots + 2] = UInt64(newValue) }
  }

  /// Where the record's line begins in its block.
  @inlinable
  public internal(set) var lineStart: Int {
    @inline(__always) get { unsafe Int(truncatingIfNeeded: words[Self.textSlots + 3]) }
    nonmutating set { unsafe words[Self.textSlots + 3] = UInt64(truncatingIfNeeded: newValue) }
  }

  /// Milliseconds that the answer took; 0 where the line has none, or it is not asked for.
  @inlinable
  public internal(set) var latency: Int {
    @inline(__always) get { unsafe Int(truncatingIfNeeded: words[Self.textSlots + 4]) }
    nonmutating set { unsafe words[Self.textSlots + 4] = UInt64(truncatingIfNeeded: newValue) }
  }

  /// Makes all fields absent again.
  @inline(__always)
  func clear() {
    for index in 0..<Int(Field.textCount) { unsafe words[index] = 0 }
    status = 200
    items = 1
    latency = 0
  }
}

/// Why a line was quarantined.
public enum Rejection: UInt8, Sendable, Hashable, CaseIterable {
  case notAnObject, invalidJSON, invalidText, noTime, unreadableTime, unreadableStatus
  case unreadableItems, unreadableField, tooLong
  /// A time that no call of these logs can have; told by whoever knows when they were written.
  case tooEarly, tooLate
  /// In a log that is not JSON.
  case unlikeFormat, wrongColumnCount
  /// What stands there may not be what was written; told by whoever read the stored bytes.
  case untrusted, torn

  /// In words, for the person who mends the line.
  public var reason: String {
    switch self {
    case .notAnObject: "is not a JSON object"
    case .invalidJSON: "is not valid JSON"
    case .invalidText:
      "is not valid UTF-8, or a text holds a raw control character or is not closed"
    case .noTime: "has no time"
    case .unreadableTime:
      "has a time that is neither in a known form with a zone nor a number since 1970"
    case .unreadableStatus: "has a status that is not a whole number from 0 to 999"
    case .unreadableItems: "has items that are not a whole number from 0 to 4294967295"
    case .unreadableField: "has an object, an array or half a surrogate pair where a name belongs"
    case .tooLong: "is longer than a line may be: 1 MiB, or --line-bytes-max"
    case .unlikeFormat: "does not have the form that its log's format describes"
    case .wrongColumnCount: "has more or fewer values than its log's header"
    case .untrusted:
      "stands in a part of its log whose checksum or compressed data is wrong, or under a table's "
        + "header there; nothing vouches for it"
    case .torn: "stands beside a damage, which may have cut it"
    case .tooEarly: "has a time before the year 2000"
    case .tooLate: "has a time more than one day after the newest log's last change"
    }
  }
}
