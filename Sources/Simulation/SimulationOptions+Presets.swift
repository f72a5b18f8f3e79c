internal import CivilTime

extension SimulationOptions {
  /// Asia/Shanghai, which has had no change of clocks since 1991.
  ///
  /// - Throws: ``SimulationError/option(name:problem:)`` where the machine has no time-zone data.
  static func shanghai() throws(SimulationError) -> Zone {
    guard let zone = Zone(identifier: "Asia/Shanghai") else {
      throw .option(
        name: "time-zone", problem: "Asia/Shanghai is unknown here: install the tzdata package")
    }
    return zone
  }

  /// A licensee with three modules and three apps of different habits.
  ///
  /// - Parameter contract: its contract's number; `nil`: of no contract.
  public static func licensee(name: String, contract: String?, share: Double = 1) -> Licensee {
    Licensee(
      name: name, contract: contract, share: share,
      modules: [
        Module(
          name: "text-bot", meter: .conversation, scenarios: ["after-sales", "pre-sales"], share: 7),
        Module(name: "order-bot", meter: .conversation, scenarios: ["after-sales"], share: 3),
        Module(name: "kb-qa", meter: .item, scenarios: ["after-sales"]),
      ],
      apps: [
        App(
          name: "app-ios", origin: "https://shop.example", share: 4, sendsEvents: true,
          sendsPings: true),
        App(
          name: "web", origin: "https://www.shop.example", share: 4, sendsPings: true,
          dashedRequestIDs: true),
        App(name: "app-android", origin: "", share: 3, namesConversation: false),
      ])
  }

  /// The traffic of `sample-logs/`: five days over a month's end, small, with everything planted.
  ///
  /// - Throws: ``SimulationError/option(name:problem:)`` where the machine has no time-zone data.
  public static func sample(seed: UInt64 = 7) throws(SimulationError) -> SimulationOptions {
    var options = SimulationOptions(zone: try shanghai())
    options.seed = seed
    options.records = 34_000
    options.from = CivilDate(year: 2025, month: 11, day: 29)
    options.days = 5
    options.licensees = [
      licensee(name: "acme", contract: "DZ-2025-018", share: 10),
      licensee(name: "acme-mini", contract: "DZ-2025-018", share: 3),
      licensee(name: "umbrella", contract: nil, share: 0.2),
    ]
    options.gateways = 4
    options.rotatesDaily = true
    options.codecs = [.gzip, .gzip, .lz4, .plain]
    options.gatewayShares = [0.52, 0.39, 0.07, 0.02]
    options.itemShare = 0.06
    options.outagesPerDay = 0
    let noon = options.zone.start(of: options.from + 1) + Interval(seconds: 12 * 3_600)
    options.outages = [
      Window(from: noon + Interval(seconds: 600), to: noon + Interval(seconds: 1_080))
    ]
    let gap = options.zone.start(of: options.from + 3) + Interval(seconds: 14 * 3_600 + 600)
    options.logGaps = [Window(from: gap, to: gap + Interval(seconds: 1_500))]
    options.misuse.unlistedApp = 0.004
    options.misuse.unlistedScenario = 0.004
    options.misuse.unlistedOrigin = 0.003
    options.misuse.unlistedNetwork = 0.003
    options.misuse.moduleNotEnabled = 0.005
    options.termFrom = CivilDate(year: 2025, month: 12, day: 1)
    options.termTo = CivilDate(year: 2026, month: 11, day: 30)
    options.unreadableLines = 8
    options.blankLines = 5
    options.boundaryCases = 0.01
    options.writesStatements = true
    options.totalsForm.language = .chinese
    return options
  }

  /// Two statements to be reconciled: 31 days of a contract over a month's end, with some log gaps,
  /// and three discrepancies of each cause in all of their ways.
  ///
  /// - Throws: ``SimulationError/option(name:problem:)`` where the machine has no time-zone data.
  public static func month() throws(SimulationError) -> SimulationOptions {
    var options = SimulationOptions(zone: try shanghai())
    options.records = 34_000
    options.from = CivilDate(year: 2025, month: 12, day: 5)
    options.days = 31
    options.licensees = [
      licensee(name: "acme", contract: "DZ-2025-018", share: 10),
      licensee(name: "acme-mini", contract: "DZ-2025-018", share: 3),
      licensee(name: "umbrella", contract: nil, share: 0.2),
    ]
    options.gatewayShares = [0.52, 0.39, 0.07, 0.02]
    options.drawnLogGaps = 2
    options.failedConversations = 0.01
    options.monthEndConversations = 12
    options.misuse.unlistedScenario = 0.002
    options.misuse.moduleNotEnabled = 0.002
    options.boundaryCases = 0.01
    options.writesStatements = true
    options.writesContract = true
    options.discrepancies = Dictionary(
      uniqueKeysWithValues: DiscrepancyCause.allCases.map { ($0, options.discrepanciesPerCause) })
    return options
  }

  /// A licensee whose conduct is to be judged: 14 days of a contract with 500 questions a day, by
  /// many users who come seldom, for ``plants`` to be added.
  ///
  /// - Throws: ``SimulationError/option(name:problem:)`` where the machine has no time-zone data.
  public static func conduct() throws(SimulationError) -> SimulationOptions {
    var options = SimulationOptions(zone: try shanghai())
    options.days = 14
    options.questionsPerDay = 500
    options.conversationsPerUserAndDay = 0.2
    options.questionCount = 3_000
    options.gateways = 2
    options.gatewayShares = [0.6, 0.4]
    options.codecs = [.lz4]
    options.itemShare = 0.06
    options.termFrom = options.from
    options.termTo = CivilDate(year: 2026, month: 11, day: 30)
    options.writesContract = true
    return options
  }

  /// The traffic that speed is measured on: 8 files, three licensees, about seven calls a
  /// conversation, and nothing that the usual query over gaps would count otherwise: no events, no
  /// items, no call answered twice.
  ///
  /// - Throws: ``SimulationError/option(name:problem:)`` where the machine has no time-zone data.
  public static func benchmark(records: Int, codec: Codec = .gzip) throws(SimulationError)
    -> SimulationOptions
  {
    var options = SimulationOptions(zone: try shanghai())
    options.records = records
    options.days = 3
    options.messagesPerConversation = 7
    options.gateways = 8
    options.codecs = [codec]
    options.licensees = ["acme", "globex", "initech"].map { name in
      var licensee = licensee(name: name, contract: "")
      licensee.modules.removeAll { $0.meter == .item }
      for app in licensee.apps.indices {
        licensee.apps[app].sendsEvents = false
        licensee.apps[app].sendsPings = false
        if licensee.apps[app].name != "web" { licensee.apps[app].origin = "" }
      }
      return licensee
    }
    options.itemShare = 0
    options.pings = 0
    options.unplaced = 0
    options.repeatedAnswers = 0
    options.writesAnswers = false
    options.otherUserShapes = 0
    options.sharedAddresses = 0.1
    options.questionExponent = 0.9
    return options
  }
}
