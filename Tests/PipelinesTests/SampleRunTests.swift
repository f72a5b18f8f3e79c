import CivilTime
import Contracts
import Foundation
import Metering
import Pipelines
import Testing

/// What `truth.json` says of the sample logs.
struct Truth: Decodable {
  struct Row: Decodable, Hashable {
    var contract, licensee, date, module, scenario, unit: String
    var quantity, messages: Int
  }
  struct Finding: Decodable {
    var finding, licensee, value: String
    var records, messages, quantity: Int
  }
  struct Discrepancy: Decodable {
    var cause: String
    var quantityEffect: Int
  }
  var lines, records, blank, quarantined, messages, items, ignored, failed, duplicates: Int
  var outsideContract, unplaced, conversations: Int
  var rows: [Row]
  var findings: [Finding]
  var plantedDiscrepancies: [Discrepancy]

  static func sample() throws -> Truth {
    let url = URL(fileURLWithPath: packageFolder + "/sample-logs/truth.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Truth.self, from: Data(contentsOf: url))
  }
}

extension Table {
  /// The rows of `count.csv` in the form in which the truth has them; rows without units and
  /// messages, of failed calls alone, are none of it.
  var truthRows: Set<Truth.Row> {
    Set(
      rows.compactMap { row in
        guard let quantity = Int(row["quantity"] ?? ""), let messages = Int(row["messages"] ?? ""),
          quantity > 0 || messages > 0
        else { return nil }
        return Truth.Row(
          contract: row["contract"] ?? "", licensee: row["licensee"] ?? "",
          date: row["date"] ?? "", module: row["module"] ?? "", scenario: row["scenario"] ?? "",
          unit: row["unit"] ?? "", quantity: quantity, messages: messages)
      })
  }
}

@Suite("The nightly run over the sample logs")
struct SampleRunTests {
  @Test("totals and balance are the truth's")
  func totals() throws {
    let scratch = try Scratch()
    let truth = try Truth.sample()
    let outcome = try NightlyRun(
      samplePipeline(out: scratch.path), options: .init(metering: metering())
    ).run()
    #expect(scratch.names == (reportNames + ["quarantine"]).sorted())
    #expect(try scratch.table("count.csv").truthRows == Set(truth.rows.filter { $0.messages > 0 }))

    struct Summary: Decodable {
      var balance: [String: Balance]
      var bytes: [String: Balance]
      var fileBytes: [[String: Text]]
      enum CodingKeys: String, CodingKey {
        case balance, bytes
        case fileBytes = "file_bytes"
      }
      enum Text: Decodable, Equatable {
        case text(String)
        case number(Int)
        init(from decoder: any Decoder) throws {
          let value = try decoder.singleValueContainer()
          if let text = try? value.decode(String.self) {
            self = .text(text)
          } else {
            self = .number(try value.decode(Int.self))
          }
        }
        var count: Int { if case .number(let number) = self { number } else { 0 } }
      }
      enum Balance: Decodable, Equatable {
        case number(Int)
        case flag(Bool)
        init(from decoder: any Decoder) throws {
          let value = try decoder.singleValueContainer()
          if let flag = try? value.decode(Bool.self) {
            self = .flag(flag)
          } else {
            self = .number(try value.decode(Int.self))
          }
        }
      }
    }
    let summary = try JSONDecoder().decode(Summary.self, from: scratch.bytes("run-summary.json"))
    let expected: [String: Summary.Balance] = [
      "lines": .number(truth.lines), "records": .number(truth.records),
      "blank": .number(truth.blank), "quarantined": .number(truth.quarantined),
      "messages": .number(truth.messages), "items": .number(truth.items),
      "ignored": .number(truth.ignored), "failed": .number(truth.failed),
      "duplicates": .number(truth.duplicates),
      "outside_contract": .number(truth.outsideContract), "unplaced": .number(truth.unplaced),
      "other_days": .number(0), "conflicts": .number(0), "balanced": .flag(true),
    ]
    #expect(summary.balance == expected)
    #expect(summary.bytes["balanced"] == .flag(true))
    #expect(summary.bytes["added_line_ends"] == .number(0))
    let texts = summary.fileBytes.reduce(0) { $0 + ($1["text_bytes"]?.count ?? 0) }
    #expect(summary.bytes["text_bytes"] == .number(texts))
    for file in summary.fileBytes {
      guard case .text(let name) = file["file"] else { continue }
      let size = try FileManager.default.attributesOfItem(atPath: name)[.size] as? Int
      #expect(file["stored_bytes"]?.count == size)
      #expect(file["read_bytes"] == file["stored_bytes"] && file["lost_bytes"] == .number(0))
    }
    #expect(try scratch.table("quarantine.csv").rows.count == truth.quarantined)

    let detail = try scratch.table("usage-detail.csv")
    #expect(detail.sum("quantity") == truth.rows.reduce(0) { $0 + $1.quantity })
    #expect(detail.sum("quantity") { $0["unit"] == "conversation" } == truth.conversations)
    // The unreadable lines alone are within the share; the differences are what needs a person.
    #expect(
      outcome.concerns.allSatisfy {
        if case .beyondTolerance = $0 { true } else { false }
      })
    #expect(outcome.needsPerson)
    #expect(outcome.text.contains("needs a person:\n  contract DZ-2025-018, 2025-11: 2 lines"))
  }

  @Test("findings are what is planted, and nothing else")
  func findings() throws {
    let scratch = try Scratch()
    let truth = try Truth.sample()
    _ = try NightlyRun(samplePipeline(out: scratch.path), options: .init(metering: metering()))
      .run()
    let all = try scratch.table("findings.csv").rows
    // What could not be told in five days is no accusation.
    let untold = all.filter { $0["severity"] == "info" }
    #expect(Set(untold.map { $0["finding"] }) == ["answer_cache", "volume_shift"])
    #expect(untold.allSatisfy { $0["explanation"]?.hasPrefix("Insufficient data") == true })
    let gaps = all.filter { $0["finding"] == "log_gap" }
    #expect(gaps.map { $0["from"] } == ["2025-12-02T14:10:00.000+08:00"])
    #expect(gaps.map { $0["to"] } == ["2025-12-02T14:35:00.000+08:00"])
    #expect(gaps.map { $0["severity"] } == ["medium"])
    let found = all.filter { $0["severity"] != "info" && $0["finding"] != "log_gap" }
    let planted = Dictionary(grouping: truth.findings) { $0.finding }
    #expect(Set(found.map { $0["finding"] ?? "" }) == Set(planted.keys))
    for (kind, entries) in planted {
      let rows = found.filter { $0["finding"] == kind }
      for entry in entries {
        // The truth has use out of the term for all licensees together.
        let own = rows.filter { entry.licensee.isEmpty || $0["licensee"] == entry.licensee }
        #expect(!own.isEmpty, "\(kind) of \(entry.licensee)")
        for row in own {
          let words = (row["app"] ?? "") + (row["module"] ?? "") + (row["explanation"] ?? "")
          #expect(words.contains(kind == "outside_term" ? "before" : entry.value), "\(kind)")
        }
        // Places are no part of a unit; of everything else the units are told.
        guard kind != "unlisted_origin", kind != "unlisted_network" else { continue }
        let units = own.reduce(0) { $0 + Self.units(in: $1["explanation"] ?? "") }
        #expect(units == entry.quantity, "\(kind) of \(entry.licensee)")
      }
    }
  }

  private static func units(in explanation: String) -> Int {
    explanation.firstMatch(of: /([0-9]+) billable unit/).flatMap { Int($0.output.1) } ?? 0
  }

  @Test("a finding's records are those of a plain reading, and its evidence is its licensee's own")
  func evidence() throws {
    let scratch = try Scratch()
    _ = try NightlyRun(samplePipeline(out: scratch.path), options: .init(metering: metering()))
      .run()
    // Events that the rule ignores are no use.
    let lines = try sampleLines().filter { $0.value["event"] != "ping" }
    let shows: [String: (LogLine) -> Bool] = [
      "unlisted_app": { $0["app"] == "partner-mini" },
      "unlisted_scenario": { $0["scenario"] == "recruiting" },
      "unlisted_origin": { $0["origin"] == "https://partner.example" },
      "unlisted_network": { $0["client_ip"].hasPrefix("192.0.2.") },
      "module_not_enabled": { $0["module"] == "voice-bot" },
      // 2025-12-01T00:00:00+08:00.
      "outside_term": { ($0.secondsSinceEpoch ?? .infinity) < 1_764_518_400 },
    ]
    let found = try scratch.table("findings.csv").rows
    for (kind, isShown) in shows {
      for licensee in ["acme", "acme-mini"] {
        let own = found.filter { $0["finding"] == kind && $0["licensee"] == licensee }
        let records = own.reduce(0) { $0 + (Int($1["records"] ?? "") ?? 0) }
        let expected = lines.values.count { $0["licensee"] == licensee && isShown($0) }
        #expect(records == expected, "\(kind) of \(licensee)")
        for row in own {
          let evidence = (row["evidence"] ?? "").split(separator: "; ")
          #expect(!evidence.isEmpty)
          for source in evidence {
            let name = source.split(separator: "/").last.map(String.init) ?? ""
            let line = try #require(lines[name], "\(source)")
            #expect(line["licensee"] == licensee && isShown(line), "\(source)")
          }
        }
      }
    }
  }

  @Test("the reconciliation comes to what is planted in the licensee's statement")
  func reconciliation() throws {
    let scratch = try Scratch()
    let truth = try Truth.sample()
    _ = try NightlyRun(
      samplePipeline(out: scratch.path), options: .init(metering: metering())
    ).run()
    // What the licensor's own list has twice is in neither the log nor the licensee's statement.
    let effect = truth.plantedDiscrepancies.filter { $0.cause != "duplicate_at_licensor" }
      .reduce(0) { $0 + $1.quantityEffect }
    #expect(effect != 0)
    for name in ["reconciliation.csv", "reconciliation-daily.csv"] {
      let table = try scratch.table(name)
      #expect(table.sum("difference") == -effect, "\(name)")
      #expect(
        table.sum("licensor_quantity") == truth.rows.reduce(0) { $0 + $1.quantity }, "\(name)")
    }
    let months = try scratch.table("reconciliation.csv").rows
    #expect(Set(months.map { $0["period"] }) == ["2025-11", "2025-12"])
    #expect(
      months.filter { $0["within_tolerance"] == "false" }.allSatisfy {
        $0["module"] == "trial-bot" || $0["module"] == "order-bot"
      })
  }

  @Test("equal bytes on any number of threads, and when run again")
  func repeated() throws {
    let first = try Scratch()
    let again = try Scratch()
    for (scratch, threads) in [(first, 1), (again, 3), (again, 2)] {
      _ = try NightlyRun(
        samplePipeline(out: scratch.path), options: .init(metering: metering(threads: threads))
      ).run()
      for name in reportNames {
        #expect(try first.bytes(name) == scratch.bytes(name), "\(name), \(threads) threads")
      }
    }
    #expect(again.names == (reportNames + ["quarantine"]).sorted())
    let names = try FileManager.default.contentsOfDirectory(atPath: first.path + "/quarantine")
    #expect(names.contains("index.csv") && names.count > 1)
    for name in names.map({ "quarantine/" + $0 }) {
      #expect(try first.bytes(name) == again.bytes(name), "\(name)")
    }
    let listed = try first.table("quarantine.csv").rows
    let index = try first.table("quarantine/index.csv").rows
    for column in ["file", "line", "reason"] {
      #expect(index.map { $0[column] } == listed.map { $0[column] })
    }
  }
}

@Suite("Reports of some days")
struct DaysTests {
  private static func day(_ text: String) throws -> CivilDate {
    try #require(CivilDate(text: text))
  }

  @Test(
    "hold these days' part of the truth; the balance is of all input",
    arguments: [
      ("2025-12-01", "2025-12-01"), ("2025-11-30", "2025-12-02"), ("2025-12-01", "2025-12-31"),
      ("2030-01-01", "2030-01-31"),
    ])
  func days(first: String, last: String) throws {
    let scratch = try Scratch()
    let truth = try Truth.sample()
    let range = try Self.day(first)...Self.day(last)
    let outcome = try NightlyRun(
      samplePipeline(out: scratch.path), options: .init(dates: range, metering: metering())
    ).run()
    let expected = truth.rows.filter { $0.date >= first && $0.date <= last && $0.messages > 0 }
    #expect(try scratch.table("count.csv").truthRows == Set(expected))
    let detail = try scratch.table("usage-detail.csv")
    #expect(detail.sum("quantity") == expected.reduce(0) { $0 + $1.quantity })
    #expect(
      detail.rows.allSatisfy { ($0["date"] ?? "") >= first && ($0["date"] ?? "") <= last })
    #expect(outcome.text.contains("34,000 records = 29,370 messages"))
    let summary = String(decoding: try scratch.bytes("run-summary.json"), as: UTF8.self)
    #expect(summary.contains("\"from\": \"\(first)\""))
    #expect(summary.contains("\"messages\": \(truth.messages)"))

    let days = try scratch.table("reconciliation-daily.csv")
    #expect(
      days.rows.allSatisfy { ($0["period"] ?? "") >= first && ($0["period"] ?? "") <= last })
    #expect(days.sum("licensor_quantity") == expected.reduce(0) { $0 + $1.quantity })
  }

  @Test(
    "two months' reports are the whole's, parted", arguments: ["count.csv", "usage-detail.csv"])
  func parts(report: String) throws {
    let scratch = try Scratch()
    func rows(_ dates: ClosedRange<CivilDate>?) throws -> [[String: String]] {
      _ = try NightlyRun(
        samplePipeline(out: scratch.path), options: .init(dates: dates, metering: metering())
      ).run()
      return try scratch.table(report).rows
    }
    let whole = try rows(nil)
    let november = try rows(Self.day("2025-11-01")...Self.day("2025-11-30"))
    let december = try rows(Self.day("2025-12-01")...Self.day("2025-12-31"))
    #expect(!november.isEmpty && !december.isEmpty)
    #expect(november.count + december.count == whole.count)
    #expect(Set(november + december) == Set(whole))
    #expect(november.allSatisfy { $0["date"]?.hasPrefix("2025-11") == true })
  }

  @Test("findings are about these days' records")
  func findings() throws {
    let scratch = try Scratch()
    let day = try Self.day("2025-12-03")
    _ = try NightlyRun(
      samplePipeline(out: scratch.path), options: .init(dates: day...day, metering: metering())
    ).run()
    let found = try scratch.table("findings.csv").rows
    let lines = try sampleLines().values.filter { line in
      // 2025-12-03T00:00:00+08:00 to the next day's.
      let seconds = line.secondsSinceEpoch ?? 0
      return line["event"] != "ping" && seconds >= 1_764_691_200 && seconds < 1_764_777_600
    }
    for (kind, isShown) in [
      ("unlisted_app", { (line: LogLine) in line["app"] == "partner-mini" }),
      ("unlisted_network", { $0["client_ip"].hasPrefix("192.0.2.") }),
      ("outside_term", { _ in false }),
    ] {
      let records = found.filter { $0["finding"] == kind }
        .reduce(0) { $0 + (Int($1["records"] ?? "") ?? 0) }
      let expected = lines.count {
        ["acme", "acme-mini"].contains($0["licensee"]) && isShown($0)
      }
      #expect(records == expected, "\(kind)")
      #expect((expected > 0) == (kind != "outside_term"))
    }
  }
}
