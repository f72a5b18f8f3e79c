import TestSupport

@testable import Decoding

/// A file's text as the decoder gives it, and what stopped it.
struct Decoded: Equatable {
  var text: [UInt8] = []
  var damage: Damage?
  var codec: Codec

  /// - Parameter piece: bytes asked for at a time.
  init(_ path: String, piece: Int = 65_536) throws {
    let source = try ByteSource(path: path)
    let (codec, decoder) = try Codec.open(source, path: path)
    self.codec = codec
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 16)
    defer { unsafe room.deallocate() }
    var calls = 0
    do throws(Damage) {
      while true {
        let count = unsafe try decoder.decode(into: room)
        if count == 0 { break }
        unsafe text.append(contentsOf: UnsafeRawBufferPointer(rebasing: room[0..<count]))
        calls += 1
        precondition(text.count < 1 << 26 && calls < 1 << 26, "the decoder does not end")
      }
    } catch {
      damage = error
      let after = unsafe try? decoder.decode(into: room)
      precondition(after == 0, "damage is the end")
    }
  }
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
