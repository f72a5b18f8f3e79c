internal import CBytes
internal import Decoding
internal import Parsing

/// What many texts of a column look like, so that only what differs is kept: ids of hexadecimal digits, and
/// addresses.
struct TextPattern: Equatable {
  enum Kind: UInt8 {
    /// A prefix, and an even number of lower-case hexadecimal digits.
    case digits = 1
    /// A prefix, and 32 of them in groups of 8, 4, 4, 4 and 12 with hyphens between (RFC 9562).
    case uuid = 2
    /// An IPv4 address: four numbers without leading zeros, with points between.
    case ipv4 = 3
  }

  let kind: Kind
  let prefixCount: Int
  /// The prefix's bytes, the first in the lowest bits.
  let prefix: UInt64
  private let prefixMask: UInt64
  let digits: Int

  /// The length of a text, or the longest one's.
  let length: Int

  private static let digitsMin = 8
  private static let uuidBytes = 36
  private static let uuidDigits = 32
  private static let ipv4Lengths = 7...15
  /// Room for an address when it is read: what is written at once.
  private static let ipv4Room = 16
  private static let hyphen: UInt8 = 0x2D
  private static let point: UInt8 = 0x2E

  private init(kind: Kind, prefixCount: Int, prefix: UInt64, digits: Int) {
    self.kind = kind
    self.prefixCount = prefixCount
    self.prefix = prefix
    prefixMask = Self.mask(bytes: prefixCount)
    self.digits = digits
    length =
      switch kind {
      case .digits: prefixCount + digits
      case .uuid: prefixCount + Self.uuidBytes
      case .ipv4: Self.ipv4Lengths.upperBound
      }
  }

  /// Bytes that a text takes when packed.
  var packedBytes: Int { kind == .ipv4 ? 4 : digits / 2 }

  /// Bytes that a text may take when read.
  var room: Int { kind == .ipv4 ? Self.ipv4Room : length }

  @inline(__always)
  private static func mask(bytes count: Int) -> UInt64 {
    count == 8 ? .max : (1 << (8 * UInt64(count))) - 1
  }

  // MARK: - Finding

  /// That of a text; `nil` where it has none.
  init?(of slice: Slice, in texts: ByteView) {
    let (start, length) = (Int(slice.start), Int(slice.count))
    func prefix(_ count: Int) -> UInt64 { texts.word(at: start) & Self.mask(bytes: count) }
    let prefixCount = length - Self.uuidBytes
    if prefixCount >= 0 && prefixCount <= ChunkFormat.prefixMax,
      Self.uuid(texts, start + prefixCount) != nil
    {
      self.init(
        kind: .uuid, prefixCount: prefixCount, prefix: prefix(prefixCount),
        digits: Self.uuidDigits)
      return
    }
    if Self.ipv4(texts, start, length) != nil {
      self.init(kind: .ipv4, prefixCount: 0, prefix: 0, digits: 0)
      return
    }
    guard length <= ChunkFormat.prefixMax + ChunkFormat.digitsMax else { return nil }
    var run = 0
    while run < min(length, ChunkFormat.digitsMax),
      Hexadecimal.isDigit(texts[start + length - 1 - run])
    {
      run += 1
    }
    run &= ~1
    guard run >= Self.digitsMin, length - run <= ChunkFormat.prefixMax else { return nil }
    self.init(
      kind: .digits, prefixCount: length - run, prefix: prefix(length - run), digits: run)
  }

  /// Whether a text is of this pattern.
  func fits(_ slice: Slice, in texts: ByteView) -> Bool {
    guard let pattern = TextPattern(of: slice, in: texts) else { return false }
    return pattern == self
  }

  // MARK: - Packing

  /// Packs those of some texts that are of this pattern, in their order; some bytes behind what they take may be
  /// written too.
  ///
  /// - Parameters:
  ///   - words: all texts' slices.
  ///   - rows: the numbers of some; those that are not of this pattern remain.
  ///   - count: how many these are.
  ///   - found: told the number of each that is.
  /// - Returns: bytes packed.
  func pack(
    _ texts: ByteView, _ words: UnsafePointer<UInt64>, _ rows: UnsafeMutablePointer<UInt32>,
    _ count: inout Int, to target: UnsafeMutablePointer<UInt8>, found: (Int) -> Void
  ) -> Int {
    let raw = UnsafeMutableRawPointer(target)
    let packedBytes = self.packedBytes
    var packed = 0
    var left = 0
    @inline(__always) func each(_ pack: (_ start: Int, _ length: Int, _ offset: Int) -> Bool) {
      for index in 0..<count {
        let row = unsafe rows[index]
        let slice = unsafe Slice(word: words[Int(row)])
        if pack(Int(slice.start), Int(slice.count), packed) {
          packed &+= packedBytes
          found(Int(row))
        } else {
          unsafe rows[left] = row
          left &+= 1
        }
      }
    }
    @inline(__always) func put(_ number: duizhang_words, _ offset: Int) {
      unsafe raw.storeBytes(of: number.first.bigEndian, toByteOffset: offset, as: UInt64.self)
      unsafe raw.storeBytes(of: number.second.bigEndian, toByteOffset: offset &+ 8, as: UInt64.self)
    }
    switch kind {
    case .digits where digits == Self.uuidDigits:
      each { start, length, offset in
        guard length == self.length, hasPrefix(texts, start) else { return false }
        let first = start &+ prefixCount
        let number = Self.number(
          texts.word(at: first), texts.word(at: first &+ 8), texts.word(at: first &+ 16),
          texts.word(at: first &+ 24))
        guard let number else { return false }
        put(number, offset)
        return true
      }
    case .digits:
      each { start, length, offset in
        guard length == self.length, hasPrefix(texts, start) else { return false }
        return unsafe packDigits(texts, start &+ prefixCount, to: raw + offset)
      }
    case .uuid:
      each { start, length, offset in
        guard length == self.length, hasPrefix(texts, start),
          let number = Self.uuid(texts, start &+ prefixCount)
        else { return false }
        put(number, offset)
        return true
      }
    case .ipv4:
      each { start, length, offset in
        guard let address = Self.ipv4(texts, start, length) else { return false }
        unsafe raw.storeBytes(of: address.bigEndian, toByteOffset: offset, as: UInt32.self)
        return true
      }
    }
    count = left
    return packed
  }

  @inline(__always)
  private func hasPrefix(_ texts: ByteView, _ start: Int) -> Bool {
    (texts.word(at: start) ^ prefix) & prefixMask == 0
  }

  @inline(__always)
  private func packDigits(
    _ texts: ByteView, _ first: Int, to target: UnsafeMutableRawPointer
  ) -> Bool {
    var position = first
    var offset = 0
    var rest = digits
    while rest >= 8 {
      guard let number = Hexadecimal.parse(texts.word(at: position)) else { return false }
      unsafe target.storeBytes(of: number.littleEndian, toByteOffset: offset, as: UInt32.self)
      position &+= 8
      offset &+= 4
      rest &-= 8
    }
    if rest > 0 {
      // Zeros in place of what lies behind the text.
      let mask = Self.mask(bytes: rest)
      let text = texts.word(at: position) & mask | 0x3030_3030_3030_3030 & ~mask
      guard let number = Hexadecimal.parse(text) else { return false }
      unsafe target.storeBytes(of: number.littleEndian, toByteOffset: offset, as: UInt32.self)
    }
    return true
  }

  @inline(__always)
  private static func number(
    _ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64
  ) -> duizhang_words? {
    var number = duizhang_words()
    return unsafe duizhang_hexadecimal(first, second, third, fourth, &number) ? number : nil
  }

  /// The number that a UUID is; `nil` where there is none.
  @inline(__always)
  private static func uuid(_ texts: ByteView, _ start: Int) -> duizhang_words? {
    guard
      texts[start &+ 8] == hyphen, texts[start &+ 13] == hyphen, texts[start &+ 18] == hyphen,
      texts[start &+ 23] == hyphen
    else { return nil }
    let half: UInt64 = 0xFFFF_FFFF
    return number(
      texts.word(at: start),
      texts.word(at: start &+ 9) & half | texts.word(at: start &+ 14) &<< 32,
      texts.word(at: start &+ 19) & half | texts.word(at: start &+ 24) &<< 32,
      texts.word(at: start &+ 28))
  }

  /// The number that an address is, its first part in the uppermost bits; `nil` where the text is none, or not as
  /// this writes it.
  @inline(__always)
  private static func ipv4(_ texts: ByteView, _ start: Int, _ length: Int) -> UInt32? {
    guard length >= ipv4Lengths.lowerBound && length <= ipv4Lengths.upperBound else { return nil }
    var address: UInt32 = 0
    var part: UInt32 = 0
    var digits = 0
    var points = 0
    for index in start..<(start &+ length) {
      let byte = texts[index]
      if byte == point {
        guard digits > 0 else { return nil }
        points &+= 1
        address = address &<< 8 | part
        part = 0
        digits = 0
        continue
      }
      let digit = UInt32(byte &- 0x30)
      // No more digits after a zero in front.
      guard digit <= 9, digits == 0 || part > 0 else { return nil }
      part = part &* 10 &+ digit
      digits &+= 1
      guard part <= 255 else { return nil }
    }
    guard points == 3 && digits > 0 else { return nil }
    return address &<< 8 | part
  }

  // MARK: - Reading

  /// Reads a pattern, and goes on behind it.
  init(
    _ base: UnsafePointer<UInt8>, _ position: inout Int, _ end: Int
  ) throws(ChunkDefect) {
    let start = position
    func malformed() -> ChunkDefect { .malformed(start, "a column has an unknown pattern") }
    func byte() throws(ChunkDefect) -> Int {
      guard position < end else { throw malformed() }
      defer { position += 1 }
      return unsafe Int(base[position])
    }
    guard let kind = Kind(rawValue: UInt8(try byte())) else { throw malformed() }
    var prefixCount = 0
    var prefix: UInt64 = 0
    var digits = kind == .uuid ? Self.uuidDigits : 0
    if kind != .ipv4 {
      prefixCount = try byte()
      guard prefixCount <= ChunkFormat.prefixMax else { throw malformed() }
      for index in 0..<prefixCount { prefix |= UInt64(try byte()) << (8 * UInt64(index)) }
    }
    if kind == .digits {
      digits = try byte()
      guard digits > 0, digits <= ChunkFormat.digitsMax, digits % 2 == 0 else { throw malformed() }
    }
    self.init(kind: kind, prefixCount: prefixCount, prefix: prefix, digits: digits)
  }

  func write(to output: inout ByteBuffer) {
    output.append(kind.rawValue)
    guard kind != .ipv4 else { return }
    output.append(UInt8(prefixCount))
    for index in 0..<prefixCount {
      output.append(UInt8(truncatingIfNeeded: prefix >> (8 * UInt64(index))))
    }
    if kind == .digits { output.append(UInt8(digits)) }
  }

  /// Writes packed texts out, in ``room`` bytes each; up to eight more may be written behind the last one, and up
  /// to three behind the packed ones are read.
  ///
  /// - Parameters:
  ///   - start: where in the target the first one comes.
  ///   - text: told each one's number, place and length.
  func unpack(
    _ packed: UnsafePointer<UInt8>, count: Int, to target: UnsafeMutablePointer<UInt8>,
    at start: Int, text: (_ index: Int, _ start: Int, _ length: Int) -> Void
  ) {
    let raw = UnsafeMutableRawPointer(target)
    let (packedBytes, room) = (self.packedBytes, self.room)
    @inline(__always) func each(
      _ unpack: (UnsafePointer<UInt8>, _ position: Int) -> Int
    ) {
      var bytes = unsafe packed
      var position = start
      for index in 0..<count {
        text(index, position, unsafe unpack(bytes, position))
        unsafe bytes += packedBytes
        position &+= room
      }
    }
    @inline(__always) func put(_ word: UInt64, _ offset: Int) {
      unsafe raw.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
    }
    switch kind {
    case .digits where digits == Self.uuidDigits:
      unsafe each { bytes, position in
        put(prefix, position)
        unsafe duizhang_write_hexadecimal(bytes, target + position + prefixCount)
        return length
      }
    case .digits:
      unsafe each { bytes, position in
        put(prefix, position)
        var place = position &+ prefixCount
        for offset in stride(from: 0, to: packedBytes, by: 4) {
          let number = unsafe UInt32(
            littleEndian: UnsafeRawPointer(bytes).loadUnaligned(
              fromByteOffset: offset, as: UInt32.self))
          put(Hexadecimal.text(number), place)
          place &+= 8
        }
        return length
      }
    case .uuid:
      var digits = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
      unsafe each { bytes, position in
        unsafe withUnsafeMutableBytes(of: &digits) { buffer in
          guard let address = buffer.baseAddress else { return }
          unsafe duizhang_write_hexadecimal(
            bytes, address.assumingMemoryBound(to: UInt8.self))
        }
        let first = position &+ prefixCount
        put(prefix, position)
        // Each group overwrites what the one before has written behind itself.
        put(UInt64(littleEndian: digits.0), first)
        put(UInt64(littleEndian: digits.1), first &+ 9)
        put(UInt64(littleEndian: digits.1) &>> 32, first &+ 14)
        put(UInt64(littleEndian: digits.2), first &+ 19)
        put(UInt64(littleEndian: digits.2) &>> 32, first &+ 24)
        put(UInt64(littleEndian: digits.3), first &+ 28)
        unsafe target[first &+ 8] = Self.hyphen
        unsafe target[first &+ 13] = Self.hyphen
        unsafe target[first &+ 18] = Self.hyphen
        unsafe target[first &+ 23] = Self.hyphen
        return length
      }
    case .ipv4:
      let parts = Self.parts
      unsafe each { bytes, position in
        var place = position
        for part in 0..<4 {
          let text = unsafe parts[Int(bytes[part])]
          unsafe raw.storeBytes(
            of: UInt32(truncatingIfNeeded: text).littleEndian, toByteOffset: place,
            as: UInt32.self)
          place &+= Int(text &>> 32)
        }
        return place &- position &- 1
      }
    }
  }

  /// Of 0 to 255: its digits and a point, the first in the lowest byte, and from bit 32 on how many bytes these are.
  private static let parts: [UInt64] = (0..<256).map { number in
    let text = Array("\(number).".utf8)
    return text.reversed().reduce(0) { $0 << 8 | UInt64($1) } | UInt64(text.count) << 32
  }
}
