internal import CivilTime
internal import Shuffling

/// Pairs units and tells their differences, on one thread.
@safe
final class PairingWorker: @unchecked Sendable {
  let finder: DifferenceFinder
  let rows: ExternalSorter<DifferenceOrder>
  let orphans: ExternalSorter<UnitTimeOrder>
  private let order: UnitOrder
  private let pool: ChunkPool
  private let spill: SpillFile
  private let byUser: ShuffleWriter
  private var matcher: UnitMatcher
  private let batch = UnitBatch()
  private let times: AlignedTimes

  /// Units that are looked at together at most, so that no id and no user can use up memory.
  static let batchMax = 4_096

  init(_ comparison: DetailComparison, pool: ChunkPool, spill: SpillFile, byUser: Shuffle) {
    order = comparison.order
    times = AlignedTimes(comparison.clock)
    rows = ExternalSorter(order: DifferenceOrder(), pool: pool, spill: spill)
    orphans = ExternalSorter(order: UnitTimeOrder(byGroup: order), pool: pool, spill: spill)
    finder = DifferenceFinder(comparison, rows: rows)
    self.pool = pool
    self.spill = spill
    self.byUser = ShuffleWriter(byUser)
    matcher = UnitMatcher(times, kinds: comparison.kinds)
  }

  private func sorted(_ bucket: Shuffle.Bucket) throws(SpillError) -> ExternalSorter<UnitOrder> {
    let sorter = ExternalSorter(order: order, pool: pool, spill: spill)
    try sorter.append(contentsOf: bucket)
    sorter.finish()
    return sorter
  }

  // MARK: - By id

  /// Pairs the units of a bucket by their ids; what is not settled thereby goes on by user.
  func pairByID(_ bucket: Shuffle.Bucket) throws(SpillError) {
    var group: UInt64 = 0
    // An id of very many units is none.
    var isTooLarge = false
    try unsafe ExternalSorter.forEach(in: [try sorted(bucket)]) { record in
      let unit = unsafe record.pointee
      if unit.group != group {
        finishID(isTooLarge)
        group = unit.group
        isTooLarge = false
      } else if batch.count == Self.batchMax {
        isTooLarge = true
        finishID(true)
      }
      batch.append(unit, textsIn: unsafe Chunk(containing: record))
      return true
    }
    finishID(isTooLarge)
  }

  func finishIDs() throws(SpillError) { try byUser.finish() }

  private func finishID(_ isTooLarge: Bool) {
    guard batch.count > 0 else { return }
    defer { batch.removeAll() }
    if isPlainPair(byID: true) { return }
    if isTooLarge {
      for index in 0..<batch.count { passOn(index, link: nil) }
      return
    }
    for group in matcher.groups(of: batch, byID: true) {
      if group.isSingle {
        let index = group.licensor.first ?? group.licensee[0]
        if finder.isRepetition(index, of: batch, hasCounterpart: matcher.isJoined) {
          finder.tellRepetition(group, of: batch)
        } else {
          passOn(index, link: nil)
        }
      } else if finder.isClean(group, of: batch) && fit(group) {
        finder.note(group, of: batch, fits: true)
      } else {
        let first = group.licensor[0]
        for index in group.licensor + group.licensee { passOn(index, link: first) }
      }
    }
  }

  /// Hands a unit on to be paired by user, which is that of a link's first unit.
  private func passOn(_ index: Int, link: Int?) {
    var unit = batch[index]
    unit.group = batch[link ?? index].user(in: batch.chunk).hash(seed: UnitIntake.seed)
    let textBytes = unit.externalBytes(in: batch.chunk)
    let room = byUser.room(
      forHash: unit.group, stride: MemoryLayout<UnitRecord>.stride,
      textBytes: textBytes + (link == nil ? 0 : UnitRecord.linkBytes))
    unit.moveTexts(from: batch.chunk, to: room.chunk, at: room.textOffset)
    if let link {
      unit.store(
        UnitRecord.Link(number: batch[link].place, anchor: times.start(batch[link])),
        in: room.chunk, at: room.textOffset + textBytes)
    }
    unsafe room.record.storeBytes(of: unit, as: UnitRecord.self)
  }

  // MARK: - By user

  /// Pairs the units of a bucket by users and times.
  func pairByUser(_ bucket: Shuffle.Bucket) throws(SpillError) {
    var group: UInt64 = 0
    var end = Int64.min
    var failure: SpillError?
    func finish() {
      do throws(SpillError) {
        try finishCluster()
      } catch {
        failure = failure ?? error
      }
    }
    try unsafe ExternalSorter.forEach(in: [try sorted(bucket)]) { record in
      let unit = unsafe record.pointee
      let chunk = unsafe Chunk(containing: record)
      let start = unit.link(in: chunk)?.anchor ?? times.start(unit)
      if unit.group != group || start > end
        || batch.count == Self.batchMax
      {
        finish()
        group = unit.group
        end = .min
      }
      end = max(end, times.end(unit) + 2 * times.slack)
      batch.append(unit, textsIn: chunk)
      return failure == nil
    }
    finish()
    if let failure { throw failure }
  }

  /// Settles a batch of two units that are one and the same in all that is compared, as nearly all are.
  private func isPlainPair(byID: Bool) -> Bool {
    guard batch.count == 2 else { return false }
    let (first, second) = (batch[0], batch[1])
    let isInOrder = first.side == .licensor && second.side == .licensee
    guard isInOrder || first.side == .licensee && second.side == .licensor else { return false }
    let (licensor, licensee) = isInOrder ? (0, 1) : (1, 0)
    guard first.kind == second.kind, batch.link(0) == batch.link(1),
      times.fit(batch[licensor], batch[licensee]),
      byID ? batch.haveEqualConversations(0, 1) : batch.haveEqualUsers(0, 1),
      finder.isClean(licensor, licensee, of: batch)
    else { return false }
    finder.note(batch[licensor], batch[licensee], fits: true)
    return true
  }

  /// Whether a pair of the batch agrees in its times too.
  private func fit(_ pair: UnitGroup) -> Bool {
    times.fit(batch[pair.licensor[0]], batch[pair.licensee[0]])
  }

  private func finishCluster() throws(SpillError) {
    guard batch.count > 0 else { return }
    defer { batch.removeAll() }
    if isPlainPair(byID: false) { return }
    for group in matcher.groups(of: batch, byID: false) {
      if group.isSingle {
        try finishSingle(group)
      } else if finder.differs(group, of: batch) {
        finder.tell(group, of: batch)
      } else {
        finder.note(group, of: batch, fits: !group.isPair || fit(group))
      }
    }
  }

  private func finishSingle(_ group: UnitGroup) throws(SpillError) {
    let index = group.licensor.first ?? group.licensee[0]
    if finder.isRepetition(index, of: batch, hasCounterpart: matcher.isJoined) {
      finder.tellRepetition(group, of: batch)
      return
    }
    let found = matcher.evidence(for: index, in: batch)
    if let found { batch[index].evidence = found.evidence }
    if finder.tellSingle(group, of: batch, evidence: found?.unit) { return }
    try orphans.append(batch[index], textsIn: batch.chunk)
  }

  // MARK: - What is left

  /// Tells of units that only one side has, in order of time: those of another user first.
  func tellOrphans(_ sorters: [ExternalSorter<UnitTimeOrder>]) throws(SpillError) {
    var window = OrphanWindow(times)
    try unsafe ExternalSorter.forEach(in: sorters) { record in
      window.add(unsafe record.pointee, textsIn: unsafe Chunk(containing: record), tell)
      return finder.failure == nil
    }
    window.finish(tell)
  }

  private func tell(_ group: UnitGroup, _ batch: UnitBatch) {
    if group.isPair {
      finder.tellOtherUser(group, of: batch)
    } else {
      finder.tellOrphan(group, of: batch)
    }
  }
}
