/// One log, decoded and cut into blocks of whole lines.
///
/// A stream is a serial thing: whoever holds it takes the next block, and parses that after
/// letting go of it (see ``LogReader``).
public final class LogStream {
  /// The longest line that is parsed unless said otherwise.
  public static let lineBytesMaxDefault = 1024 * 1024

  public let codec: Codec
  /// How the text is encoded: as declared, or told by a byte order mark. Never `utf16`, since the
  /// order of its bytes is known.
  public let encoding: TextEncoding
  private let source: ByteSource
  private let decoder: any Decoder
  /// The longest line that is parsed; a longer one is passed over and reported.
  private let lineBytesMax: Int
  /// The beginning of a line whose end is still to come.
  private var carried: [UInt8] = []
  private var nextIndex = 0
  private var isFinished = false
  /// Damages that are kept; what is behind them is only counted, so that a file cannot use up memory.
  public static let damagesMax = 1_000
  private var firstDamages: [Damage] = []
  private var damagesBeyond = 0
  /// Where the next block begins in the text.
  private var nextOffset = 0
  /// Bytes of the text so far, the line ends at tears included.
  public private(set) var textBytes = 0
  /// Line ends that stand in no text: those of lines that a damage tears.
  public private(set) var addedLineEnds = 0
  /// Stored bytes that damages are known to have lost.
  private var lostBytesKnown = 0
  private var isLossUnknown = false

  /// Stored bytes that damages have lost; `nil` where that is not known.
  public var lostBytes: Int? { isLossUnknown ? nil : lostBytesKnown }
  /// Whether the text so far ends with a line end, or is empty.
  private var isAtLineStart = true
  /// Text that is not to be trusted, from the next block on.
  private var zones = TrustZones()
  /// Members whose text has been found to be wrong.
  public private(set) var distrusted = DistrustedMembers()
  /// Whether some of their text was handed out as if nothing were wrong with it, before that was known.
  public private(set) var hasGivenDistrusted = false

  /// The places that could not be read, in order; the last one tells how many more there were.
  public var damages: [Damage] {
    var damages = firstDamages
    if damagesBeyond > 0 {
      damages[damages.count - 1].detail +=
        "; \(damagesBeyond) more damages follow, and lines behind them are quarantined"
    }
    return damages
  }

  /// Opens a log and recognises its codec and, unless it is declared, its encoding.
  ///
  /// - Parameters:
  ///   - path: a file, or `-` for standard input.
  ///   - lineBytesMax: the longest line that is parsed, in bytes of UTF-8.
  ///   - encoding: the text's; `nil`: UTF-16 where a byte order mark says so, else UTF-8.
  ///   - distrusted: what an earlier reading of the file has found.
  public init(
    path: String, lineBytesMax: Int = LogStream.lineBytesMaxDefault,
    encoding: TextEncoding? = nil, distrusted: DistrustedMembers = DistrustedMembers()
  ) throws(InputError) {
    self.lineBytesMax = lineBytesMax
    source = try ByteSource(path: path)
    let (codec, stored) = try Codec.open(source, path: path, distrusted: distrusted)
    self.codec = codec
    (self.encoding, decoder) = try TextEncoding.open(stored, declared: encoding, path: path)
    if distrusted.isWholeFile { zones.mark(0..<Int.max, .untrusted) }
  }

  /// Bytes of the stored file taken so far.
  public var storedBytesTaken: Int { source.offsetMax }

  /// Fills a block with the next lines; only the stream's last line may lack its line end.
  ///
  /// A line that a damage tears gets a line end there: what is behind it begins a new line.
  ///
  /// A block ends behind the last line end within ``Block/bytesMax`` bytes. Where there is none,
  /// it grows until the line ends, and holds that line alone. It ends earlier where lines that are to be
  /// trusted meet those that are not.
  ///
  /// - Returns: whether there were any.
  public func next(into block: Block) -> Bool {
    block.clear(offset: nextOffset)
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
      if limit > lineBytesMax {
        block.endsInOverlongLine = true
        skipLine(of: block)
        break
      }
      searched = block.count
      limit *= 2
    }
    if !zones.isEmpty { cutByTrust(block) }
    block.terminate()
    nextOffset += block.count + block.passedOverBytes
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

  private func cutByTrust(_ block: Block) {
    if !block.endsInOverlongLine {
      giveBack(block, from: zones.linesAlike(block.bytes, at: nextOffset))
    }
    let end = nextOffset + block.count + block.passedOverBytes
    block.trust = zones.trust(of: nextOffset..<end)
    zones.drop(before: end)
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
      if decoder.isDistrusted { zones.mark(textBytes..<(textBytes + written), .untrusted) }
      textBytes += written
      if written == 0 {
        isFinished = true
      } else {
        isAtLineStart = unsafe output[written - 1] == 0x0A
      }
      return written
    } catch {
      note(error)
      let isTorn = !isAtLineStart
      if isTorn {
        // Never join what is before a break with what is behind it.
        unsafe output[0] = 0x0A
        isAtLineStart = true
        textBytes += 1
        addedLineEnds += 1
      }
      // What follows may be the rest of a line, too.
      if damagesBeyond == 0 {
        zones.mark((isTorn ? textBytes - 2 : textBytes)..<(textBytes + 1), .torn)
      }
      return isTorn ? 1 : 0
    }
  }

  private func note(_ damage: Damage) {
    var damage = damage
    distrust(&damage)
    if firstDamages.count < Self.damagesMax {
      firstDamages.append(damage)
    } else {
      damagesBeyond += 1
      // No more places are kept, so that from here on all are.
      if damagesBeyond == 1 { zones.mark(textBytes..<Int.max, .untrusted) }
    }
    lostBytesKnown += damage.byteCount ?? 0
    if damage.kind == .unreadable {
      isLossUnknown = true
      isFinished = true
    }
  }

  /// Marks the text that a damage makes untrusted, where none of it is handed out yet.
  private func distrust(_ damage: inout Damage) {
    guard let distrust = damage.distrust else { return }
    if distrust.textBytes == 0 {
      damage.distrust = nil
      // How much a library gives of wrong data depends on how much it is asked for.
      if encoding == .utf8 { distrusted.insert(distrust.memberOffset) }
      return
    }
    // Behind too many damages no line is trusted.
    guard damagesBeyond == 0 else {
      damage.distrust?.isApplied = true
      return
    }
    var range = (textBytes - distrust.textBytes)..<textBytes
    if encoding == .utf8 {
      distrusted.insert(distrust.memberOffset)
    } else {
      // Where a member's text lies in what was converted is not known.
      range = 0..<Int.max
      distrusted.insertWholeFile()
    }
    if distrust.isApplied { return }
    if range.lowerBound >= nextOffset {
      zones.mark(range, .untrusted)
      damage.distrust?.isApplied = true
    } else {
      hasGivenDistrusted = true
    }
  }

  /// Passes over the rest of a block's line, of any length, in bounded memory.
  private func skipLine(of block: Block) {
    let scratch = Block()
    while true {
      scratch.count = 0
      fill(scratch, to: Block.bytesMax)
      let position = scratch.bytes.firstPosition(of: 0x0A, from: 0)
      if position < scratch.count {
        giveBack(scratch, from: position + 1)
        block.passedOverBytes += position + 1
        block.passedOverLineEnd = true
        return
      }
      block.passedOverBytes += scratch.count
      if scratch.count < Block.bytesMax { return }
    }
  }
}
