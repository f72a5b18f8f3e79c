internal import Shuffling

/// What is seen of calls, shown to an observer before they are counted.
extension BucketReducer {
  /// Sightings that are handed over at once, but for those of one time.
  private static let sightingsMax = 256

  /// Hands over what is seen of one user's calls, in the order of ``SightingOrder``.
  func observe(_ group: Run) {
    // Sorted so far: those of an earlier time than the last.
    var sortedCount = 0
    var lastTime = Int64.min
    for message in group {
      if message.time != lastTime {
        sortSightings(from: sortedCount)
        if sightings.count >= Self.sightingsMax { passSightings() }
        sortedCount = sightings.count
        lastTime = message.time
      }
      let trace = message.trace
      guard trace.isSeen else { continue }
      let chunk = message.chunk
      sightings.append(
        SightingPlace(sighting: Sighting(message.value, trace, in: chunk), chunk: chunk))
    }
    sortSightings(from: sortedCount)
    passSightings()
  }

  /// Of one time: by where they stand, for what they say decides nothing here.
  @inline(__always)
  private func sortSightings(from start: Int) {
    if sightings.count - start > 1 {
      sightings.sort(start..<sightings.count) { $0.sighting.source < $1.sighting.source }
    }
  }

  private func passSightings() {
    if sightings.count > 0 { sightings.withSpan { observer?.take($0) } }
    sightings.removeAll(reserving: 0)
  }

  func observeExternally(
    _ sorter: ExternalSorter<SightingOrder>
  ) throws(SpillError) {
    sorter.finish()
    try unsafe ExternalSorter.forEach(in: [sorter]) { record in
      // One by one: a chunk may be gone when the next record comes.
      unsafe sightings.append(
        SightingPlace(sighting: record.pointee, chunk: Chunk(containing: record)))
      passSightings()
      return true
    }
  }
}
