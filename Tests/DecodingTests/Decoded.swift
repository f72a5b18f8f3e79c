import TestSupport

@testable import Decoding

/// A file's text as the decoder gives it, and what was damaged.
struct Decoded: Equatable {
  var text: [UInt8] = []
  var damages: [Damage] = []
  var damage: Damage? { damages.first }
  var codec: Codec

  /// - Parameter piece: bytes asked for at a time.
  init(_ path: String, piece: Int = 65_536) throws {
    let source = try ByteSource(path: path)
    let (codec, decoder) = try Codec.open(source, path: path)
    self.codec = codec
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 16)
    defer { unsafe room.deallocate() }
    var calls = 0
    while true {
      do throws(Damage) {
        let count = unsafe try decoder.decode(into: room)
        if count == 0 { break }
        unsafe text.append(contentsOf: UnsafeRawBufferPointer(rebasing: room[0..<count]))
      } catch {
        damages.append(error)
      }
      calls += 1
      precondition(text.count < 1 << 26 && calls < 1 << 26, "the decoder does not end")
    }
  }
}

/// A file's lines as the stream gives them, and what was damaged.
struct DecodedLines {
  var lines: [String] = []
  var damages: [Damage]
  var codec: Codec
  var encoding: TextEncoding

  init(_ path: String, encoding: TextEncoding? = nil) throws {
    let stream = try LogStream(path: path, encoding: encoding)
    let block = Block()
    var index = 0
    while stream.next(into: block) {
      precondition(block.index == index && block.count > 0)
      index += 1
      let bytes = block.bytes
      var start = 0
      while start < bytes.count {
        let end = bytes.firstPosition(of: 0x0A, from: start)
        lines.append(bytes.text(start, end - start))
        start = end + 1
      }
    }
    damages = stream.damages
    codec = stream.codec
    self.encoding = stream.encoding
  }
}

/// Lines with numbers that no other line has, and some noise.
func someLines(_ numbers: Range<Int>, _ random: inout SeededRandom) -> [String] {
  numbers.map { number in
    let user = String(random.number(0...Int.max), radix: 36)
    return "{\"time\":\(number),\"user\":\"\(user)\",\"n\":[\(number % 7),null]}"
  }
}

extension Sequence<String> {
  /// The lines as a log's text.
  var text: [UInt8] { flatMap { [UInt8]("\($0)\n".utf8) } }
}

/// Text of a log's kind: words that come again, and noise.
func someText(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
  var text: [UInt8] = []
  let words = ["{\"time\":\"2025-12-01T", "\"user\":\"", "}\n", "用户", "0123456789", " "]
  while text.count < count {
    if random.chance(70) {
      text += Array(random.one(of: words).utf8)
    } else {
      text.append(UInt8(truncatingIfNeeded: random.next()))
    }
  }
  return Array(text.prefix(count))
}
