import Foundation
import Testing

@Suite("Closed months, and what comes for them")
struct ClosedMonthTests {
  /// A pipeline with a contract of items, and logs of December and January.
  private func story(zone: String = "Asia/Shanghai") throws -> Story {
    let story = try Story()
    try story.folder("logs")
    try story.write(
      "p.yaml",
      "pipeline: p\nlogs: [logs]\ncontracts: [a.yaml]\nworkspace: ws\nout: out\n")
    try story.write(
      "a.yaml",
      """
      contract: A
      licensee: {keys: [a]}
      time_zone: \(zone)
      prices: [{service: s, module: kb, unit: item, price: "0.5"}]
      privacy: {user: plain}

      """)
    try story.write("logs/d", record("2025-12-05T03:00:00Z") + record("2025-12-06T03:00:00Z"))
    try story.write("logs/j", record("2026-01-05T03:00:00Z"))
    return story
  }

  private func record(_ time: String, of licensee: String = "a") -> String {
    """
    {"time":"\(time)","licensee":"\(licensee)","user":"u","module":"kb","items":5,"request_id":"\(time)"}

    """
  }

  private func run(_ story: Story, _ arguments: String = "run p.yaml") throws -> Outcome {
    try story.shell("\"$DUIZHANG\" \(arguments) --quiet")
  }

  private func close(_ story: Story) throws {
    let closed = try run(story, "close p.yaml --period 2025-12")
    #expect(closed.status == 0, "\(closed.errors)")
    #expect(try story.shell("cp -r out/2025-12 kept").status == 0)
  }

  private func isKept(_ story: Story) throws -> Bool {
    try story.shell("diff -r out/2025-12 kept").status == 0
  }

  private func adjustments(_ story: Story, in month: String = "2026-01") throws -> [String] {
    try story.text("out/\(month)/adjustments.csv").split(separator: "\n").dropFirst()
      .map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      .map { "\($0[0]) \($0[4]) \($0[8]) \($0[14])" }
  }

  @Test("what is booked in a month without use is reported, and that month is closed in its turn")
  func booked() throws {
    let story = try story()
    try story.write("logs/j", record("2026-03-05T03:00:00Z"))
    try close(story)
    try story.write("logs/late", record("2025-12-07T03:00:00Z"))
    #expect(try run(story).status == 1)
    #expect(try adjustments(story) == ["A 2025-12-07 5 late_log"])
    #expect(try story.duizhang("status", "p.yaml").output.contains("2026-01  open"))
    #expect(try run(story, "close p.yaml --period 2026-02 --incomplete").status == 2)
    #expect(try run(story, "close p.yaml --period 2026-01").status == 0)
    #expect(try run(story, "close p.yaml --period 2099-12 --incomplete").status == 2)
  }

  @Test("a log that grew, and a folder that is lost, leave what was closed as it was")
  func grown() throws {
    let story = try story()
    try close(story)
    for (day, number) in [("07", 1), ("08", 2)] {
      #expect(
        try story.shell("cat >> logs/d <<< '\(record("2025-12-\(day)T03:00:00Z").dropLast())'")
          .status == 0)
      #expect(try run(story).status == 1)
      #expect(try adjustments(story).count == number)
      #expect(try story.shell("rm -r out/2025-12").status == 0)
      #expect(try run(story).status == 0)
      #expect(try isKept(story))
    }
    let proven = try story.duizhang("workspace", "verify", "ws", "--pipeline", "p.yaml")
    #expect(proven.status == 0, "\(proven.output)\(proven.errors)")
  }

  @Test("logs without records and months before change nothing of a closed month")
  func others() throws {
    let story = try story()
    try story.write("logs/empty", "")
    #expect(try story.shell("touch -d 2025-12-15 logs/empty").status == 0)
    try close(story)
    try story.write("logs/bad", "{\"bad\n")
    try story.write("logs/empty-2", "")
    try story.write("logs/november", record("2025-11-05T03:00:00Z"))
    #expect(try story.shell("touch -d 2025-12-20 logs/bad logs/empty-2").status == 0)
    #expect(try run(story).status == 1)
    #expect(try isKept(story))
    #expect(try story.shell("rm out/2025-12/findings.csv").status == 0)
    #expect(try run(story).status < 2)
    #expect(try isKept(story))
  }

  @Test("prices may change on the first day after; what held before may not")
  func prices() throws {
    let story = try story()
    try close(story)
    func prices(_ first: String) throws -> Int32 {
      let lines =
        "prices:\\n  - {service: s, module: kb, unit: item, price: \"\(first)\", to: 2025-12-31}\\n"
        + "  - {service: s, module: kb, unit: item, price: \"0.7\", from: 2026-01-01}\\n"
      return try story.shell(
        "sed -i '/^  - /d; s/^prices.*/\(lines)/' a.yaml; \"$DUIZHANG\" run p.yaml --quiet"
      ).status
    }
    #expect(try prices("0.5") == 0)
    #expect(try prices("0.6") == 2)
    #expect(try prices("0.5") == 0)
  }

  @Test("a contract that is added is the cause of what it takes, and no log that came with it")
  func added() throws {
    let story = try story()
    try story.write("logs/x", record("2025-12-07T03:00:00Z", of: "x"))
    try close(story)
    try story.write(
      "c.yaml", "contract: C\nlicensee: {keys: [x]}\ntime_zone: UTC\nprivacy: {user: plain}\n")
    try story.write("logs/late", record("2025-12-09T03:00:00Z"))
    #expect(
      try story.shell("sed -i 's/a.yaml/a.yaml, c.yaml/' p.yaml; \"$DUIZHANG\" run p.yaml --quiet")
        .status == 1)
    #expect(
      try adjustments(story) == ["C 2025-12-07 1 added_contract", "A 2025-12-09 5 late_log"])
    #expect(try isKept(story))
  }

  @Test("a month that nothing is left of is written anew, and not counted twice")
  func left() throws {
    let story = try story(zone: "UTC")
    try story.write("logs/n", record("2025-11-30T20:00:00Z"))
    #expect(try run(story).status == 0)
    #expect(try story.text("out/2025-11/count.csv").contains(",item,5,"))
    #expect(try story.shell("sed -i 's#UTC#Asia/Shanghai#' a.yaml").status == 0)
    #expect(try run(story).status == 0)
    #expect(try story.text("out/2025-11/count.csv") == countHeader)
    #expect(try story.text("out/2025-12/count.csv").contains("2025-12-01"))
  }

  @Test("names that differ in how an accent is composed are two logs")
  func accents() throws {
    let story = try story()
    for (night, time) in ["2025-12-07T03:00:00Z", "2025-12-08T03:00:00Z"].enumerated() {
      let name = night == 0 ? "caf\\xc3\\xa9" : "cafe\\xcc\\x81"
      let written = try story.shell(
        "cat > \"logs/$(printf '\(name)')\" <<< '\(record(time).dropLast())'; touch -d 2025-12-10 logs/caf*"
      )
      #expect(written.status == 0)
    }
    #expect(try run(story).status == 0)
    let rows = try story.text("out/2025-12/count.csv").split(separator: "\n").dropFirst()
    #expect(rows.count == 4)
  }
}
