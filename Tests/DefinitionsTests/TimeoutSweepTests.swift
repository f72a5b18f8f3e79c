import CivilTime
import Contracts
import Counting
import Decoding
import Definitions
import Metering
import TestSupport
import Testing

/// Rival definitions that are counted in one pass, against a count for each of them.
@Suite struct TimeoutSweepTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Units of conversations by contract, licensee, day, module and scenario.
  private typealias Units = [[String]: Int]

  private func metered(
    _ paths: [String], _ terms: Terms, rivals: Bool = false, threads: Int = 2,
    recordBytesMax: Int? = nil
  ) throws -> MeteringResult {
    var options = MeteringOptions(
      threads: threads, memoryBytes: 512 << 20, temporaryFolder: folder.path)
    options.rivals = rivals ? .timeoutsAndQuarters : nil
    options.recordBytesMax = recordBytesMax
    return try Metering(files: try InputFiles.find(paths), terms: terms, options: options).run()
  }

  private func units(_ totals: [DailyTotal]) -> Units {
    var units: Units = [:]
    for total in totals where total.meter == .conversation && total.quantity > 0 {
      let key = [total.contract, total.licensee, "\(total.date)", total.module, total.scenario]
      units[key, default: 0] += total.quantity
    }
    return units
  }

  private func units(
    _ rivals: [DailyRivals], _ terms: Terms, _ quantity: (DailyRivals) -> Int
  ) -> Units {
    var units: Units = [:]
    for rival in rivals where quantity(rival) != 0 {
      let key = [
        terms.contracts[rival.contract].number, rival.licensee, "\(rival.date)", rival.module,
        rival.scenario,
      ]
      units[key, default: 0] += quantity(rival)
    }
    return units
  }

  private func write(_ plan: LogPlan) throws -> [String] {
    try plan.files.enumerated().map { file, lines in
      try folder.write(
        lines.flatMap { $0.bytes + [0x0A] }, as: "log-\(file)",
        writtenAt: plan.writtenAt)
    }
  }

  @Test(arguments: [0, 1, 2, 3]) func everyTimeoutIsWhatACountWithItSays(part: UInt64) throws {
    var compared = 0
    var changed = 0
    for seed in (part * 25)..<(part * 25 + 25) {
      var random = SeededRandom(seed: seed)
      var shape = LogShape()
      shape.recordCount = random.chance(20) ? 200...400 : 20...80
      let plan = try LogPlan.random(&random, shape)
      let paths = try write(plan)
      let terms = try plan.terms()
      let result = try metered(
        paths, terms, rivals: true, threads: random.number(1...2),
        recordBytesMax: random.chance(20) ? 1 << 16 : nil)
      // What counts beside changes nothing.
      let plain = try metered(paths, terms)
      #expect(units(result.totals) == units(plain.totals))
      #expect(result.balance == plain.balance)
      for minutes in [1, 2, random.number(3...30), random.number(31...240), 720, 1_440] {
        let changedTerms = terms.changingRules {
          $0.idleTimeout = Interval(seconds: Int64(60 * minutes))
        }
        let expected = units(try metered(paths, changedTerms).totals)
        let found = units(result.rivals, terms) { $0.atTimeout[minutes - 1] }
        #expect(found == expected, "seed \(seed), \(minutes) minutes\n\(plan.yaml)")
        compared += expected.values.reduce(0, +)
        if expected != units(plain.totals) { changed += 1 }
      }
      // The rules of one contract may say different days; each is the other one's.
      let otherTerms = terms.changingRules {
        $0.countedIn = $0.countedIn == .start ? .end : .start
      }
      let other = units(try metered(paths, otherTerms).totals)
      #expect(units(result.rivals, terms, \.countedOtherwise) == other, "seed \(seed)")
    }
    #expect(compared > 800 && changed > 20)
  }
}
