internal import CivilTime
internal import Contracts
internal import Decoding
internal import Formats
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
    typealias Words = SIMD2<UInt64>
    var licensee = Words.zero
    var module = Words.zero
    var scenario = Words.zero
    var app = Words.zero
    var event = Words.zero
    var counts: UInt64 = .max

    @inline(__always)
    func isEqual(_ other: Key) -> Bool {
      // Without a branch for each word: nearly all comparisons find all of them equal.
      let difference =
        (licensee ^ other.licensee) | (module ^ other.module) | (scenario ^ other.scenario)
        | (app ^ other.app) | (event ^ other.event)
      return difference == .zero && counts == other.counts
    }

    @inline(__always)
    var hash: Int {
      // Shifted by different numbers of bits, so that equal texts do not cancel each other out.
      let sum =
        licensee &+ Self.shifted(module, 1) &+ Self.shifted(scenario, 2) &+ Self.shifted(app, 3)
        &+ Self.shifted(event, 4)
      let product = (sum.x &+ counts) &* 0x9E37_79B9_7F4A_7C15 ^ sum.y &* 0xA076_1D64_78BD_642F
      return Int(truncatingIfNeeded: product >> 32 ^ product >> 47)
    }

    @inline(__always)
    private static func shifted(_ words: Words, _ bits: UInt64) -> Words {
      words &<< Words(repeating: bits)
    }
  }

  /// What the loop over records needs of an entry.
  private struct Place: BitwiseCopyable {
    var key: Key
    /// The stretch of time last used, and its variant.
    var from = Int64.max
    var to = Int64.min
    var variant = 0
  }

  private struct Entry {
    var names: [String]
    var changes: [Instant]
    /// For each stretch between two changes, the variant's number, −1 where it was not needed yet.
    var variants: [Int]
  }

  private let terms: Terms
  private let table: AttributionTable
  private var otherSuccessful: [[ClosedRange<Int>]] = []
  /// Entries' numbers by hash, −1 in a free slot; a power of two.
  private let slots = PlainTable<Int32>(repeating: -1, count: 256)
  private let places = PlainTable<Place>()
  private var entries: [Entry] = []
  /// Entries with texts too long to pack, by those texts.
  private var longEntries: [[String]: Int] = [:]
  let variants = PlainTable<Variant>()
  /// For each variant, how much there was of it.
  private let spans = PlainTable<UseCount.Span>()
  private var evidence: [UseCount.EvidenceList] = []
  /// For each variant, the words of its use.
  private(set) var uses: [Dated<UseKey>] = []

  init(terms: Terms, table: AttributionTable) {
    self.terms = terms
    self.table = table
  }

  /// Counts a record of a variant.
  @inline(__always)
  mutating func count(_ number: Int, time: Int64, source: UInt64) {
    if spans[number].add(time) { addEvidence(number, time: time, source: source) }
  }

  @inline(never)
  private mutating func addEvidence(_ number: Int, time: Int64, source: UInt64) {
    spans[number].latestEvidence = evidence[number].add(time: time, source: source)
  }

  /// For each variant, how much there was of it.
  var counts: [UseCount] {
    evidence.indices.map { UseCount(span: spans[$0], evidence: evidence[$0]) }
  }

  /// The number of a record's variant.
  @inline(__always)
  mutating func number(of call: Call, _ bytes: ByteView) -> Int {
    let entry = entry(of: call, bytes)
    let time = call.time.microseconds
    if time >= places[entry].from && time < places[entry].to { return places[entry].variant }
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
      licensee: bytes.lanes(licensee), module: bytes.lanes(module),
      scenario: bytes.lanes(scenario), app: bytes.lanes(app), event: bytes.lanes(event),
      counts: UInt64(firstCounts) << 32 | UInt64(app.count << 8 | event.count))
    var slot = key.hash & (slots.count &- 1)
    while slots[slot] >= 0 {
      let entry = Int(slots[slot])
      if places[entry].key.isEqual(key) { return entry }
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
    if entries.count * 4 > slots.count { grow() }
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
        names: names, changes: changes,
        variants: Array(repeating: -1, count: changes.count + 1)))
    places.append(Place(key: key))
  }

  private mutating func grow() {
    slots.clear(repeating: -1, count: slots.count * 4)
    for entry in entries.indices where longEntries[entries[entry].names] == nil {
      var slot = places[entry].key.hash & (slots.count - 1)
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
    places[entry].from = index == 0 ? .min : changes[index - 1].microseconds
    places[entry].to = index == changes.count ? .max : changes[index].microseconds
    places[entry].variant = entries[entry].variants[index]
    return places[entry].variant
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
    var date = terms.strangersZone.date(of: instant)
    if let number = terms.contract(ofLicensee: names[0], at: instant) {
      let contract = terms.contracts[number]
      use.contract = contract.number
      use.term = terms.position(of: instant, inContract: number)
      date = contract.zone.date(of: instant)
      let ruleNumber = terms.rule(ofContract: number, on: date)
      let rule = terms.rules[ruleNumber]
      variant.contract = Int32(number)
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
    variant.isReported = terms.dates?.contains(date) ?? true
    variants.append(variant)
    otherSuccessful.append(Array(successful.dropFirst()))
    uses.append(Dated(use, day: terms.toldApart == nil ? 0 : date.daysSinceEpoch))
    spans.append(UseCount.Span())
    evidence.append(UseCount.EvidenceList())
  }
}
