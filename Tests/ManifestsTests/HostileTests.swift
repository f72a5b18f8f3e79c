import Foundation
import Ledger
import Manifests
import Reports
import Testing

@Suite("Manifests that others have written")
struct HostileTests {
  private static let hash = String(repeating: "a", count: 64)

  /// A manifest with a line in the place of the one of a member.
  private func document(_ changes: [String: String] = [:], more: String = "") -> [UInt8] {
    let lines = [
      ("manifest", "1"), ("program", #"{"name": "d", "version": "1"}"#), ("pipeline", #""p""#),
      ("from", "null"), ("to", "null"), ("rules", "[]"), ("configuration", "[]"),
      ("inputs", "[]"), ("outputs", "[]"),
    ]
    return sealed(
      "{\n" + lines.map { "  \"\($0)\": \(changes[$0] ?? $1),\n" }.joined() + more)
  }

  private func problem(_ bytes: [UInt8]) -> ManifestError.Problem? {
    do throws(ManifestError) {
      _ = try Manifest.read(bytes, path: "m.json")
      return nil
    } catch {
      #expect(error.description.hasPrefix("m.json: "))
      return error.problem
    }
  }

  private func output(_ path: String, bytes: String = "1", more: String = "") -> [String: String] {
    [
      "outputs":
        "[{\"path\": \(JSONValue.string(path).renderLine()), \"sha256\": \"\(Self.hash)\", "
        + "\"bytes\": \(bytes)\(more)}]"
    ]
  }

  @Test("one that is right, to begin with")
  func right() {
    #expect(problem(document()) == nil)
    #expect(problem(document(output("a"))) == nil)
    #expect(
      problem(document(["rules": #"{"x": [1.5, -2, true, null, "é\u0041\ud83d\ude00"]}"#])) == nil)
  }

  @Test("paths that lead out of the folder")
  func paths() {
    for path in ["../a", "/etc/passwd", "a/../../b", "", "manifest.json", "a\0"] {
      guard case .invalid("outputs[0].path", _)? = problem(document(output(path))) else {
        Issue.record("\(path)")
        continue
      }
    }
  }

  @Test("members that are missing, unknown, twice or not as they must be")
  func members() {
    func member(_ bytes: [UInt8]) -> String? {
      guard case .invalid(let member, _)? = problem(bytes) else { return nil }
      return member
    }
    #expect(member(document(more: "  \"signature\": 1,\n")) == "signature")
    #expect(member(document(output("a", more: ", \"mode\": 1"))) == "outputs[0].mode")
    #expect(member(document(["manifest": "0"])) == "manifest")
    #expect(member(document(["program": "1"])) == "program")
    #expect(member(document(["program": #"{"name": "d"}"#])) == "program.version")
    #expect(member(document(["pipeline": "null"])) == "pipeline")
    #expect(member(document(["from": #""2025-12-01""#])) == "from")
    #expect(
      member(document(["from": #""2025-12-02""#, "to": #""2025-12-01""#])) == "from")
    #expect(member(document(["to": #""2025-13-01""#])) == "to")
    #expect(member(document(["inputs": "{}"])) == "inputs")
    #expect(member(document(["inputs": "[1]"])) == "inputs[0]")
    #expect(member(document(output("a", bytes: "-1"))) == "outputs[0].bytes")
    #expect(member(document(output("a", bytes: "1.0"))) == "outputs[0].bytes")
    #expect(
      member(document(output("a", more: ", \"depends_on\": \"\""))) == "outputs[0].depends_on")
    let upper = output("a").mapValues { $0.replacing("aa", with: "AA") }
    #expect(member(document(upper)) == "outputs[0].sha256")
    let short = output("a").mapValues { $0.replacing(Self.hash, with: "aaaa") }
    #expect(member(document(short)) == "outputs[0].sha256")
    let twice = output("a").mapValues { "\($0.dropLast()), \($0.dropFirst())" }
    #expect(member(document(twice)) == "outputs")
    #expect(
      member(
        document([
          "configuration":
            "[{\"role\": \"spy\", \"path\": \"a\", \"sha256\": \"\(Self.hash)\", \"bytes\": 1}]"
        ])) == "configuration[0].role")
    #expect(member(sealed("{\n  \"manifest\": 1,\n")) == "program")
  }

  @Test("one of a newer version says so, whatever else is in it")
  func newer() {
    let found = problem(document(["manifest": "2", "pipeline": "[]"], more: "  \"x\": 1,\n"))
    #expect(found == .newer(version: 2))
    let error = ManifestError(path: "m", problem: .newer(version: 2))
    #expect("\(error)".hasSuffix("use a newer duizhang"))
  }

  @Test("what is no document")
  func documents() {
    func isNotJSON(_ bytes: [UInt8]) -> Bool {
      if case .notJSON? = problem(bytes) { return true }
      return false
    }
    #expect(isNotJSON(document(output("a", bytes: "9223372036854775808"))))
    #expect(isNotJSON(document(output("a", bytes: String(repeating: "9", count: 100_000)))))
    #expect(isNotJSON(document(["rules": "1e999"])))
    #expect(isNotJSON(document(["rules": String(repeating: "[", count: 1_000_000)])))
    #expect(isNotJSON(document(["rules": String(repeating: #"{"a":"#, count: 100_000)])))
    #expect(isNotJSON(document(more: "  \"pipeline\": \"q\",\n")))
    for text in [
      "01", "+1", "1.", ".5", "1e", "-", "nul", "'a'", "[1,]", "{,}", #""\x""#, #""\ud800""#,
      #""\ud800\u0041""#, #""\udc00""#, #""\u12g4""#, "\"\u{1}\"", "NaN", "\u{A0}1", "1 2", "\"",
    ] {
      #expect(isNotJSON(document(["rules": text])), "\(text)")
    }
    // Not UTF-8, behind a digest that is right.
    let text = Array("{\n  \"manifest\": \"".utf8) + [0xFF] + Array("\",\n".utf8)
    let hash = ContentHash.sha256(text).hexadecimal
    #expect(isNotJSON(text + Array("  \"manifest_sha256\": \"\(hash)\"\n}\n".utf8)))
    #expect(isNotJSON(sealed("\u{FEFF}{\n")))
    #expect(isNotJSON(sealed(" ")))
  }

  @Test("what has no manifest's end")
  func ends() {
    for text in ["", "\n", "{}", "{}\n", String(repeating: "\n", count: 10_000)] {
      #expect(problem(Array(text.utf8)) == .endless, "\(text.prefix(10))")
    }
    #expect(problem(Array(document().dropLast())) == .endless)
    #expect(problem(document() + [0x0A]) == .endless)
    #expect(problem([0x20] + document()) != nil)
    guard case .damaged? = problem([0x20] + document()) else {
      Issue.record("expected a damage")
      return
    }
  }

  @Test("random bytes in a manifest never do harm, even behind a digest that is right")
  func random() throws {
    let seed = ProcessInfo.processInfo.environment["DUIZHANG_SEED"].flatMap(UInt64.init) ?? 1
    var state = seed
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    var manifest = Reports.empty
    manifest.outputs = [.init(path: "a/b", sha256: .sha256([1]), bytes: 2, dependsOn: .sha256([]))]
    manifest.inputs = [.init(name: "l", bytes: 3, records: 4)]
    let bytes = Array(manifest.render().dropLast(90))
    for _ in 0..<3_000 {
      var changed = bytes
      for _ in 0...next(3) { changed[next(changed.count)] = UInt8(next(256)) }
      let hash = ContentHash.sha256(changed).hexadecimal
      changed += Array("  \"manifest_sha256\": \"\(hash)\"\n}\n".utf8)
      if let read = try? Manifest.read(changed, path: "m") {
        #expect(try Manifest.read(read.render(), path: "m") == read, "seed \(seed)")
        #expect(read.outputs.allSatisfy { Manifest.isInside($0.path) })
      }
    }
  }
}
