import CBytes
import TestSupport
import Testing

/// What is done many bytes at a time says the same as what is done one by one.
@Suite struct BytesTests {
  @Test func stopsAreTheSameOnEveryProcessor() {
    var random = SeededRandom(seed: 90)
    for length in 0..<400 {
      let bytes = (0..<(length + 128)).map { _ -> UInt8 in
        random.number(0...3) == 0
          ? UInt8(truncatingIfNeeded: random.next())
          : random.one(of: [0x20, 0x1F, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7F, 0x80, 0x61])
      }
      let stops = random.one(of: [
        duizhang_stops(first: 0x22, second: 0x5C, below: 0x20),
        duizhang_stops(first: 0x3F, second: 0x5C, below: 0x2C),
        duizhang_stops(first: 0x61, second: 0x61, below: 0x7F),
      ])
      var fast = [UInt64](repeating: 7, count: length / 64 + 1)
      var plain = [UInt64](repeating: 9, count: length / 64 + 1)
      unsafe duizhang_mark_stops(bytes, length, stops, &fast)
      unsafe duizhang_mark_stops_plain(bytes, length, stops, &plain)
      #expect(fast == plain, "\(random), length \(length)")
      for position in 0...length {
        let byte = bytes[position]
        let isStop =
          byte == stops.first || byte == stops.second || byte < stops.below || byte >= 0x80
        #expect((fast[position / 64] >> UInt64(position % 64) & 1 == 1) == isStop)
      }
    }
  }

  @Test func hexadecimalDigitsAreThoseOfTheirText() {
    var random = SeededRandom(seed: 91)
    for round in 0..<5_000 {
      var digits = (0..<32).map { _ in random.one(of: Array("0123456789abcdef".utf8)) }
      if round % 2 == 1 {
        digits[random.number(0...31)] = UInt8(truncatingIfNeeded: random.next())
      }
      func word(_ index: Int) -> UInt64 {
        digits[(index * 8)..<(index * 8 + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
      }
      var number = duizhang_words()
      let isValid = unsafe duizhang_hexadecimal(word(0), word(1), word(2), word(3), &number)
      var isValidPlain = true
      let first = unsafe duizhang_hexadecimal_plain(word(0), word(1), &isValidPlain)
      let second = unsafe duizhang_hexadecimal_plain(word(2), word(3), &isValidPlain)
      #expect(isValid == isValidPlain, "\(random): \(digits)")
      guard isValid else { continue }
      let text = String(decoding: digits, as: UTF8.self)
      #expect(number.first == first && number.second == second)
      #expect(number.first == UInt64(text.prefix(16), radix: 16))
      #expect(number.second == UInt64(text.suffix(16), radix: 16))
    }
  }

  @Test func aShortTextIsFollowedByZeros() {
    let bytes: [UInt8] = (1...40).map { $0 }
    for count in 0...16 {
      let words = unsafe duizhang_load(bytes, count)
      for index in 0..<16 {
        let word = index < 8 ? words.first : words.second
        let byte = UInt8(truncatingIfNeeded: word >> UInt64(index % 8 * 8))
        #expect(byte == (index < count ? bytes[index] : 0))
      }
    }
  }
}
