import Foundation
import Reports
import Testing

@Suite("JSON")
struct JSONValueTests {
  private func text(_ value: JSONValue) -> String {
    String(decoding: value.render(), as: UTF8.self)
  }

  @Test("members keep their order, two spaces a level")
  func pretty() {
    let value: JSONValue = [
      "z": 1, "a": ["x": true, "empty": [:]], "list": ["one", .null, []], "seconds": .real(1.5),
      "ratio": .real(.nan),
    ]
    #expect(
      text(value) == """
        {
          "z": 1,
          "a": {
            "x": true,
            "empty": {}
          },
          "list": [
            "one",
            null,
            []
          ],
          "seconds": 1.5,
          "ratio": null
        }

        """)
  }

  @Test(
    "strings are escaped",
    arguments: [
      ("a\"b\\c/", "\"a\\\"b\\\\c/\"\n"), ("\n\r\t\u{8}\u{C}", "\"\\n\\r\\t\\b\\f\"\n"),
      ("\u{0}\u{1F}\u{B} ", "\"\\u0000\\u001f\\u000b \"\n"), ("用户🙂\u{2028}", "\"用户🙂\u{2028}\"\n"),
      ("\r\n", "\"\\r\\n\"\n"),
    ])
  func strings(value: String, expected: String) { #expect(text(.string(value)) == expected) }

  @Test("every scalar below U+0100, and more, is read back by another parser")
  func readBack() throws {
    var all = ""
    for value in Array(0..<0x100) + [0x2028, 0xFFFD, 0x1F642] {
      all.unicodeScalars.append(try #require(Unicode.Scalar(UInt32(value))))
    }
    let bytes = JSONValue.object([.init(all, .string(all)), .init("n", .number(.min))]).render()
    let parsed = try #require(
      try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    #expect(parsed[all] as? String == all)
    #expect(parsed["n"] as? Int == .min)
  }
}
