internal import CivilTime
internal import Glibc

/// How a week's traffic rises and falls: two peaks a day, quiet nights, quieter weekends.
struct Rhythm {
  static let sliceMilliseconds: Int64 = 60_000

  /// Milliseconds since the epoch.
  let start: Int64
  let end: Int64
  /// Share of the whole traffic that lies before each slice's end, ascending to 1.
  private(set) var cumulative: [Double]

  var sliceCount: Int { cumulative.count }

  /// - Parameter flatness: from 0, the usual day, to 1, where all hours are the same.
  init(zone: Zone, from: CivilDate, days: Int, flatness: Double = 0) {
    start = zone.start(of: from).microseconds / 1_000
    end = zone.start(of: from + days).microseconds / 1_000
    let slices = Int((end - start + Self.sliceMilliseconds - 1) / Self.sliceMilliseconds)
    var cursor = ZoneCursor(zone)
    var sum = 0.0
    var sums: [Double] = []
    sums.reserveCapacity(slices)
    for slice in 0..<slices {
      let instant = Instant(
        microseconds: (start + Int64(slice) * Self.sliceMilliseconds) * 1_000)
      let day = cursor.day(of: instant)
      let local = instant.secondsRoundedDown + day.offsetSeconds
      let second = local - Int64(day.date.daysSinceEpoch) * 86_400
      var weight = Self.hourWeight(Double(second) / 3_600)
      if flatness > 0 { weight += flatness * (Self.hourWeightMean - weight) }
      sum += weight * Self.weekdayWeight(day.date)
      sums.append(sum)
    }
    cumulative = sums.map { $0 / sum }
  }

  /// Makes the traffic of each slice so many times what it was.
  mutating func scale(by factor: (_ time: Int64) -> Double) {
    var last = 0.0
    var excess = 0.0
    for slice in cumulative.indices {
      let usual = cumulative[slice]
      let time = start + Int64(slice) * Self.sliceMilliseconds
      excess += (usual - last) * (factor(time) - 1)
      last = usual
      cumulative[slice] = usual + excess
    }
  }

  /// The share of the traffic before a time.
  func share(before time: Int64) -> Double {
    let slice = (time - start) / Self.sliceMilliseconds
    guard slice > 0 else { return 0 }
    return cumulative[Int(min(slice, Int64(cumulative.count))) - 1]
  }

  /// When a share of the traffic lies behind, to the slice.
  func time(of share: Double) -> Int64 {
    var low = 0
    var high = cumulative.count
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] < share { low = middle + 1 } else { high = middle }
    }
    return start + Int64(low) * Self.sliceMilliseconds
  }

  /// Of a day, in steps of a minute.
  static let hourWeightMean =
    (0..<1_440).reduce(0) { $0 + hourWeight(Double($1) / 60) } / 1_440

  /// Peaks at half past ten and at eight in the evening.
  static func hourWeight(_ hour: Double) -> Double {
    func peak(at center: Double, width: Double) -> Double {
      let distance = (hour - center) / width
      return exp(-distance * distance / 2)
    }
    return 0.06 + peak(at: 10.5, width: 2) + 0.35 * peak(at: 15, width: 2.2)
      + 0.95 * peak(at: 20, width: 1.9)
  }

  static func weekdayWeight(_ date: CivilDate) -> Double {
    // 1970-01-01 was a Thursday.
    switch ((Int(date.daysSinceEpoch) + 3) % 7 + 7) % 7 {
    case 5: 0.8
    case 6: 0.7
    default: 1
    }
  }
}
