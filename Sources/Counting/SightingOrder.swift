public import Shuffling

/// Sightings that belong together, in order of time.
public struct SightingOrder: RecordOrder {
  public static var firstKeyIsHash: Bool { true }

  /// By attributions.
  private let seeds: [UInt64]
  private let strangersSeed = Sighting.seed(ofLicensee: nil)

  public init(_ attributions: Attributions) {
    seeds = attributions.all.indices.map {
      Sighting.seed(ofLicensee: attributions.licensee(of: $0))
    }
  }

  func group(_ sighting: Sighting, _ chunk: Chunk) -> UInt64 {
    sighting.group(seed: sighting.attribution.map { seeds[$0] } ?? strangersSeed, in: chunk)
  }

  public func keys(_ record: UnsafePointer<Sighting>) -> (UInt64, Int64) {
    let sighting = unsafe record.pointee
    return (group(sighting, unsafe Chunk(containing: record)), sighting.time)
  }

  public func precedes(_ left: UnsafePointer<Sighting>, _ right: UnsafePointer<Sighting>) -> Bool {
    let (first, second) = unsafe (left.pointee, right.pointee)
    // Of one call, the call comes before its refusal.
    if first.source != second.source { return first.source < second.source }
    return !first.isRefusal && second.isRefusal
  }
}
