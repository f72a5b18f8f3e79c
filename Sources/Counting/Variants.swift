internal import CivilTime
internal import Contracts
internal import Decoding
internal import Parsing
internal import Shuffling

/// What becomes of a record of given licensee, module, scenario, app and event at a given time: what
/// the loop over records needs of that, without references.
struct Variant: BitwiseCopyable {
  enum Fate: UInt8, BitwiseCopyable {
    /// Of no contract.
    case outside
    /// The rule ignores the event.
    case ignored
    /// Counted, under an attribution.
    case counted
  }

  var fate = Fate.outside
  var isItem = false
  /// Whether the records' day is one of those that are reported.
  var isReported = true
  /// The rule's identity, a bit a field in the order of `IdentityField`.
  var identity: UInt8 = 0
  /// Whether the rule has more ranges of successful statuses than the one here.
  var hasOtherSuccessful = false
  /// An index into the contracts of ``Terms``; meaningless for `.outside`.
  var contract: Int32 = 0
  var attribution: UInt32 = 0
  /// A number for the licensee.
  var licensee: Int32 = 0
  /// The first range of successful statuses, which is nearly always the only one.
  var successFrom: Int32 = 200
  var successTo: Int32 = 299
}

/// Finds the variant of a record: a table by the record's five texts, and in it the stretches of
/// time in which the contracts say the same.
///
/// A log has few such combinations, so a look-up is a hash of short texts and one comparison.
struct VariantTable {
  /// The five texts, two words each with zeros behind a shorter text, and their lengths; texts too
  /// long for that are looked up as strings.
  private struct Key: BitwiseCopyable {
    static let bytesMax = 16
    var licensee: (UInt64, UInt64) = (0, 0)
    var module: (UInt64, UInt64) = (0, 0)
    var scenario: (UInt64, UInt64) = (0, 0)
    var app: (UInt64, UInt64) = (0, 0)
    var event: (UInt64, UInt64) = (0, 0)
    var counts: UInt64 = .max

    /// The words of a text, and its length.
    @inline(__always)
    static func words(_ bytes: ByteView, _ slice: Slice) -> (UInt64, UInt64) {
      let start = Int(slice.start)
      let bits = UInt64(slice.count) &* 8
      let first = bytes.word(at: start) & ~(UInt64.max << bits)
      guard bits > 64 else { return (first, 0) }
      return (first, bytes.word(at: start &+ 8) & ~(UInt64.max << (bits &- 64)))
    }

    @inline(__always)
    func isEqual(_ other: Key) -> Bool {
      // Without a branch for each word: nearly all comparisons find all of them equal.
      let first = licensee.0 ^ other.licensee.0 | licensee.1 ^ other.licensee.1
      let second = module.0 ^ other.module.0 | module.1 ^ other.module.1
      let third = scenario.0 ^ other.scenario.0 | scenario.1 ^ other.scenario.1
      let fourth = app.0 ^ other.app.0 | app.1 ^ other.app.1
      let fifth = event.0 ^ other.event.0 | event.1 ^ other.event.1
      return first | second | third | fourth | fifth | counts ^ other.counts == 0
    }

    @inline(__always)
    var hash: Int {
      // Factors of which no two are related, so that texts do not cancel each other out.
      let first = (licensee.0 ^ licensee.1) &* 0x9E37_79B9_7F4A_7C15
      let second = (module.0 &+ module.1 &<< 1) &* 0xA076_1D64_78BD_642F
      let third = (scenario.0 &+ scenario.1 &<< 1) &* 0xE703_7ED1_A0B4_28DB
      let fourth = (app.0 &+ app.1 &<< 1) &* 0x8EBC_6AF0_9C88_C6E3
      let fifth = (event.0 &+ event.1 &<< 1) &* 0x5899_65CC_7537_4CC3
      let sum = first ^ second >> 7 ^ third >> 13 ^ fourth >> 19 ^ fifth >> 23 ^ counts
      return Int(truncatingIfNeeded: (sum &* 0xD6E8_FEB8_6659_FD93) >> 33)
    }
  }

  private struct Entry {
    var key: Key
    var names: [String]
    var changes: [Instant]
    /// For each stretch between two changes, the variant's number, −1 where it was not needed yet.
    var variants: [Int]
    /// The stretch last used.
    var from = Int64.max
    var to = Int64.min
    var variant = 0
  }

  private let terms: Terms
  private let table: AttributionTable
  private var otherSuccessful: [[ClosedRange<Int>]] = []
  private var slots = [Int32](repeating: -1, count: 256)
  private var entries: [Entry] = []
  /// Entries with texts too long to pack, by those texts.
  private var longEntries: [[String]: Int] = [:]
  private(set) var variants: [Variant] = []
  /// For each variant, the words of its use, and how much there was of it.
  private(set) var uses: [UseKey] = []
  var counts: [UseCount] = []

  init(terms: Terms, table: AttributionTable) {
    self.terms = terms
    self.table = table
  }

  /// The number of a record's variant.
  @inline(__always)
  mutating func number(of call: Call, _ bytes: ByteView) -> Int {
    let entry = entry(of: call, bytes)
    let time = call.time.microseconds
    if time >= entries[entry].from && time < entries[entry].to { return entries[entry].variant }
    return stretch(of: entry, at: call.time)
  }

  @inline(__always)
  private mutating func entry(of call: Call, _ bytes: ByteView) -> Int {
    let licensee = call[.licensee]
    let module = call[.module]
    let scenario = call[.scenario]
    let app = call[.app]
    let event = call[.event]
    let longest =
      licensee.count | module.count | scenario.count | app.count | event.count
    // Lengths whose bits add up to less than 16 are each less than 16.
    if longest >= UInt32(Key.bytesMax) {
      return longEntry([licensee, module, scenario, app, event], bytes)
    }
    let firstCounts = licensee.count << 16 | module.count << 8 | scenario.count
    let key = Key(
      licensee: Key.words(bytes, licensee), module: Key.words(bytes, module),
      scenario: Key.words(bytes, scenario), app: Key.words(bytes, app),
      event: Key.words(bytes, event),
      counts: UInt64(firstCounts) << 32 | UInt64(app.count << 8 | event.count))
    var slot = key.hash & (slots.count &- 1)
    while slots[slot] >= 0 {
      let entry = Int(slots[slot])
      if entries[entry].key.isEqual(key) { return entry }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
    return addEntry(key, [licensee, module, scenario, app, event], bytes, slot)
  }

  @inline(never)
  private mutating func addEntry(
    _ key: Key, _ slices: InlineArray<5, Slice>, _ bytes: ByteView, _ slot: Int
  ) -> Int {
    slots[slot] = Int32(entries.count)
    append(Self.names(slices, bytes), key)
    if entries.count * 2 > slots.count { grow() }
    return entries.count - 1
  }

  /// The five texts in Unicode's composed form.
  private static func names(_ slices: InlineArray<5, Slice>, _ bytes: ByteView) -> [String] {
    (0..<5).map { bytes.text(Int(slices[$0].start), Int(slices[$0].count)).composed }
  }

  private mutating func longEntry(_ slices: InlineArray<5, Slice>, _ bytes: ByteView) -> Int {
    let names = Self.names(slices, bytes)
    if let entry = longEntries[names] { return entry }
    longEntries[names] = entries.count
    append(names, Key())
    return entries.count - 1
  }

  private mutating func append(_ names: [String], _ key: Key) {
    let changes = terms.changes(forLicensee: names[0])
    entries.append(
      Entry(
        key: key, names: names, changes: changes,
        variants: Array(repeating: -1, count: changes.count + 1)))
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 4)
    for entry in entries.indices where longEntries[entries[entry].names] == nil {
      var slot = entries[entry].key.hash & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(entry)
    }
  }

  /// Finds the stretch of time of an entry and keeps it as the last one used.
  private mutating func stretch(of entry: Int, at instant: Instant) -> Int {
    let changes = entries[entry].changes
    let index = changes.firstIndex { $0 > instant } ?? changes.count
    if entries[entry].variants[index] < 0 {
      entries[entry].variants[index] = variants.count
      addVariant(entries[entry].names, at: instant)
    }
    entries[entry].from = index == 0 ? .min : changes[index - 1].microseconds
    entries[entry].to = index == changes.count ? .max : changes[index].microseconds
    entries[entry].variant = entries[entry].variants[index]
    return entries[entry].variant
  }

  /// Whether a status means success for a variant.
  @inline(__always)
  func isSuccess(_ status: Int, _ number: Int) -> Bool {
    let variant = variants[number]
    if status >= Int(variant.successFrom) && status <= Int(variant.successTo) { return true }
    return variant.hasOtherSuccessful && otherSuccessful[number].contains { $0.contains(status) }
  }

  private mutating func addVariant(_ names: [String], at instant: Instant) {
    let event = names[4].isEmpty ? "message" : names[4]
    var use = UseKey(
      contract: "", licensee: names[0], module: names[1], scenario: names[2], app: names[3],
      term: .within)
    var variant = Variant()
    var successful: [ClosedRange<Int>] = []
    if let number = terms.contract(ofLicensee: names[0], at: instant) {
      let contract = terms.contracts[number]
      use.contract = contract.number
      use.term = terms.position(of: instant, inContract: number)
      let date = contract.zone.date(of: instant)
      let ruleNumber = terms.rule(ofContract: number, on: date)
      let rule = terms.rules[ruleNumber]
      variant.contract = Int32(number)
      variant.isReported = terms.dates?.contains(date) ?? true
      if rule.ignores.contains(event) {
        variant.fate = .ignored
      } else {
        let role: Attribution.Role =
          rule.startsOn.contains(event) ? .open : rule.endsOn.contains(event) ? .close : .message
        let attribution = Attribution(
          contract: number, rule: ruleNumber, meter: contract.meter(module: names[1], on: date),
          role: role, licensee: names[0], module: names[1], scenario: names[2], app: names[3],
          event: event)
        variant.fate = .counted
        variant.attribution = UInt32(table.number(of: attribution))
        variant.licensee = Int32(table.number(ofLicensee: names[0]))
        variant.isItem = attribution.meter == .item
        variant.identity = Attributions.identityMask(rule)
        successful = rule.successful
      }
    }
    if let first = successful.first {
      variant.successFrom = Int32(first.lowerBound)
      variant.successTo = Int32(first.upperBound)
    }
    variant.hasOtherSuccessful = successful.count > 1
    variants.append(variant)
    otherSuccessful.append(Array(successful.dropFirst()))
    uses.append(use)
    counts.append(UseCount())
  }
}
