import Decoding

/// Takes a request apart: method, path, and the query's parameters.
struct RequestReader {
  private let plan: FormatPlan
  private let queryKeys: KeyTable
  private let methodSlot: Int
  private let pathSlot: Int
  private let plainKeys: Steps<KeyTable.PlainKey>.View
  /// The number of the query's key that is likely to come next, since a client writes them in one order.
  private var nextKey = 0

  private static let noKeys = Steps([KeyTable.PlainKey(text: .never, slot: Call.spareSlot)])

  init(_ plan: FormatPlan) {
    self.plan = plan
    queryKeys = plan.queryKeys
    methodSlot = plan.methodSlot
    pathSlot = plan.pathSlot
    plainKeys = (plan.queryKeys.plainKeys ?? Self.noKeys).view
  }

  /// Reads a request line that has nothing out of the ordinary, in one pass: a method, a path from its
  /// first slash on, perhaps a query, nothing of them encoded, and the protocol, as in
  /// `POST /v1/bots/a/messages?user=u-1 HTTP/1.1`.
  ///
  /// - Parameter stops: those of ``TextStops/spaced``.
  /// - Returns: the position behind it; −1 where it is to be read the general way.
  @inline(__always)
  mutating func readPlain(
    _ bytes: ByteView, _ stops: TextStops.View, from start: Int, into slots: Slots
  ) -> Int {
    var position = stops.position(from: start)
    guard bytes.pair(at: position) == 0x2F20 else { return -1 }
    slots[methodSlot] = Slice(start: start, count: position &- start)
    let path = position &+ 1
    position = stops.position(from: path)
    slots[pathSlot] = Slice(start: path, count: position &- path)
    if bytes[position] == 0x3F {
      var next = nextKey
      repeat {
        let key = position &+ 1
        if plainKey(next, stands: key, bytes) || findPlainKey(&next, bytes, at: key) {
          let value = key &+ plainKeys[next].text.count
          position = stops.position(from: value)
          slots[plainKeys[next].slot] = Slice(start: value, count: position &- value)
          next = next &+ 1 < plainKeys.count ? next &+ 1 : 0
        } else {
          position = stops.position(from: key)
        }
      } while bytes[position] == 0x26
      nextKey = next
    }
    guard bytes[position] == 0x20 else { return -1 }
    let version = bytes.word(at: position &+ 1)
    guard version == Self.http11 || version == Self.http20 || version == Self.http10 else {
      return -1
    }
    return position &+ 9
  }

  @inline(__always)
  private mutating func plainKey(_ number: Int, stands start: Int, _ bytes: ByteView) -> Bool {
    plainKeys[number].text.stands(bytes, at: start)
  }

  /// Finds the key at a position from a likely one on, since of keys in one order some may be left out.
  private mutating func findPlainKey(_ number: inout Int, _ bytes: ByteView, at start: Int) -> Bool
  {
    for other in (number + 1)..<plainKeys.count where plainKey(other, stands: start, bytes) {
      number = other
      return true
    }
    for other in 0..<number where plainKey(other, stands: start, bytes) {
      number = other
      return true
    }
    return false
  }

  /// `HTTP/1.1` and so on, the first byte in the lowest bits.
  private static let http11: UInt64 = 0x312E_312F_5054_5448
  private static let http20: UInt64 = 0x302E_322F_5054_5448
  private static let http10: UInt64 = 0x302E_312F_5054_5448

  /// Reads the request of the line whose values lie in the slots, and puts its parts into theirs.
  @inline(__always)
  mutating func read(_ bytes: ByteView, _ slots: Slots, _ annex: inout Annex) {
    switch plan.request {
    case nil: return
    case .line(let slot):
      let line = slots[slot]
      let start = Int(line.start)
      let end = start + Int(line.count)
      let blank = bytes.position(ofEither: 0x20, 0x20, from: start, to: end)
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
        // Apache's `%q` has the question mark, too.
        let first = bytes[start] == 0x3F ? start + 1 : start
        readQuery(bytes, from: first, to: start + Int(slots[query].count), slots, &annex)
      }
    }
  }

  @inline(__always)
  private mutating func readURL(
    _ bytes: ByteView, from first: Int, to end: Int, _ slots: Slots, _ annex: inout Annex
  ) {
    var start = first
    if start < end && bytes[start] != 0x2F { start = Self.pathStart(bytes, from: start, to: end) }
    var position = bytes.position(ofEither: 0x3F, 0x23, from: start, to: end)
    let path = Slice(start: start, count: position &- start)
    slots[plan.pathSlot] =
      Self.isEncoded(bytes, path)
      ? TextDecoding.percent(bytes, path, isPath: true, into: &annex) : path
    guard position < end && bytes[position] == 0x3F else { return }
    position &+= 1
    readQuery(bytes, from: position, to: end, slots, &annex)
  }

  @inline(__always)
  private static func isEncoded(_ bytes: ByteView, _ slice: Slice) -> Bool {
    let start = Int(slice.start)
    let end = start &+ Int(slice.count)
    return bytes.position(ofEither: 0x25, 0x2B, from: start, to: end) < end
  }

  /// Behind scheme and host, where the URL has them.
  private static func pathStart(_ bytes: ByteView, from start: Int, to end: Int) -> Int {
    var position = start
    while position < end && bytes[position] != 0x3A {
      // What stands behind one of these is no host, such as a URL in the query.
      if endsHost(bytes[position]) { return start }
      position += 1
    }
    guard position + 2 < end, bytes[position + 1] == 0x2F, bytes[position + 2] == 0x2F else {
      return start
    }
    position += 3
    while position < end && !endsHost(bytes[position]) { position += 1 }
    return position
  }

  /// `/`, `?` or `#`.
  private static func endsHost(_ byte: UInt8) -> Bool {
    byte == 0x2F || byte == 0x3F || byte == 0x23
  }

  private mutating func readQuery(
    _ bytes: ByteView, from start: Int, to last: Int, _ slots: Slots, _ annex: inout Annex
  ) {
    let keys = queryKeys
    // A fragment is no part of the query.
    let end = bytes.position(ofEither: 0x23, 0x23, from: start, to: last)
    var position = start
    while position < end {
      let key = position
      let number = queryKeys.number(at: key, to: end, bytes, likely: nextKey)
      if number < 0 {
        position = bytes.position(ofEither: 0x26, 0x26, from: key, to: end) &+ 1
        continue
      }
      nextKey = number &+ 1 < keys.keys.count ? number &+ 1 : 0
      let value = key &+ keys.keys[number].count &+ 1
      position = bytes.position(ofEither: 0x26, 0x25, from: value, to: end)
      var isEncoded = position < end && bytes[position] == 0x25
      if isEncoded { position = bytes.position(ofEither: 0x26, 0x26, from: position, to: end) }
      let slice = Slice(start: value, count: position &- value)
      if !isEncoded { isEncoded = Self.isEncoded(bytes, slice) }
      // Of a parameter that comes twice, the last one holds, as of a key in JSON.
      slots[keys.keys[number].slot] =
        isEncoded ? TextDecoding.percent(bytes, slice, isPath: false, into: &annex) : slice
      position &+= 1
    }
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
      position += 1
      var start = position
      while position < end && bytes[position] != 0x3B { position += 1 }
      var stop = position
      while stop > start && bytes[stop - 1] == 0x20 { stop -= 1 }
      if stop - start >= 2 && bytes[start] == 0x22 && bytes[stop - 1] == 0x22 {
        start += 1
        stop -= 1
      }
      for number in 0..<keys.keys.count where keys.stands(number, bytes, at: name, to: end) {
        slots[keys.keys[number].slot] = Slice(start: start, count: stop - start)
      }
    }
  }
}
