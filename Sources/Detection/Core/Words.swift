internal import CivilTime
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

  /// `0.0012`, `3e-18`, `below 1e-300`.
  static func probability(_ value: Double) -> String {
    if value < 1e-300 { return "below 1e-300" }
    if value >= 0.001 { return decimal(value, places: 4) }
    var exponent = 0
    var digit = value
    while digit < 0.95 {
      digit *= 10
      exponent += 1
    }
    return "\(Int(digit.rounded()))e-\(exponent)"
  }

  /// With so many places behind the point.
  static func decimal(_ value: Double, places: Int) -> String {
    var unit = 1
    for _ in 0..<places { unit *= 10 }
    let scaled = Int((value.magnitude * Double(unit)).rounded())
    let sign = value < 0 && scaled != 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % unit)
    return "\(sign)\(scaled / unit)." + String(repeating: "0", count: places - fraction.count)
      + fraction
  }

  /// `1 h`, `26 min 20 s`, `3 d 4 h`: the two largest units, or milliseconds below 10 s.
  static func duration(_ interval: Interval) -> String {
    let milliseconds = (interval.microseconds + 500) / 1_000
    if milliseconds < 10_000 {
      return milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000) s" : "\(milliseconds) ms"
    }
    let seconds = (milliseconds + 500) / 1_000
    let units: [(Int64, String)] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
    guard let first = units.firstIndex(where: { seconds >= $0.0 }) else { return "0 s" }
    var text = "\(seconds / units[first].0) \(units[first].1)"
    if first + 1 < units.count {
      let rest = seconds % units[first].0 / units[first + 1].0
      if rest > 0 { text += " \(rest) \(units[first + 1].1)" }
    }
    return text
  }

  /// The evidence of a tally, each line once.
  static func sources(_ tally: Tally) -> [String] {
    var sources: [String] = []
    for line in tally.evidence where !sources.contains(line.source) { sources.append(line.source) }
    return sources
  }
}
