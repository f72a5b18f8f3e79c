/// Sorts calls by question and time in a few passes over them.
enum QuestionOrder {
  private static let digitBits: UInt64 = 11

  /// The order of ``QuestionSample/Call``.
  static func sort(_ calls: inout [QuestionSample.Call]) {
    guard calls.count > 64 else {
      calls.sort()
      return
    }
    let byTime = places(sortedBy: calls.map(\.time))
    var questions = HashNumbers(capacity: calls.count / 4)
    let numbers = calls.map { questions.number(of: $0.question) }
    var starts = questions.starts(numbers)
    var sorted = calls
    for place in byTime {
      let number = Int(numbers[Int(place)])
      sorted[starts[number]] = calls[Int(place)]
      starts[number] += 1
    }
    settleTies(&sorted)
    calls = sorted
  }

  /// Of one question and time users and sources decide; there are few.
  private static func settleTies(_ calls: inout [QuestionSample.Call]) {
    var start = 0
    while start < calls.count {
      var end = start + 1
      while end < calls.count, calls[end].time == calls[start].time,
        calls[end].question == calls[start].question
      { end += 1 }
      if end - start > 1 { calls[start..<end].sort() }
      start = end
    }
  }

  /// The places of times in their order; of equal ones the first first.
  static func places(sortedBy times: [Int64]) -> [Int32] {
    var places = (0..<Int32(times.count)).map { $0 }
    guard let least = times.min(), let most = times.max(), least < most else { return places }
    let range = UInt64(bitPattern: most &- least)
    var keys = times.map { UInt64(bitPattern: $0 &- least) }
    var nextKeys = keys
    var nextPlaces = places
    var shift: UInt64 = 0
    while shift < 64, range >> shift > 0 {
      var starts = [Int](repeating: 0, count: 1 << Int(digitBits))
      for key in keys { starts[Int(truncatingIfNeeded: (key >> shift) & digitMask)] += 1 }
      var sum = 0
      for digit in starts.indices {
        let count = starts[digit]
        starts[digit] = sum
        sum += count
      }
      for index in keys.indices {
        let digit = Int(truncatingIfNeeded: (keys[index] >> shift) & digitMask)
        nextKeys[starts[digit]] = keys[index]
        nextPlaces[starts[digit]] = places[index]
        starts[digit] += 1
      }
      swap(&keys, &nextKeys)
      swap(&places, &nextPlaces)
      shift += digitBits
    }
    return places
  }

  private static let digitMask: UInt64 = (1 << digitBits) - 1
}

/// Gives hashes small numbers, in the order in which they come.
struct HashNumbers {
  private(set) var hashes: [UInt64] = []
  private var slots: [Int32]
  private var mask: Int

  init(capacity: Int) {
    var size = 64
    while size < 2 * capacity { size *= 2 }
    slots = [Int32](repeating: -1, count: size)
    mask = size - 1
  }

  var count: Int { hashes.count }

  @inline(__always)
  mutating func number(of hash: UInt64) -> Int32 {
    var slot = Int(truncatingIfNeeded: Mixing.mixed(hash)) & mask
    while slots[slot] >= 0 {
      if hashes[Int(slots[slot])] == hash { return slots[slot] }
      slot = (slot + 1) & mask
    }
    let number = Int32(hashes.count)
    slots[slot] = number
    hashes.append(hash)
    if 2 * hashes.count > slots.count { grow() }
    return number
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: 2 * slots.count)
    mask = slots.count - 1
    for (number, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: Mixing.mixed(hash)) & mask
      while slots[slot] >= 0 { slot = (slot + 1) & mask }
      slots[slot] = Int32(number)
    }
  }

  /// The numbers in the order of their hashes.
  var ranked: [Int] {
    hashes.indices.sorted { hashes[$0] < hashes[$1] }
  }

  /// Of each number where its own begin, if all that have one are sorted by hash.
  func starts(_ numbers: [Int32]) -> [Int] {
    var counts = [Int](repeating: 0, count: count)
    for number in numbers { counts[Int(number)] += 1 }
    var starts = counts
    var sum = 0
    for number in ranked {
      starts[number] = sum
      sum += counts[number]
    }
    return starts
  }
}
