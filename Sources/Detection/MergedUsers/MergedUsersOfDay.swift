/// What a user of a day shows who may be several people.
///
/// A *face* is an address and a device. Faces are *disjoint* where both differ: what one person has
/// at two places with two devices, or two people.
struct MergedUserRow: UserRow {
  static let facesMax = 16

  var calls = 0
  /// Calls that came while one from a disjoint face was in flight.
  var overlaps = 0
  /// Times that a face came back to a conversation of its own after a disjoint one had spoken.
  var returns = 0
  /// As many disjoint faces at once had calls in flight.
  var inFlightMax = 0
  /// As many disjoint faces at once had conversations to which they came back.
  var sessionsMax = 0
  /// Conversations that a disjoint face held within that of another: it began and ended between two
  /// of the other's calls, or went on besides.
  var heldWithin = 0
  /// Conversations that a face began while that of a disjoint one had not ended.
  var begunWithin = 0
  /// The day's faces, of more than ``facesMax`` those of the smallest numbers.
  var faces: [UInt64] = []
  /// Calls that overlap, or else the first of each face.
  var overlapping = EvidenceLines()
  var showing = EvidenceLines()

  /// How many of the day's faces are disjoint from each other.
  var disjointFaces: Int { Faces.disjointCount(faces) }

  mutating func merge(_ other: MergedUserRow) {
    calls += other.calls
    overlaps += other.overlaps
    returns += other.returns
    inFlightMax = max(inFlightMax, other.inFlightMax)
    sessionsMax = max(sessionsMax, other.sessionsMax)
    heldWithin += other.heldWithin
    begunWithin += other.begunWithin
    Faces.merge(other.faces, into: &faces)
    overlapping.merge(other.overlapping)
    showing.merge(other.showing)
  }

  init() {}

  func write(to writer: inout SummaryWriter) {
    for number in [
      calls, overlaps, returns, inFlightMax, sessionsMax, heldWithin, begunWithin, faces.count,
    ] {
      writer.count(number)
    }
    for face in faces { writer.number(face) }
    overlapping.write(to: &writer)
    showing.write(to: &writer)
  }

  init(from reader: inout SummaryReader) throws(SummaryError) {
    let limit = 1 << 40
    calls = try reader.count(atMost: limit)
    overlaps = try reader.count(atMost: limit)
    returns = try reader.count(atMost: limit)
    inFlightMax = try reader.count(atMost: Self.facesMax)
    sessionsMax = try reader.count(atMost: Self.facesMax)
    heldWithin = try reader.count(atMost: limit)
    begunWithin = try reader.count(atMost: limit)
    for _ in 0..<(try reader.count(atMost: Self.facesMax)) {
      let face = try reader.number()
      if let last = faces.last, last >= face { throw reader.error("faces do not ascend") }
      faces.append(face)
    }
    overlapping = try EvidenceLines(from: &reader)
    showing = try EvidenceLines(from: &reader)
  }
}

/// Addresses with devices, as one number: the address above the device.
enum Faces {
  static func number(client: UInt32, device: UInt32) -> UInt64 {
    UInt64(client) << 32 | UInt64(device)
  }

  /// Whether both the address and the device differ.
  @inline(__always)
  static func areDisjoint(_ left: UInt64, _ right: UInt64) -> Bool {
    left >> 32 != right >> 32
      && UInt32(truncatingIfNeeded: left) != UInt32(truncatingIfNeeded: right)
  }

  /// Keeps the smallest numbers, ascending and each once.
  static func merge(_ others: [UInt64], into faces: inout [UInt64]) {
    for face in others { insert(face, into: &faces) }
  }

  static func insert(_ face: UInt64, into faces: inout [UInt64]) {
    guard let place = faces.firstIndex(where: { $0 >= face }) else {
      if faces.count < MergedUserRow.facesMax { faces.append(face) }
      return
    }
    if faces[place] == face { return }
    faces.insert(face, at: place)
    if faces.count > MergedUserRow.facesMax { faces.removeLast() }
  }

  /// Whether at least so many faces are disjoint from each other; most are not, which is seen at a glance.
  static func areDisjoint(_ faces: [UInt64], atLeast count: Int) -> Bool {
    differentCount(faces) { $0 >> 32 } >= count && differentCount(faces) { $0 << 32 } >= count
      && disjointCount(faces) >= count
  }

  /// How many addresses or devices there are.
  private static func differentCount(_ faces: [UInt64], _ part: (UInt64) -> UInt64) -> Int {
    var count = 0
    for index in faces.indices
    where !faces[..<index].contains(where: { part($0) == part(faces[index]) }) {
      count += 1
    }
    return count
  }

  /// The largest number of faces of which no two share an address or a device: a maximum matching
  /// of addresses and devices (by augmenting paths; there are at most 16 of each).
  static func disjointCount(_ faces: [UInt64]) -> Int {
    guard faces.count > 1 else { return faces.count }
    let devices = Set(faces.map { UInt32(truncatingIfNeeded: $0) }).sorted()
    let addresses = Set(faces.map { UInt32(truncatingIfNeeded: $0 >> 32) }).sorted()
    let edges = addresses.map { address in
      devices.indices.filter { faces.contains(number(client: address, device: devices[$0])) }
    }
    var owners = [Int](repeating: -1, count: devices.count)
    func finds(_ address: Int, _ seen: inout [Bool]) -> Bool {
      for device in edges[address] where !seen[device] {
        seen[device] = true
        if owners[device] < 0 || finds(owners[device], &seen) {
          owners[device] = address
          return true
        }
      }
      return false
    }
    var count = 0
    for address in addresses.indices {
      var seen = [Bool](repeating: false, count: devices.count)
      if finds(address, &seen) { count += 1 }
    }
    return count
  }
}

/// Of each licensee's users on a day, those who may be several people.
public struct MergedUsersOfDay: DetectorSummary, Equatable {
  var rows = UserRows<MergedUserRow>()
  /// Users that were looked at, by licensee; one whose day is cut at midnight in UTC counts twice.
  var users: [String: Int] = [:]

  public init() {}

  public var isEmpty: Bool { rows.isEmpty && users.isEmpty }

  public mutating func merge(_ other: MergedUsersOfDay) {
    rows.merge(other.rows)
    users.merge(other.users, uniquingKeysWith: +)
  }

  public func write(to writer: inout SummaryWriter) {
    rows.write(to: &writer)
    writer.entries(users) { licensee, count, writer in
      writer.text(licensee)
      writer.count(count)
    }
  }

  public init(from reader: inout SummaryReader) throws(SummaryError) {
    rows = try UserRows(from: &reader)
    users = try reader.entries { reader throws(SummaryError) in
      (try reader.text(), try reader.count(atMost: 1 << 40))
    }
  }
}
