/// What was refused on a day, of which path, in which five minutes, by whom: at most ``entriesMax`` entries, those of
/// the paths and five minutes with the smallest hashes. So what is kept depends on what there was alone.
public struct RefusalsOfDay: DetectorSummary, Hashable {
  static let entriesMax = 4_096
  /// Of an entry, the smallest hashes are kept.
  static let hashesMax = 4
  static let slotMicroseconds: Int64 = 300_000_000
  /// More licensees than a contract has: names that strangers make up.
  static let licenseeBytesMax = 128

  struct Key: Hashable, Comparable {
    var licensee: String
    var slot: Int32
    var path: UInt64

    /// By which a sample is taken.
    var rank: UInt64 {
      var hash = Mixing.mixed(path ^ Mixing.mixed(UInt64(bitPattern: Int64(slot))))
      for byte in licensee.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      return Mixing.mixed(hash)
    }

    static func < (left: Key, right: Key) -> Bool {
      (left.licensee, left.slot, left.path) < (right.licensee, right.slot, right.path)
    }
  }

  struct Entry: Hashable {
    static let refused: UInt16 = 1 << 15

    var calls: UInt32 = 0
    /// See `PathTraits`; ``refused`` beside them where the gateway did not serve it.
    var traits: UInt16 = 0
    /// The first line.
    var source: UInt64 = .max
    /// Ascending, none 0.
    var devices: [UInt32] = []
    var clients: [UInt32] = []

    /// Refused, and of a kind that no client sends.
    var isAttack: Bool { traits & Self.refused != 0 && traits & ~Self.refused != 0 }

    mutating func merge(_ other: Entry) {
      let (sum, isOver) = calls.addingReportingOverflow(other.calls)
      calls = isOver ? .max : sum
      traits |= other.traits
      source = min(source, other.source)
      for device in other.devices { Self.insert(device, into: &devices) }
      for client in other.clients { Self.insert(client, into: &clients) }
    }

    static func insert(_ hash: UInt32, into hashes: inout [UInt32]) {
      guard hash != 0 else { return }
      let place = hashes.firstIndex { $0 >= hash } ?? hashes.count
      if place < hashes.count, hashes[place] == hash { return }
      guard place < hashesMax else { return }
      hashes.insert(hash, at: place)
      if hashes.count > hashesMax { hashes.removeLast() }
    }
  }

  /// Of 2 to the power of this many entries one is kept.
  private(set) var level = 0
  private(set) var entries: [Key: Entry] = [:]

  public init() {}

  public var isEmpty: Bool { entries.isEmpty && level == 0 }

  private static func isKept(_ key: Key, level: Int) -> Bool {
    key.rank.leadingZeroBitCount >= level
  }

  mutating func add(_ refusal: ObservedRefusal) {
    guard refusal.time >= 0 else { return }
    let key = Key(
      licensee: Self.name(refusal.licensee),
      slot: Int32(clamping: refusal.time / Self.slotMicroseconds), path: refusal.path)
    guard Self.isKept(key, level: level) else { return }
    var entry = Entry(calls: 1, traits: refusal.traits, source: refusal.source)
    if refusal.status >= 400 { entry.traits |= Entry.refused }
    Entry.insert(refusal.device, into: &entry.devices)
    Entry.insert(refusal.client, into: &entry.clients)
    insert(entry, key)
  }

  private static func name(_ licensee: String) -> String {
    guard licensee.utf8.count > licenseeBytesMax else { return licensee }
    return String(licensee.unicodeScalars.prefix(licenseeBytesMax / 4).map(Character.init))
  }

  private mutating func insert(_ entry: Entry, _ key: Key) {
    entries[key, default: Entry()].merge(entry)
    while entries.count > Self.entriesMax, level < 64 { raise(to: level + 1) }
  }

  private mutating func raise(to level: Int) {
    guard level > self.level else { return }
    self.level = level
    entries = entries.filter { Self.isKept($0.key, level: level) }
  }

  public mutating func merge(_ other: RefusalsOfDay) {
    raise(to: other.level)
    for (key, entry) in other.entries where Self.isKept(key, level: level) { insert(entry, key) }
  }

  public func write(to writer: inout SummaryWriter) {
    writer.count(level)
    writer.entries(entries) { key, entry, writer in
      writer.text(key.licensee)
      writer.signed(Int64(key.slot))
      writer.number(key.path)
      writer.number(UInt64(entry.calls))
      writer.number(UInt64(entry.traits))
      writer.source(entry.source)
      for hashes in [entry.devices, entry.clients] {
        writer.count(hashes.count)
        for hash in hashes { writer.number(UInt64(hash)) }
      }
    }
  }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    let level = try reader.count(atMost: 64)
    self.level = level
    entries = try reader.entries { reader throws(SummaryError) in
      let licensee = try reader.text()
      guard let slot = Int32(exactly: try reader.signed()) else {
        throw reader.error("no such time")
      }
      let key = Key(licensee: licensee, slot: slot, path: try reader.number())
      guard Self.isKept(key, level: level) else { throw reader.error("an entry is of no sample") }
      var entry = Entry()
      entry.calls = UInt32(truncatingIfNeeded: try reader.number(atMost: UInt64(UInt32.max)))
      entry.traits = UInt16(truncatingIfNeeded: try reader.number(atMost: UInt64(UInt16.max)))
      entry.source = try reader.source()
      entry.devices = try Self.hashes(&reader)
      entry.clients = try Self.hashes(&reader)
      return (key, entry)
    }
    guard entries.count <= Self.entriesMax else { throw reader.error("too many entries") }
  }

  private static func hashes(_ reader: inout SummaryReader) throws(SummaryError) -> [UInt32] {
    var hashes: [UInt32] = []
    for _ in 0..<(try reader.count(atMost: hashesMax)) {
      let hash = UInt32(truncatingIfNeeded: try reader.number(atMost: UInt64(UInt32.max)))
      guard hash > hashes.last ?? 0 else { throw reader.error("hashes are in no order") }
      hashes.append(hash)
    }
    return hashes
  }
}

/// Takes refused calls of all users.
struct RefusalDetector {
  private(set) var days: [RefusalsOfDay] = []

  mutating func take(_ refusal: ObservedRefusal) {
    while days.count <= refusal.day { days.append(RefusalsOfDay()) }
    days[refusal.day].add(refusal)
  }
}
