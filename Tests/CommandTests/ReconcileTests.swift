import Foundation
import Testing

@Suite("duizhang reconcile")
struct ReconcileTests {
  private static let header = "module,quantity,user,conversation,started_at,ended_at,messages\n"

  private static let contract = """
    contract: DZ-1
    licensor: {name: 乙方}
    licensee: {name: 甲方, keys: [acme]}
    time_zone: Asia/Shanghai
    term: {signed: 2025-11-20, from: 2025-12-01, to: 2026-11-30}
    prices:
      - {service: 客服, module: bot, unit: conversation, price: "0.355", enabled: true}
      - {service: 知识库, module: kb, unit: item, price: "0.0035", enabled: true}
    settlement: {tolerance: "0.5%"}

    """

  /// A unit a minute, from a number on.
  private static func detail(_ numbers: Range<Int>, module: String = "bot", user: String = "u")
    -> String
  {
    header
      + numbers.map { number in
        let hour = String(format: "%02d:%02d", 8 + number / 60, number % 60)
        let end = String(format: "%02d:%02d", 8 + (number + 5) / 60, (number + 5) % 60)
        return "\(module),1,\(user)\(number % 40),c\(number),2025-12-03T\(hour):00+08:00,"
          + "2025-12-03T\(end):00+08:00,3\n"
      }.joined()
  }

  private func story(_ licensor: String, _ licensee: String) throws -> Story {
    let story = try Story()
    try story.write("c.yaml", Self.contract)
    try story.write("a.csv", licensor)
    try story.write("b.csv", licensee)
    return story
  }

  private func reconcile(_ story: Story, _ options: String = "") throws -> Outcome {
    try story.shell(
      "$DUIZHANG reconcile --licensor a.csv --licensee b.csv --contract c.yaml --out out \(options)"
    )
  }

  // MARK: - Statuses

  @Test("the status says whether figures agree, and what cannot be compared")
  func statuses() throws {
    let all = Self.detail(0..<300)
    let one = try story(all, Self.detail(0..<299))
    #expect(try reconcile(one).status == 0)
    #expect(one.names("out").contains("differences.csv"))
    #expect(try reconcile(try story(all, Self.detail(0..<290))).status == 1)
    let bad = try reconcile(try story(all, all + "bot,1,u1,c999,yesterday,,3\n"))
    #expect(bad.status == 1)
    #expect(bad.errors.contains("b.csv: row 302 (line 302), column \"started_at\""))
    #expect(try reconcile(one, "--licensee-column q=x").status == 2)
    #expect(try reconcile(one, "--log-gap now").status == 2)
    let empty = try reconcile(try story(all, ""))
    #expect(empty.status == 3)
    #expect(empty.errors.contains("b.csv: the file is empty"))
    let folder = try reconcile(one, "--licensee .")
    #expect(folder.status == 3)
    #expect(try one.shell("$DUIZHANG reconcile --licensor a.csv --licensee b.csv").status == 2)
    let missing = try one.duizhang(
      "reconcile", "--licensor", "a.csv", "--licensee", "none.csv", "--out", "none")
    #expect(missing.status == 3)
    #expect(missing.errors.contains("none.csv"))
    #expect(one.names("none") == [])
  }

  @Test("a file is not compared with itself, by whatever name")
  func sameFile() throws {
    let story = try story(Self.detail(0..<9), Self.detail(0..<9))
    let outcome = try story.shell(
      "ln -s a.csv link.csv; $DUIZHANG reconcile --licensor a.csv --licensee link.csv --out out")
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("a.csv and link.csv are the same file"))
    let twice = try story.shell("$DUIZHANG reconcile --licensor - --licensee - --out out")
    #expect(twice.status == 2)
    #expect(try reconcile(story).status == 0)
  }

  @Test("a period that neither file has is not taken for agreement")
  func otherPeriod() throws {
    let story = try story(Self.detail(0..<9), Self.detail(0..<9))
    let outcome = try reconcile(story, "--period 2025-11")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("no unit of the licensor's statement is of the days"))
    #expect(outcome.errors.contains("it has units of 2025-12"))
    #expect(!outcome.errors.contains("a header and no rows"))
    let quiet = try reconcile(story, "--period 2025-11 --quiet")
    #expect(quiet.errors.contains("duizhang: warning: no unit of the licensee's statement"))
    #expect(try reconcile(story, "--period 2025-12").status == 0)
  }

  @Test("files through pipes are as files")
  func pipes() throws {
    let story = try story(Self.detail(0..<90), Self.detail(3..<90))
    _ = try reconcile(story)
    let outcome = try story.shell(
      """
      gzip -k a.csv b.csv
      $DUIZHANG reconcile --licensor <(zcat a.csv.gz) --licensee - --contract c.yaml --out piped < b.csv.gz
      cmp out/difference-bridge.csv piped/difference-bridge.csv &&
        cmp out/reconciliation.csv piped/reconciliation.csv
      """)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test("the difference of clocks may be negative")
  func negativeClock() throws {
    let outcome = try reconcile(
      try story(Self.detail(5..<90), Self.detail(5..<90)), "--clock-difference -90s")
    #expect(outcome.errors.contains("the licensee's is 90.000 s behind (given)"))
  }

  // MARK: - Rows that are odd

  @Test("a row that takes another one back leaves neither unexplained")
  func takenBack() throws {
    let back = "bot,-1,u7,c7,2025-12-03T08:07:00+08:00,2025-12-03T08:12:00+08:00,3\n"
    let story = try story(Self.detail(0..<300), Self.detail(0..<300) + back)
    #expect(try reconcile(story).status == 1)
    let rows = try story.text("out/differences.csv").split(separator: "\n").dropFirst()
    #expect(rows.count == 1)
    #expect(rows.first?.contains(",not_billable,1,0,") == true)
    #expect(rows.first?.contains("a side's rows of it add up to nothing") == true)
  }

  @Test("an end before its start is told, as columns that were swapped")
  func endsFirst() throws {
    let swapped = "bot,1,u1,x1,2025-12-03T23:05:00+08:00,2025-12-03T23:00:00+08:00,3\n"
    let outcome = try reconcile(try story(Self.detail(0..<300), Self.detail(0..<299) + swapped))
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("b.csv: row 301 (line 301), column \"ended_at\""))
    #expect(outcome.errors.contains("it is before the start"))
  }

  @Test("times of any year are compared")
  func years() throws {
    let first = "bot,1,u1,y1,0001-01-01T00:00:00+08:00,0001-01-01T00:05:00+08:00,3\n"
    let last = "bot,1,u1,y9,9999-12-31T23:00:00+08:00,9999-12-31T23:05:00+08:00,3\n"
    let story = try story(
      Self.detail(0..<300) + first + last, Self.detail(0..<300) + first + last)
    let outcome = try reconcile(story)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("units that both sides have: 302"))
  }

  @Test("an amount that is too long is told with its column")
  func longAmount() throws {
    let header = Self.header.dropLast() + ",amount\n"
    let row = "bot,1,u1,c1,2025-12-03T08:00:00+08:00,2025-12-03T08:05:00+08:00,3,"
    let outcome = try reconcile(
      try story(Self.detail(0..<9), header + row + "999999999999.1234567891\n"))
    #expect(outcome.status == 1)
    #expect(
      outcome.errors.contains("row 2 (line 2), column \"amount\": cannot read \"999999999999"))
    let short = try story(header + row + "0.3550000001\n", header + row + "0.3549999999\n")
    #expect(try reconcile(short).status == 0)
  }

  @Test("rows of others and sums that contradict are told of the licensor too")
  func licensorNotes() throws {
    let rows = Self.detail(0..<300)
    let story = try story(rows + "合计,999,,,,,\n", rows)
    let outcome = try reconcile(story)
    #expect(outcome.errors.contains("a.csv: row 302: \"合计\" states 999"))
    let named = rows.split(separator: "\n").enumerated().map { index, row in
      (index == 0 ? "contract," : index < 9 ? "DZ-2," : "DZ-1,") + row + "\n"
    }.joined()
    let others = try reconcile(try self.story(named, rows))
    #expect(
      others.errors.contains(
        "licensor's statement for another contract or licensee (DZ-2), left out: 8"))
  }

  @Test("many units of one moment and no user in common take no time that grows with their square")
  func oneMoment() throws {
    func rows(_ user: String, _ module: String) -> String {
      Self.header
        + (0..<20_000).map {
          "\(module),1,\(user)\($0),,2025-12-03T08:00:00+08:00,2025-12-03T08:10:00+08:00,3\n"
        }.joined()
    }
    let story = try story(rows("a", "bot"), rows("b", "kb"))
    let start = Date()
    #expect(try reconcile(story).status == 1)
    #expect(Date().timeIntervalSince(start) < 60)
  }

  // MARK: - Reports

  @Test("amounts of the licensor's own are the same in both reports")
  func ownAmounts() throws {
    func charged(_ price: String, _ numbers: Range<Int>) -> String {
      Self.detail(numbers).split(separator: "\n").enumerated().map { index, row in
        row + (index == 0 ? ",amount\n" : ",\(price)\n")
      }.joined()
    }
    let story = try story(charged("0.4012", 0..<100), charged("0.3", 5..<100))
    #expect(try reconcile(story).status == 1)
    let bridge = try story.text("out/difference-bridge.csv").split(separator: "\n")
    let month = try story.text("out/reconciliation.csv").split(separator: "\n")
    #expect(bridge.last == "DZ-1,2025-12,bot,3,licensor,100,40.12,")
    #expect(bridge[1] == "DZ-1,2025-12,bot,0,licensee,95,28.50,")
    #expect(month[1].hasSuffix(",100,95,5,5.0000,0.5000,false,40.12,28.50,11.62"))
  }

  @Test("equal content gives equal bytes; Chinese headers and a byte order mark where asked for")
  func bytes() throws {
    let story = try story(Self.detail(0..<90), Self.detail(4..<95))
    _ = try reconcile(story)
    let outcome = try story.shell(
      """
      { head -1 b.csv; tail -n +2 b.csv | tac; } > r.csv
      $DUIZHANG reconcile --licensor a.csv --licensee b.csv --contract c.yaml --out again --threads 1
      $DUIZHANG reconcile --licensor a.csv --licensee r.csv --contract c.yaml --out turned --memory 64M
      $DUIZHANG reconcile --licensor a.csv --licensee b.csv --contract c.yaml --out zh --headers zh --bom
      for f in out/*.csv; do
        n=$(basename $f)
        cmp $f again/$n
        cmp <(tail -n +2 $f) <(tail -n +2 zh/$n)
        head -c 3 zh/$n | cmp - <(printf '\\xef\\xbb\\xbf')
        [[ $n == differences.csv ]] || cmp $f turned/$n
      done
      cmp <(sed 's/b.csv:[0-9]*//' out/differences.csv) <(sed 's/r.csv:[0-9]*//' turned/differences.csv)
      """)
    #expect(outcome.output == "")
    #expect(!outcome.errors.contains("cmp"), "\(outcome.errors)")
    #expect(try story.text("zh/differences.csv").contains("合同,账期,模块,场景,单位,原因,许可方数量"))
  }

  @Test("what spreadsheets would run as a formula is neutralised in all reports")
  func formulas() throws {
    let story = try story(
      Self.detail(0..<9, module: "=cmd|' /C calc'!A0", user: "+1"),
      Self.detail(5..<20, module: "=cmd|' /C calc'!A0", user: "@x"))
    #expect(try reconcile(story).status == 1)
    for name in ["reconciliation.csv", "difference-bridge.csv", "differences.csv"] {
      let text = try story.text("out/\(name)")
      #expect(text.contains("'=cmd|' /C calc'!A0"), "\(name)")
      for cell in text.split(whereSeparator: { ",\n".contains($0) }) {
        #expect(!"=+@".contains(cell.first ?? " "), "\(name): \(cell)")
      }
    }
    #expect(try story.text("out/differences.csv").contains(",'+1"))
  }

  @Test("a folder that cannot be written leaves the former reports and says why")
  func unwritable() throws {
    let story = try story(Self.detail(0..<90), Self.detail(4..<95))
    _ = try reconcile(story)
    let before = try story.text("out/differences.csv")
    for out in ["/proc/none", "a.csv"] {
      let outcome = try reconcile(story, "--out \(out)")
      #expect(outcome.status == 5)
      #expect(outcome.errors.contains(out))
    }
    let full = try reconcile(story, "--out /dev/full")
    #expect(full.status == 5)
    #expect(try story.text("out/differences.csv") == before)
    #expect(story.names("out").allSatisfy { $0.hasSuffix(".csv") })
  }

  // MARK: - Forms

  /// Options of the form of the licensee's statement.
  static let statementForms = [
    "--statement-encoding utf-8-bom", "--statement-encoding utf-16le --statement-language chinese",
    "--statement-encoding utf-16be --statement-delimiter tab",
    "--statement-encoding gb18030 --statement-language chinese --statement-delimiter semicolon",
    "--statement-numbers thousands", "--statement-numbers full-width --statement-language chinese",
    "--statement-dates serial", "--statement-dates slashes --statement-delimiter tab",
    "--statement-encoding gb18030 --statement-dates serial --statement-numbers full-width",
  ]

  @Test("the same statement in any form is reconciled alike", arguments: statementForms)
  func forms(form: String) throws {
    let story = try Story()
    let outcome = try story.shell(
      """
      set -e
      options="--preset month --seed 3 --days 12 --records 20000 --discrepancies 3 --codec plain"
      for name in plain other; do
        more=$([[ $name == plain ]] || echo "\(form)")
        $DUIZHANG simulate $options $more --out $name --quiet
        status=0
        $DUIZHANG reconcile --licensor $name/licensor-detail.csv --licensee $name/licensee-detail.csv \\
          --contract $name/contract.yaml --out $name-out --quiet || status=$?
        (( status <= 1 ))
      done
      cmp plain/licensor-detail.csv other/licensor-detail.csv
      ! cmp -s plain/licensee-detail.csv other/licensee-detail.csv
      # A form may hold times to the second only.
      cmp <(sed 's/; pauses of .*//' plain-out/difference-bridge.csv) \\
        <(sed 's/; pauses of .*//' other-out/difference-bridge.csv)
      cmp plain-out/reconciliation.csv other-out/reconciliation.csv
      """)
    #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    func rows(_ name: String) throws -> [[Substring]] {
      try story.text("\(name)-out/differences.csv").split(separator: "\n").map { row in
        var cells = row.split(separator: ",", omittingEmptySubsequences: false)
        // Times and what is said of them, and the files' names.
        for column in [16, 17, 21, 22] where column < cells.count { cells[column] = "" }
        if let last = cells.popLast() { cells.append(last.prefix { $0 != ";" }) }
        return cells
      }
    }
    #expect(try rows("plain") == rows("other"))
  }
}
