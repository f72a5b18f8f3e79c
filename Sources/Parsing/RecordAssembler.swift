import CivilTime
import Decoding
import Formats

/// Makes a record of a line's values: what the format says of fields, requests and rules.
struct RecordAssembler {
  private struct Setting: BitwiseCopyable {
    var field: FieldName.Code
    var number: Int
    var isSegment: Bool
  }

  /// A field that is the text of a slot, and nothing else.
  private struct TextSource: BitwiseCopyable {
    var slot: Int
    var field: FieldName.Code
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
  private let texts: Steps<TextSource>
  /// Fields of text with several sources.
  private let choices: Steps<FieldName.Code>
  /// The slots of all fields' sources, those of a field one behind the other, and where those of each begin.
  private let sources: Steps<Int>
  private let sourceStarts: Steps<Int>
  private let hasRules: Bool
  private let hasJoins: Bool
  private let hasAbsent: Bool
  /// Whether a hyphen, and nothing else, stands for no value.
  private let absentMark: Bool
  private let valueCount: Int
  private let methodSlot: Int
  private let pathSlot: Int
  /// Where rules look at methods and paths alone, and set single texts: what they said lately.
  private let memo: RuleMemo?
  private let memoTable: RuleMemo.Table?
  /// What each rule sets, those of a rule one behind the other, and where those of each begin.
  private let settings: Steps<Setting>
  private let settingStarts: Steps<Int>
  /// How many fields the last record had a value for, where that is asked for.
  private(set) var fieldCount = 0
  private let countsFields: Bool

  /// - Parameters:
  ///   - call: what lies before the slots.
  ///   - findsPlaces: whether origins and addresses are asked for.
  ///   - findsTraces: whether the fields that decide no count are.
  ///   - countsFields: whether ``fieldCount`` is.
  init(
    _ plan: FormatPlan, _ slots: Slots, _ call: Call, _ annex: Annex, findsPlaces: Bool,
    findsTraces: Bool, countsFields: Bool
  ) {
    self.countsFields = countsFields
    self.plan = plan
    self.slots = slots
    self.call = call
    self.annex = annex
    zone = plan.format.zone
    request = RequestReader(plan)
    var texts: [TextSource] = []
    var choices: [FieldName.Code] = []
    var sources: [Int] = []
    var sourceStarts = [0]
    for field in Field.allCases {
      let isWanted =
        (findsPlaces || !field.isPlace) && (findsTraces || !field.isTrace)
      let slots = isWanted ? plan.fields[Int(field.rawValue)] : []
      sources += slots
      sourceStarts.append(sources.count)
      let isText = field.rawValue < Field.textCount && !field.isPlace
      guard isText && slots != [Call.slot(of: field)] else { continue }
      if slots.count == 1 {
        texts.append(TextSource(slot: slots[0], field: field.rawValue))
      } else if !slots.isEmpty {
        choices.append(field.rawValue)
      }
    }
    self.texts = Steps(texts)
    self.choices = Steps(choices)
    self.sources = Steps(sources)
    self.sourceStarts = Steps(sourceStarts)
    hasRules = !plan.rules.isEmpty
    var settings: [Setting] = []
    var starts = [0]
    for rule in plan.rules {
      for (field, parts) in rule.sets {
        switch parts.first {
        case .constant(let number):
          settings.append(Setting(field: field.rawValue, number: number, isSegment: false))
        case .segment(let number):
          settings.append(Setting(field: field.rawValue, number: number, isSegment: true))
        case nil: break
        }
      }
      starts.append(settings.count)
    }
    self.settings = Steps(settings)
    settingStarts = Steps(starts)
    memo = plan.rules.allSatisfy { $0.isSimple(methodSlot: plan.methodSlot) } ? RuleMemo() : nil
    memoTable = memo?.table
    hasJoins = !plan.joins.isEmpty
    valueCount = plan.valueNames.count
    methodSlot = plan.methodSlot
    pathSlot = plan.pathSlot
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
  ///
  /// - Parameter plain: whether it is to be read as a plain one, which has all values that a line has.
  @inline(__always)
  mutating func beginLine(plain: Bool = false) {
    slots.clear(from: plain ? valueCount : 0)
    call.status = 200
    call.items = 1
    call.latency = 0
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

  /// Decodes the value of a slot that only fields that decide no count ask for; it is none where it cannot be.
  mutating func decodeTrace(
    _ slot: Int, _ bytes: ByteView, with decoding: (ByteView, Slice, inout Annex) -> Slice?
  ) {
    let end = annex.end
    let wasFull = annex.isFull
    let decoded = decoding(bytes, slots[slot], &annex)
    slots[slot] = decoded ?? .absent
    guard annex.isFull && !wasFull else { return }
    annex.reset(to: end)
    slots[slot] = .absent
  }

  /// Reads a plain line with its request; see ``PlainLineReader/read(_:from:into:_:)``.
  @inline(__always)
  mutating func readPlain(_ reader: PlainLineReader, _ bytes: ByteView, from start: Int) -> Int {
    let end = reader.read(bytes, from: start, into: slots, &request)
    if !reader.readsRequests && end >= 0 { request.read(bytes, slots, &annex) }
    return end
  }

  /// Makes the record of a line whose values lie in the slots.
  ///
  /// - Parameter bytes: the block and all behind it.
  mutating func assemble(_ bytes: ByteView) -> Outcome {
    if annex.isFull { return .rejected(.unreadableField) }
    dropAbsent(bytes)
    request.read(bytes, slots, &annex)
    return assembleFields(bytes)
  }

  /// Makes the record of a line whose values and request lie in the slots.
  ///
  /// - Parameter bytes: the block and all behind it.
  @inline(__always)
  mutating func assembleFields(_ bytes: ByteView) -> Outcome {
    if let cookies = plan.cookies {
      CookieReader.read(bytes, slots[cookies.slot], cookies.keys, slots)
    }
    if hasJoins { for join in plan.joins { slots[join.slot] = joined(join, bytes) } }
    if annex.isFull { return .rejected(.unreadableField) }
    for index in 0..<texts.count {
      call[texts[index].field] = slots[texts[index].slot]
    }
    for index in 0..<choices.count {
      call[choices[index]] = value(Int(choices[index]))
    }
    let clientIP = value(.clientIP)
    if !clientIP.isEmpty { call[Field.clientIP.rawValue] = Self.address(clientIP, bytes) }
    let origin = value(.origin)
    if !origin.isEmpty { call[Field.origin.rawValue] = Self.origin(origin, bytes) }
    let time = value(.time)
    if !time.isEmpty {
      guard let read = self.time(time, bytes) else { return .rejected(.unreadableTime) }
      call.time = read
    }
    let status = value(.status)
    if !status.isEmpty {
      guard let read = Self.number(status, bytes, atMost: 999) else {
        return .rejected(.unreadableStatus)
      }
      call.status = read
    }
    var hasUnreadableItems = false
    let items = value(.items)
    if !items.isEmpty {
      if let read = Self.number(items, bytes, atMost: Int(UInt32.max)) {
        call.items = read
      } else {
        // A page that the rules ignore may call something else by this name.
        hasUnreadableItems = true
      }
    }
    let latency = value(.latency)
    if !latency.isEmpty { call.latency = milliseconds(latency, bytes) }
    let hasTime = !time.isEmpty
    if countsFields { countFields() }
    if hasRules {
      guard applyRules(bytes) else { return hasTime ? .ignored : .rejected(.noTime) }
      if annex.isFull { return .rejected(.unreadableField) }
    }
    if hasUnreadableItems { return .rejected(.unreadableItems) }
    return hasTime ? .record : .rejected(.noTime)
  }

  /// The first value that a field's sources have.
  @inline(__always)
  private mutating func value(_ field: Field) -> Slice { value(Int(field.rawValue)) }

  @inline(__always)
  private mutating func value(_ field: Int) -> Slice {
    for index in sourceStarts[field]..<sourceStarts[field &+ 1] {
      let value = slots[sources[index]]
      if !value.isEmpty { return value }
    }
    return .absent
  }

  /// The latency, whose value this is: that of the first source that has one.
  private mutating func milliseconds(_ value: Slice, _ bytes: ByteView) -> Int {
    let field = Int(Field.latency.rawValue)
    let first = sourceStarts[field]
    for index in first..<sourceStarts[field &+ 1] where !slots[sources[index]].isEmpty {
      guard let unit = plan.latencyUnits[index &- first] else { break }
      return bytes.milliseconds(value, unit)
    }
    return bytes.wholeNumber(value)
  }

  private mutating func countFields() {
    fieldCount = Field.allCases.count { !value($0).isEmpty }
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
    let start = Int(value.start)
    if value.count == 3 {
      let first = bytes[start] &- 0x30
      let second = bytes[start &+ 1] &- 0x30
      let third = bytes[start &+ 2] &- 0x30
      guard max(first, second, third) < 10 else { return nil }
      return Int(first) &* 100 &+ Int(second) &* 10 &+ Int(third)
    }
    guard value.count <= 10 else { return nil }
    var number = 0
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
    // An address alone, as most are.
    if bytes.position(ofEither: 0x2C, 0x3A, from: start, to: valueEnd) == valueEnd
      && bytes.position(ofEither: 0x20, 0x5B, from: start, to: valueEnd) == valueEnd
    {
      return value
    }
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
    let end = Int(value.start) + Int(value.count)
    var position = Int(value.start)
    while true {
      position = bytes.position(ofEither: 0x3A, 0x3A, from: position, to: end)
      guard position + 2 < end else { return value }
      if bytes.pair(at: position + 1) == 0x2F2F { break }
      position += 1
    }
    let host = position + 3
    position = bytes.position(ofEither: 0x2F, 0x3F, from: host, to: end)
    position = bytes.position(ofEither: 0x23, 0x23, from: host, to: position)
    return Slice(start: Int(value.start), count: position - Int(value.start))
  }

  // MARK: - Rules

  // Mutating, also where nothing is changed: a structure lent otherwise is copied.

  /// - Returns: whether the record counts.
  @inline(__always)
  private mutating func applyRules(_ bytes: ByteView) -> Bool {
    guard let memo = memoTable else { return applyRule(bytes) }
    let path = slots[pathSlot]
    let (place, isKnown) = memo.find(bytes, method: slots[methodSlot], path: path)
    guard place >= 0 else { return applyRule(bytes) }
    if !isKnown { note(memo, place, bytes) }
    let number = memo.rule(at: place)
    if number < 0 { return number == -1 }
    for index in settingStarts[number]..<settingStarts[number &+ 1] {
      let value =
        settings[index].isSegment
        ? memo.segment(settings[index].number, at: place, path: path)
        : constants[settings[index].number]
      call[settings[index].field] = value
    }
    return true
  }

  @inline(never)
  private mutating func note(_ memo: RuleMemo.Table, _ place: Int, _ bytes: ByteView) {
    memo.note(remembered(rule(bytes)), at: place, bytes, path: slots[pathSlot])
  }

  @inline(never)
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
    return !slots[pathSlot].isEmpty && Self.fits(slots[pathSlot], path, bytes)
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
      let path = slots[pathSlot]
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
