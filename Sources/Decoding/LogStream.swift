/// One log, decoded and cut into blocks of whole lines.
///
/// A stream is a serial thing: whoever holds it takes the next block, and parses that after
/// letting go of it (see ``LogReader``).
public final class LogStream {
  /// The longest line that is parsed; a longer one is passed over and reported.
  public static let lineBytesMax = 1024 * 1024

  public let codec: Codec
  private let source: ByteSource
  private let decoder: any Decoder
  /// The beginning of a line whose end is still to come.
  private var carried: [UInt8] = []
  private var nextIndex = 0
  private var isFinished = false
  /// What stopped the stream before its end.
  public private(set) var damage: Damage?

  /// Opens a log and recognises its codec.
  ///
  /// - Parameter path: a file, or `-` for standard input.
  public init(path: String) throws(InputError) {
    source = try ByteSource(path: path)
    (codec, decoder) = try Codec.open(source, path: path)
  }

  /// Bytes of the stored file taken so far.
  public var storedBytesTaken: Int { source.offset }

  /// Fills a block with the next lines; only the stream's last line may lack its line end.
  ///
  /// A block ends behind the last line end within ``Block/bytesMax`` bytes. Where there is none,
  /// it grows until the line ends, and holds that line alone.
  ///
  /// - Returns: whether there were any.
  public func next(into block: Block) -> Bool {
    block.count = 0
    block.endsInOverlongLine = false
    var limit = Block.bytesMax
    var searched = 0
    while true {
      fill(block, to: limit)
      guard block.count > 0 else { return false }
      let isAtEnd = block.count < limit
      if let cut = lineEnd(in: block, isLong: searched > 0, from: searched, isAtEnd: isAtEnd) {
        giveBack(block, from: cut)
        break
      }
      if isAtEnd { break }
      if limit > Self.lineBytesMax {
        block.endsInOverlongLine = true
        skipLine()
        break
      }
      searched = block.count
      limit *= 2
    }
    block.terminate()
    block.index = nextIndex
    nextIndex += 1
    return true
  }

  /// Where a block is to be cut: behind its last line end, or where it had to grow, behind the
  /// first; nowhere at the end of the stream.
  private func lineEnd(in block: Block, isLong: Bool, from start: Int, isAtEnd: Bool) -> Int? {
    let bytes = block.bytes
    if isLong {
      let cut = bytes.firstPosition(of: 0x0A, from: start) + 1
      return cut <= block.count ? cut : nil
    }
    if isAtEnd { return nil }
    return bytes.position(behindLast: 0x0A, from: 0, to: block.count)
  }

  /// Appends what was carried over, then decoded text, up to a size or the end of the stream.
  private func fill(_ block: Block, to limit: Int) {
    if block.capacity < limit { block.grow(to: limit) }
    if !carried.isEmpty {
      let count = min(carried.count, limit - block.count)
      unsafe carried.withUnsafeBytes {
        unsafe block.free.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[0..<count]))
      }
      block.count += count
      carried.removeFirst(count)
    }
    while block.count < limit && !isFinished {
      block.count += unsafe decode(
        into: UnsafeMutableRawBufferPointer(rebasing: block.free[0..<(limit - block.count)]))
    }
  }

  /// Carries the bytes behind a position over to the next block.
  private func giveBack(_ block: Block, from cut: Int) {
    unsafe carried.insert(
      contentsOf: UnsafeRawBufferPointer(rebasing: block.storage[cut..<block.count]), at: 0)
    block.count = cut
  }

  private func decode(into output: UnsafeMutableRawBufferPointer) -> Int {
    do throws(Damage) {
      let written = unsafe try decoder.decode(into: output)
      if written == 0 { isFinished = true }
      return written
    } catch {
      damage = error
      isFinished = true
      return 0
    }
  }

  /// Passes over the rest of a line of any length in bounded memory.
  private func skipLine() {
    let scratch = Block()
    while true {
      scratch.count = 0
      fill(scratch, to: Block.bytesMax)
      let position = scratch.bytes.firstPosition(of: 0x0A, from: 0)
      if position < scratch.count {
        giveBack(scratch, from: position + 1)
        return
      }
      if scratch.count < Block.bytesMax { return }
    }
  }
}
