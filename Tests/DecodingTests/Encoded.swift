import TestSupport

@testable import Decoding

/// Texts in other encodings, and what is to be read of them: slowly, a character at a time.
enum Encoded {
  static let encodings: [TextEncoding] = [.utf16LittleEndian, .utf16BigEndian, .gb18030]

  /// A text's bytes in an encoding with a known order of bytes.
  static func bytes(_ text: String, _ encoding: TextEncoding) -> [UInt8] {
    switch encoding {
    case .utf16LittleEndian, .utf16BigEndian: bytes(Array(text.utf16), encoding)
    case .gb18030: Converter(from: "UTF-8", to: "GB18030").converted(Array(text.utf8)) ?? []
    default: Array(text.utf8)
    }
  }

  static func bytes(_ units: [UInt16], _ encoding: TextEncoding) -> [UInt8] {
    units.flatMap { unit -> [UInt8] in
      let bytes = [UInt8(unit & 0xFF), UInt8(unit >> 8)]
      return encoding == .utf16BigEndian ? bytes.reversed() : bytes
    }
  }

  /// What is to be read: UTF-8, with 0xFF for each code unit or byte that cannot be converted.
  static func decoded(_ bytes: [UInt8], _ encoding: TextEncoding) -> [UInt8] {
    encoding == .gb18030 ? decodedGB18030(bytes) : decodedUTF16(bytes, encoding)
  }

  private static func decodedUTF16(_ bytes: [UInt8], _ encoding: TextEncoding) -> [UInt8] {
    let low = encoding == .utf16BigEndian ? 1 : 0
    let units = stride(from: 0, to: bytes.count / 2 * 2, by: 2).map {
      UInt32(bytes[$0 + low]) | UInt32(bytes[$0 + 1 - low]) << 8
    }
    var text: [UInt8] = []
    var place = 0
    while place < units.count {
      var value = units[place]
      place += 1
      if 0xD800..<0xDC00 ~= value, place < units.count, 0xDC00..<0xE000 ~= units[place] {
        value = 0x10000 + (value - 0xD800) << 10 + (units[place] - 0xDC00)
        place += 1
      }
      text += Unicode.Scalar(value).map { Array(String($0).utf8) } ?? [0xFF]
    }
    return text + [UInt8](repeating: 0xFF, count: bytes.count % 2)
  }

  private static func decodedGB18030(_ bytes: [UInt8]) -> [UInt8] {
    let converter = Converter(from: "GB18030", to: "UTF-8")
    var text: [UInt8] = []
    var place = 0
    while place < bytes.count {
      var step = 1
      var character: [UInt8] = [0xFF]
      for length in [1, 2, 4] where place + length <= bytes.count {
        guard let found = converter.converted(Array(bytes[place..<(place + length)])) else {
          continue
        }
        (step, character) = (length, found)
        break
      }
      text += character
      place += step
    }
    return text
  }

  /// Text of all kinds of characters: of one to four bytes in either encoding, and line ends.
  static func someText(_ count: Int, _ random: inout SeededRandom) -> String {
    let kinds: [ClosedRange<UInt32>] = [
      0x20...0x7E, 0x20...0x7E, 0x0A...0x0A, 0x4E00...0x9FA5, 0x4E00...0x9FA5, 0xA0...0x7FF,
      0x800...0xD7FF, 0xE000...0xE5E5, 0x1F300...0x1F64F, 0x20000...0x2A6D6, 0x10FFFF...0x10FFFF,
    ]
    var text = String.UnicodeScalarView()
    for _ in 0..<count {
      let kind = random.one(of: kinds)
      let value = random.number(Int(kind.lowerBound)...Int(kind.upperBound))
      if let scalar = Unicode.Scalar(UInt32(value)) { text.append(scalar) }
    }
    return String(text)
  }
}

/// A decoder that gives text in pieces, and damages between them.
final class ScriptedDecoder: Decoder {
  enum Step {
    case text([UInt8])
    case damage(Damage)
  }

  private var steps: [Step]
  private let piece: Int

  /// - Parameter piece: bytes that it gives at a time.
  init(_ steps: [Step], piece: Int) {
    self.steps = steps.reversed()
    self.piece = piece
  }

  func decode(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    while let step = steps.popLast() {
      switch step {
      case .damage(let damage): throw damage
      case .text(let bytes):
        let count = min(bytes.count, piece, output.count)
        if count == 0 { continue }
        unsafe output.copyBytes(from: bytes[..<count])
        steps.append(.text(Array(bytes[count...])))
        return count
      }
    }
    return 0
  }
}

/// What a transcoder gives: its text, and after how much of it the damages come.
struct Transcoded: Equatable {
  var text: [UInt8] = []
  var damagePlaces: [Int] = []

  /// - Parameters:
  ///   - piece: bytes that the decoder behind it gives at a time.
  ///   - room: how many bytes are asked for next.
  init(
    _ steps: [ScriptedDecoder.Step], _ encoding: TextEncoding, piece: Int = 64,
    room: () -> Int = { 100 }
  ) {
    guard let transcoder = Transcoder(ScriptedDecoder(steps, piece: piece), from: encoding) else {
      preconditionFailure("no converter")
    }
    while true {
      let size = room()
      let output = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
      defer { unsafe output.deallocate() }
      do throws(Damage) {
        let count = unsafe try transcoder.decode(into: output)
        if count == 0 { break }
        precondition(count <= size)
        unsafe text.append(contentsOf: output[..<count])
      } catch {
        damagePlaces.append(text.count)
      }
    }
  }
}
