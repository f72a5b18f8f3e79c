internal import CivilTime

/// Writes calls as lines of the canonical NDJSON log, fields in one order.
struct LineWriter {
  private struct AppPieces {
    var name: Piece
    var origin: Piece
    var dashedRequestIDs: Bool
    /// The first of its three agents.
    var firstAgent: Int
  }

  /// In groups of three: what an app's users have in their hands.
  private static let agents = [
    "ShopApp/8.4.1 (iPhone; iOS 18.1)", "ShopApp/8.4.0 (iPhone; iOS 18.0.1)",
    "ShopApp/8.3.9 (iPad; iPadOS 17.6)",
    "Mozilla/5.0 (X11; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (Windows NT 10.0; rv:132.0) Firefox/132.0",
    "Mozilla/5.0 (Android 15; rv:133.0) Firefox/133.0",
    "okhttp/4.12.0 ShopApp/8.4.0", "okhttp/4.12.0 ShopApp/8.4.1", "okhttp/4.11.0 ShopApp/8.2.2",
  ]

  private let table = PieceTable(capacityBytes: 1 << 24)
  private let population: Population
  private let licensees: [Piece]
  /// By module, then kind: event, module.
  private let modules: [Piece]
  private let scenarios: [Piece]
  private let apps: [AppPieces]
  /// By module, then kind: method, path, and the name of the next field.
  private let paths: [Piece]
  /// By module: what stands before an item's id.
  private let itemPaths: [Piece]
  private let probes: [Piece]
  private let agents: [Piece]
  private let plantedAgents: [Piece]
  private let rawNames: [Piece]
  private let escapedNames: [Piece]
  private let mailNames: [Piece]
  private let zoneIsUTC: Bool
  private var cursor: ZoneCursor
  private var date = (year: 0, month: 0, day: 0)
  private var dateStart = Int64.max
  private let time, userHexadecimal, user, mailEnd, nullUser, conversation,
    request, items, latency, bytesIn, bytesOut, address4, address6, unlistedAddress,
    question, answer, unlistedOrigin, status: Piece

  /// - Parameter probedPaths: that calls with a ``LogEvent/path`` below 0 ask for.
  init(
    options: SimulationOptions, catalogue: Catalogue, population: Population,
    probedPaths: [String]
  ) {
    let table = table
    self.population = population
    cursor = ZoneCursor(options.zone)
    zoneIsUTC = options.zone.identifier == "UTC"
    licensees = catalogue.licensees.map { table.add("\",\"licensee\":\"\($0.name)\"") }
    modules = catalogue.modules.flatMap { module in
      LogEvent.Kind.allCases.map { table.add(",\"event\":\"\($0)\",\"module\":\"\(module.name)\"") }
    }
    scenarios = catalogue.scenarios.map { table.add(",\"scenario\":\"\($0)\",\"app\":\"") }
    apps = catalogue.apps.map {
      AppPieces(
        name: table.add("\($0.name)\""),
        origin: $0.origin.isEmpty ? table.add("") : table.add(",\"origin\":\"\($0.origin)\""),
        dashedRequestIDs: $0.dashedRequestIDs, firstAgent: $0.number % 3 * 3)
    }
    paths = catalogue.modules.flatMap { module in
      LogEvent.Kind.allCases.map { kind in
        let call =
          switch kind {
          case .message where module.isItem: ("POST", "/v1/kb/\(module.name)/items")
          case .message: ("POST", "/v1/bots/\(module.name)/messages")
          case .open: ("POST", "/v1/bots/\(module.name)/conversations")
          case .close: ("DELETE", "/v1/bots/\(module.name)/conversations")
          case .ping: ("GET", "/v1/bots/\(module.name)/ping")
          }
        return table.add(",\"method\":\"\(call.0)\",\"path\":\"\(call.1)\",\"status\":")
      }
    }
    itemPaths = catalogue.modules.map {
      table.add(",\"method\":\"GET\",\"path\":\"/v1/kb/\($0.name)/items/")
    }
    probes = probedPaths.map { table.add(",\"method\":\"GET\",\"path\":\"\($0)\",\"status\":") }
    status = table.add("\",\"status\":")
    plantedAgents = PlantedAgent.allCases.map { table.add("\",\"user_agent\":\"\($0.text)\"") }
    agents = Self.agents.map { table.add("\",\"user_agent\":\"\($0)\"") }
    rawNames = Population.chineseNames.map { table.add("\($0)-") }
    escapedNames = Population.chineseNames.map { table.add(Self.escaped($0) + "-") }
    mailNames = Population.mailNames.map { table.add($0 + "+") }
    time = table.add("{\"time\":\"")
    userHexadecimal = table.add(",\"user\":\"u-")
    user = table.add(",\"user\":")
    mailEnd = table.add("@shop.example\"")
    nullUser = table.add(",\"user\":null")
    conversation = table.add(",\"conversation\":\"c-")
    request = table.add(",\"request_id\":\"")
    items = table.add(",\"items\":")
    latency = table.add(",\"latency_ms\":")
    bytesIn = table.add(",\"bytes_in\":")
    bytesOut = table.add(",\"bytes_out\":")
    address4 = table.add(",\"client_ip\":\"")
    address6 = table.add(",\"client_ip\":\"2001:db8:")
    unlistedAddress = table.add(",\"client_ip\":\"192.0.2.")
    question = table.add(",\"question\":\"")
    answer = table.add("\",\"answer\":\"")
    unlistedOrigin = table.add(",\"origin\":\"\(MisuseKind.unlistedOrigin.value)\"")
  }

  /// Every character as `\uXXXX`, as encoders write that keep to ASCII.
  private static func escaped(_ text: String) -> String {
    text.utf16.map { unit in
      let digits = String(unit, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }.joined()
  }

  /// Appends a line and its line feed.
  @inline(__always)
  mutating func write(_ event: LogEvent, to line: inout LineCursor) {
    writeTime(event.time, to: &line)
    line.append(licensees[Int(event.licensee)])
    let hash = population.hash(event.user)
    let face = event.person == event.user ? hash : population.hash(event.person)
    writeUser(event, hash: hash, to: &line)
    if event.path < 0 {
      writeProbe(event, face: face, to: &line)
      return
    }
    if event.conversation != 0 {
      line.append(conversation)
      line.append(hexadecimal: event.conversation, digits: 10)
      line.append(0x22)
    }
    let app = apps[Int(event.app)]
    line.append(request)
    writeRequest(event, dashed: app.dashedRequestIDs, to: &line)
    line.append(0x22)
    let call = Int(event.module) * LogEvent.Kind.allCases.count + Int(event.kind.rawValue)
    line.append(modules[call])
    line.append(scenarios[Int(event.scenario)])
    line.append(app.name)
    if event.items > 0 {
      line.append(items)
      line.append(decimal: Int(event.items))
    }
    if event.path > 0 {
      line.append(itemPaths[Int(event.module)])
      line.append(decimal: Int(event.path))
      line.append(status)
    } else {
      line.append(paths[call])
    }
    line.append(Int(event.status), digits: 3)
    line.append(latency)
    line.append(decimal: Int(event.latency))
    line.append(bytesIn)
    line.append(decimal: Int(event.bytesIn))
    line.append(bytesOut)
    line.append(decimal: Int(event.bytesOut))
    writeAddress(event, hash: face, to: &line)
    if event.agent == .none {
      line.append(agents[app.firstAgent + Int((face >> 8) % 3)])
    } else {
      line.append(plantedAgents[Int(event.agent.rawValue)])
    }
    line.append(event.misuse == .unlistedOrigin ? unlistedOrigin : app.origin)
    if event.question != 0 {
      line.append(question)
      line.append(hexadecimal: event.question, digits: 16)
      if event.answer != 0 {
        line.append(answer)
        line.append(hexadecimal: event.answer, digits: 16)
      }
      line.append(0x22)
    }
    line.append(0x7D)
    line.append(0x0A)
  }

  /// What no module serves has no module.
  private func writeProbe(_ event: LogEvent, face: UInt64, to line: inout LineCursor) {
    line.append(request)
    writeRequest(event, dashed: false, to: &line)
    line.append(0x22)
    line.append(probes[-1 - Int(event.path)])
    line.append(Int(event.status), digits: 3)
    line.append(latency)
    line.append(decimal: Int(event.latency))
    line.append(bytesIn)
    line.append(decimal: Int(event.bytesIn))
    line.append(bytesOut)
    line.append(decimal: Int(event.bytesOut))
    writeAddress(event, hash: face, to: &line)
    line.append(plantedAgents[Int(event.agent.rawValue)])
    line.append(0x7D)
    line.append(0x0A)
  }

  /// `2025-12-01T08:00:00.123+08:00`, or `Z` in UTC.
  @inline(__always)
  private mutating func writeTime(_ milliseconds: Int64, to line: inout LineCursor) {
    let day = cursor.day(of: Instant(microseconds: milliseconds * 1_000))
    if day.start.microseconds != dateStart {
      date = day.date.components
      dateStart = day.start.microseconds
    }
    let local =
      milliseconds + day.offsetSeconds * 1_000 - Int64(day.date.daysSinceEpoch) * 86_400_000
    let second = Int(local / 1_000)
    line.append(time)
    line.append(date.year, digits: 4)
    line.append(0x2D)
    line.append(date.month, digits: 2)
    line.append(0x2D)
    line.append(date.day, digits: 2)
    line.append(0x54)
    line.append(second / 3_600, digits: 2)
    line.append(0x3A)
    line.append(second / 60 % 60, digits: 2)
    line.append(0x3A)
    line.append(second % 60, digits: 2)
    line.append(0x2E)
    line.append(Int(local % 1_000), digits: 3)
    if zoneIsUTC {
      line.append(0x5A)
      return
    }
    let minutes = Int(abs(day.offsetSeconds)) / 60
    line.append(day.offsetSeconds < 0 ? 0x2D : 0x2B)
    line.append(minutes / 60, digits: 2)
    line.append(0x3A)
    line.append(minutes % 60, digits: 2)
  }

  @inline(__always)
  private func writeUser(_ event: LogEvent, hash: UInt64, to line: inout LineCursor) {
    guard event.user >= 0 else {
      // A call without a user has no such field, or says null.
      if event.requestLow & 3 == 0 { line.append(nullUser) }
      return
    }
    switch population.shape(hash: hash) {
    case .hexadecimal:
      line.append(userHexadecimal)
      line.append(hexadecimal: UInt64(population.hexadecimalID(event.user)), digits: 8)
      line.append(0x22)
    case .number:
      line.append(user)
      line.append(decimal: population.numericID(event.user))
    case .chinese:
      let name = population.nameIndex(hash: hash, of: rawNames.count)
      line.append(user)
      line.append(0x22)
      // The same user in two spellings: some gateways escape what is not ASCII.
      line.append(event.gateway & 1 == 0 ? rawNames[name] : escapedNames[name])
      line.append(decimal: Int(event.user))
      line.append(0x22)
    case .mail:
      line.append(user)
      line.append(0x22)
      line.append(mailNames[population.nameIndex(hash: hash, of: mailNames.count)])
      line.append(decimal: Int(event.user))
      line.append(mailEnd)
    }
  }

  @inline(__always)
  private func writeRequest(_ event: LogEvent, dashed: Bool, to line: inout LineCursor) {
    guard dashed else {
      line.append(hexadecimal: event.requestHigh, digits: 16)
      line.append(hexadecimal: event.requestLow, digits: 16)
      return
    }
    line.append(hexadecimal: event.requestHigh >> 32, digits: 8)
    line.append(0x2D)
    line.append(hexadecimal: event.requestHigh >> 16, digits: 4)
    line.append(0x2D)
    line.append(hexadecimal: event.requestHigh, digits: 4)
    line.append(0x2D)
    line.append(hexadecimal: event.requestLow >> 48, digits: 4)
    line.append(0x2D)
    line.append(hexadecimal: event.requestLow, digits: 12)
  }

  @inline(__always)
  private func writeAddress(_ event: LogEvent, hash: UInt64, to line: inout LineCursor) {
    if event.misuse == .unlistedNetwork {
      line.append(unlistedAddress)
      line.append(decimal: Int(1 + hash % 200))
      return
    }
    switch population.address(hash: hash) {
    case .version4(let first, let second, let third, let fourth):
      line.append(address4)
      line.append(decimal: first)
      line.append(0x2E)
      line.append(decimal: second)
      line.append(0x2E)
      line.append(decimal: third)
      line.append(0x2E)
      line.append(decimal: fourth)
    case .version6(let hash):
      line.append(address6)
      line.append(hexadecimal: hash >> 48 | 0x1000, digits: 4)
      line.append(0x3A)
      line.append(0x3A)
      line.append(hexadecimal: hash >> 16 | 0x1000, digits: 4)
    }
  }
}
