import CivilTime
import Decoding
import Formats

/// The values of the known fields.
extension JSONWalk {
  mutating func assign(_ value: Value, to code: FieldName.Code, _ bytes: ByteView) {
    let bit = UInt32(1) << UInt32(code)
    // Of a key that comes twice, the last value holds.
    unreadable &= ~bit
    switch Field(rawValue: code) {
    case .time: assignTime(value, bytes)
    case .status:
      switch Self.number(value, bytes, atMost: 999) {
      case .some(let status): call.status = status ?? 200
      case .none: unreadable |= bit
      }
    case .items:
      switch Self.number(value, bytes, atMost: Int(UInt32.max)) {
      case .some(let items): call.items = items ?? 1
      case .none: unreadable |= bit
      }
    case .latency: call.latency = Self.wholeNumber(value, bytes)
    default:
      // A text that is given as a number is its digits.
      escaped &= ~bit
      switch value {
      case .text(let slice, _), .number(let slice), .boolean(let slice):
        call[code] = slice
      case .null: call[code] = .absent
      case .container where Field(rawValue: code)?.isTrace ?? false: call[code] = .absent
      case .container: unreadable |= bit
      }
    }
  }

  /// What stands before a number's point; 0 where the value is none, or too large to mean anything.
  private static func wholeNumber(_ value: Value, _ bytes: ByteView) -> Int {
    switch value {
    case .number(let slice), .text(let slice, false): bytes.wholeNumber(slice)
    default: 0
    }
  }

  /// Why a line with unreadable fields is quarantined.
  var rejection: Rejection {
    func has(_ field: Field) -> Bool { unreadable & 1 << UInt32(field.rawValue) != 0 }
    return has(.status) ? .unreadableStatus : has(.items) ? .unreadableItems : .unreadableField
  }

  mutating func assignTime(_ value: Value, _ bytes: ByteView) {
    let instant: Instant?
    switch value {
    case .text(let slice, false):
      instant = bytes.withSpan(Int(slice.start), Int(slice.count)) { timestamps.instant(text: $0) }
    case .text(let slice, true):
      let start = Int(slice.start)
      let decoded = Escapes.decoded(bytes, start, start + Int(slice.count)) ?? []
      instant = timestamps.instant(text: decoded.span)
    case .number(let slice):
      instant = bytes.withSpan(Int(slice.start), Int(slice.count)) {
        TimestampReader.instant(number: $0)
      }
    case .null:
      timeState = .missing
      return
    case .boolean, .container:
      instant = nil
    }
    guard let instant else {
      timeState = .unreadable
      return
    }
    call.time = instant
    timeState = .read
  }

  /// A whole number, given as a number or as text.
  ///
  /// - Returns: `.some(nil)` for null, `nil` where the value is anything else.
  @inline(__always)
  static func number(_ value: Value, _ bytes: ByteView, atMost limit: Int) -> Int?? {
    let slice: Slice
    switch value {
    case .number(let number): slice = number
    case .text(let text, false): slice = text
    case .null: return .some(nil)
    default: return nil
    }
    guard slice.count > 0, slice.count <= 10 else { return nil }
    var number = 0
    for position in Int(slice.start)..<(Int(slice.start) + Int(slice.count)) {
      let digit = bytes[position] &- 0x30
      guard digit < 10 else { return nil }
      number = number * 10 + Int(digit)
    }
    // In a conditional expression, `nil` would be that of the inner optional: the default.
    guard number <= limit else { return nil }
    return .some(number)
  }

  mutating func decodeEscapes(_ block: Block, _ bytes: ByteView) {
    for code in 0..<Field.textCount where escaped & (1 << UInt32(code)) != 0 {
      let slice = call[code]
      let start = Int(slice.start)
      guard let decoded = Escapes.decoded(bytes, start, start + Int(slice.count)) else {
        if Field(rawValue: code)?.isTrace ?? false {
          call[code] = .absent
        } else {
          unreadable |= 1 << UInt32(code)
        }
        continue
      }
      for (offset, byte) in decoded.enumerated() {
        block.replaceByte(at: start + offset, with: byte)
      }
      call[code] = Slice(start: start, count: decoded.count)
    }
  }
}
