public import CivilTime
public import Configuration

extension Contract {
  /// The keys of a contract file.
  static let keys = [
    "contract", "licensor", "licensee", "time_zone", "term", "conversation", "prices", "fees",
    "settlement", "allowed", "outages", "payments", "holidays", "privacy",
  ]

  /// The zone of a contract that names none: where contracts of this kind are made.
  static let defaultZoneIdentifier = "Asia/Shanghai"

  /// Reads a contract file.
  ///
  /// - Throws: all mistakes of the file at once, each with its line.
  public static func read(path: String) throws(ConfigurationError) -> Contract {
    try Contract(yaml: ConfigurationDocument.text(path: path), path: path)
  }

  /// Reads the text of a contract file.
  ///
  /// - Parameter path: the name for messages; files that the contract names are resolved against
  ///   its folder.
  /// - Throws: all mistakes of the text at once, each with its line.
  public init(yaml text: String, path: String) throws(ConfigurationError) {
    let document = ConfigurationDocument(yaml: text, file: path)
    let contract = document.root?.mapping(keys: Self.keys).flatMap { Contract($0, path: path) }
    try document.check()
    guard let contract else {
      // Every reader that gives up reports why.
      preconditionFailure("a contract was refused without a reason")
    }
    self = contract
  }

  private init?(_ file: ConfigurationMapping, path: String) {
    let number = file.required("contract", expected: "the contract's number")?.text()
    licensor = file["licensor"].map { Party(licensor: $0) } ?? Party()
    licensee = file["licensee"].map { Party(licensee: $0) } ?? Party()
    zone = Self.zone(file["time_zone"])
    term = file["term"].map { Term($0) } ?? Term()
    rules = file["conversation"].map { DatedRule.rules($0) } ?? [DatedRule()]
    prices = file["prices"].map { Price.list($0) } ?? []
    fees = file["fees"].map { Fees($0) } ?? Fees()
    settlement = file["settlement"].map { Settlement($0) } ?? Settlement()
    allowed = file["allowed"].map { Allowed($0) } ?? Allowed()
    outages = file["outages"].map { OutageTerms($0) } ?? OutageTerms(notices: [])
    payments = file["payments"].map { Payment.list($0) } ?? []
    holidays = file["holidays"].map { WorkingDays($0) } ?? WorkingDays(holidays: [], working: [])
    privacy = file["privacy"].map { Privacy($0, path: path) } ?? Privacy(user: .hmac)
    self.path = path
    lines = [:]
    for key in Self.keys { lines[key] = file[key]?.line }
    guard let number else { return nil }
    self.number = number
  }

  private static func zone(_ value: ConfigurationValue?) -> Zone {
    guard let value else { return Zone(identifier: defaultZoneIdentifier) ?? .utc }
    if let zone = value.scalarText.flatMap({ Zone(identifier: $0) }) { return zone }
    value.reject(
      expected: "an IANA time zone such as \(defaultZoneIdentifier)",
      nearest: value.scalarText.flatMap {
        nearestName(to: $0, among: Zone.knownIdentifiers)
      })
    return .utc
  }

  /// The contract that holds where no file was given: any licensee, under one rule, without
  /// prices; users are shown as they are, since nothing leaves for another party.
  public static func withoutFile(zone: Zone, rule: ConversationRule) -> Contract {
    Contract(zone: zone, rule: rule)
  }

  private init(zone: Zone, rule: ConversationRule) {
    number = ""
    licensor = Party()
    licensee = Party()
    self.zone = zone
    term = Term()
    rules = [DatedRule(rule: rule)]
    prices = []
    fees = Fees()
    settlement = Settlement()
    allowed = Allowed()
    outages = OutageTerms(notices: [])
    payments = []
    holidays = WorkingDays(holidays: [], working: [])
    privacy = Privacy(user: .plain)
    path = ""
    lines = [:]
  }
}

extension Party {
  init() { self.init(name: "", account: nil, keys: []) }

  init(licensor value: ConfigurationValue) {
    self.init()
    guard let mapping = value.mapping(keys: ["name", "account"]) else { return }
    name = mapping["name"]?.text() ?? ""
    account = mapping["account"]?.text()
  }

  init(licensee value: ConfigurationValue) {
    self.init()
    guard let mapping = value.mapping(keys: ["name", "keys"]) else { return }
    name = mapping["name"]?.text() ?? ""
    keys =
      mapping["keys"]?.texts(of: "value of the record field 'licensee'", emptyAllowed: true) ?? []
  }
}

extension Term {
  init(_ value: ConfigurationValue) {
    self.init()
    guard let mapping = value.mapping(keys: ["signed", "from", "to", "opened"]) else { return }
    signed = mapping["signed"]?.date()
    from = mapping["from"]?.date()
    opened = mapping["opened"]?.date()
    to = mapping["to"]?.date()
    if let from, let to, to < from {
      mapping["to"]?.contradict("\(to) is before 'from', \(from)")
    }
  }
}
