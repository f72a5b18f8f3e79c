import Foundation
import Testing

@Suite("duizhang check and formats")
struct CheckTests {
  /// Two calls as nginx writes them.
  private static let nginx = """
    192.0.2.1 - - [01/Dec/2025:08:00:00 +0800] "POST /v1/bots/a/messages?licensee=acme&user=u1 \
    HTTP/1.1" 200 12 "-" "curl/8"
    192.0.2.1 - - [01/Dec/2025:08:00:05 +0800] "POST /v1/bots/a/messages?licensee=acme&user=u1 \
    HTTP/1.1" 200 12 "-" "curl/8"

    """

  @Test("says what a log is, and what its records say")
  func text() throws {
    let story = try Story()
    try story.write("access.log", Self.nginx)
    let outcome = try story.duizhang("check", "--time-zone", "Asia/Shanghai", "access.log")
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(
      outcome.output.contains(
        "line 2: time=2025-12-01T08:00:05.000+08:00 licensee=acme user=u1 event=message module=a"))
    #expect(outcome.output.contains("access.log is nginx-combined"))
    #expect(outcome.output.hasSuffix("Nothing stands against counting these logs.\n"))
    #expect(try story.duizhang("count", "access.log").output.contains(",2025-12-01,a,,"))
  }

  @Test("says of an unknown log what comes closest, and what to do")
  func unknown() throws {
    let story = try Story()
    try story.write(
      "main.log", Self.nginx.replacingOccurrences(of: "curl/8\"", with: "curl/8\" \"-\" 0.1"))
    let outcome = try story.duizhang("check", "main.log")
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("main.log is of no known format."))
    #expect(outcome.output.contains("the first line fits, but goes on with ' \"-\" 0.1'"))
    #expect(outcome.output.contains("-ours.yaml main.log"))
    // What it says to do helps.
    let mended = try story.shell(
      """
      $DUIZHANG formats nginx-combined > ours.yaml
      sed -i 's/"\\$http_user_agent"$/"$http_user_agent" "$xff" $request_time/' ours.yaml
      $DUIZHANG check --format ours.yaml main.log && $DUIZHANG count --format ours.yaml main.log
      """)
    #expect(mended.status == 0, "\(mended.errors)")
    #expect(mended.output.contains(",acme,2025-12-01,a,,conversation,1,2,0,0"))
    let counted = try story.duizhang("count", "main.log")
    #expect(counted.status == 1)
    #expect(counted.errors.contains("of no known format:\n  main.log: "))
  }

  @Test("a format of one's own whose last value has blanks is told beside others")
  func openEnd() throws {
    let story = try Story()
    try story.write("a.log", "2025-12-01T08:00:00Z u1 hello there\n")
    try story.write(
      "ours.yaml",
      """
      format: ours
      lines: {text: '{at} {who} {words}'}
      fields: {time: at, user: who}
      """)
    let outcome = try story.duizhang(
      "count", "--format", "apache-common", "--format", "ours.yaml", "--format", "ndjson", "a.log")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.hasSuffix(",conversation,1,1,0,0\n"))
  }

  @Test("says when no rule is for a log's requests")
  func ignored() throws {
    let story = try Story()
    try story.write("a.log", Self.nginx.replacingOccurrences(of: "/v1/bots/a", with: "/api/chat"))
    let outcome = try story.duizhang("check", "a.log")
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("no rule of the format is for POST /api/chat/messages."))
    #expect(try story.duizhang("count", "a.log").errors.contains("without a call:\n  a.log: "))
  }

  @Test("names damage, lines that cannot be read, equal logs, and logs missing in a sequence")
  func findings() throws {
    let story = try Story()
    try story.write("gw.log.2025-12-01", twoConversations)
    try story.write("gw.log.2025-12-04", twoConversations + "{\"user\":\"u1\"}\n")
    let outcome = try story.shell(
      """
      gzip -nc gw.log.2025-12-01 > copy.gz; head -c 90 copy.gz > cut.gz
      $DUIZHANG check gw.log.* copy.gz cut.gz
      """)
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("The same text:\n  copy.gz = gw.log.2025-12-01\n"))
    #expect(
      outcome.output.contains(
        "Missing in a sequence of names:\n  gw.log.2025-12-02\n  gw.log.2025-12-03\n"))
    #expect(outcome.output.contains("cut.gz: at byte 90: ends inside the gzip member"))
    #expect(outcome.output.contains("gw.log.2025-12-04:4: has no time"))
    #expect(
      outcome.output.hasSuffix(
        "To be looked at: 1 log is damaged; 2 logs have lines that cannot be read; 1 log has the "
          + "text of another one; 2 logs are missing in sequences of names.\n"), "\(outcome.output)"
    )
  }

  @Test("the same as a table and as JSON")
  func otherOutputs() throws {
    let story = try Story()
    try story.write("a", twoConversations)
    try story.write("b", "nonsense\n")
    let table = try story.duizhang("check", "--output", "csv", "a", "b")
    #expect(table.status == 1)
    #expect(
      table.output == """
        file,codec,encoding,format,stored_bytes,lost_bytes,text_bytes,lines,records,blank,\
        quarantined,from,to,damages,same_text_as
        a,plain,utf-8,ndjson,\(twoConversations.count),0,\(twoConversations.count),3,3,0,0,\
        2025-12-01T08:00:00.000Z,2025-12-01T09:00:00.001Z,0,
        b,plain,utf-8,unknown,9,0,9,1,0,0,1,,,0,

        """)
    let json = try story.duizhang("check", "--output", "json", "a", "b")
    let value = try #require(
      JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    let logs = try #require(value["logs"] as? [[String: Any]])
    #expect(logs.map { $0["records"] as? Int } == [3, 0])
    #expect((logs[0]["understood"] as? [[String: Any]])?.count == 3)
    #expect(value["concerns"] as? [String] == ["1 log is of no known format"])
  }

  @Test("an hour in which one gateway is silent and the others are not")
  func silence() throws {
    let story = try Story()
    func log(_ hours: [Int]) -> String {
      hours.flatMap { hour in
        (10..<40).map { call("\(hour < 10 ? "0" : "")\(hour):\($0):00", user: "u\($0)") }
      }.joined()
    }
    try story.write("a-2025-12-01.log", log([8, 9, 10, 11]))
    try story.write("b-2025-12-01.log", log([8, 11]))
    let outcome = try story.duizhang("check", "a-2025-12-01.log", "b-2025-12-01.log")
    #expect(outcome.status == 0)
    #expect(
      outcome.output.contains(
        "b-*.log: 2025-12-01T09:00:00.000Z to 2025-12-01T11:00:00.000Z, 2 h, in which the others "
          + "have 60 records"), "\(outcome.output)")
  }

  @Test("lists the formats, prints their files, and helps with a name")
  func formats() throws {
    let story = try Story()
    let list = try story.duizhang("formats")
    #expect(list.output.contains("nginx-combined   nginx's default access log\n"))
    for line in list.output.split(separator: "\n") {
      let name = String(line.prefix { $0 != " " })
      let file = try story.duizhang("formats", name)
      #expect(file.status == 0)
      #expect(file.output.contains("format: \(name)\n"))
    }
    let wrong = try story.duizhang("formats", "nginx-combined-x")
    #expect(wrong.status == 2)
    #expect(wrong.errors.contains("did you mean 'nginx-combined'?"))
    let missing = try story.duizhang("count", "--format", "kng", "a")
    #expect(missing.status == 2)
    #expect(missing.errors.contains("did you mean 'kong'?"))
  }

  @Test("a format file's mistakes are told all at once, and a pipeline's with its line")
  func mistakes() throws {
    let story = try Story()
    try story.write("a", twoConversations)
    try story.write(
      "ours.yaml",
      """
      format: ours
      lines: {nginx: '$a "$b"'}
      fields: {time: aa, usr: b}
      rules: [{when: {status: 2xx}, ignore: true}]
      """)
    let outcome = try story.duizhang("count", "--format", "ours.yaml", "a")
    #expect(outcome.status == 2)
    for told in ["ours.yaml:3: fields.time:", "did you mean 'user'?", "rules[0].when.status"] {
      #expect(outcome.errors.contains(told), "\(outcome.errors)")
    }
    try story.write(
      "p.yaml", "pipeline: p\nlogs: [a]\nformats: [ndjson, ours.yaml, knog]\nout: out\n")
    let run = try story.duizhang("run", "p.yaml")
    #expect(run.status == 2)
    #expect(run.errors.contains("p.yaml:3: formats[1]: ours.yaml:3: fields.time"))
    #expect(run.errors.contains("did you mean 'kong'?"))
    try story.write("q.yaml", "pipeline: p\nlogs: [a]\nformats: [kong]\nout: out\n")
    #expect(try story.duizhang("run", "q.yaml").status == 1)
    #expect(try story.text("out/count.csv") == countHeader)
  }
}
