internal import CivilTime
internal import Configuration

extension Fees {
  init() { self.init(base: nil, taxRate: nil, invoiceBy: .licensor, accessCompensation: nil) }

  init(_ value: ConfigurationValue) {
    self.init()
    let keys = ["base", "tax_rate", "invoice_by", "access_compensation"]
    guard let mapping = value.mapping(keys: keys) else { return }
    base = mapping["base"]?.amount()
    taxRate = mapping["tax_rate"]?.fraction()
    invoiceBy = mapping["invoice_by"]?.choice(of: Issuer.self) ?? invoiceBy
    accessCompensation = mapping["access_compensation"]?.amount()
  }
}

extension Settlement {
  /// What the contract template says; without a tolerance, every difference is one.
  init() {
    self.init(
      dueDay: 5, lateRate: Money(digits: 5, scale: 4), terminationAfterDays: 15, tolerance: .zero)
  }

  init(_ value: ConfigurationValue) {
    self.init()
    let keys = ["due_day", "late_rate", "termination_after_days", "tolerance"]
    guard let mapping = value.mapping(keys: keys) else { return }
    dueDay = mapping["due_day"]?.integer(1...28, of: "a day of the month") ?? dueDay
    lateRate = mapping["late_rate"]?.fraction() ?? lateRate
    terminationAfterDays =
      mapping["termination_after_days"]?.integer(0...3_650, of: "a number of days")
      ?? terminationAfterDays
    tolerance = mapping["tolerance"]?.fraction() ?? tolerance
  }
}

extension Allowed {
  init(_ value: ConfigurationValue) {
    self.init()
    let keys = ["scenarios", "apps", "networks", "origins"]
    guard let mapping = value.mapping(keys: keys) else { return }
    scenarios = mapping["scenarios"]?.texts(of: "scenario").map { Set($0) }
    apps = mapping["apps"]?.texts(of: "app").map { Set($0) }
    networks = mapping["networks"].map { Self.networks($0) }
    origins = mapping["origins"].map { Self.origins($0) }
  }

  private static func networks(_ value: ConfigurationValue) -> [Network] {
    let elements = value.elementsOrOne()
    if elements.isEmpty {
      value.reject(expected: "at least one network; leave the key out to list none")
    }
    return elements.compactMap { element in
      if let network = element.scalarText.flatMap({ Network(text: $0) }) { return network }
      element.reject(expected: "a network such as 10.0.0.0/8 or 2001:db8::/32, its host bits zero")
      return nil
    }
  }

  /// RFC 6454: a scheme and a host, perhaps a port, and nothing more.
  private static func origins(_ value: ConfigurationValue) -> Set<String> {
    let texts = value.texts(of: "origin") ?? []
    for text in texts {
      let parts = text.split(separator: "://", omittingEmptySubsequences: false)
      let isOrigin =
        parts.count == 2 && !parts[0].isEmpty && !parts[1].isEmpty
        && !parts[1].contains { "/?# ".contains($0) }
      if !isOrigin {
        value.contradict("'\(text)' is no origin such as https://shop.example, without a path")
      }
    }
    return Set(texts)
  }
}

extension OutageTerms {
  init(_ value: ConfigurationValue) {
    self.init(notices: [])
    let keys = ["rescind_after_days", "rescind_after_count", "notices"]
    guard let mapping = value.mapping(keys: keys) else { return }
    rescindAfterDays = mapping["rescind_after_days"]?.integer(1...3_650, of: "a number of days")
    rescindAfterCount = mapping["rescind_after_count"]?.integer(1...3_650, of: "a number of faults")
    for element in mapping["notices"]?.elements(expected: "a list of notices") ?? [] {
      if let notice = Notice(element) { notices.append(notice) }
    }
  }
}

extension OutageTerms.Notice {
  init?(_ value: ConfigurationValue) {
    guard let mapping = value.mapping(keys: ["announced", "from", "to", "cause"]) else {
      return nil
    }
    let announced = mapping.required("announced", expected: "the time of the notice")?.instant()
    let from = mapping.required("from", expected: "the time it begins")?.instant()
    let to = mapping.required("to", expected: "the time it ends")?.instant()
    cause = mapping["cause"]?.text()
    guard let announced, let from, let to else { return nil }
    if to <= from { mapping["to"]?.contradict("is not after 'from'") }
    self.announced = announced
    self.from = from
    self.to = to
  }
}

extension Payment {
  static func list(_ value: ConfigurationValue) -> [Payment] {
    (value.elements(expected: "a list of payments") ?? []).compactMap { element in
      guard let mapping = element.mapping(keys: ["date", "amount", "account"]) else { return nil }
      let date = mapping.required("date", expected: "the day of the payment")?.date()
      let amount = mapping.required("amount", expected: "yuan")?.amount(positive: true)
      let account = mapping["account"]?.text()
      guard let date, let amount else { return nil }
      return Payment(date: date, amount: amount, account: account)
    }
  }
}

extension WorkingDays {
  private static let stretchDaysMax = 366

  init(_ value: ConfigurationValue) {
    self.init(holidays: [], working: [])
    guard let mapping = value.mapping(keys: ["holidays", "working"]) else { return }
    holidays = mapping["holidays"].map { Self.days($0) } ?? []
    working = mapping["working"].map { Self.days($0) } ?? []
    if let day = holidays.intersection(working).min() {
      mapping["working"]?.contradict("\(day) is also in 'holidays'")
    }
  }

  private static func days(_ value: ConfigurationValue) -> Set<CivilDate> {
    var days: Set<CivilDate> = []
    for element in value.elements(expected: "a list of days") ?? [] {
      if element.scalarText != nil {
        if let day = element.date() { days.insert(day) }
        continue
      }
      guard let mapping = element.mapping(keys: ["from", "to"]) else { continue }
      let from = mapping.required("from", expected: "the first day")?.date()
      let to = mapping.required("to", expected: "the last day")?.date()
      guard let from, let to else { continue }
      guard from <= to, to - from < stretchDaysMax else {
        mapping["to"]?.contradict("\(to) is not within a year after 'from', \(from)")
        continue
      }
      for offset in 0...(to - from) { days.insert(from + offset) }
    }
    return days
  }
}

extension Privacy {
  init(_ value: ConfigurationValue, path: String) {
    self.init(user: .hmac)
    guard let mapping = value.mapping(keys: ["user", "key_file"]) else { return }
    user = mapping["user"]?.choice(of: Display.self) ?? user
    keyFile = mapping["key_file"]?.text().map { ConfigurationDocument.resolve($0, against: path) }
  }
}
