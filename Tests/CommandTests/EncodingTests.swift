import Foundation
import Testing

@Suite("--encoding")
struct EncodingTests {
  private static let log =
    call("08:00:00", user: "用户一", module: "客服")
    + call("08:10:00", user: "用户一", module: "客服") + "\n"
    + call("08:00:00", user: "🀄", module: "é€") + "no record\n"
    + call("23:59:59", user: "u2", module: "客服")

  /// A folder with the same log in several encodings.
  private func story() throws -> Story {
    let story = try Story()
    for folder in ["utf-8", "gb18030", "utf-16le", "utf-16be", "marked"] {
      try story.folder(folder)
    }
    try story.write("utf-8/log", Self.log)
    let outcome = try story.shell(
      """
      set -e
      for name in gb18030 utf-16le utf-16be; do iconv -f utf-8 -t $name utf-8/log > $name/log; done
      # With a byte order mark.
      iconv -f utf-8 -t utf-16 utf-8/log > marked/log
      gzip -k */log
      """)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return story
  }

  @Test("the same log counts the same in every encoding", arguments: ["count", "usage"])
  func sameLog(verb: String) throws {
    let story = try story()
    let expected = try story.shell("$DUIZHANG \(verb) - < utf-8/log")
    #expect(expected.status == 1)
    #expect(expected.output.contains("客服") && expected.output.contains("é€"))
    #expect(expected.errors.contains("stdin:5: is not a JSON object"))
    for (folder, option) in [
      ("utf-8", "--encoding UTF-8"), ("gb18030", "--encoding gb18030"),
      ("gb18030", "--encoding gbk"), ("utf-16le", "--encoding utf-16le"),
      ("utf-16le", "--encoding utf-16"), ("utf-16be", "--encoding utf-16be"), ("marked", ""),
      ("marked", "--encoding utf-16"),
    ] {
      for name in ["log", "log.gz"] {
        let read = try story.shell("$DUIZHANG \(verb) \(option) - < \(folder)/\(name)")
        #expect(read.output == expected.output, "\(option) \(folder)/\(name)")
        #expect(read.errors == expected.errors, "\(option) \(folder)/\(name)")
      }
    }
  }

  @Test("a folder's logs are found in their encoding, by count and by run")
  func folders() throws {
    let story = try story()
    let expected = try story.duizhang("count", "utf-8/log")
    for (folder, encoding) in [("gb18030", "gb18030"), ("utf-16be", "utf-16be"), ("marked", nil)] {
      #expect(try story.shell("rm \(folder)/log.gz").status == 0)
      let option = encoding.map { "--encoding \($0)" } ?? ""
      #expect(try story.shell("$DUIZHANG count \(option) \(folder)").output == expected.output)
      let key = encoding.map { "encoding: \($0)\n" } ?? ""
      try story.write("p.yaml", "pipeline: p\nlogs: [\(folder)]\nout: reports\n" + key)
      let run = try story.duizhang("run", "p.yaml")
      #expect(try story.text("reports/count.csv") == expected.output, "\(run.errors)")
    }
  }

  @Test("what is wrong in an encoding quarantines its line alone, in whatever field")
  func wrongBytes() throws {
    let story = try Story()
    try story.write("log", call("08:00:00", user: "用户"))
    try story.write("begin", #"{"time":"2025-12-01T08:00:00Z","user":"用户","note":"用"#)
    try story.write("end", "\"}\n")
    for (encoding, bytes) in [
      ("gb18030", #"\xFF"#), ("gb18030", #"\x81"#), ("gb18030", #"\x81\x30"#),
      ("utf-16le", #"\x00\xD8"#), ("utf-16be", #"\xDC\x00"#),
    ] {
      let outcome = try story.shell(
        """
        for file in log begin end; do iconv -f utf-8 -t \(encoding) $file > $file.other; done
        printf '\(bytes)' > bad.other
        cat log.other begin.other bad.other end.other log.other > bad
        $DUIZHANG count --encoding \(encoding) bad
        """)
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("3 lines = 2 records + 0 blank + 1 quarantined"))
      #expect(outcome.errors.contains("bad:2: is not valid UTF-8"), "\(outcome.errors)")
    }
    // Where it is not declared, GB18030 is what is wrong in UTF-8.
    let outcome = try story.shell("iconv -f utf-8 -t gbk log | $DUIZHANG count -")
    #expect(outcome.errors.contains("1 lines = 0 records + 0 blank + 1 quarantined"))
  }
}
