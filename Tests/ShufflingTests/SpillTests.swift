import Decoding
import TestSupport
import Testing

@testable import Shuffling

/// A record of the tests: a number and a text.
struct Note: ChunkRecord {
  var number: Int64
  var tie: UInt64
  var text: PackedText
  var kind: UInt64

  init(number: Int64, tie: UInt64, text: PackedText, kind: PackedText.Kind) {
    self.number = number
    self.tie = tie
    self.text = text
    self.kind = UInt64(kind.rawValue)
  }

  func chunkText(in chunk: Chunk) -> ChunkText {
    ChunkText(text, kind: PackedText.Kind(rawValue: UInt8(kind)) ?? .text, chunk: chunk)
  }

  func externalBytes(in chunk: Chunk) -> Int { chunkText(in: chunk).externalBytes }

  mutating func moveTexts(from source: Chunk, to target: Chunk, at offset: Int) {
    if externalBytes(in: source) > 0 { text = chunkText(in: source).copy(to: target, at: offset) }
  }
}

struct NoteOrder: RecordOrder {
  func keys(_ record: UnsafePointer<Note>) -> (UInt64, Int64) { (0, unsafe record.pointee.number) }

  func precedes(_ left: UnsafePointer<Note>, _ right: UnsafePointer<Note>) -> Bool {
    let order = unsafe ChunkText.order(
      left.pointee.chunkText(in: Chunk(containing: left)),
      right.pointee.chunkText(in: Chunk(containing: right)))
    return unsafe order == 0 ? left.pointee.tie < right.pointee.tie : order < 0
  }
}

@Suite struct SpillTests {
  private struct Plain: Equatable {
    var number: Int64
    var text: [UInt8]
    var tie: UInt64
  }

  private func plain(_ random: inout SeededRandom, tie: Int) -> Plain {
    let length = random.chance(1) ? random.number(20_000...60_000) : random.number(0...60)
    return Plain(
      number: Int64(random.number(-5...50)),
      text: (0..<length).map { _ in UInt8(random.number(0x61...0x63)) }, tie: UInt64(tie))
  }

  private func comes(_ left: Plain, _ right: Plain) -> Bool {
    if left.number != right.number { return left.number < right.number }
    if left.text != right.text { return left.text.lexicographicallyPrecedes(right.text) }
    return left.tie < right.tie
  }

  @Test(arguments: [(0, 1), (1, 1), (1_000, 1), (20_000, 1), (60_000, 3)])
  func theSorterSortsBeyondItsMemory(count: Int, sorterCount: Int) throws {
    var random = SeededRandom(seed: 51)
    let folder = try TemporaryFolder()
    let spill = SpillFile(directory: folder.path)
    let pool = ChunkPool(bytesMax: 0)
    let sorters = (0..<sorterCount).map { _ in
      ExternalSorter(order: NoteOrder(), pool: pool, spill: spill)
    }
    var expected: [Plain] = []
    for tie in 0..<count {
      let plain = plain(&random, tie: tie)
      expected.append(plain)
      let packed = Packed(plain.text, pool: pool)
      let note = Note(
        number: plain.number, tie: plain.tie, text: packed.value.text, kind: packed.value.kind)
      try sorters[random.number(0...(sorterCount - 1))].append(note, textsIn: packed.chunk)
    }
    for sorter in sorters { sorter.finish() }
    #expect((spill.bytesWritten > 0) == (count >= 20_000))
    expected.sort(by: comes)
    var position = 0
    var wrong = 0
    try unsafe ExternalSorter.forEach(in: sorters) { record in
      var text: [UInt8] = []
      unsafe record.pointee.chunkText(in: Chunk(containing: record)).append(to: &text)
      let found = unsafe Plain(number: record.pointee.number, text: text, tie: record.pointee.tie)
      if position >= expected.count || found != expected[position] { wrong += 1 }
      position += 1
      return true
    }
    #expect(position == expected.count)
    #expect(wrong == 0, "\(random)")
  }

  @Test func whatIsLentIsCalledInAndTakenChunksStay() {
    let pool = ChunkPool(bytesMax: 4 << 20, lending: 2 << 20)
    #expect(pool.bytesFree == 6 << 20)
    var chunks: [Chunk] = []
    while !pool.isFull { chunks.append(pool.take()) }
    #expect(pool.bytesFree < Chunk.bytesOrdinary)
    for chunk in chunks { unsafe chunk.base.advanced(by: 4_096).storeBytes(of: 7, as: UInt8.self) }
    pool.callIn(1 << 20, leaving: 1 << 20)
    pool.callIn(1 << 20, leaving: 1 << 20)
    #expect(pool.isFull && pool.bytesFree < 0 && pool.bytesFree >= -1 << 20)
    let kept = chunks.count / 2
    for chunk in chunks[kept...] { pool.give(back: chunk) }
    pool.callIn(.max)
    pool.callIn(.max)
    #expect(pool.bytesFree == 4 << 20 - kept * Chunk.bytesOrdinary)
    pool.vacate(threads: 2)
    #expect(
      chunks[..<kept].allSatisfy {
        unsafe $0.base.advanced(by: 4_096).load(as: UInt8.self) == 7
      })
    for chunk in chunks[..<kept] { pool.give(back: chunk) }
    pool.vacate(threads: 2)
    pool.vacate(threads: 1)
    // Pages that were given back are there again when they are wanted.
    chunks = (0..<kept).map { _ in pool.take() }
    for chunk in chunks { unsafe chunk.base.advanced(by: 4_096).storeBytes(of: 8, as: UInt8.self) }
    #expect(pool.bytesFree == 4 << 20 - kept * Chunk.bytesOrdinary)
  }

  @Test func neighboursAreGivenBackTogether() {
    let pool = ChunkPool(bytesMax: 1 << 20, lending: 8 << 20)
    func fill(near hash: UInt64) -> [Chunk] {
      let chunks = (0..<300).map { _ in pool.take(near: hash) }
      for chunk in chunks {
        unsafe chunk.base.advanced(by: 4_096).storeBytes(of: 7, as: UInt8.self)
      }
      return chunks
    }
    func isGone(_ chunk: Chunk) -> Bool {
      unsafe chunk.base.advanced(by: 4_096).load(as: UInt8.self) == 0
    }
    let (left, right) = (fill(near: 0), fill(near: .max))
    for chunk in left + right[1...] { pool.give(back: chunk) }
    pool.callIn(1 << 10)
    #expect(!left.contains(where: isGone), "there is room for them")
    pool.callIn(.max)
    #expect(left.allSatisfy(isGone))
    #expect(!right.contains(where: isGone), "one of them is taken")
    pool.charge(1 << 20)
    #expect(right[1...].allSatisfy(isGone) && !isGone(right[0]))
    pool.discharge(1 << 20)
    #expect(pool.bytesFree == 1 << 20 - Chunk.bytesOrdinary)
  }

  /// Nothing is handed out twice, and the account holds, whatever is taken, charged, lent and given back.
  @Test(arguments: 1...20) func poolsKeepTheirAccount(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let (bytesMax, lent) = (random.number(1...6) << 20, random.number(0...4) << 20)
    let pool = ChunkPool(bytesMax: bytesMax, lending: lent)
    var (bound, charged, mark) = (bytesMax + lent, 0, UInt64(0))
    var taken: [(chunk: Chunk, mark: UInt64)] = []
    for _ in 0..<4_000 {
      switch random.number(0...99) {
      case 0...59:
        let size = random.chance(3) ? random.number(9_000...40_000) : Chunk.bytesOrdinary
        let chunk = pool.take(size: size, near: random.next())
        mark += 1
        #expect(chunk.size == size)
        unsafe chunk.base.storeBytes(of: mark, toByteOffset: 4_096, as: UInt64.self)
        taken.append((chunk, mark))
      case 60...96:
        // Many at once: so regions become free as a whole.
        for _ in 0..<random.number(0...taken.count) where random.chance(5) && !taken.isEmpty {
          let (chunk, mark) = taken.remove(at: random.number(0...(taken.count - 1)))
          #expect(unsafe chunk.base.load(fromByteOffset: 4_096, as: UInt64.self) == mark)
          pool.give(back: chunk)
        }
      case 97:
        let bytes = random.number(0...(1 << 20))
        pool.charge(bytes)
        charged += bytes
      case 98:
        pool.discharge(charged)
        charged = 0
      default:
        let (bytes, rest) = (random.number(0...(1 << 20)), random.number(0...(1 << 20)))
        pool.callIn(bytes, leaving: rest)
        bound -= max(0, min(bytes, bound - bytesMax - rest))
      }
      let inUse = charged + taken.reduce(0) { $0 + $1.chunk.size }
      #expect(pool.bytesFree == bound - inUse)
    }
    let marks = taken.map {
      unsafe $0.chunk.base.load(fromByteOffset: 4_096, as: UInt64.self)
    }
    #expect(marks == taken.map(\.mark), "\(random)")
    for (chunk, _) in taken { pool.give(back: chunk) }
    pool.discharge(charged)
    pool.vacate(threads: 2)
    #expect(pool.bytesFree == bound)
  }

  /// Threads at once: each finds in its chunks what it has written there.
  @Test(arguments: 1...4) func poolsAreSharedByThreads(seed: UInt64) {
    let pool = ChunkPool(bytesMax: 3 << 20, lending: 3 << 20)
    let wrong = Sum(0)
    Workers.run(4) { thread in
      wrong.add {
        var random = SeededRandom(seed: seed * 10 + UInt64(thread))
        var (wrong, taken) = (0, [Chunk]())
        func mark(_ chunk: Chunk) -> UInt64 {
          unsafe UInt64(UInt(bitPattern: chunk.base)) << 4 | UInt64(thread)
        }
        func give(back chunk: Chunk) {
          let found = unsafe chunk.base.load(fromByteOffset: 4_096, as: UInt64.self)
          if found != mark(chunk) { wrong += 1 }
          pool.give(back: chunk)
        }
        for _ in 0..<3_000 {
          if random.chance(55) {
            let chunk = pool.take(near: random.next())
            unsafe chunk.base.storeBytes(of: mark(chunk), toByteOffset: 4_096, as: UInt64.self)
            taken.append(chunk)
          } else if random.chance(95) {
            if let chunk = taken.popLast() { give(back: chunk) }
          } else {
            while let chunk = taken.popLast() { give(back: chunk) }
            pool.callIn(64 << 10)
            pool.charge(2 << 20)
            pool.discharge(2 << 20)
          }
        }
        for chunk in taken { give(back: chunk) }
        return wrong
      } merge: {
        $0 += $1
      }
    }
    #expect((try? wrong.value()) == 0)
    pool.callIn(.max)
    #expect(pool.bytesFree == 3 << 20)
  }

  @Test func chunksComeBackAsTheyWere() throws {
    var random = SeededRandom(seed: 52)
    let folder = try TemporaryFolder()
    let spill = SpillFile(directory: folder.path)
    let pool = ChunkPool(bytesMax: 1 << 20)
    let writer = SpillWriter(spill)
    var extents: [(Extent, records: [UInt8], texts: [UInt8])] = []
    for _ in 0..<200 {
      let size = random.chance(10) ? random.number(20_000...2_500_000) : Chunk.bytesOrdinary
      let chunk = pool.take(size: size)
      chunk.recordEnd = Chunk.headerBytes + random.number(0...8_000)
      chunk.textStart = size - random.number(0...min(8_000, size - chunk.recordEnd))
      for place in Chunk.headerBytes..<chunk.recordEnd {
        unsafe chunk.base.storeBytes(
          of: UInt8(truncatingIfNeeded: random.next()), toByteOffset: place, as: UInt8.self)
      }
      for place in chunk.textStart..<size {
        unsafe chunk.base.storeBytes(of: UInt8(place & 0x0F), toByteOffset: place, as: UInt8.self)
      }
      let (records, texts) = contents(chunk)
      extents.append((try writer.write(chunk), records, texts))
      pool.give(back: chunk)
    }
    try writer.flush()
    var scratch: [UInt8] = []
    for (extent, records, texts) in extents.reversed() {
      let chunk = try spill.read(extent, from: pool, scratch: &scratch)
      let found = contents(chunk)
      #expect(found.records == records && found.texts == texts, "\(random)")
      #expect(chunk.size == extent.memoryBytes)
      pool.give(back: chunk)
    }
  }

  private func contents(_ chunk: Chunk) -> (records: [UInt8], texts: [UInt8]) {
    func bytes(_ range: Range<Int>) -> [UInt8] {
      range.map { unsafe chunk.base.load(fromByteOffset: $0, as: UInt8.self) }
    }
    return (bytes(Chunk.headerBytes..<chunk.recordEnd), bytes(chunk.textStart..<chunk.size))
  }

  @Test func aFolderThatIsNotThereIsAnErrorWithAWayOut() throws {
    let folder = try TemporaryFolder()
    let spill = SpillFile(directory: "\(folder.path)/none")
    let pool = ChunkPool(bytesMax: 0)
    let chunk = pool.take()
    let writer = SpillWriter(spill)
    let error = #expect(throws: SpillError.self) { _ = try writer.write(chunk) }
    #expect(error?.directory == "\(folder.path)/none")
    #expect(error?.description.contains("TMPDIR") == true)
    pool.give(back: chunk)
  }

  @Test func theSpillFileLeavesNothingBehind() throws {
    let folder = try TemporaryFolder()
    let spill = SpillFile(directory: folder.path)
    let writer = SpillWriter(spill)
    let pool = ChunkPool(bytesMax: 0)
    let chunk = pool.take()
    _ = try writer.write(chunk)
    try writer.flush()
    pool.give(back: chunk)
    #expect(spill.bytesWritten > 0)
    #expect(try InputFilesNone.areIn(folder.path))
  }
}

/// Whether a folder holds no file at all.
enum InputFilesNone {
  static func areIn(_ folder: String) throws -> Bool {
    do {
      return try InputFiles.find([folder]).isEmpty
    } catch {
      return error.detail.contains("without logs")
    }
  }
}
