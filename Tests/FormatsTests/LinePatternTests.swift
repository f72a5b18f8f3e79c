import Formats
import Testing

/// A pattern in the words of a dialect, and its pieces: texts as they are, values in angle brackets.
struct Pattern: CustomTestStringConvertible {
  var written: String
  var pieces: [String]
  var testDescription: String { written }

  init(_ written: String, _ pieces: [String]) {
    self.written = written
    self.pieces = pieces
  }
}

private func pieces(_ pattern: String, _ dialect: LinePattern.Dialect) throws -> [String] {
  try LinePattern(pattern, dialect, escaping: .none).pieces.map { piece in
    switch piece {
    case .text(let bytes): String(decoding: bytes, as: UTF8.self)
    case .value(let name): "<\(name)>"
    }
  }
}

private func mistake(_ pattern: String, _ dialect: LinePattern.Dialect) -> String? {
  do throws(LinePattern.Mistake) {
    _ = try LinePattern(pattern, dialect, escaping: .none)
    return nil
  } catch {
    return error.detail
  }
}

@Suite struct LinePatternTests {
  @Test(arguments: [
    Pattern("$a", ["<a>"]), Pattern("${a}", ["<a>"]), Pattern("x$a y", ["x", "<a>", " y"]),
    Pattern("[$time_local] \"$request\"", ["[", "<time_local>", "] \"", "<request>", "\""]),
    Pattern("${a}b$c", ["<a>", "b", "<c>"]), Pattern("$a-${b}", ["<a>", "-", "<b>"]),
    Pattern("$http_x_1 $", ["<http_x_1>", " $"]),
    Pattern("$5.00 ${}$a", ["<5>", ".00 ${}", "<a>"]),
    Pattern("{\"a\":\"$a\",\"b\":$b}", ["{\"a\":\"", "<a>", "\",\"b\":", "<b>", "}"]),
    Pattern("100% $a %%", ["100% ", "<a>", " %%"]), Pattern("$ä $a", ["$ä ", "<a>"]),
    Pattern("用$a户", ["用", "<a>", "户"]),
    // As between the quotes of nginx.conf.
    Pattern("$a\\t$b", ["<a>", "\t", "<b>"]),
    Pattern("\\\"$a\\\" \\'$b\\'", ["\"", "<a>", "\" '", "<b>", "'"]),
    Pattern("$a\\\\$b \\d", ["<a>", "\\", "<b>", " \\d"]),
  ])
  func nginx(pattern: Pattern) throws {
    #expect(try pieces(pattern.written, .nginx) == pattern.pieces)
  }

  @Test(arguments: [
    Pattern("%h %l", ["<h>", " ", "<l>"]), Pattern("%>s", ["<s>"]), Pattern("%<s", ["<s>"]),
    Pattern("%{X-User}i", ["<{X-User}i>"]), Pattern("%!200,304{X}i", ["<{X}i>"]),
    Pattern("%400,501{User-agent}i", ["<{User-agent}i>"]), Pattern("%200s", ["<s>"]),
    Pattern(
      "%{%Y-%m-%d %H:%M:%S}t.%{msec_frac}t", ["<{%Y-%m-%d %H:%M:%S}t>", ".", "<{msec_frac}t>"]),
    Pattern("%%%h%%", ["%", "<h>", "%"]), Pattern("\\\"%r\\\"", ["\"", "<r>", "\""]),
    Pattern("\"%r\"", ["\"", "<r>", "\""]), Pattern("%h\\t%u", ["<h>", "\t", "<u>"]),
    Pattern("%^FB %{X}^ti", ["<^FB>", " ", "<{X}^ti>"]), Pattern("a\\\\%h", ["a\\", "<h>"]),
    Pattern("%h $x {y}", ["<h>", " $x {y}"]),
  ])
  func apache(pattern: Pattern) throws {
    #expect(try pieces(pattern.written, .apache) == pattern.pieces)
  }

  @Test(arguments: [
    Pattern("[%START_TIME%]", ["[", "<START_TIME>", "]"]),
    Pattern("%REQ(X?Y):10%", ["<REQ(X?Y):10>"]),
    Pattern("%REQ(:METHOD)% %PROTOCOL%", ["<REQ(:METHOD)>", " ", "<PROTOCOL>"]),
    Pattern("%START_TIME(%Y/%m/%dT%H:%M:%S.%3f)%;", ["<START_TIME(%Y/%m/%dT%H:%M:%S.%3f)>", ";"]),
    Pattern("%%%A%%%", ["%", "<A>", "%"]), Pattern("%A(b(c%)d)% x", ["<A(b(c%)d)>", " x"]),
    Pattern(
      "%DYNAMIC_METADATA(com.test:test_key:sub):9%|%A%",
      ["<DYNAMIC_METADATA(com.test:test_key:sub):9>", "|", "<A>"]),
  ])
  func envoy(pattern: Pattern) throws {
    #expect(try pieces(pattern.written, .envoy) == pattern.pieces)
  }

  @Test(arguments: [
    Pattern("{a}", ["<a>"]), Pattern("{a} {b c}", ["<a>", " ", "<b c>"]),
    Pattern("{{{a}}}", ["{", "<a>", "}"]), Pattern("{{a}} {b}", ["{a} ", "<b>"]),
    Pattern("$a %b {c}", ["$a %b ", "<c>"]), Pattern("{a}\t{b}", ["<a>", "\t", "<b>"]),
    Pattern("{用户}|{b}", ["<用户>", "|", "<b>"]),
  ])
  func text(pattern: Pattern) throws {
    #expect(try pieces(pattern.written, .text) == pattern.pieces)
  }

  @Test(arguments: [
    ("$a$b", LinePattern.Dialect.nginx, "nothing stands between 'a' and 'b'"),
    ("%h%l", .apache, "nothing stands between 'h' and 'l'"),
    ("%A%%B%", .envoy, "nothing stands between 'A' and 'B'"),
    ("{a}{b}", .text, "nothing stands between 'a' and 'b'"),
    ("plain", .nginx, "there is no value in it"), ("", .text, "there is no value in it"),
    ("{{a}}", .text, "there is no value in it"), ("100%%", .apache, "there is no value in it"),
    ("%{X", .apache, "'%{' has no '}'"), ("%h %", .apache, "begins no directive of Apache's"),
    ("%h 5% ", .apache, "begins no directive of Apache's"),
    ("%A", .envoy, "no operator that ends with '%'"),
    ("%REQ(A%", .envoy, "no operator that ends with '%'"),
    ("{a} {b", .text, "'{' has no '}'"), ("{a} {}", .text, "no name stands between '{' and '}'"),
    ("%h\\n%l", .apache, "this has a line break"), ("%h x\\n %l", .apache, "this has a line break"),
    ("$a x\ny $b", .nginx, "this has a line break"), ("$a \\n$b", .nginx, "this has a line break"),
    ("{a}\n", .text, "this has a line break"),
  ])
  func whatIsNoPattern(pattern: String, dialect: LinePattern.Dialect, detail: String) {
    let told = mistake(pattern, dialect)
    #expect(told?.contains(detail) == true, "\(told ?? "no mistake")")
  }
}
