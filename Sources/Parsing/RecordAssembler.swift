import CivilTime
import Decoding
import Formats

/// Makes a record of a line's values: what the format says of fields, requests and rules.
struct RecordAssembler {
  private struct Setting: BitwiseCopyable {
    var field: Field
    var number: Int
    var isSegment: Bool
  }

  private struct Source: BitwiseCopyable {
    var slot: Int
    var field: Field
    /// How many further sources the field has.
    var othersCount: Int
  }

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
  /// The sources of all fields, those of a field one behind the other.
  private let sources: Steps<Source>
  private let hasRules: Bool
  private let hasJoins: Bool
  private let hasAbsent: Bool
  /// Whether a hyphen, and nothing else, stands for no value.
  private let absentMark: Bool
  private let valueCount: Int
  /// Where rules look at methods and paths alone, and set single texts: what they said lately.
  private let memo: RuleMemo?
  /// What each rule sets, those of a rule one behind the other, and where those of each begin.
  private let settings: Steps<Setting>
  private let settingStarts: Steps<Int>
  /// How many fields the last record had a value for.
  private(set) var fieldCount = 0

  /// - Parameter findsPlaces: whether origins and addresses are asked for.
  init(_ plan: FormatPlan, _ slots: Slots, _ call: Call, _ annex: Annex, findsPlaces: Bool) {
    self.plan = plan
    self.slots = slots
    self.call = call
    self.annex = annex
    zone = plan.format.zone
    request = RequestReader(plan)
    var sources: [Source] = []
    for field in Field.allCases where findsPlaces || (field != .origin && field != .clientIP) {
      let slots = plan.fields[Int(field.rawValue)]
      for (index, slot) in slots.enumerated() {
        sources.append(Source(slot: slot, field: field, othersCount: slots.count - index - 1))
      }
    }
    self.sources = Steps(sources)
    hasRules = !plan.rules.isEmpty
    var settings: [Setting] = []
    var starts = [0]
    for rule in plan.rules {
      for (field, parts) in rule.sets {
        switch parts.first {
        case .constant(let number):
          settings.append(Setting(field: field, number: number, isSegment: false))
        case .segment(let number):
          settings.append(Setting(field: field, number: number, isSegment: true))
        case nil: break
        }
      }
      starts.append(settings.count)
    }
    self.settings = Steps(settings)
    settingStarts = Steps(starts)
    memo = plan.rules.allSatisfy { $0.isSimple(methodSlot: plan.methodSlot) } ? RuleMemo() : nil
    hasJoins = !plan.joins.isEmpty
    valueCount = plan.valueNames.count
    absentMark = plan.absent == [[0x2D]]
    hasAbsent = !plan.absent.isEmpty
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
    if annex.isFull { return .rejected(.unreadableField) }
    dropAbsent(bytes)
    request.read(bytes, slots, &annex)
    if let cookies = plan.cookies {
      CookieReader.read(bytes, slots[cookies.slot], cookies.keys, slots)
    }
    if hasJoins { for join in plan.joins { slots[join.slot] = joined(join, bytes) } }
    if annex.isFull { return .rejected(.unreadableField) }
    call.clear()
    fieldCount = 0
    var hasTime = false
    var hasUnreadableItems = false
    var index = 0
    while index < sources.count {
      let value = slots[sources[index].slot]
      if value.isEmpty {
        index &+= 1
        continue
      }
      let field = sources[index].field
      index &+= sources[index].othersCount &+ 1
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
        if let items = Self.number(value, bytes, atMost: Int(UInt32.max)) {
          call.items = items
        } else {
          // A page that the rules ignore may call something else by this name.
          hasUnreadableItems = true
        }
      case .clientIP: call[field.rawValue] = Self.address(value, bytes)
      case .origin: call[field.rawValue] = Self.origin(value, bytes)
      default: call[field.rawValue] = value
      }
    }
    if hasRules {
      guard applyRules(bytes) else { return hasTime ? .ignored : .rejected(.noTime) }
      if annex.isFull { return .rejected(.unreadableField) }
    }
    if hasUnreadableItems { return .rejected(.unreadableItems) }
    return hasTime ? .record : .rejected(.noTime)
  }

  @inline(__always)
  private mutating func dropAbsent(_ bytes: ByteView) {
    guard hasAbsent else { return }
    if absentMark {
      for slot in 0..<valueCount where slots[slot].count == 1 {
        if bytes[Int(slots[slot].start)] == 0x2D { slots[slot] = .absent }
      }
      return
    }
    for slot in 0..<valueCount {
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
    var start = Int(value.start)
    let valueEnd = start + Int(value.count)
    while start < valueEnd && bytes[start] == 0x20 { start += 1 }
    guard start < valueEnd else { return .absent }
    var end = start
    var colons = 0
    var colon = start
    while end < valueEnd && bytes[end] != 0x2C && bytes[end] != 0x20 {
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
        while position < end && ![0x2F, 0x3F, 0x23].contains(bytes[position]) { position += 1 }
        return Slice(start: start, count: position - start)
      }
      position += 1
    }
    return value
  }

  // MARK: - Rules

  // Mutating, also where nothing is changed: a structure lent otherwise is copied.

  /// - Returns: whether the record counts.
  private mutating func applyRules(_ bytes: ByteView) -> Bool {
    guard let memo else { return applyRule(bytes) }
    let path = slots[plan.pathSlot]
    let (place, isKnown) = memo.find(bytes, method: slots[plan.methodSlot], path: path)
    guard place >= 0 else { return applyRule(bytes) }
    if !isKnown { memo.note(remembered(rule(bytes)), at: place, bytes, path: path) }
    let number = memo.rule(at: place)
    if number < 0 { return number == -1 }
    for index in settingStarts[number]..<settingStarts[number &+ 1] {
      let value =
        settings[index].isSegment
        ? memo.segment(settings[index].number, at: place, path: path)
        : constants[settings[index].number]
      call[settings[index].field.rawValue] = value
    }
    return true
  }

  private mutating func applyRule(_ bytes: ByteView) -> Bool {
    guard let number = rule(bytes) else { return true }
    if plan.rules[number].ignores { return false }
    for (field, parts) in plan.rules[number].sets { set(field, parts, bytes) }
    return true
  }

  /// −1 where no rule fits, −2 for one that ignores.
  private mutating func remembered(_ number: Int?) -> Int {
    guard let number else { return -1 }
    return plan.rules[number].ignores ? -2 : number
  }

  /// The number of the first rule that fits.
  private mutating func rule(_ bytes: ByteView) -> Int? {
    for number in plan.rules.indices where meets(plan.rules[number], bytes) { return number }
    return nil
  }

  private mutating func meets(_ rule: FormatPlan.Rule, _ bytes: ByteView) -> Bool {
    for (slot, wildcards) in rule.texts {
      let value = slots[slot]
      guard wildcards.contains(where: { Self.fits(value, $0, bytes) }) else { return false }
    }
    for ranges in rule.statuses {
      let status = call.status
      guard ranges.contains(where: { $0.contains(status) }) else { return false }
    }
    guard let path = rule.path else { return true }
    return !slots[plan.pathSlot].isEmpty && Self.fits(slots[plan.pathSlot], path, bytes)
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

  private mutating func slice(_ part: FormatPlan.Rule.Part, _ bytes: ByteView) -> Slice {
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
