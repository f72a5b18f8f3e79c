internal import CivilTime
internal import Configuration

extension Price {
  static let keys = [
    "service", "module", "scenario", "unit", "price", "enabled", "from", "to", "note",
    "description",
  ]

  /// Each line is compared with those before it.
  static let lineCountMax = 5_000

  /// The price list: each line as far as it can be read, and no two lines that say different
  /// things about the same use.
  static func list(_ value: ConfigurationValue) -> [Price] {
    let elements = value.elements(expected: "a list of prices") ?? []
    guard elements.count <= lineCountMax else {
      value.contradict("has \(elements.count) lines; at most \(lineCountMax) are read")
      return []
    }
    var lines: [(price: Price, value: ConfigurationValue)] = []
    for element in elements {
      guard let mapping = element.mapping(keys: keys), let price = Price(mapping) else { continue }
      if let other = lines.first(where: { price.contradicts($0.price) }) {
        let isSameUse = price.scenario == other.price.scenario
        element.contradict(
          isSameUse
            ? "the price of \(price.use) overlaps with that on line \(other.value.line), "
              + "\(other.price.validity); give each its 'from' and 'to'"
            : "module '\(price.module)' is priced by \(price.meter.rawValue) here and by "
              + "\(other.price.meter.rawValue) on line \(other.value.line) on the same days; "
              + "one module has one unit at a time")
      }
      lines.append((price, element))
    }
    return lines.map(\.price)
  }

  private init?(_ mapping: ConfigurationMapping) {
    let module = mapping.required("module", expected: "the module that is priced")?.text()
    let meter = mapping.required("unit", expected: "conversation or item")?.choice(of: Meter.self)
    let price = mapping.required("price", expected: "yuan per unit, such as \"0.35\"")?.amount()
    service = mapping["service"]?.text() ?? module ?? ""
    scenario = mapping["scenario"]?.text()
    enabled = mapping["enabled"]?.boolean() ?? true
    from = mapping["from"]?.date()
    to = mapping["to"]?.date()
    note = mapping["note"]?.text(lines: true)
    description = mapping["description"]?.text(lines: true)
    if let from, let to, to < from {
      mapping["to"]?.contradict("\(to) is before 'from', \(from)")
      return nil
    }
    guard let module, let meter, let price else { return nil }
    self.module = module
    self.meter = meter
    self.price = price
  }

  /// Whether both lines hold on some day for one use, or would measure one module in two units.
  private func contradicts(_ other: Price) -> Bool {
    guard module == other.module, scenario == other.scenario || meter != other.meter else {
      return false
    }
    return !(to.map { end in other.from.map { end < $0 } ?? false } ?? false)
      && !(other.to.map { end in from.map { end < $0 } ?? false } ?? false)
  }

  private var use: String {
    "module '\(module)'" + (scenario.map { " in scenario '\($0)'" } ?? " in every scenario")
  }

  private var validity: String {
    switch (from, to) {
    case (nil, nil): return "which holds always"
    case (let from?, nil): return "which holds from \(from)"
    case (nil, let to?): return "which holds to \(to)"
    case (let from?, let to?): return "which holds from \(from) to \(to)"
    }
  }
}
