import Formats
import Foundation
import Parsing
import TestSupport
import Testing

private let named = "fields: {time: time, user: user, module: module}"
private let csv = file("csv", named)
private let tsv = file("tsv", named)
private let t = "2025-12-01T08:00:00Z"

@Suite struct FormatTableTests {
  @Test(arguments: [
    ("\(t),u,m", ["user": "u", "module": "m"]), ("\(t),,", [:]), ("\(t),\"\",\"\"", [:]),
    ("\"\(t)\",\"a,b\",\"c\"", ["user": "a,b", "module": "c"]),
    ("\(t),\"say \"\"hi\"\"\",\"\"\"\"", ["user": "say \"hi\"", "module": "\""]),
    ("\(t),a\"b, \"c\" ", ["user": "a\"b", "module": " \"c\" "]),
    ("\(t), u ,m", ["user": " u ", "module": "m"]),
    ("\(t),用户,\"用,户\"", ["user": "用户", "module": "用,户"]),
    ("\(t),a\\tb,\\", ["user": "a\\tb", "module": "\\"]),
    ("\(t),a\tb,m", ["user": "a\tb", "module": "m"]),
  ])
  func rows(row: String, expected: [String: String]) throws {
    for end in ["", "\n", "\r\n", "\r"] {
      let read = try reading(
        "time,user,module\(end == "" ? "\n" : end + (end == "\r" ? "\n" : ""))\(row)\(end)", as: csv
      )
      #expect(read.heard == [1: fields(expected)])
      #expect(read.blank == 1)
    }
  }

  @Test(arguments: [
    ("\(t),u", Rejection.wrongColumnCount), ("\(t),u,m,", .wrongColumnCount),
    ("\(t),u,m,n", .wrongColumnCount), ("\(t)", .wrongColumnCount), (",", .wrongColumnCount),
    ("\(t),\"u,m", .unlikeFormat), ("\(t),\"u\"x,m", .unlikeFormat),
    ("\(t),\"u\" ,m", .unlikeFormat),
    ("\(t),\"u\"\"", .unlikeFormat), ("\"", .unlikeFormat), (",u,m", .noTime),
    ("x,u,m", .unreadableTime),
    ("\(t),\u{0},m", .invalidText),
  ])
  func whatIsNoRow(row: String, rejection: Rejection) throws {
    let read = try reading("time,user,module\n\(row)\n\(t),u,m", as: csv)
    #expect(read.heard == [1: .rejected(rejection), 2: fields(["user": "u", "module": "m"])])
  }

  @Test(arguments: [
    ("\(t)\tu\tm", ["user": "u", "module": "m"]), ("\(t)\t\t", [:]),
    ("\(t)\ta\\tb\\nc\\\\d\te\\rf", ["user": "a\tb\nc\\d", "module": "e\rf"]),
    ("\(t)\ta\\\t\\\\", ["user": "a\\", "module": "\\"]),
    ("\(t)\t\"a\"\t\"", ["user": "\"a\"", "module": "\""]),
    ("\(t)\t\\N\ta,b", ["user": "\\N", "module": "a,b"]),
    ("\(t)\t\\\\t\t\\\\\\t", ["user": "\\t", "module": "\\\t"]),
  ])
  func rowsWithTabs(row: String, expected: [String: String]) throws {
    let read = try reading("time\tuser\tmodule\r\n\(row)\r\n\(row)", as: tsv)
    #expect(read.heard == [1: fields(expected), 2: fields(expected)])
  }

  @Test(arguments: [
    ("\u{FEFF}time,user,module", csv), ("\n\r\ntime,user,module", csv),
    ("module,extra,user,time", csv),
    (" \t\ntime,user,module", csv), ("\u{FEFF}\ntime,user,module", csv),
    ("\"time\",\"us\"\"er\",\"user\",\"mod,ule\",\"module\"", csv),
  ])
  func headers(header: String, yaml: String) throws {
    let names = header.split(separator: "\n").last ?? ""
    let row =
      names.hasPrefix("module,")
      ? "m,x,u,\(t)" : names.hasPrefix("\"") ? "\(t),x,u,y,m" : "\(t),u,m"
    let expected = fields(["user": "u", "module": "m"])
    let read = try reading("\(header)\n\(row)\r\n\(row)", as: yaml)
    #expect(Array(read.heard.values) == [expected, expected])
  }

  @Test func aHeaderThatComesAgainIsNoRecord() throws {
    let header = "time,user,module"
    let row = "\(t),u,m"
    let read = try reading(
      [header, row, header, row, header + "\r", "time,user,modul", header].joined(separator: "\n"),
      as: csv)
    #expect(read.blank == 4)
    let record = fields(["user": "u", "module": "m"])
    #expect(read.heard == [1: record, 3: record, 5: .rejected(.unreadableTime)])
  }

  @Test func columnsThatTheFormatNames() throws {
    let own = file(
      "{csv: {delimiter: ';', header: [user, time]}}", "fields: {time: time, user: user}")
    let read = try reading("a;\(t)\nb,c;\(t)\n\"d;e\";\(t)\n", as: own)
    #expect(
      read.heard == [
        0: fields(["user": "a"]), 1: fields(["user": "b,c"]), 2: fields(["user": "d;e"]),
      ])
  }

  @Test func columnsOfTheSameName() throws {
    #expect(try reading("time,user,user\n\(t),a,b", as: csv).heard == [1: fields(["user": "b"])])
  }

  /// max-mapper/csv-spectrum (`../shared/fixtures/csv-spectrum`), where no value has a line break and
  /// the JSON beside it has all rows: each column as the user of a row.
  @Test(
    .enabled(if: SharedFixtures.folder != nil, "../shared/fixtures is absent"),
    arguments: [
      "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json",
      "simple",
      "simple_crlf", "utf8",
    ])
  func csvSpectrum(name: String) throws {
    let folder = try #require(SharedFixtures.folder) + "/csv-spectrum"
    let text = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: "\(folder)/csvs/\(name).csv")))
    let json = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/json/\(name).json"))
    let rows = try #require(JSONSerialization.jsonObject(with: json) as? [[String: String]])
    #expect(!rows.isEmpty)
    // A column before all others that has the time.
    var lines = text.split(separator: 0x0A).map { Array($0) }
    for index in lines.indices {
      lines[index] = Array((index == 0 ? "the time," : "\(t),").utf8) + lines[index]
    }
    let stored = Array(lines.joined(separator: [0x0A]))
    for column in rows.flatMap(\.keys) {
      var format = try LogFormat(yaml: csv, path: "f.yaml")
      format.fields = [.time: [.value("the time")], .user: [.value(column)]]
      let read = try reading(stored, as: format)
      for (index, row) in rows.enumerated() {
        let value = row[column] ?? ""
        #expect(read.heard[index + 1] == fields(value.isEmpty ? [:] : ["user": value]), "\(column)")
      }
    }
  }
}
