internal import Glibc

/// A piece of a log, cut at a line end: what one worker parses at a time.
///
/// Its memory is reused from block to block and followed by ``ByteView/padding`` bytes.
@safe
public final class Block {
  /// Bytes that a block takes in before it is cut; small enough to stay in a core's cache between
  /// decoding and parsing.
  public static let bytesMax = 256 * 1024
  /// Lines that a block can hold, since each takes at least one byte.
  public static let linesMax = bytesMax

  /// Bytes behind the content and its padding for texts that stand in no line: what a format sets, and
  /// values whose escapes are decoded.
  public static let annexBytes = 64 * 1024

  /// Whether lines are what the log's writer wrote, as far as the stored bytes tell; the worst last.
  public enum Trust: Sendable, Hashable, Comparable {
    /// Nothing is known against them.
    case trusted
    /// A damage beside the line may have cut it.
    case torn
    /// Their member is damaged, and nothing vouches for its text.
    case untrusted
  }

  @usableFromInline var storage: UnsafeMutableRawBufferPointer
  /// Bytes of content.
  public internal(set) var count = 0
  /// The block's number in its stream, from 0.
  public internal(set) var index = 0
  /// Whether the last line was longer than the stream takes and is only a beginning.
  public internal(set) var endsInOverlongLine = false
  /// Where the content begins in the log's text.
  public internal(set) var offset = 0
  /// Of all its lines alike.
  public internal(set) var trust = Trust.trusted
  /// Bytes of the last line that were passed over, and whether its line end is among them.
  public internal(set) var passedOverBytes = 0
  public internal(set) var passedOverLineEnd = false
  /// Where the line begins that was last found to be no record.
  public var rejectedLineStart = 0
  /// The last line that was changed, as it was, and where it begins.
  private var keptLine: [UInt8] = []
  private var keptStart = 0

  public init() {
    unsafe storage = .allocate(
      byteCount: Self.bytesMax + ByteView.padding + Self.annexBytes, alignment: 64)
    unsafe Self.clear(storage)
  }

  /// A block of one line.
  public convenience init(_ line: [UInt8]) {
    self.init()
    if line.count > capacity { grow(to: line.count) }
    unsafe line.withUnsafeBytes { unsafe storage.copyMemory(from: $0) }
    count = line.count
    terminate()
  }

  deinit { unsafe storage.deallocate() }

  var capacity: Int { unsafe storage.count - ByteView.padding - Self.annexBytes }

  /// The content, valid until the block is filled again.
  public var bytes: ByteView {
    unsafe ByteView(
      base: UnsafePointer(storage.baseAddress!.assumingMemoryBound(to: UInt8.self)), count: count)
  }

  /// The content and all that lies behind it, the annex too, for slices that may lie in either.
  public var wholeBytes: ByteView {
    unsafe ByteView(
      base: UnsafePointer(storage.baseAddress!.assumingMemoryBound(to: UInt8.self)),
      count: storage.count - ByteView.padding)
  }

  /// The room for texts that stand in no line, empty; valid until the block is filled again.
  public var annex: Annex {
    unsafe Annex(
      base: storage.baseAddress!.assumingMemoryBound(to: UInt8.self),
      start: storage.count - Self.annexBytes, limit: storage.count - ByteView.padding)
  }

  /// A block of the first lines alone, so many or so many bytes at most. Longer lines than a quarter of
  /// that are left out where there are others, such as the zeros that a truncated log begins with.
  public func sample(lines: Int, bytes bytesMax: Int) -> Block {
    let bytes = self.bytes
    let sample = Block()
    var position = 0
    var lineCount = 0
    var first: Range<Int>?
    func add(_ line: Range<Int>) {
      if sample.count + line.count > sample.capacity { sample.grow(to: sample.count + line.count) }
      unsafe UnsafeMutableRawBufferPointer(rebasing: sample.storage[sample.count...]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: storage[line]))
      sample.count += line.count
    }
    while position < count && lineCount < lines && sample.count < bytesMax {
      let next = min(bytes.firstPosition(of: 0x0A, from: position) + 1, count)
      first = first ?? position..<next
      if next - position <= bytesMax / 4 {
        if sample.count + next - position > bytesMax { break }
        add(position..<next)
        lineCount += 1
      }
      position = next
    }
    if sample.count == 0, let first { add(first) }
    sample.index = index
    sample.endsInOverlongLine = endsInOverlongLine && position == count && lineCount == 0
    sample.terminate()
    return sample
  }

  /// The first line that is not blank, without its end and without a byte-order mark.
  public var firstLine: [UInt8] {
    let bytes = self.bytes
    let hasMark = count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF
    var start = hasMark ? 3 : 0
    while start < count {
      let end = bytes.firstPosition(of: 0x0A, from: start)
      var line = (start..<end).map { bytes[$0] }
      if line.last == 0x0D { line.removeLast() }
      if !line.allSatisfy({ [0x20, 0x09, 0x0D].contains($0) }) { return line }
      start = end + 1
    }
    return []
  }

  /// Replaces a byte of the content: escapes are decoded in place.
  @inlinable
  public func replaceByte(at index: Int, with byte: UInt8) {
    assert(index >= 0 && index < count)
    unsafe storage[index] = byte
  }

  /// Keeps a line as it is before it is changed.
  public func keepLine(_ line: Range<Int>) {
    assert(line.lowerBound >= 0 && line.upperBound <= count)
    keptStart = line.lowerBound
    keptLine.removeAll(keepingCapacity: true)
    unsafe keptLine.append(contentsOf: storage[line])
  }

  /// Undoes the changes of the line that begins at a position, if it was the last one changed.
  public func restoreLine(at start: Int) {
    guard start == keptStart, !keptLine.isEmpty else { return }
    unsafe UnsafeMutableRawBufferPointer(rebasing: storage[start..<count])
      .copyBytes(from: keptLine)
    keptLine.removeAll(keepingCapacity: true)
  }

  /// Adds bytes of the content to others.
  public func append(_ range: Range<Int>, to bytes: inout [UInt8]) {
    assert(range.lowerBound >= 0 && range.upperBound <= count)
    unsafe bytes.append(contentsOf: storage[range])
  }

  /// Puts texts that stand in no log into the block, in place of its content.
  ///
  /// - Parameters:
  ///   - index: the block's number.
  ///   - count: bytes of content, for which room is made.
  ///   - body: writes them; it may write into the padding behind them too.
  package func fill(index: Int, count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
    clear(offset: 0)
    if count > capacity { grow(to: count) }
    unsafe body(storage.baseAddress!.assumingMemoryBound(to: UInt8.self))
    self.index = index
    self.count = count
    terminate()
  }

  /// Makes room for other lines.
  func clear(offset: Int) {
    count = 0
    self.offset = offset
    trust = .trusted
    endsInOverlongLine = false
    passedOverBytes = 0
    passedOverLineEnd = false
    keptLine.removeAll(keepingCapacity: true)
  }

  /// Puts a line end behind the content, where no one counts it: what looks for the end of a text
  /// need not look for the end of the block.
  func terminate() { unsafe storage[count] = 0x0A }

  func grow(to capacity: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: capacity + ByteView.padding + Self.annexBytes, alignment: 64)
    unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[0..<count]))
    unsafe Self.clear(UnsafeMutableRawBufferPointer(rebasing: larger[count...]))
    unsafe storage.deallocate()
    unsafe storage = unsafe larger
  }

  /// As fast in debug builds, in which tests make many blocks.
  private static func clear(_ memory: UnsafeMutableRawBufferPointer) {
    guard let base = memory.baseAddress else { return }
    unsafe memset(base, 0, memory.count)
  }

  /// The part of the storage that is still free.
  var free: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(rebasing: storage[count..<capacity])
  }
}
