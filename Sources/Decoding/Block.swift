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

  @usableFromInline var storage: UnsafeMutableRawBufferPointer
  /// Bytes of content.
  public internal(set) var count = 0
  /// The block's number in its stream, from 0.
  public internal(set) var index = 0
  /// Whether the last line was longer than the stream takes and is only a beginning.
  public internal(set) var endsInOverlongLine = false

  public init() {
    unsafe storage = .allocate(byteCount: Self.bytesMax + ByteView.padding, alignment: 64)
    unsafe storage.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { unsafe storage.deallocate() }

  var capacity: Int { unsafe storage.count - ByteView.padding }

  /// The content, valid until the block is filled again.
  public var bytes: ByteView {
    unsafe ByteView(
      base: UnsafePointer(storage.baseAddress!.assumingMemoryBound(to: UInt8.self)), count: count)
  }

  /// Replaces a byte of the content: escapes are decoded in place.
  @inlinable
  public func replaceByte(at index: Int, with byte: UInt8) {
    assert(index >= 0 && index < count)
    unsafe storage[index] = byte
  }

  /// Puts a line end behind the content, where no one counts it: what looks for the end of a text
  /// need not look for the end of the block.
  func terminate() { unsafe storage[count] = 0x0A }

  func grow(to capacity: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: capacity + ByteView.padding, alignment: 64)
    unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[0..<count]))
    unsafe UnsafeMutableRawBufferPointer(rebasing: larger[count...])
      .initializeMemory(as: UInt8.self, repeating: 0)
    unsafe storage.deallocate()
    unsafe storage = unsafe larger
  }

  /// The part of the storage that is still free.
  var free: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(rebasing: storage[count..<capacity])
  }
}
