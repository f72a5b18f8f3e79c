internal import Shuffling

/// Units that are looked at together, with their texts.
@safe
final class UnitBatch {
  private(set) var units: [UnitRecord] = []
  private var texts: UnsafeMutableRawPointer
  private var textBytes = 0
  private var textBytesMax = UnitBatch.textBytesMin

  private static let textBytesMin = 256

  init() { unsafe texts = .allocate(byteCount: Self.textBytesMin, alignment: 16) }

  deinit { unsafe texts.deallocate() }

  var count: Int { units.count }

  /// Where the texts of its units lie.
  var chunk: Chunk { unsafe Chunk(base: texts) }

  func append(_ unit: UnitRecord, textsIn source: Chunk) {
    var copy = unit
    let needed = unit.externalBytes(in: source)
    if needed > 0 {
      reserve(needed)
      copy.moveTexts(from: source, to: chunk, at: textBytes)
      textBytes += needed
    }
    units.append(copy)
  }

  private func reserve(_ bytes: Int) {
    guard textBytes + bytes > textBytesMax else { return }
    let size = 2 * (textBytes + bytes)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    unsafe larger.copyMemory(from: texts, byteCount: textBytes)
    unsafe texts.deallocate()
    unsafe texts = unsafe larger
    textBytesMax = size
  }

  func removeAll() {
    units.removeAll(keepingCapacity: true)
    textBytes = 0
  }

  subscript(index: Int) -> UnitRecord {
    get { units[index] }
    set { units[index] = newValue }
  }

  func link(_ index: Int) -> UnitRecord.Link? { units[index].link(in: chunk) }

  func haveEqualUsers(_ left: Int, _ right: Int) -> Bool {
    ChunkText.areEqual(units[left].user(in: chunk), units[right].user(in: chunk))
  }

  func haveEqualConversations(_ left: Int, _ right: Int) -> Bool {
    ChunkText.areEqual(units[left].conversation(in: chunk), units[right].conversation(in: chunk))
  }

  func user(_ index: Int) -> String { Self.text(units[index].user(in: chunk)) }
  func conversation(_ index: Int) -> String { Self.text(units[index].conversation(in: chunk)) }

  private static func text(_ text: ChunkText) -> String {
    var bytes: [UInt8] = []
    text.append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
