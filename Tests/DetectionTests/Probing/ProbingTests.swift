import CivilTime
import Contracts
import Counting
import TestSupport
import Testing

@testable import Detection

/// Midnight of 2025-12-01 in UTC.
private let start: Int64 = 1_764_547_200_000_000
private let second: Int64 = 1_000_000

private func refusal(
  _ time: Int64, path: UInt64, traits: PathTraits = [], device: UInt32 = 7, client: UInt32 = 9,
  status: Int = 404, source: UInt64 = 1, licensee: String = "acme"
) -> ObservedRefusal {
  ObservedRefusal(
    licensee: licensee, day: 0, time: start + time, source: source,
    path: Mixing.mixed(path) | 1, traits: traits.rawValue, client: client, device: device, user: 0,
    status: status)
}

private func day(_ refusals: some Sequence<ObservedRefusal>) -> RefusalsOfDay {
  var day = RefusalsOfDay()
  for refusal in refusals { day.add(refusal) }
  return day
}

private func summary(_ days: [RefusalsOfDay], contract: String = "DZ-1") -> DetectionSummary {
  var summary = DetectionSummary()
  for (index, day) in days.enumerated() {
    var kept = DetectionDay()
    kept.refusals = day
    summary.days[ContractDay(contract: contract, day: 20_423 + Int32(index))] = kept
  }
  return summary
}

private func findings(_ days: [RefusalsOfDay]) throws -> [Finding] {
  detectedFindings(
    DetectionContext(
      contract: try exampleContract(), summary: summary(days), uses: [:], source: { "log:\($0)" })
  ).filter { $0.kind == .probing }
}

/// Some refusals of a day as honest clients have them: few paths.
private func honest(_ random: inout SeededRandom, perDay: Int = 40) -> [ObservedRefusal] {
  (0..<perDay).map { _ in
    refusal(
      Int64.random(in: 0..<86_400, using: &random) * second,
      path: UInt64.random(in: 0..<4, using: &random),
      device: UInt32.random(in: 1...20, using: &random),
      client: UInt32.random(in: 1...900, using: &random), status: 400)
  }
}

private func walk(
  _ paths: Int, attacks: Int, devices: UInt32 = 1, clients: UInt32 = 5, minutes: Int64 = 10
) -> [ObservedRefusal] {
  (0..<paths).map { index in
    let traits: PathTraits =
      index < attacks ? (index.isMultiple(of: 2) ? .traversal : .scanner) : []
    return refusal(
      30_000 * second + Int64(index) * minutes * 60 * second / Int64(paths),
      path: 1_000 + UInt64(index), traits: traits, device: 500 + UInt32(index) % devices,
      client: 900 + UInt32(index) % clients, source: UInt64(index) + 10)
  }
}

@Suite("Probing")
struct ProbingTests {
  @Test("attacks in a walk are of high severity, with their lines", arguments: 1...10)
  func attacks(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let found = try findings([day(honest(&random) + walk(60, attacks: 18)), day(honest(&random))])
    #expect(found.count == 1)
    let finding = try #require(found.first)
    #expect(finding.severity == .high)
    #expect(finding.clause == "access.no_intrusion")
    #expect(finding.evidence == (10..<16).map { "log:\($0)" })
    #expect(finding.amountLow == nil && finding.suppressedLow == nil)
    #expect(finding.explanation.contains("18 of the paths"))
    #expect(finding.explanation.contains("one user agent and at least 5 addresses"))
  }

  @Test("a walk without attacks is never of high severity, and a short one is nothing")
  func walks() throws {
    var random = SeededRandom(seed: 3)
    let base = honest(&random)
    #expect(try findings([day(base + walk(300, attacks: 0))]).map(\.severity) == [.medium])
    #expect(try findings([day(base + walk(8, attacks: 0))]).isEmpty)
    // Everyone's client asks for what is no longer there: many addresses.
    #expect(
      try findings([day(base + walk(300, attacks: 0, clients: 290))]).map(\.severity) == [.low])
  }

  @Test("devices that change hide nothing")
  func rotatingDevices() throws {
    var random = SeededRandom(seed: 4)
    let found = try findings([
      day(honest(&random) + walk(120, attacks: 40, devices: 60, clients: 60))
    ])
    #expect(found.map(\.severity) == [.high])
    #expect(found.first?.explanation.contains("user agents") == true)
  }

  @Test("attacks that come slowly are told without a probability")
  func slow() throws {
    let found = try findings([day(walk(14, attacks: 14, minutes: 700))])
    #expect(found.map(\.severity) == [.medium])
    #expect(found.first?.pValue == nil)
  }

  @Test("honest refusals are nothing", arguments: 1...40)
  func honestUse(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var days: [RefusalsOfDay] = []
    for index in 0..<14 {
      var refusals = honest(&random, perDay: Int.random(in: 0...400, using: &random))
      // A client that repeats one path all day, and a release that asks for a path that is not there.
      for call in 0..<2_000 where index == 5 {
        refusals.append(refusal(Int64(call) * 40 * second, path: 77, device: 3))
      }
      for call in 0..<3_000 where index == 9 {
        refusals.append(
          refusal(
            50_000 * second + Int64(call) * second / 4, path: 78 + UInt64(call % 3),
            device: UInt32(call % 40), client: UInt32(call)))
      }
      // A catalogue with dead ids, asked for all day.
      for call in 0..<1_500 where seed.isMultiple(of: 2) {
        refusals.append(
          refusal(
            Int64.random(in: 0..<86_400, using: &random) * second,
            path: 10_000 + UInt64.random(in: 0..<100_000, using: &random),
            device: UInt32(call % 40), client: UInt32(call)))
      }
      days.append(day(refusals))
    }
    #expect(try findings(days).isEmpty)
  }

  @Test("questions that look like SQL and were answered are no attacks")
  func answered() throws {
    let questions = (0..<60).map {
      refusal(Int64($0) * 900 * second, path: UInt64($0), traits: .query, status: 200)
    }
    #expect(try findings([day(questions)]).isEmpty)
  }

  @Test("calls of no contract are told by themselves")
  func strangers() throws {
    var random = SeededRandom(seed: 6)
    let contract = try exampleContract()
    let summary = summary([day(honest(&random) + walk(80, attacks: 30))], contract: "")
    let found = strangerFindings(
      summary, rule: try #require(contract.rules.first).rule, source: { "\($0)" })
    #expect(found.map(\.kind) == [.probing])
    #expect(found.first?.contract == "")
    #expect(found.first?.licensee == "acme")
  }

  @Test("order and split decide nothing, and the bound holds", arguments: [50, 5_000, 60_000])
  func anySplit(count: Int) {
    var random = SeededRandom(seed: UInt64(count))
    let refusals = (0..<count).map { index in
      refusal(
        Int64.random(in: 0..<86_400, using: &random) * second,
        path: UInt64.random(in: 0..<9_000, using: &random),
        traits: index.isMultiple(of: 9) ? .code : [],
        device: UInt32.random(in: 0...50, using: &random),
        client: UInt32.random(in: 0...50, using: &random), source: UInt64(index),
        licensee: index.isMultiple(of: 3) ? "acme" : "acme-mini")
    }
    let whole = day(refusals)
    #expect(whole.entries.count <= RefusalsOfDay.entriesMax)
    #expect(day(refusals.shuffled(using: &random)) == whole)
    var parts = [RefusalsOfDay](repeating: RefusalsOfDay(), count: 3)
    for refusal in refusals.shuffled(using: &random) {
      parts[Int.random(in: 0..<3, using: &random)].add(refusal)
    }
    var left = parts[0]
    left.merge(parts[1])
    left.merge(parts[2])
    var right = parts[2]
    right.merge(parts[1])
    right.merge(parts[0])
    #expect(left == whole)
    #expect(right == whole)
  }

  @Test("what is stored is read again, and bytes that are wrong are an error, never a trap")
  func stored() throws {
    var random = SeededRandom(seed: 12)
    let kept = summary([day(honest(&random) + walk(20, attacks: 4))])
    let bytes = kept.encoded()
    let read = try DetectionSummary(decoding: bytes, source: { $0 })
    #expect(read.encoded() == bytes)
    #expect(read.days.values.first?.refusals == kept.days.values.first?.refusals)
    for count in stride(from: 0, to: bytes.count, by: 3) {
      #expect(throws: SummaryError.self) {
        try DetectionSummary(decoding: Array(bytes.prefix(count)), source: { $0 })
      }
    }
    for _ in 0..<2_000 {
      var damaged = bytes
      damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
        in: 0...255, using: &random)
      guard let read = try? DetectionSummary(decoding: damaged, source: { $0 }) else { continue }
      _ = read.encoded()
    }
    #expect(throws: SummaryError.self) {
      try DetectionSummary(decoding: bytes, source: { _ in nil })
    }
  }
}
