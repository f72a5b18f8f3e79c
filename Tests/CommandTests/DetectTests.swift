import Foundation
import Testing

@Suite("What is found of misuse by run and reconcile")
struct DetectTests {
  private static func table(_ text: String) -> [[String: String]] { CSV(text).rows }

  /// A table of RFC 4180 by the names of its columns.
  private struct CSV {
    var rows: [[String: String]] = []

    init(_ text: String) {
      var (records, record, cell): ([[String]], [String], String) = ([], [], "")
      var isQuoted = false
      for character in text {
        switch character {
        case "\"": isQuoted.toggle()
        case "," where !isQuoted:
          record.append(cell)
          cell = ""
        case "\n" where !isQuoted:
          records.append(record + [cell])
          (record, cell) = ([], "")
        default: cell.append(character)
        }
      }
      guard let header = records.first else { return }
      #expect(records.allSatisfy { $0.count == header.count })
      rows = records.dropFirst().map {
        Dictionary(zip(header, $0), uniquingKeysWith: { first, _ in first })
      }
    }
  }

  // MARK: - One run and nights

  private static let plants =
    ["answer-cache", "merged-users:people=10,users=2", "probing", "replay", "lost-host"]
    + ["harvesting:accounts=2,questions=800", "keep-alive:users=3"]

  /// A fortnight with misuse of many kinds, and of each gateway a log a day.
  private func plantedMonth() throws -> Story {
    let story = try Story()
    let plants = Self.plants.map { "--plant \($0)" }.joined(separator: " ")
    let made = try story.shell(
      """
      set -e
      $DUIZHANG simulate --preset conduct --from 2026-03-01 --days 14 --seed 3 --codec plain \
        \(plants) --out made --quiet
      mkdir all
      for log in made/gateway-*; do
        name=$(basename $log .ndjson)
        awk -v to="all/$name" '{ match($0, /2026-[0-9][0-9]-[0-9][0-9]/)
          print > (to "-" substr($0, RSTART, 10) ".ndjson") }' $log
      done
      """)
    #expect(made.status == 0, "\(made.errors)")
    for (name, keys) in [
      ("once", "out: once"), ("nights", "workspace: ws\nout: nights"),
      ("off", "out: off\ndetection: off"),
    ] {
      try story.write(
        "\(name).yaml",
        "pipeline: p\nlogs: [\(story.path)/logs/gateway-*]\ncontracts: [made/contract.yaml]\n\(keys)\n"
      )
    }
    // The last log first. A workspace knows logs by their whole paths, so that all name them so.
    let names = story.names("all").reversed().map { "\(story.path)/logs/\($0)" }.joined(
      separator: ", ")
    try story.write(
      "reversed.yaml",
      "pipeline: p\nlogs: [\(names)]\ncontracts: [made/contract.yaml]\nout: reversed\n")
    return story
  }

  @Test("findings are the same bytes of one run and of nights, of any threads, memory and order")
  func nights() throws {
    let story = try plantedMonth()
    let night = """
      mkdir -p logs
      for date in $(ls all | grep -o '2026-[0-9-]*[0-9]' | sort -u); do
        cp -p all/*-$date.ndjson logs/
        $DUIZHANG run nights.yaml --quiet --threads $((1 + ${date: -1} % 3)) --memory 64M
        [ $? -lt 2 ] || exit 2
      done
      """
    #expect(try story.shell(night).status < 2)
    for (pipeline, options) in [
      ("once", "--threads 1"), ("reversed", "--threads 4 --memory 64M"), ("off", ""),
    ] {
      let run = try story.shell(
        "$DUIZHANG run \(pipeline).yaml --period 2026-03 --quiet \(options)")
      #expect(run.status < 2, "\(run.errors)")
    }
    let once = try story.text("once/findings.csv")
    #expect(try story.text("reversed/findings.csv") == once)
    #expect(try story.text("nights/2026-03/findings.csv") == once)
    let kinds = Set(
      Self.table(once).filter { $0["severity"] != "info" }.map { $0["finding"] ?? "" })
    #expect(
      kinds.isSuperset(of: [
        "harvesting", "kept_alive", "log_gap", "merged_users", "probing", "replayed_calls",
      ]), "\(kinds)")
    // What is said leads to lines.
    for row in Self.table(once) where row["severity"] != "info" {
      let places = (row["evidence"] ?? "").components(separatedBy: "; ")
      for place in places {
        let parts = place.split(separator: ":")
        let line = try #require(parts.last.flatMap { Int($0) }, "\(row)")
        let log = try String(
          contentsOfFile: parts.dropLast().joined(separator: ":"), encoding: .utf8)
        #expect(log.split(separator: "\n").count >= line, "\(place)")
      }
    }
    // Who does not want it has nothing of it, and the same count.
    #expect(Self.table(try story.text("off/findings.csv")).isEmpty)
    #expect(try story.bytes("off/count.csv") == story.bytes("once/count.csv"))
  }

  // MARK: - Days that nobody has looked at

  @Test("of a month that was closed before calls were looked at, the page says so")
  func unseen() throws {
    let story = try Story()
    try story.folder("logs")
    try story.write("logs/a.ndjson", twoConversations)
    try story.write("logs/b.ndjson", call("08:00:00").replacing("2025-12-01", with: "2026-01-02"))
    try story.write(
      "c.yaml", "contract: C-1\nlicensee: {keys: [acme]}\nprivacy: {user: plain}\n")
    func pipeline(_ detection: String) throws {
      try story.write(
        "p.yaml",
        "pipeline: p\nlogs: [logs/*]\ncontracts: [c.yaml]\nworkspace: ws\nout: out\n\(detection)")
    }
    try pipeline("detection: off\n")
    let closed = try story.duizhang("close", "p.yaml", "--period", "2025-12")
    #expect(closed.status == 0, "\(closed.errors)")
    #expect(!closed.errors.contains("looked for misuse"))
    try pipeline("")
    #expect(try story.shell("rm -r out/2025-12").status == 0)
    let outcome = try story.duizhang("run", "p.yaml")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.errors.contains(
        "note: nobody has looked for misuse on 1 day, 2025-12-01 (UTC), counted before"))
    #expect(outcome.errors.contains("'duizhang detect' over their raw logs"))
    let summary = try story.text("out/2025-12/run-summary.json")
    #expect(summary.filter { !$0.isWhitespace }.contains("\"days\":[\"2025-12-01\"]"))
    // The month that is open was counted anew.
    let open = try story.text("out/2026-01/run-summary.json").filter { !$0.isWhitespace }
    #expect(open.contains("\"not_looked_at\":{\"days\":[],\"days_in_part\":[]}"))
  }

  // MARK: - Units without a call

  @Test(
    "units that the log has no call of are a finding of run, and of reconcile with the log"
  )
  func servedWithoutCall() throws {
    let story = try Story()
    let made = try story.shell(
      """
      set -e
      $DUIZHANG simulate --preset month --from 2026-03-01 --days 20 --seed 5 \
        --discrepancies missing_at_licensor_no_traffic=40 --out made --quiet
      $DUIZHANG simulate --preset month --from 2026-03-01 --days 20 --seed 5 \
        --discrepancies missing_at_licensee=40 --out honest --quiet
      """)
    #expect(made.status == 0, "\(made.errors)")
    for folder in ["made", "honest"] {
      let number = try #require(
        try story.text("\(folder)/contract.yaml").firstMatch(of: #/contract: "?([^"\n]+)"?\n/#)
      ).output.1
      try story.write(
        "\(folder).yaml",
        """
        pipeline: p
        logs: [\(folder)/gateway-*]
        contracts: [\(folder)/contract.yaml]
        statements: [{contract: "\(number)", file: \(folder)/licensee-detail.csv}]
        out: \(folder)-run

        """)
      let run = try story.duizhang("run", "\(folder).yaml")
      #expect(run.status < 2, "\(run.errors)")
      let reconciled = try story.shell(
        "$DUIZHANG reconcile --licensor \(folder)/licensor-detail.csv --licensee "
          + "\(folder)/licensee-detail.csv --contract \(folder)/contract.yaml --log '\(folder)/gateway-*' "
          + "--out \(folder)-reconciled")
      #expect(reconciled.status < 2, "\(reconciled.errors)")
      #expect(
        reconciled.errors.contains("finding: served_without_call, medium") == (folder == "made"))
    }
    func found(_ folder: String) throws -> [[String: String]] {
      Self.table(try story.text("\(folder)/findings.csv")).filter {
        $0["finding"] == "served_without_call"
      }
    }
    #expect(try found("honest-run").isEmpty && found("honest-reconciled").isEmpty)
    let rows = try found("made-run")
    #expect(!rows.isEmpty && rows.allSatisfy { $0["severity"] != "high" })
    #expect(rows.contains { $0["severity"] == "medium" })
    // Whoever compares finds the same, whether the count or the licensor's statement is the other side.
    let reconciled = try found("made-reconciled")
    for column in ["module", "severity", "statistic", "suppressed_high", "amount_high", "evidence"]
    {
      #expect(rows.map { $0[column] } == reconciled.map { $0[column] }, "\(column)")
    }
    // Each unit that is planted is told, and no other: differences.csv names them one by one.
    let planted = Self.table(try story.text("made-run/differences.csv")).filter {
      $0["cause"] == "missing_at_licensor_no_traffic"
    }
    let units = planted.reduce(0) { $0 + (Int($1["licensee_quantity"] ?? "") ?? 0) }
    #expect(units >= 40)
    #expect(rows.reduce(0) { $0 + (Int($1["suppressed_high"] ?? "") ?? 0) } == units)
    let lines = try story.text("made/licensee-detail.csv").split(separator: "\n")
    for row in rows {
      let evidence = (row["evidence"] ?? "").split(separator: "; ")
      #expect(!evidence.isEmpty && evidence.count <= 6)
      for source in evidence {
        let line = try #require(Int(source.split(separator: ":").last ?? ""))
        #expect(lines[line - 1].contains(",\(row["module"] ?? ""),"), "\(source)")
      }
    }
  }
}
