internal import Decoding
public import Formats

/// A format made ready for reading: what a line is cut into has a number each, the slot it comes to lie
/// in. For a table with a header, of one log; else of all logs of the format.
public final class FormatPlan: Sendable {
  /// What a slot's number is −1 for: nothing.
  static let none = -1

  public let format: LogFormat
  /// Whether the lines are canonical ones, which have a reader of their own.
  public let isCanonical: Bool
  /// The log's first line, where it has the columns' names, and these.
  public let headerLine: [UInt8]?
  let header: [String]?
  /// The names of the values that are looked at; their slots are the first.
  let valueNames: [String]
  /// Of each of these, whether it is asked for only by fields that decide no count: nothing in it makes a line
  /// unreadable.
  private let areTraces: [Bool]
  /// Of each source of the latency, its unit; `nil`: milliseconds.
  let latencyUnits: [DurationUnit?]
  let slotCount: Int
  let request: Request?
  let queryKeys: KeyTable
  let cookies: Cookies?
  let joins: [Join]
  /// For each field's raw value, the slots of its sources; a slot of the call itself where there is one
  /// source, which is nobody else's.
  let fields: [[Int]]
  let rules: [Rule]
  /// What lines begin with that are no records; empty where there are none.
  let comment: [UInt8]
  /// Values that stand for none.
  let absent: [[UInt8]]
  /// Texts that rules set, which are put into the annex of each block.
  let constants: [[UInt8]]

  enum Request: Sendable {
    case line(Int)
    case parts(method: Int, url: Int, query: Int)
  }

  struct Cookies: Sendable {
    var slot: Int
    var keys: KeyTable
  }

  struct Join: Sendable {
    enum Part: Sendable {
      case text([UInt8])
      case slot(Int)
    }
    var slot: Int
    var parts: [Part]
  }

  struct Rule: Sendable {
    var statuses: [[ClosedRange<Int>]] = []
    var texts: [(slot: Int, anyOf: [Wildcard])] = []
    var path: PathPattern?
    var sets: [(field: Field, parts: [Part])] = []
    var ignores: Bool

    enum Part: Sendable {
      case constant(Int)
      case segment(Int)
    }
  }

  let methodSlot: Int
  let pathSlot: Int

  /// - Parameter headerLine: the log's first line, where the format takes the columns' names from it.
  public init(_ format: LogFormat, headerLine: [UInt8]? = nil) {
    var slots = SlotNumbers(format)
    self.format = format
    self.headerLine = headerLine
    if case .table(let table) = format.syntax {
      header = table.header ?? headerLine.flatMap { TableReader.header($0, table) }
    } else {
      header = nil
    }
    isCanonical = format.isCanonical
    comment = Array((format.comment ?? "").utf8)
    absent = format.absent.map { Array($0.utf8) }
    switch format.request {
    case .line(let name): request = .line(slots.number(.value(name)))
    case .parts(let method, let url, let query):
      func number(_ name: String?) -> Int { name.map { slots.number(.value($0)) } ?? Self.none }
      request = .parts(method: number(method), url: number(url), query: number(query))
    case nil: request = nil
    }
    for field in Field.allCases.prefix(Int(Field.textCount)) where !field.isPlace && !field.isTrace
    {
      guard let sources = format.fields[field], sources.count == 1 else { continue }
      slots.alias(sources[0], to: field)
    }
    let cookieSlot = format.cookies.map { slots.number(.value($0)) }
    fields = Field.allCases.map { field in
      (format.fields[field] ?? []).map { slots.number($0) }
    }
    var constants: [[UInt8]] = []
    rules = format.rules.map { rule in
      var ready = Rule(ignores: rule.ignores)
      ready.path = rule.path
      for condition in rule.conditions {
        switch condition {
        case .status(let ranges): ready.statuses.append(ranges)
        case .text(let source, let wildcards):
          ready.texts.append((slots.number(source), wildcards))
        }
      }
      ready.sets = rule.sets.map { setting in
        let parts = setting.parts.map { part in
          switch part {
          case .segment(let number): return Rule.Part.segment(number)
          case .text(let text):
            let bytes = Array(text.utf8)
            let known = constants.firstIndex(of: bytes)
            if known == nil { constants.append(bytes) }
            return .constant(known ?? constants.count - 1)
          }
        }
        return (setting.field, parts)
      }
      return ready
    }
    self.constants = constants
    methodSlot = slots.number(.method)
    pathSlot = slots.number(.path)
    joins = slots.joins
    valueNames = slots.valueNames
    areTraces = slots.valueNames.map { !slots.namesThatCount.contains($0) }
    latencyUnits = (format.fields[.latency] ?? []).map { source in
      if case .duration(_, let unit) = source { unit } else { nil }
    }
    queryKeys = KeyTable(slots.queries)
    cookies = cookieSlot.map { Cookies(slot: $0, keys: KeyTable(slots.cookies)) }
    slotCount = slots.count
  }
}

extension FormatPlan {
  /// Whether the value of a slot is asked for only by fields that decide no count.
  func isTrace(_ slot: Int) -> Bool { slot < areTraces.count && areTraces[slot] }
}

/// Gives numbers to what a format speaks of; the line's own values first.
private struct SlotNumbers {
  private var numbers: [ValueSource: Int] = [:]
  private(set) var valueNames: [String] = []
  /// Those that more than traces ask for.
  private(set) var namesThatCount: Set<String> = []
  private(set) var queries: [(name: String, slot: Int)] = []
  private(set) var cookies: [(name: String, slot: Int)] = []
  private(set) var joins: [FormatPlan.Join] = []
  private(set) var count = 0
  private var uses: [ValueSource: Int] = [:]

  init(_ format: LogFormat) {
    var names: Set<String> = []
    var uses: [ValueSource: Int] = [:]
    func visit(_ source: ValueSource) {
      uses[source, default: 0] += 1
      switch source {
      case .value(let name), .duration(let name, _): names.insert(name)
      case .joined(let parts):
        for case .source(let part) in parts { visit(part) }
      default: break
      }
    }
    for (field, sources) in format.fields where !field.isTrace { sources.forEach(visit) }
    for rule in format.rules {
      for case .text(let source, _) in rule.conditions { visit(source) }
    }
    switch format.request {
    case .line(let name): names.insert(name)
    case .parts(let method, let url, let query):
      names.formUnion([method, url, query].compactMap { $0 })
    case nil: break
    }
    if let cookies = format.cookies { names.insert(cookies) }
    namesThatCount = names
    for (field, sources) in format.fields where field.isTrace { sources.forEach(visit) }
    for name in names.sorted() {
      numbers[.value(name)] = count
      count += 1
    }
    valueNames = names.sorted()
    self.uses = uses
  }

  /// Has a parameter go straight to the field that alone asks for it.
  mutating func alias(_ source: ValueSource, to field: Field) {
    guard uses[source] == 1, numbers[source] == nil else { return }
    let number = Call.slot(of: field)
    switch source {
    case .query(let name): queries.append((name, number))
    case .cookie(let name): cookies.append((name, number))
    default: return
    }
    numbers[source] = number
  }

  mutating func number(_ source: ValueSource) -> Int {
    if case .duration(let name, _) = source { return number(.value(name)) }
    if let known = numbers[source] { return known }
    if case .joined(let parts) = source {
      var ready: [FormatPlan.Join.Part] = []
      for part in parts {
        switch part {
        case .text(let text): ready.append(.text(Array(text.utf8)))
        case .source(let source): ready.append(.slot(number(source)))
        }
      }
      joins.append(FormatPlan.Join(slot: count, parts: ready))
    }
    let number = count
    count += 1
    numbers[source] = number
    switch source {
    case .query(let name): queries.append((name, number))
    case .cookie(let name): cookies.append((name, number))
    default: break
    }
    return number
  }
}

/// Names that are looked for among `name=value` pairs, and where their values go.
struct KeyTable: Sendable {
  struct Key: BitwiseCopyable, Sendable {
    /// The name's first bytes.
    var text: MaskedText
    /// Bytes of the whole name.
    var count: Int
    var slot: Int
  }

  let keys: Steps<Key>
  private let names: [[UInt8]]
  /// The same for plain requests, at least one; `nil` where a name has what ends a parameter.
  let plainKeys: Steps<PlainKey>?

  struct PlainKey: BitwiseCopyable, Sendable {
    /// The name and `=`.
    var text: MaskedText
    var slot: Int
    /// Has the key take a power of two of bytes.
    private let padding: (Int, Int) = (0, 0)

    init(text: MaskedText, slot: Int) {
      self.text = text
      self.slot = slot
    }
  }

  init(_ keys: [(name: String, slot: Int)]) {
    names = keys.map { Array($0.name.utf8) }
    let arePlain = names.allSatisfy { name in
      name.count < MaskedText.bytesMax && !name.contains { TextStops.spaced.contains($0) }
    }
    var plainKeys = keys.map { name, slot in
      PlainKey(
        text: MaskedText((Array(name.utf8) + [0x3D]).prefix(MaskedText.bytesMax)), slot: slot)
    }
    if keys.isEmpty { plainKeys = [PlainKey(text: .never, slot: Call.spareSlot)] }
    self.plainKeys = arePlain ? Steps(plainKeys) : nil
    self.keys = Steps(
      keys.map { name, slot in
        Key(
          text: MaskedText(name.utf8.prefix(MaskedText.bytesMax)), count: name.utf8.count,
          slot: slot)
      })
  }

  /// Whether the name of a number stands at a position and ends with `=` before `end`.
  @inline(__always)
  func stands(_ number: Int, _ bytes: ByteView, at start: Int, to end: Int) -> Bool {
    let count = keys[number].count
    guard start &+ count < end, bytes[start &+ count] == 0x3D,
      keys[number].text.stands(bytes, at: start)
    else { return false }
    return count <= MaskedText.bytesMax || isWhole(names[number], bytes, at: start)
  }

  /// The number of the key whose name stands at a position and ends with `=` before `end`; −1 for none.
  ///
  /// - Parameter likely: the number to look at first.
  @inline(__always)
  func number(at start: Int, to end: Int, _ bytes: ByteView, likely: Int) -> Int {
    // From the likely one on, since of keys in one order some may be left out.
    for number in likely..<keys.count where stands(number, bytes, at: start, to: end) {
      return number
    }
    for number in 0..<min(likely, keys.count) where stands(number, bytes, at: start, to: end) {
      return number
    }
    return FormatPlan.none
  }

  private func isWhole(_ name: [UInt8], _ bytes: ByteView, at start: Int) -> Bool {
    for index in name.indices where bytes[start + index] != name[index] { return false }
    return true
  }
}

extension LogFormat {
  /// Whether the lines are JSON objects whose keys are the fields' names, and nothing else is to do.
  var isCanonical: Bool {
    var format = LogFormat.canonical
    (format.name, format.title) = (name, title)
    return self == format
  }
}

extension FormatPlan.Rule {
  /// Whether the rule looks at method and path alone, and sets texts that are one piece.
  func isSimple(methodSlot: Int) -> Bool {
    statuses.isEmpty && texts.allSatisfy { $0.slot == methodSlot }
      && (path?.segments.count ?? 0) <= RuleMemo.segmentsMax
      && sets.allSatisfy { $0.field != .items && $0.parts.count == 1 }
  }
}
