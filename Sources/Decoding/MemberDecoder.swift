/// One kind of member or frame that a compressed file consists of.
protocol MemberFormat: AnyObject {
  /// What its magic numbers begin with, for what is cut within them.
  var magic: [UInt8] { get }
  /// What may begin a member that is sought behind a damage; `nil`: it cannot be sought.
  var soughtByte: UInt8? { get }
  /// Whether a member only ends where something else is read, which may be in the next one.
  var hasOpenEnd: Bool { get }
  /// Whether a damage says nothing of the text before it, since each block stands alone and nothing
  /// vouches for more.
  var hasBlocksAlone: Bool { get }

  /// Whether a member begins here, where one is due.
  func begins(_ head: UnsafeRawBufferPointer) -> Bool
  /// Whether a member begins here for all that its header tells, where anything may stand.
  func plausiblyBegins(_ head: UnsafeRawBufferPointer) -> Bool
  /// Begins to read the member at the source's offset.
  func start(_ source: ByteSource)
  /// Whether a member within which the file ends may be a whole one, whose data is wrong so that its
  /// decoder ran over its end.
  ///
  /// - Parameters:
  ///   - source: at its end.
  ///   - textBytes: what the member has given.
  func mayHaveOverrun(_ source: ByteSource, textBytes: Int) -> Bool
  /// Writes the member's next bytes of text; takes or writes at least one byte, or ends.
  func read(
    _ source: ByteSource, into output: UnsafeMutableRawBufferPointer
  ) throws(Damage) -> MemberStep
}

extension MemberFormat {
  var hasOpenEnd: Bool { false }
  var hasBlocksAlone: Bool { false }

  func mayHaveOverrun(_ source: ByteSource, textBytes: Int) -> Bool { false }
}

/// What came of reading on in a member.
struct MemberStep {
  var written = 0
  var isAtEnd = false
  /// Noticed behind what was written.
  var damage: Damage?
  /// Whether the member can be read on behind the damage.
  var goesOn = false
}

/// Members or frames one behind the other. Behind a damage, it looks for the next one.
///
/// A damaged member's end is not known; its decoder may have run into the next ones before it found
/// anything wrong. So the search begins in the damaged member, as far back as is reasonable.
///
/// A member's checksum stands behind its text, which is handed out before. So a damage says whether that
/// text is to be distrusted; whoever can read the file again names the member then, and gets to know
/// which text is its.
final class MemberDecoder: Decoder {
  /// How far the search goes back.
  static let rewindBytesMax = 8 << 20
  /// What all files may go back in addition to as many bytes as they have.
  private static let rewindBytesFree = 1 << 20
  /// Bytes that tell whether a member begins.
  static let headBytes = 16

  private let source: ByteSource
  private let formats: [any MemberFormat]
  private let allowsPadding: Bool
  private let distrusted: DistrustedMembers
  private var current: (any MemberFormat)?
  private var memberOffset = 0
  /// Whether the member before had an open end.
  private var hasOpenEnd = false
  /// The text that the next damage may be about: of the present member, or of what is behind the damage
  /// that it went on from.
  private var stretch = Stretch()
  private(set) var isDistrusted = false
  private var rewound = 0
  private var isFinished = false
  /// Damages noticed, not yet thrown.
  private var pending: [Damage] = []
  /// Behind the last byte that is told as lost.
  private var lostEnd = 0

  private struct Stretch {
    /// Where it begins as stored.
    var offset = 0
    var textBytes = 0
    /// Whether it begins behind a damage.
    var isBehindDamage = false
    var hasBlocksAlone = false
  }

  /// - Parameters:
  ///   - distrusted: members that an earlier reading has found to be wrong.
  ///   - allowsPadding: whether zeros may stand behind a member.
  init(
    _ source: ByteSource, _ formats: [any MemberFormat], _ distrusted: DistrustedMembers,
    allowsPadding: Bool = false
  ) {
    self.source = source
    self.formats = formats
    self.distrusted = distrusted
    self.allowsPadding = allowsPadding
  }

  func decode(into output: UnsafeMutableRawBufferPointer) throws(Damage) -> Int {
    var written = 0
    while written < output.count && pending.isEmpty && !isFinished {
      do throws(Damage) {
        guard let format = try member() else { continue }
        let isDistrusted = distrusted.contains(stretch.offset)
        if isDistrusted != self.isDistrusted {
          if written > 0 { break }
          self.isDistrusted = isDistrusted
        }
        let step = unsafe try format.read(
          source, into: UnsafeMutableRawBufferPointer(rebasing: output[written...]))
        written += step.written
        stretch.textBytes += step.written
        if step.isAtEnd {
          current = nil
          if !hasOpenEnd { stretch.textBytes = 0 }
        }
        guard let damage = step.damage else { continue }
        if step.goesOn {
          note(damage, isWrong: isWrong(damage))
          stretch = Stretch(
            offset: source.offset, isBehindDamage: true, hasBlocksAlone: format.hasBlocksAlone)
        } else {
          try recover(from: damage)
        }
      } catch {
        pending.append(error)
        isFinished = true
      }
    }
    if written == 0 && !pending.isEmpty { throw pending.removeFirst() }
    return written
  }

  private func member() throws(Damage) -> (any MemberFormat)? {
    if let current { return current }
    return try startMember()
  }

  /// Goes to the next member, over zero padding.
  private func startMember() throws(Damage) -> (any MemberFormat)? {
    while true {
      let head = unsafe try source.peek(Self.headBytes)
      if unsafe head.isEmpty {
        isFinished = true
        return nil
      }
      if let format = formats.first(where: { unsafe $0.begins(head) }) {
        memberOffset = source.offset
        hasOpenEnd = format.hasOpenEnd
        stretch = Stretch(offset: memberOffset, hasBlocksAlone: format.hasBlocksAlone)
        format.start(source)
        current = format
        return format
      }
      guard unsafe allowsPadding && head[0] == 0 && source.offset > 0 else {
        if !hasOpenEnd { memberOffset = source.offset }
        try recover(from: unsafe nothingBegins(head))
        return nil
      }
      source.take(unsafe head.firstIndex { $0 != 0 } ?? head.count)
    }
  }

  private func nothingBegins(_ head: UnsafeRawBufferPointer) -> Damage {
    if formats.contains(where: { unsafe $0.magic.starts(with: head) }) {
      return Damage(
        kind: .truncated, byteOffset: source.offset + head.count,
        detail: "ends inside the header that begins at byte \(source.offset)")
    }
    return Damage(
      kind: .garbage, byteOffset: source.offset,
      detail: "something that is no compressed data follows what was read before it")
  }

  /// Looks for the member behind a damage.
  private func recover(from damage: Damage) throws(Damage) {
    var isWrong = isWrong(damage)
    current = nil
    hasOpenEnd = false
    var damage = damage
    defer { note(damage, isWrong: isWrong) }
    let isAtMemberEnd = damage.kind == .checksum ? try isBetweenMembers() : false
    let isSought = formats.contains { $0.soughtByte != nil }
    guard isSought else {
      if isAtMemberEnd { return }
      isFinished = true
      while let rest = try restBytes() { source.take(rest) }
      if damage.kind != .truncated { damage.byteCount = source.offset - damage.byteOffset }
      return
    }
    // Even then the member may have ended before, and the decoder have run over a whole one.
    let end = isAtMemberEnd ? source.offset : Int.max
    goBack()
    let found = try search(before: end)
    if isAtMemberEnd && !found { return }
    if found && source.offset < damage.byteOffset {
      // A member that the file's end cuts off has none behind it: the decoder ran over the next one.
      if damage.kind == .truncated && !stretch.hasBlocksAlone { isWrong = true }
      damage.byteOffset = memberOffset
      damage.byteCount = source.offset - memberOffset
    } else if found || damage.kind != .truncated {
      damage.byteCount = max(source.offset - damage.byteOffset, 0)
    }
    if !found { isFinished = true }
  }

  /// Whether a damage makes the text of its stretch untrusted.
  private func isWrong(_ damage: Damage) -> Bool {
    if stretch.hasBlocksAlone { return stretch.isBehindDamage }
    switch damage.kind {
    case .checksum, .corrupt: return true
    case .truncated:
      return current?.mayHaveOverrun(source, textBytes: stretch.textBytes) ?? false
    case .garbage, .unreadable: return false
    }
  }

  /// Keeps a damage until it can be thrown. No byte is told as lost twice: what is lost with a member
  /// may have been told with its parts.
  private func note(_ damage: Damage, isWrong: Bool) {
    var damage = damage
    if isWrong {
      damage.distrust = Damage.Distrust(
        memberOffset: stretch.offset, textBytes: stretch.textBytes,
        isApplied: distrusted.contains(stretch.offset))
      if damage.kind == .truncated && stretch.textBytes > 0 {
        damage.detail += ", or ran over its end"
      }
    }
    stretch.textBytes = 0
    if let count = damage.byteCount {
      let end = damage.byteOffset + count
      if damage.byteOffset < lostEnd && lostEnd < end { damage.byteOffset = lostEnd }
      damage.byteCount = max(end - max(damage.byteOffset, lostEnd), 0)
      lostEnd = max(lostEnd, end)
    }
    pending.append(damage)
  }

  private func isBetweenMembers() throws(Damage) -> Bool {
    let head = unsafe try source.peek(Self.headBytes)
    let isPadding = unsafe head.prefix(Self.headBytes).allSatisfy { $0 == 0 }
    if unsafe head.isEmpty || allowsPadding && isPadding { return true }
    return formats.contains { unsafe $0.begins(head) }
  }

  /// Goes back into the damaged member, behind its first byte.
  private func goBack() {
    if source.offset <= memberOffset {
      if source.offset == memberOffset { takeOne() }
      return
    }
    let target = max(memberOffset + 1, source.offset - Self.rewindBytesMax)
    let distance = source.offset - target
    // Where much is damaged the search does not read everything again and again.
    guard rewound + distance <= source.offsetMax + Self.rewindBytesFree else { return }
    rewound += distance
    source.rewind(to: target)
  }

  /// Bytes that can be taken at once; `nil` at the end.
  private func restBytes() throws(Damage) -> Int? {
    let count = unsafe try source.available().count
    return count > 0 ? count : nil
  }

  private func takeOne() {
    if let input = try? unsafe source.available(), unsafe !input.isEmpty { source.take(1) }
  }

  /// Goes to the next place where a member may begin.
  ///
  /// - Parameter end: where the search ends.
  private func search(before end: Int) throws(Damage) -> Bool {
    while source.offset < end {
      let input = unsafe try source.peek(Self.headBytes)
      if unsafe input.isEmpty { return false }
      // Those with a whole head behind them; all at the end of the file.
      let whole = input.count < Self.headBytes ? input.count : input.count - Self.headBytes + 1
      let places = min(whole, end - source.offset)
      if let place = unsafe Self.place(ofAnyOf: formats, in: input, before: places) {
        source.take(place)
        return true
      }
      source.take(places)
    }
    return false
  }

  /// The first place where a member of some format may begin.
  static func place(
    ofAnyOf formats: [any MemberFormat], in bytes: UnsafeRawBufferPointer, before end: Int
  ) -> Int? {
    var isSought = [Bool](repeating: false, count: 256)
    for format in formats {
      if let byte = format.soughtByte { isSought[Int(byte)] = true }
    }
    for place in 0..<end where isSought[Int(unsafe bytes[place])] {
      let head = unsafe UnsafeRawBufferPointer(rebasing: bytes[place...])
      if formats.contains(where: { unsafe $0.plausiblyBegins(head) }) { return place }
    }
    return nil
  }
}

/// A frame that readers pass over: 0x184D2A50 to 0x184D2A5F, its length, and that many bytes.
///
/// Nothing vouches for the length. So what looks like the beginning of another frame in it is told.
final class SkippableFrame: MemberFormat {
  let magic: [UInt8] = [0x50, 0x2A, 0x4D, 0x18]
  /// Its magic is too common to be trusted behind a damage.
  let soughtByte: UInt8? = nil
  /// A length that is wrong leads into a frame that begins within it.
  let hasOpenEnd = true
  private let others: [any MemberFormat]
  private var offset = 0
  private var rest: Int?
  private var holdsFrame = false

  /// - Parameter others: the frames that are not passed over.
  init(beside others: [any MemberFormat]) { self.others = others }

  static func isMagic(_ magic: UInt32) -> Bool { magic & 0xFFFF_FFF0 == 0x184D_2A50 }

  static func isFirst(_ head: UnsafeRawBufferPointer) -> Bool {
    unsafe head.count >= 4 && isMagic(littleEndian(head, 0))
  }

  func begins(_ head: UnsafeRawBufferPointer) -> Bool { unsafe Self.isFirst(head) }

  func plausiblyBegins(_ head: UnsafeRawBufferPointer) -> Bool { false }

  func start(_ source: ByteSource) {
    offset = source.offset
    rest = nil
    holdsFrame = false
  }

  func read(
    _ source: ByteSource, into output: UnsafeMutableRawBufferPointer
  ) throws(Damage) -> MemberStep {
    if rest == nil {
      let head = unsafe try source.peek(8)
      if head.count >= 8 { rest = Int(unsafe littleEndian(head, 4)) }
      source.take(min(8, head.count))
    }
    let input = unsafe try source.peek(MemberDecoder.headBytes)
    guard let rest, unsafe rest == 0 || !input.isEmpty else {
      return MemberStep(
        damage: Damage(
          kind: .truncated, byteOffset: source.offset,
          detail: "ends inside the skippable frame that begins at byte \(offset)"))
    }
    // Not beyond what shows whether a frame begins.
    let isAtEnd = input.count < MemberDecoder.headBytes
    let taken = min(rest, isAtEnd ? input.count : input.count - MemberDecoder.headBytes + 1)
    if unsafe !holdsFrame && MemberDecoder.place(ofAnyOf: others, in: input, before: taken) != nil {
      holdsFrame = true
    }
    source.take(taken)
    self.rest = rest - taken
    guard taken == rest else { return MemberStep() }
    guard holdsFrame, try isAtFrameEnd(source) else { return MemberStep(isAtEnd: true) }
    return MemberStep(
      isAtEnd: true,
      damage: Damage(
        kind: .garbage, byteOffset: offset, byteCount: source.offset - offset,
        detail: "a skippable frame holds what looks like another frame, and is passed over"),
      goesOn: true)
  }

  /// Otherwise its length is wrong, and what is in it will be read.
  private func isAtFrameEnd(_ source: ByteSource) throws(Damage) -> Bool {
    let head = unsafe try source.peek(MemberDecoder.headBytes)
    return unsafe head.isEmpty || begins(head) || others.contains { unsafe $0.begins(head) }
  }
}
