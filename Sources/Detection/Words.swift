internal import Counting

/// Small pieces of the sentences in findings.
enum Words {
  /// `1 record`, `2 records`.
  static func count(_ number: Int, _ noun: String, plural: String? = nil) -> String {
    "\(number) \(number == 1 ? noun : plural ?? noun + "s")"
  }

  /// `"a", "b" and 3 more`, sorted; `none` where there are none.
  static func list(_ names: some Collection<String>, shownMax: Int = 8) -> String {
    guard !names.isEmpty else { return "none" }
    let shown = names.sorted().prefix(shownMax).map { "\"\($0)\"" }.joined(separator: ", ")
    let rest = names.count - shownMax
    return rest > 0 ? "\(shown) and \(rest) more" : shown
  }

  /// The evidence of a tally, each line once.
  static func sources(_ tally: Tally) -> [String] {
    var sources: [String] = []
    for line in tally.evidence where !sources.contains(line.source) { sources.append(line.source) }
    return sources
  }
}
