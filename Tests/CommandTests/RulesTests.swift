import Foundation
import Testing

@Suite("duizhang rules")
struct RulesTests {
  private func call(_ time: String, _ user: String = "u1", _ more: String = "") -> String {
    "{\"time\":\"2025-12-\(time)+08:00\",\"licensee\":\"acme\",\"user\":\"\(user)\",\"module\":\"bot\"\(more)}\n"
  }

  /// Six messages of one user, with pauses of 2, 20, 40 minutes and more, and a failed one.
  private var log: String {
    call("31T23:50:00", "u1", ",\"conversation\":\"c1\"")
      + call("31T23:52:00", "u1", ",\"conversation\":\"c1\"")
      + call("31T23:59:59", "u2", ",\"status\":503")
      + "{\"time\":\"2026-01-01T00:12:00+08:00\",\"licensee\":\"acme\",\"user\":\"u1\",\"module\":\"bot\"}\n"
      + "{\"time\":\"2026-01-01T00:52:00+08:00\",\"licensee\":\"acme\",\"user\":\"u1\",\"module\":\"faq\",\"conversation\":\"c2\"}\n"
      + "{\"time\":\"2026-01-01T12:00:00+08:00\",\"licensee\":\"acme\",\"user\":\"u1\",\"module\":\"bot\",\"event\":\"close\"}\n"
      + "{\"time\":\"2026-01-01T12:00:01+08:00\",\"licensee\":\"acme\",\"user\":\"u1\",\"module\":\"bot\"}\n"
  }

  private let contract = """
    contract: C
    licensee: {name: A, keys: [acme]}
    time_zone: Asia/Shanghai
    prices: [{service: s, module: bot, unit: conversation, price: "0.35"}]

    """

  @Test("each definition counts and prices as it says, month by month")
  func definitions() throws {
    let story = try Story()
    try story.write("log", log)
    try story.write("c.yaml", contract)
    let outcome = try story.duizhang("rules", "--contract", "c.yaml", "log")
    #expect(outcome.status == 0)
    let rows = outcome.lines.filter { !$0.contains(",idle_timeout=") }
    #expect(
      rows == [
        "contract,period,definition,quantity,amount,difference_from_contract",
        "C,2025-12,contract,1,0.35,0", "C,2025-12,counted_in=end,0,0.00,-1",
        "C,2025-12,failed_calls_counted,2,0.70,1", "C,2025-12,duplicates_counted,1,0.35,0",
        "C,2025-12,close_event,1,0.35,0",
        "C,2025-12,conversation_id,1,0.35,0", "C,2025-12,user_24h,1,0.35,0",
        "C,2025-12,clock_15m,1,0.35,0", "C,2025-12,call,2,0.70,1",
        "C,2026-01,contract,2,0.35,0", "C,2026-01,counted_in=end,3,0.70,1",
        "C,2026-01,failed_calls_counted,2,0.35,0", "C,2026-01,duplicates_counted,2,0.35,0",
        "C,2026-01,close_event,1,0.35,-1",
        "C,2026-01,conversation_id,1,0.00,-1", "C,2026-01,user_24h,0,0.00,-2",
        "C,2026-01,clock_15m,3,0.70,1", "C,2026-01,call,4,1.05,2",
      ])
    let curve = outcome.lines.filter { $0.hasPrefix("C,2026-01,idle_timeout=") }
    #expect(curve.count == 1_440)
    #expect(curve[0] == "C,2026-01,idle_timeout=1m,3,0.70,1")
    #expect(curve[19] == "C,2026-01,idle_timeout=20m,2,0.35,0")
    #expect(curve[38] == "C,2026-01,idle_timeout=39m,2,0.35,0")
    #expect(curve[39] == "C,2026-01,idle_timeout=40m,1,0.35,-1")
    #expect(curve[1_439] == "C,2026-01,idle_timeout=1440m,1,0.35,-1")
    #expect(
      outcome.errors.contains(
        "module 'faq' in scenario '' has no price, or several: its units (1 by the contract's "
          + "definition) are in no amount"))
  }

  @Test("standard input and pipes are kept, so that they can be counted several times")
  func pipes() throws {
    let story = try Story()
    try story.write("log", log + "no record\n")
    let file = try story.duizhang("rules", "--time-zone", "Asia/Shanghai", "log")
    #expect(file.status == 1)
    #expect(file.lines.contains("acme,2025-12,failed_calls_counted,2,,1"))
    let pipe = try story.shell("gzip -c log | $DUIZHANG rules --time-zone Asia/Shanghai -")
    #expect(pipe.output == file.output)
    #expect(pipe.errors.contains("  stdin:8: is not a JSON object"))
    let named = try story.shell("$DUIZHANG rules --time-zone Asia/Shanghai <(cat log)")
    #expect(named.output == file.output)
    #expect(
      try story.shell("TMPDIR=/none $DUIZHANG rules - < log").errors.contains(
        "/none: No such file or directory; standard input and pipes are kept there"))
  }

  @Test("one pass leaves out what takes more, and the report can be a file with Chinese headers")
  func onePass() throws {
    let story = try Story()
    try story.write("log", log)
    let outcome = try story.duizhang(
      "rules", "--one-pass", "--headers", "zh", "--out", "here", "--log-format", "json", "log")
    #expect(outcome.status == 0 && outcome.output.isEmpty)
    let text = try story.text("here/rules.csv")
    #expect(text.hasPrefix("合同,账期,统计口径,数量,金额,与合同口径的差异\n"))
    #expect(text.contains(",call,") && !text.contains(",user_24h,"))
    #expect(outcome.errors.contains("{\"definitions\": [{\"contract\": \"acme\", "))
  }

  @Test("on the sample logs, the contract's own row is what count says")
  func samples() throws {
    let story = try Story()
    let arguments = "--contract $PACKAGE/sample-logs/contract.yaml $PACKAGE/sample-logs/gateway-*"
    let count = try story.shell(
      "$DUIZHANG count --quiet \(arguments) 2> /dev/null | awk -F, "
        + "'$6 == \"conversation\" { sum[substr($3, 1, 7)] += $7 } "
        + "END { for (month in sum) print month \",contract,\" sum[month] }' | sort")
    #expect(count.lines.count == 2)
    let rules = try story.shell("$DUIZHANG rules --quiet \(arguments) 2> /dev/null")
    let own = rules.lines.filter { $0.contains(",contract,") }
      .map { $0.split(separator: ",")[1...3].joined(separator: ",") }
    #expect(own == count.lines.map(String.init))
    // The contract's timeout is 30 minutes.
    let same = rules.lines.filter { $0.contains(",idle_timeout=30m,") }
    #expect(same.count == 2 && same.allSatisfy { $0.hasSuffix(",0") })
  }

  @Test("the definition behind the licensee's totals is named, or how far the nearest ones are off")
  func licensee() throws {
    let story = try Story()
    try story.write("log", log)
    try story.write("c.yaml", contract)
    try story.write("utc.csv", "日期,模块,次数\n2025-12-31,bot,2\n2026-01-01,bot,1\n")
    try story.write("none.csv", "date,module,quantity\n2025-12-31,bot,7\n2026-01-01,bot,1\n")
    let exact = try story.duizhang(
      "rules", "--contract", "c.yaml", "--licensee", "utc.csv", "log", "--out", ".")
    #expect(exact.status == 0)
    #expect(
      exact.errors.contains(
        "utc.csv: totals of contract C, 2025-12-31 to 2026-01-01, are exactly those of "))
    let nearest = try story.duizhang(
      "rules", "--contract", "c.yaml", "--licensee", "none.csv", "log", "--out", ".")
    #expect(
      nearest.errors.contains(
        "none.csv: totals of contract C, 2025-12-31 to 2026-01-01, are exactly those of no definition"
      ))
    #expect(nearest.errors.contains(" units unexplained\n"))
    let without = try story.duizhang("rules", "--licensee", "utc.csv", "log")
    #expect(without.status == 2 && without.errors.contains("--licensee: needs --contract"))
    let missing = try story.duizhang("rules", "--contract", "c.yaml", "--licensee", "gone", "log")
    #expect(missing.status == 3 && missing.errors.contains("gone"))
  }
}
