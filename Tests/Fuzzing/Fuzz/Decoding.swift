internal import Glibc

@testable internal import Decoding

/// A file's text as its decoder gives it.
struct Decoded {
  var codec: Codec
  var text: [UInt8] = []
  var damages: [Damage] = []
  /// Whether there is more text than was asked for.
  var isCut = false

  var isWhole: Bool { !isCut && damages.isEmpty }

  /// - Parameters:
  ///   - piece: bytes asked for at a time.
  ///   - limit: bytes of text behind which the reading stops.
  /// - Returns: `nil` where the file's codec is not read.
  init?(_ path: String, piece: Int, limit: Int) {
    guard let source = try? ByteSource(path: path),
      let (codec, decoder) = try? Codec.open(source, path: path)
    else { return nil }
    self.codec = codec
    // As large as it says, so that what is written behind it is noticed.
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 16)
    defer { unsafe room.deallocate() }
    while !isCut {
      do throws(Damage) {
        let count = unsafe try decoder.decode(into: room)
        require(count >= 0 && count <= piece, "a decoder writes no more than there is room for")
        if count == 0 { break }
        unsafe text.append(contentsOf: UnsafeRawBufferPointer(rebasing: room[0..<count]))
        isCut = text.count > limit
      } catch {
        damages.append(error)
        // A damage takes at least a byte.
        require(damages.count <= source.offsetMax + 1, "a decoder ends")
      }
    }
  }
}

/// What holds for the decoding of any file.
struct DecodingCheck {
  /// Bytes of text that are compared.
  static let textBytesMax = 1 << 20

  private let stored = StoredBytes()
  private let block = Block()

  /// Reads a file in several ways that must agree.
  ///
  /// - Returns: its text, `nil` where its codec is not read.
  func decoded(_ bytes: [UInt8]) -> Decoded? {
    let path = stored.path(bytes)
    guard let whole = Decoded(path, piece: 65_536, limit: Self.textBytesMax) else { return nil }
    for damage in whole.damages {
      let end = damage.byteOffset + (damage.byteCount ?? 0)
      require(
        damage.byteOffset >= 0 && (damage.byteCount ?? 0) >= 0 && end <= bytes.count,
        "a damage lies within the file of \(bytes.count) bytes: \(damage)")
    }
    inPieces(path, bytes, whole)
    throughPipe(bytes, whole)
    if !whole.isCut { inBlocks(path, whole) }
    return whole
  }

  /// The text of a whole file is the same in whatever pieces it is asked for, and so are the damages of
  /// another.
  private func inPieces(_ path: String, _ bytes: [UInt8], _ whole: Decoded) {
    let piece = [1, 3, 17, 64, 1_000, 5_000][bytes.count % 6]
    guard let read = Decoded(path, piece: piece, limit: piece < 64 ? 4_096 : 65_536) else {
      return require(false, "a file is opened twice")
    }
    let way = "in pieces of \(piece)"
    if !read.isCut {
      // Where they are noticed may differ by what a library had room for.
      require(
        whole.damages.map(\.kind) == read.damages.map(\.kind),
        "\(whole.damages) are the same \(way): \(read.damages)")
    }
    // So may how much is given of a block that is damaged.
    guard whole.damages.isEmpty else { return }
    if read.isCut {
      require(whole.text.starts(with: read.text), "the text is the same \(way)")
    } else {
      require(whole.text == read.text, "the text is the same \(way)")
    }
  }

  /// A file that is whole is read the same through a pipe; of a damaged one a pipe may give less.
  private func throughPipe(_ bytes: [UInt8], _ whole: Decoded) {
    let least = bytes.count / StoredBytes.pieceCountMax + 1
    let piece = max(least, [1, 2, 5, 16, 100, 1_000, StoredBytes.pieceMax][bytes.count % 7])
    // What a reader's buffer has no room for of a piece would be lost.
    guard piece <= StoredBytes.pieceMax, bytes.count <= ByteSource.bufferBytes else { return }
    let read = StoredBytes.withPipe(bytes, piece: piece) {
      Decoded($0, piece: 65_536, limit: Self.textBytesMax)
    }
    guard let read else { return require(false, "a pipe is opened as a file is") }
    require(read.codec == whole.codec, "a pipe's codec is that of the file")
    guard !whole.isCut else { return }
    require(
      read.damages.isEmpty == whole.damages.isEmpty,
      "a pipe is whole as its file is, \(piece) bytes at a time: \(whole.damages) \(read.damages)")
    if whole.isWhole { require(read.text == whole.text, "a pipe's text is that of the file") }
  }

  /// Blocks hold the text of a whole file, and tell the damages of another.
  private func inBlocks(_ path: String, _ whole: Decoded) {
    // What looks like a mark of UTF-16 is not to be one.
    guard let stream = try? LogStream(path: path, encoding: .utf8) else {
      return require(false, "a file is opened twice")
    }
    var text: [UInt8] = []
    var index = 0
    while stream.next(into: block) {
      require(block.index == index && block.count > 0, "blocks follow each other")
      index += 1
      unsafe block.bytes.withAddress {
        unsafe text.append(contentsOf: UnsafeBufferPointer(start: $0, count: block.count))
      }
    }
    if whole.isWhole {
      require(text == whole.text, "blocks hold the text")
    } else {
      require(stream.damages.count == min(whole.damages.count, LogStream.damagesMax), "all damages")
    }
    if stream.hasGivenDistrusted { again(path, stream) }
  }

  /// A reading that knows what is wrong hands nothing of it out as if it were right.
  private func again(_ path: String, _ stream: LogStream) {
    guard
      let again = try? LogStream(path: path, encoding: .utf8, distrusted: stream.distrusted)
    else { return require(false, "a file is opened twice") }
    var isUntrusted = false
    while again.next(into: block) { isUntrusted = isUntrusted || block.trust == .untrusted }
    require(isUntrusted && !again.hasGivenDistrusted, "what is wrong is marked")
    require(again.damages.map(\.kind) == stream.damages.map(\.kind), "the same is wrong")
  }
}
