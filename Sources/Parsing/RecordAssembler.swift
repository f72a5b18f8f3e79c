import CivilTime
import Decoding
import Formats

/// Makes a record of a line's values: what the format says of fields, requests and rules.
struct RecordAssembler {
  enum Outcome {
    case record, ignored
    case rejected(Rejection)
  }

  let plan: FormatPlan
  let slots: Slots
  let call: Call
  private var request: RequestReader
  private var timestamps = TimestampReader()
  private let zone: Zone?
  /// Where the annex of the present block has each constant.
  private var constants: [Slice] = []
  private(set) var annex: Annex
  /// Behind the constants: where the texts of a line begin.
  private var annexStart = 0
  /// The fields with a source, and whether the text of one must be looked at more closely.
  private let fields: [(field: Field, slots: [Int])]
  /// How many fields the last record had a value for.
  private(set) var fieldCount = 0

  init(_ plan: FormatPlan, _ slots: Slots, _ call: Call, _ annex: Annex) {
    self.plan = plan
    self.slots = slots
    self.call = call
    self.annex = annex
    zone = plan.format.zone
    request = RequestReader(plan)
    fields = Field.allCases.compactMap { field in
      let slots = plan.fields[Int(field.rawValue)]
      return slots.isEmpty ? nil : (field, slots)
    }
  }

  /// Prepares for the lines of another block.
  mutating func begin(_ block: Block) {
    annex = block.annex
    constants = plan.constants.map { text in
      let start = annex.end
      annex.append(text)
      return Slice(start: start, count: text.count)
    }
    annexStart = annex.end
  }

  /// Prepares for another line.
  @inline(__always)
  mutating func beginLine() {
    slots.clear()
    annex.reset(to: annexStart)
  }

  /// Decodes the value of a slot.
  mutating func decode(
    _ slot: Int, _ bytes: ByteView, with decoding: (ByteView, Slice, inout Annex) -> Slice?
  ) -> Bool {
    guard let decoded = decoding(bytes, slots[slot], &annex) else { return false }
    slots[slot] = decoded
    return true
  }

  /// Makes the record.
  ///
  /// - Parameter bytes: the block and all behind it.
  @inline(__always)
  mutating func assemble(_ bytes: ByteView) -> Outcome {
    dropAbsent(bytes)
    request.read(bytes, slots, &annex)
    if let cookies = plan.cookies {
      CookieReader.read(bytes, slots[cookies.slot], cookies.keys, slots)
    }
    for join in plan.joins { slots[join.slot] = joined(join, bytes) }
    if annex.isFull { return .rejected(.unreadableField) }
    call.clear()
    fieldCount = 0
    var hasTime = false
    for (field, sources) in fields {
      var value = Slice.absent
      for slot in sources where !slots[slot].isEmpty {
        value = slots[slot]
        break
      }
      if value.isEmpty { continue }
      fieldCount &+= 1
      switch field {
      case .time:
        guard let time = time(value, bytes) else { return .rejected(.unreadableTime) }
        call.time = time
        hasTime = true
      case .status:
        guard let status = Self.number(value, bytes, atMost: 999) else {
          return .rejected(.unreadableStatus)
        }
        call.status = status
      case .items:
        guard let items = Self.number(value, bytes, atMost: Int(UInt32.max)) else {
          return .rejected(.unreadableItems)
        }
        call.items = items
      case .clientIP: call[field.rawValue] = Self.address(value, bytes)
      case .origin: call[field.rawValue] = Self.origin(value, bytes)
      default: call[field.rawValue] = value
      }
    }
    if !plan.rules.isEmpty {
      guard applyRules(bytes) else { return hasTime ? .ignored : .rejected(.noTime) }
      if annex.isFull { return .rejected(.unreadableField) }
    }
    return hasTime ? .record : .rejected(.noTime)
  }

  @inline(__always)
  private mutating func dropAbsent(_ bytes: ByteView) {
    guard !plan.absent.isEmpty else { return }
    for slot in 0..<plan.valueNames.count {
      let value = slots[slot]
      for text in plan.absent where Int(value.count) == text.count {
        let start = Int(value.start)
        if text.indices.allSatisfy({ bytes[start &+ $0] == text[$0] }) { slots[slot] = .absent }
      }
    }
  }

  private mutating func joined(_ join: FormatPlan.Join, _ bytes: ByteView) -> Slice {
    let start = annex.end
    for part in join.parts {
      switch part {
      case .text(let text): annex.append(text)
      case .slot(let slot):
        // Without one of its parts there is no whole.
        guard !slots[slot].isEmpty else { return .absent }
        append(slots[slot], bytes)
      }
    }
    return Slice(start: start, count: annex.end - start)
  }

  private mutating func append(_ slice: Slice, _ bytes: ByteView) {
    let start = Int(slice.start)
    for position in start..<(start + Int(slice.count)) { annex.append(bytes[position]) }
  }

  // MARK: - Values

  @inline(__always)
  private mutating func time(_ value: Slice, _ bytes: ByteView) -> Instant? {
    let start = Int(value.start)
    let count = Int(value.count)
    if let zone {
      return bytes.withSpan(start, count) { timestamps.instant(text: $0, in: zone) }
    }
    return bytes.withSpan(start, count) { timestamps.instant(text: $0) }
  }

  @inline(__always)
  private static func number(_ value: Slice, _ bytes: ByteView, atMost limit: Int) -> Int? {
    guard value.count <= 10 else { return nil }
    var number = 0
    let start = Int(value.start)
    for position in start..<(start &+ Int(value.count)) {
      let digit = bytes[position] &- 0x30
      guard digit < 10 else { return nil }
      number = number &* 10 &+ Int(digit)
    }
    return number <= limit ? number : nil
  }

  /// The first address of a list, as of X-Forwarded-For, without a port.
  private static func address(_ value: Slice, _ bytes: ByteView) -> Slice {
    let start = Int(value.start)
    var end = start
    var colons = 0
    var colon = start
    while end < start + Int(value.count) && bytes[end] != 0x2C && bytes[end] != 0x20 {
      if bytes[end] == 0x3A {
        colons += 1
        colon = end
      }
      end += 1
    }
    if bytes[start] == 0x5B {
      // `[2001:db8::1]:443`
      let close = (start..<end).first { bytes[$0] == 0x5D } ?? end
      return Slice(start: start + 1, count: close - start - 1)
    }
    return Slice(start: start, count: (colons == 1 ? colon : end) - start)
  }

  /// Scheme and host of a URL, as of a Referer.
  private static func origin(_ value: Slice, _ bytes: ByteView) -> Slice {
    let start = Int(value.start)
    let end = start + Int(value.count)
    var position = start
    while position + 2 < end {
      if bytes[position] == 0x3A && bytes[position + 1] == 0x2F && bytes[position + 2] == 0x2F {
        position += 3
        while position < end && bytes[position] != 0x2F && bytes[position] != 0x3F { position += 1 }
        return Slice(start: start, count: position - start)
      }
      position += 1
    }
    return value
  }

  // MARK: - Rules

  /// - Returns: whether the record counts.
  private mutating func applyRules(_ bytes: ByteView) -> Bool {
    for rule in plan.rules {
      guard meets(rule, bytes) else { continue }
      if rule.ignores { return false }
      for (field, parts) in rule.sets { set(field, parts, bytes) }
      return true
    }
    return true
  }

  private func meets(_ rule: FormatPlan.Rule, _ bytes: ByteView) -> Bool {
    for (slot, wildcards) in rule.texts {
      let value = slots[slot]
      guard wildcards.contains(where: { Self.fits(value, $0, bytes) }) else { return false }
    }
    for ranges in rule.statuses {
      let status = call.status
      guard ranges.contains(where: { $0.contains(status) }) else { return false }
    }
    guard let path = rule.path else { return true }
    return Self.fits(slots[plan.pathSlot], path, bytes)
  }

  private static func fits(_ value: Slice, _ wildcard: Wildcard, _ bytes: ByteView) -> Bool {
    let text = wildcard.text
    let spare = Int(value.count) - text.count
    guard spare >= 0, spare == 0 || wildcard.isOpenAtStart || wildcard.isOpenAtEnd else {
      return false
    }
    let start = Int(value.start)
    func stands(at offset: Int) -> Bool {
      for index in text.indices where bytes[start + offset + index] != text[index] { return false }
      return true
    }
    switch (wildcard.isOpenAtStart, wildcard.isOpenAtEnd) {
    case (true, true): return (0...spare).contains { stands(at: $0) }
    case (true, false): return stands(at: spare)
    default: return stands(at: 0)
    }
  }

  private static func fits(_ value: Slice, _ pattern: PathPattern, _ bytes: ByteView) -> Bool {
    var position = Int(value.start)
    let end = position + Int(value.count)
    for segment in pattern.segments {
      guard position < end && bytes[position] == 0x2F else { return false }
      position &+= 1
      switch segment {
      case .text(let text):
        guard position &+ text.count <= end else { return false }
        for index in 0..<text.count where bytes[position &+ index] != text[index] { return false }
        position &+= text.count
        guard position == end || bytes[position] == 0x2F else { return false }
      case .name:
        let start = position
        while position < end && bytes[position] != 0x2F { position &+= 1 }
        guard position > start else { return false }
      }
    }
    return position == end || pattern.isOpen && bytes[position] == 0x2F
  }

  private mutating func set(_ field: Field, _ parts: [FormatPlan.Rule.Part], _ bytes: ByteView) {
    var value = Slice.absent
    if parts.count == 1 {
      value = slice(parts[0], bytes)
    } else {
      let start = annex.end
      for part in parts { append(slice(part, bytes), bytes) }
      value = Slice(start: start, count: annex.end - start)
    }
    if field == .items {
      call.items = Self.number(value, bytes, atMost: Int(UInt32.max)) ?? 1
    } else {
      call[field.rawValue] = value
    }
  }

  private func slice(_ part: FormatPlan.Rule.Part, _ bytes: ByteView) -> Slice {
    switch part {
    case .constant(let number): return constants[number]
    case .segment(let number):
      let path = slots[plan.pathSlot]
      var position = Int(path.start)
      let end = position + Int(path.count)
      var index = -1
      while position < end {
        if bytes[position] == 0x2F {
          index += 1
          if index == number {
            let start = position + 1
            position = start
            while position < end && bytes[position] != 0x2F { position += 1 }
            return Slice(start: start, count: position - start)
          }
        }
        position += 1
      }
      return .absent
    }
  }
}
