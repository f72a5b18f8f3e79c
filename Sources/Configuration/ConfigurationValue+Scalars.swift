package import CivilTime

// Scalars are read from their text, each by the type that knows its form.
extension ConfigurationValue {
  /// A text that is not empty and has no control characters.
  ///
  /// - Parameters:
  ///   - lines: whether line breaks are allowed, as in a note.
  ///   - tabs: whether tabs are allowed, as between the values of a line.
  package func text(
    expected: String = "a text", lines: Bool = false, tabs: Bool = false
  ) -> String? {
    guard let text = scalarText, !text.isEmpty,
      !text.unicodeScalars.contains(where: {
        $0.properties.generalCategory == .control && !(lines && $0 == "\n")
          && !(tabs && $0 == "\t")
      })
    else {
      reject(expected: expected)
      return nil
    }
    return text
  }

  /// Any of the spellings of YAML 1.1, so that `yes`, `on` and `true` are what they look like.
  package func boolean(expected: String = "true or false") -> Bool? {
    switch scalarText?.lowercased() {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    default:
      reject(expected: expected)
      return nil
    }
  }

  /// A whole decimal number; `010` is rejected, since some readers take it for 8.
  package func integer(_ range: ClosedRange<Int>, of what: String = "a whole number") -> Int? {
    guard let text = scalarText, let number = Int(text), String(number) == text,
      range.contains(number)
    else {
      let bounds =
        range.upperBound == .max
        ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
      reject(expected: "\(what), \(bounds)")
      return nil
    }
    return number
  }

  package func date() -> CivilDate? {
    guard let date = scalarText.flatMap({ CivilDate(text: $0) }) else {
      reject(expected: "a date such as 2025-12-01")
      return nil
    }
    return date
  }

  /// A moment in RFC 3339; numbers since the epoch are for logs, not for people.
  package func instant() -> Instant? {
    var reader = TimestampReader()
    guard let text = scalarText, CivilDate(text: String(text.prefix(10))) != nil,
      let instant = reader.instant(text: Array(text.utf8).span)
    else {
      reject(expected: "a time with its zone, such as 2026-01-05T02:00:00+08:00")
      return nil
    }
    return instant
  }

  package func interval(positive: Bool, orNone: Bool = false) -> Interval? {
    guard let interval = scalarText.flatMap({ Interval(text: $0) }),
      !positive || interval.microseconds > 0
    else {
      reject(
        expected: "a duration\(positive ? " above 0" : "") with its unit, such as 30m or 1h30m"
          + (orNone ? ", or none" : ""))
      return nil
    }
    return interval
  }

  /// One of the names of an enumeration.
  package func choice<Choice: RawRepresentable & CaseIterable>(of: Choice.Type) -> Choice?
  where Choice.RawValue == String {
    guard let text = scalarText, let choice = Choice(rawValue: text) else {
      let names = Choice.allCases.map(\.rawValue)
      reject(
        expected: names.joined(separator: " or "),
        nearest: scalarText.flatMap { nearestName(to: $0, among: names) })
      return nil
    }
    return choice
  }

  /// A list of texts, each once.
  package func texts(of what: String, emptyAllowed: Bool = false) -> [String]? {
    let elements = elementsOrOne()
    guard emptyAllowed || !elements.isEmpty else {
      reject(expected: "at least one \(what); leave the key out to list none")
      return nil
    }
    var texts: [String] = []
    var seen: Set<String> = []
    for element in elements {
      guard let text = element.text(expected: "a \(what)") else { continue }
      if seen.insert(text).inserted {
        texts.append(text)
      } else {
        element.contradict("'\(text)' is listed twice")
      }
    }
    return texts
  }
}
