import Decoding

/// Takes a request apart: method, path, and the query's parameters.
struct RequestReader {
  private let plan: FormatPlan
  /// The number of the query's key that is likely to come next, since a client writes them in one order.
  private var nextKey = 0

  init(_ plan: FormatPlan) { self.plan = plan }

  /// Reads the request of the line whose values lie in the slots, and puts its parts into theirs.
  @inline(__always)
  mutating func read(_ bytes: ByteView, _ slots: Slots, _ annex: inout Annex) {
    switch plan.request {
    case nil: return
    case .line(let slot):
      let line = slots[slot]
      let start = Int(line.start)
      let end = start + Int(line.count)
      let blank = Self.position(of: 0x20, bytes, from: start, to: end)
      // Nothing is known of what is no request: a TLS handshake, or a scan.
      guard blank < end else { return }
      slots[plan.methodSlot] = Slice(start: start, count: blank - start)
      // The protocol behind the last blank; HTTP/0.9 has none.
      var last = end
      if end - blank > 9 && bytes[end - 9] == 0x20
        && bytes.word(at: end - 8) & 0xFF_FFFF_FFFF
          == 0x2F_5054_5448
      {
        last = end - 9
      } else {
        var position = end - 1
        while position > blank && bytes[position] != 0x20 { position -= 1 }
        if position > blank { last = position }
      }
      readURL(bytes, from: blank + 1, to: last, slots, &annex)
    case .parts(let method, let url, let query):
      if method >= 0 { slots[plan.methodSlot] = slots[method] }
      let address = slots[url]
      if !address.isEmpty {
        let start = Int(address.start)
        readURL(bytes, from: start, to: start + Int(address.count), slots, &annex)
      }
      if query >= 0, !slots[query].isEmpty {
        let start = Int(slots[query].start)
        readQuery(bytes, from: start, to: start + Int(slots[query].count), slots, &annex)
      }
    }
  }

  @inline(__always)
  private static func position(of byte: UInt8, _ bytes: ByteView, from start: Int, to end: Int)
    -> Int
  {
    var position = start
    while position < end && bytes[position] != byte { position &+= 1 }
    return position
  }

  @inline(__always)
  private mutating func readURL(
    _ bytes: ByteView, from first: Int, to end: Int, _ slots: Slots, _ annex: inout Annex
  ) {
    var start = first
    if start < end && bytes[start] != 0x2F { start = Self.pathStart(bytes, from: start, to: end) }
    var position = start
    var isEncoded = false
    while position < end && bytes[position] != 0x3F && bytes[position] != 0x23 {
      if bytes[position] == 0x25 { isEncoded = true }
      position &+= 1
    }
    let path = Slice(start: start, count: position &- start)
    slots[plan.pathSlot] =
      isEncoded ? TextDecoding.percent(bytes, path, isPath: true, into: &annex) : path
    guard position < end && bytes[position] == 0x3F else { return }
    readQuery(bytes, from: position &+ 1, to: end, slots, &annex)
  }

  /// Behind scheme and host, where the URL has them.
  private static func pathStart(_ bytes: ByteView, from start: Int, to end: Int) -> Int {
    var position = start
    while position + 2 < end {
      if bytes[position] == 0x3A && bytes[position + 1] == 0x2F && bytes[position + 2] == 0x2F {
        return Self.position(of: 0x2F, bytes, from: position + 3, to: end)
      }
      position += 1
    }
    return start
  }

  private mutating func readQuery(
    _ bytes: ByteView, from start: Int, to end: Int, _ slots: Slots, _ annex: inout Annex
  ) {
    let keys = plan.queryKeys
    var position = start
    while position < end {
      let key = position
      var number = Self.match(keys, nextKey, bytes, at: key, to: end)
      if number < 0 { number = Self.find(keys, bytes, at: key, to: end) }
      if number < 0 {
        position = Self.position(of: 0x26, bytes, from: key, to: end) &+ 1
        continue
      }
      nextKey = number &+ 1
      let value = key &+ keys.names[number].count &+ 1
      position = value
      var isEncoded = false
      while position < end && bytes[position] != 0x26 {
        if bytes[position] == 0x25 || bytes[position] == 0x2B { isEncoded = true }
        position &+= 1
      }
      let slice = Slice(start: value, count: position &- value)
      // Of a parameter that comes twice, the last one holds, as of a key in JSON.
      slots[keys.slots[number]] =
        isEncoded ? TextDecoding.percent(bytes, slice, isPath: false, into: &annex) : slice
      position &+= 1
    }
  }

  /// The number, if the key of that number and `=` stand at a position; else −1.
  @inline(__always)
  private static func match(
    _ keys: KeyTable, _ number: Int, _ bytes: ByteView, at start: Int, to end: Int
  ) -> Int {
    guard number < keys.names.count else { return -1 }
    let name = keys.names[number]
    guard start &+ name.count < end, bytes[start &+ name.count] == 0x3D else { return -1 }
    for index in 0..<name.count where bytes[start &+ index] != name[index] { return -1 }
    return number
  }

  private static func find(_ keys: KeyTable, _ bytes: ByteView, at start: Int, to end: Int) -> Int {
    for number in keys.names.indices where match(keys, number, bytes, at: start, to: end) >= 0 {
      return number
    }
    return -1
  }
}

/// Takes a Cookie header apart (RFC 6265).
enum CookieReader {
  static func read(_ bytes: ByteView, _ header: Slice, _ keys: KeyTable, _ slots: Slots) {
    let end = Int(header.start) + Int(header.count)
    var position = Int(header.start)
    while position < end {
      while position < end && (bytes[position] == 0x20 || bytes[position] == 0x3B) { position += 1 }
      let name = position
      while position < end && bytes[position] != 0x3D && bytes[position] != 0x3B { position += 1 }
      guard position < end && bytes[position] == 0x3D else { continue }
      let nameCount = position - name
      position += 1
      var start = position
      while position < end && bytes[position] != 0x3B { position += 1 }
      var stop = position
      while stop > start && bytes[stop - 1] == 0x20 { stop -= 1 }
      if stop - start >= 2 && bytes[start] == 0x22 && bytes[stop - 1] == 0x22 {
        start += 1
        stop -= 1
      }
      for (number, key) in keys.names.enumerated()
      where key.count == nameCount && key.indices.allSatisfy({ bytes[name + $0] == key[$0] }) {
        slots[keys.slots[number]] = Slice(start: start, count: stop - start)
      }
    }
  }
}
