import CivilTime
import Configuration
import Pipelines
import Testing

@Suite("The pipeline's keys 'metrics' and 'hook'")
struct KeyTests {
  private func pipeline(_ keys: String) throws -> PipelineFile {
    try PipelineFile(
      yaml: "pipeline: p\nlogs: [l]\nout: o\n\(keys)\n", path: "/etc/duizhang/nightly.yaml")
  }

  private func problem(_ keys: String) -> String {
    do {
      _ = try pipeline(keys)
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test("paths are those of the file's folder, names without a slash those of PATH")
  func values() throws {
    let file = try pipeline("metrics: m/d.prom\nhook: ./notify")
    #expect(file.metrics == "/etc/duizhang/m/d.prom")
    #expect(file.hook == Hook(command: ["/etc/duizhang/./notify"], line: 5))
    #expect(file.hook?.timeLimit == Interval(seconds: 60))
    let list = try pipeline("hook: [sh, -c, 'a | b; exit a']\nhook_time_limit: 2m")
    #expect(list.hook?.command == ["sh", "-c", "a | b; exit a"])
    #expect(list.hook?.timeLimit == Interval(seconds: 120))
    let lines = try pipeline("hook:\n  - sh\n  - -c\n  - |\n    a\n    b\n  - a\n  - a\n")
    #expect(lines.hook?.command == ["sh", "-c", "a\nb\n", "a", "a"])
    let none = try pipeline("")
    #expect(none.metrics == nil && none.hook == nil)
  }

  @Test("mistakes are named with their line and what is expected")
  func mistakes() {
    #expect(
      problem("metrics: m.txt")
        == "/etc/duizhang/nightly.yaml:4: metrics: expected a file whose name ends with .prom, as "
        + "node_exporter's textfile collector wants, found 'm.txt'")
    #expect(problem("metrics: m/.prom").contains("ends with .prom"))
    #expect(problem("metrics: [a.prom]").contains("found a list"))
    #expect(problem("hook: []").contains("hook: expected a program, or a list of"))
    #expect(problem("hook: {a: b}").contains("hook: expected a program, or a list of"))
    #expect(problem("hook: [sh, [c]]").contains("hook[1]: expected a program, or a list of"))
    #expect(problem("hook: a\nhook_time_limit: 60").contains("such as 30m"))
    #expect(problem("hook: a\nhook_time_limit: 2h").contains("expected at most 1h, found '2h'"))
    #expect(problem("hook_time_limit: 60s").contains("only together with 'hook'"))
  }
}
