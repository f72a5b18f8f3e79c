import CivilTime
import Counting
import TestSupport
import Testing

@testable import Contracts
@testable import Detection

private func network(_ address: String, records: Int) -> (UnlistedPlaceKey, Tally) {
  var tally = Tally()
  tally.records = records
  tally.first = Instant(seconds: 1_764_700_000)
  tally.last = tally.first
  tally.evidence = [Tally.Evidence(time: Instant(seconds: 0), source: "a.log:1")]
  let key = UnlistedPlaceKey(
    contract: "DZ-1", licensee: "acme", module: "text-bot", app: "web", kind: .network,
    place: address)
  return (key, tally)
}

@Suite("Unlisted origins and addresses")
struct UnlistedPlacesTests {
  @Test(
    "the block that stands for an address",
    arguments: [
      ("203.0.113.77", "203.0.113.0/24"),
      ("::ffff:203.0.113.77", "203.0.113.0/24"),
      ("0.0.0.1", "0.0.0.0/24"),
      ("2001:db8::1", "2001:db8::/64"),
      ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
      ("2001:DB8:a:0:2::5", "2001:db8:a::/64"),
      ("::1", "::/64"),
      ("not an address", "not an address"),
    ])
  func block(address: String, expected: String) {
    #expect(ListDetector.block(of: address, kind: .network) == expected)
  }

  @Test("addresses of one block are one finding, and say how many")
  func grouped() throws {
    var contract = try exampleContract()
    contract.allowed.networks = [try #require(Network(text: "10.0.0.0/8"))]
    let places = Dictionary(
      uniqueKeysWithValues: [
        network("203.0.113.1", records: 3), network("203.0.113.2", records: 4),
        network("198.51.100.9", records: 50),
      ])
    let findings = contractFindings(contract: contract, uses: [:], places: places)
    #expect(findings.map(\.subject) == ["198.51.100.0/24", "203.0.113.0/24"])
    #expect(findings.map(\.records) == [50, 7])
    #expect(findings.allSatisfy { $0.severity == .low && $0.kind == .unlistedNetwork })
    #expect(findings.last?.explanation.contains("2 addresses in 203.0.113.0/24") == true)
    #expect(findings.first?.explanation.contains("1 address in 198.51.100.0/24") == true)
    #expect(findings.first?.app == "web")
  }

  @Test("at most 100 rows, the largest, and one that says how many are left")
  func capped() throws {
    var contract = try exampleContract()
    contract.allowed.networks = []
    var places: [UnlistedPlaceKey: Tally] = [:]
    for block in 0..<150 {
      let (key, tally) = network("203.0.\(block).1", records: 1_000 - block)
      places[key] = tally
    }
    let findings = contractFindings(contract: contract, uses: [:], places: places)
    #expect(findings.count == 101)
    let rest = try #require(findings.first { $0.subject.isEmpty })
    #expect(rest.records == (100..<150).reduce(0) { $0 + 1_000 - $1 })
    #expect(rest.explanation.contains("50 addresses in 50 further blocks"))
    #expect(findings.reduce(0) { $0 + $1.records } == places.values.reduce(0) { $0 + $1.records })
    #expect(findings.contains { $0.subject == "203.0.99.0/24" })
    #expect(!findings.contains { $0.subject == "203.0.100.0/24" })
  }

  @Test("an origin that several apps came from is one finding without an app")
  func origin() throws {
    var contract = try exampleContract()
    contract.allowed.origins = ["https://shop.example"]
    var places: [UnlistedPlaceKey: Tally] = [:]
    for app in ["ios", "web"] {
      var (key, tally) = network("https://other.example", records: 2)
      key.kind = .origin
      key.app = app
      tally.evidence = [Tally.Evidence(time: Instant(seconds: 5), source: "\(app).log:1")]
      places[key] = tally
    }
    let findings = contractFindings(contract: contract, uses: [:], places: places)
    #expect(findings.count == 1)
    #expect(findings.first?.app == "")
    #expect(findings.first?.module == "text-bot")
    #expect(findings.first?.records == 4)
    #expect(findings.first?.evidence == ["ios.log:1", "web.log:1"])
  }
}
