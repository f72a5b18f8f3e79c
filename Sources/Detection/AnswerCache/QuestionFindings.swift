internal import CivilTime
internal import Contracts
internal import Shuffling
internal import Synchronization

/// Findings `answer_cache` and `permanent_copy`, which ask the same samples.
enum QuestionFindings: DetectionTest {
  /// What was found of some places.
  private struct Results: Sendable {
    var caches: [PlaceKey: AnswerCacheResult] = [:]
    var copies: [PlaceKey: PermanentCopyResult] = [:]
  }

  static func suspicions(in context: DetectionContext) -> [Suspicion] {
    let results = Self.results(context)
    return AnswerCacheFindings.suspicions(results.caches, in: context)
      + PermanentCopyFindings.suspicions(results.copies, in: context)
  }

  /// A licensee's places of one module are asked together, other ones on other threads.
  private static func results(_ context: DetectionContext) -> Results {
    let samples = context.questions
    var places: [[String]: [PlaceKey]] = [:]
    for place in samples.keys.sorted() {
      places[[place.licensee, place.module], default: []].append(place)
    }
    // The largest first, so that no thread waits long for the last.
    let groups = places.values.sorted {
      ($1.count, $0[0]) < ($0.count, $1[0])
    }
    let without = context.settings.without
    let sum = Shared(Results())
    let next = Counter()
    Workers.run(max(1, min(context.settings.threads, groups.count))) { _ in
      while let number = next.next(below: groups.count) {
        let found = Self.results(of: groups[number], samples, without, ahead: context.ahead)
        sum.value.withLock {
          $0.caches.merge(found.caches) { first, _ in first }
          $0.copies.merge(found.copies) { first, _ in first }
        }
      }
    }
    return sum.value.withLock { $0 }
  }

  private final class Shared: Sendable {
    let value: Mutex<Results>

    init(_ results: Results) { value = Mutex(results) }
  }

  private static func results(
    of places: [PlaceKey], _ samples: [PlaceKey: [CivilDate: QuestionSample]],
    _ without: Set<Finding.Kind>, ahead: (CivilDate) -> Int64
  ) -> Results {
    var results = Results()
    var repeats: [RepeatSeries] = []
    for place in places {
      let series = CallSeries(samples[place] ?? [:], ahead: ahead)
      if !without.contains(.answerCache) {
        results.caches[place] = AnswerCacheTest().result(of: series)
      }
      if !without.contains(.permanentCopy) { repeats.append(RepeatSeries(series)) }
    }
    guard !repeats.isEmpty else { return results }
    let group = RepeatGroup(repeats)
    for (number, place) in places.enumerated() {
      results.copies[place] = PermanentCopyTest().result(of: number, in: group)
    }
    return results
  }
}
