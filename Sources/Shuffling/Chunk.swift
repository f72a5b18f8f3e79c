/// A piece of memory that holds records of one fixed size, and the long texts that they refer to.
///
/// Records grow from the front, texts from the back. Chunks begin at multiples of
/// ``alignment``, and every record lies in the first ``alignment`` bytes, so that the address of a
/// record tells its chunk, and with it where its texts are: a sort can move bare pointers.
@frozen
@safe
public struct Chunk: @unchecked Sendable {
  /// Bytes of an ordinary chunk; one that holds a text too long for that is larger.
  public static let bytesOrdinary = 8 * 1024
  @usableFromInline static let alignment = 8 * 1024
  public static let headerBytes = 16

  public let base: UnsafeMutableRawPointer

  @inlinable
  public init(base: UnsafeMutableRawPointer) { unsafe self.base = unsafe base }

  /// The chunk that a record lies in.
  @inlinable
  @inline(__always)
  public init(containing record: UnsafeRawPointer) {
    let address = UInt(bitPattern: record) & ~UInt(Self.alignment - 1)
    unsafe base = UnsafeMutableRawPointer(bitPattern: address)!
  }

  // The header: size, end of the records, begin of the texts, region; 32 bits each.
  @inlinable
  public var size: Int {
    get { unsafe Int(base.load(as: UInt32.self)) }
    nonmutating set { unsafe base.storeBytes(of: UInt32(newValue), as: UInt32.self) }
  }

  @inlinable
  public var recordEnd: Int {
    get { unsafe Int(base.load(fromByteOffset: 4, as: UInt32.self)) }
    nonmutating set {
      unsafe base.storeBytes(of: UInt32(newValue), toByteOffset: 4, as: UInt32.self)
    }
  }

  @inlinable
  public var textStart: Int {
    get { unsafe Int(base.load(fromByteOffset: 8, as: UInt32.self)) }
    nonmutating set {
      unsafe base.storeBytes(of: UInt32(newValue), toByteOffset: 8, as: UInt32.self)
    }
  }

  /// The pool's region that an ordinary chunk belongs to; what else is in it does not touch that.
  var region: Int {
    get { unsafe Int(base.load(fromByteOffset: 12, as: UInt32.self)) }
    nonmutating set {
      unsafe base.storeBytes(of: UInt32(newValue), toByteOffset: 12, as: UInt32.self)
    }
  }

  /// Empties the chunk.
  @inlinable
  public func clear(size: Int) {
    self.size = size
    recordEnd = Self.headerBytes
    textStart = size
  }

  /// How many records there are of so many bytes each.
  @inlinable
  public func recordCount(stride: Int) -> Int { (recordEnd - Self.headerBytes) / stride }

  /// The records, as their type.
  @inlinable
  public func records<Record: BitwiseCopyable>(
    as type: Record.Type
  ) -> UnsafeMutableBufferPointer<Record> {
    let count = (recordEnd - Self.headerBytes) / MemoryLayout<Record>.stride
    return unsafe UnsafeMutableBufferPointer(
      start: (base + Self.headerBytes).assumingMemoryBound(to: Record.self), count: count)
  }
}
