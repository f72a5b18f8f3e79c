internal import TestSupport

@testable internal import Decoding

/// Files that the input is a plan of: members and frames of all codecs, padding and skippable
/// frames behind each other, then damage. What is not damaged is read whole.
struct MembersTarget: FuzzTarget {
  static let name = "members"

  private let check = DecodingCheck()

  mutating func check(_ input: [UInt8]) {
    var plan = input[...]
    let isGzip = (plan.popFirst() ?? 0) % 2 == 0
    var bytes: [UInt8] = []
    var text: [UInt8] = []
    for _ in 0..<8 {
      guard let kind = plan.popFirst(), kind < 0xF0 else { break }
      let part = Self.part(&plan)
      if isGzip {
        Self.append(gzip: kind, part, to: &bytes, &text)
      } else {
        Self.append(frame: kind, part, to: &bytes, &text)
      }
    }
    let isDamaged = Self.damage(&bytes, plan)
    guard let read = check.decoded(bytes), !isDamaged, !read.isCut, !text.isEmpty else { return }
    require(read.damages.isEmpty, "what writers write is whole: \(read.damages)")
    require(read.text == text, "what writers write is read")
  }

  /// A text of a stretch of the plan, repeated to make it longer.
  private static func part(_ plan: inout ArraySlice<UInt8>) -> [UInt8] {
    let count = Int(plan.popFirst() ?? 0) % 64
    let times = 1 << (Int(plan.popFirst() ?? 0) % 12)
    let part = plan.prefix(count)
    plan = plan.dropFirst(count)
    return Array([ArraySlice<UInt8>](repeating: part, count: times).joined())
  }

  private static func append(
    gzip kind: UInt8, _ part: [UInt8], to bytes: inout [UInt8], _ text: inout [UInt8]
  ) {
    switch kind % 5 {
    case 0: bytes += Compression.gzip(part, level: Int(kind / 5) % 10)
    case 1: bytes += Compression.bgzf(part, partBytes: 1_000)
    case 2:
      var header = GzipHeader()
      if kind & 0x08 != 0 { header.extra = Array(part.prefix(100)) }
      if kind & 0x10 != 0 { header.name = Array("log".utf8) }
      if kind & 0x20 != 0 { header.comment = Array("x".utf8) }
      header.hasChecksum = kind & 0x40 != 0
      bytes += Compression.gzipMember(part, header: header)
    case 3:
      bytes += Compression.gzip(part)
      bytes += [UInt8](repeating: 0, count: Int(kind) * 3)
    default:
      bytes += Compression.gzip(part, level: 0)
    }
    text += part
  }

  private static func append(
    frame kind: UInt8, _ part: [UInt8], to bytes: inout [UInt8], _ text: inout [UInt8]
  ) {
    switch kind % 5 {
    case 0:
      bytes += Compression.lz4(
        part, isLinked: kind & 0x08 != 0, blockChecksums: kind & 0x10 != 0,
        contentChecksum: kind & 0x20 != 0, blockSizeID: 4 + UInt32(kind >> 6))
    case 1:
      // Without any text there is no block, and an empty frame's end is open.
      if part.isEmpty { return }
      bytes += Compression.lz4Legacy(part)
    case 2:
      bytes += Compression.zstd(part, level: Int32(kind / 5) % 20, hasChecksum: kind & 0x08 != 0)
    case 3:
      // Alone it has no codec.
      bytes += Compression.skippableLZ4(part, magic: 0x50 | kind & 0x0F)
      return
    default:
      bytes += Compression.zstd(part, level: 1, windowLog: 10 + Int32(kind / 5) % 16)
    }
    text += part
  }

  /// Changes bytes as the rest of the plan says.
  private static func damage(_ bytes: inout [UInt8], _ plan: ArraySlice<UInt8>) -> Bool {
    var plan = plan
    var isDamaged = false
    while plan.count >= 3, !bytes.isEmpty, let what = plan.popFirst(), let high = plan.popFirst(),
      let low = plan.popFirst()
    {
      let place = (Int(high) << 8 | Int(low)) % bytes.count
      isDamaged = true
      switch what % 4 {
      case 0: bytes[place] ^= 1 << (what / 4 % 8)
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(what, at: place)
      default: bytes.removeLast(min(bytes.count, place % 64))
      }
    }
    return isDamaged
  }
}
