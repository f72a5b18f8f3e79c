internal import CivilTime

extension SimulationOptions {
  static let recordCountMax = 2_000_000_000
  static let statementRecordCountMax = 10_000_000
  static let userCountMax = 1_000_000
  static let clockSkewMax = 400
  /// Eight hours: China's zone taken for UTC.
  static let licenseeClockSkewMax = 28_800_000
  static let discrepanciesMax = 1_000
  static let campaignMembersMax = 200_000
  /// A bit of a line for each.
  static let plantsMax = 64
  static let questionsPerDayMax = 5_000_000
  /// Records before the year 2000 are no records, in any zone; later than this, file systems do
  /// not date files.
  static let fromRange =
    CivilDate(year: 2000, month: 1, day: 2)...CivilDate(year: 2399, month: 12, day: 31)

  /// Checks every option before a byte is written.
  ///
  /// - Throws: ``SimulationError/option(name:problem:)`` for the first that cannot be used.
  public func validate() throws(SimulationError) {
    func require(_ holds: Bool, _ name: String, _ problem: String) throws(SimulationError) {
      if !holds { throw .option(name: name, problem: problem) }
    }
    try require(
      (1...Self.recordCountMax).contains(records), "records",
      "expected 1 to \(Self.recordCountMax), found \(records)")
    try require(
      Self.fromRange.contains(from), "from",
      "expected \(Self.fromRange.lowerBound) to \(Self.fromRange.upperBound), found \(from)")
    try require((1...400).contains(days), "days", "expected 1 to 400, found \(days)")
    try require((1...64).contains(gateways), "files", "expected 1 to 64, found \(gateways)")
    try require((1...9).contains(gzipLevel), "gzip-level", "expected 1 to 9, found \(gzipLevel)")
    try require((1...256).contains(threads), "threads", "expected 1 to 256, found \(threads)")
    try require(!codecs.isEmpty, "codec", "expected gzip, lz4 or plain")
    try require(
      !gatewayShares.isEmpty && gatewayShares.allSatisfy { $0 > 0 && $0.isFinite },
      "gateway-shares", "expected numbers above 0")
    try require(
      !clockSkews.isEmpty && clockSkews.allSatisfy { abs($0) <= Self.clockSkewMax }, "clock-skew",
      "expected −\(Self.clockSkewMax) to \(Self.clockSkewMax) milliseconds")
    try require(
      idleTimeout.microseconds >= 60_000_000 && idleTimeout.microseconds % 1_000 == 0
        && idleTimeout.microseconds <= 86_400_000_000, "idle-timeout",
      "expected 1m to 1d in whole milliseconds, found \(idleTimeout.text)")
    try require(
      (1...200).contains(messagesPerConversation), "messages-per-conversation", "expected 1 to 200")
    for (name, share) in shares {
      try require((0...1).contains(share), name, "expected 0 to 1, found \(share)")
    }
    try require(
      retriesWithSameID + retriesWithNewID <= 1, "retries-with-new-id",
      "expected at most 1 together with retries-with-same-id")
    try require(
      (1...10_000_000).contains(questionCount), "questions", "expected 1 to 10000000")
    try require((0...5).contains(questionExponent), "question-exponent", "expected 0 to 5")
    try require(
      unreadableLines >= 0 && unreadableLines <= records, "unreadable-lines",
      "expected 0 to the number of records")
    try require(
      blankLines >= 0 && blankLines <= records, "blank-lines", "expected 0 to the number of records"
    )
    try require(
      ([discrepanciesPerCause] + (discrepancies ?? [:]).values).allSatisfy {
        (0...Self.discrepanciesMax).contains($0)
      }, "discrepancies", "expected 0 to \(Self.discrepanciesMax) of a cause")
    try require(
      abs(licenseeClockSkew) <= Self.licenseeClockSkewMax, "licensee-clock-skew",
      "expected -8h to 8h")
    try require(
      !writesStatements || records <= Self.statementRecordCountMax, "statements",
      "expected at most \(Self.statementRecordCountMax) records with statements")
    try require(outages.allSatisfy { $0.from < $0.to }, "outages", "expected from before to")
    try require(logGaps.allSatisfy { $0.from < $0.to }, "log-gap", "expected from before to")
    try require(
      (0...days).contains(drawnLogGaps), "log-gaps",
      "expected 0 to one a day, found \(drawnLogGaps)")
    try require(
      (1...20).contains(minMessages), "min-messages", "expected 1 to 20, found \(minMessages)")
    try require(
      (0...10_000).contains(monthEndConversations), "month-end-conversations", "expected 0 to 10000"
    )
    if let termFrom, let termTo {
      try require(termFrom <= termTo, "term-to", "expected no day before the term's first")
    }
    try require(
      !writesContract || licensees.first?.contract?.isEmpty == false, "contract",
      "expected a contract's number of the first licensee")
    try require(
      questionsPerDay.map { (1...Self.questionsPerDayMax).contains($0) } ?? true,
      "questions-per-day", "expected 1 to \(Self.questionsPerDayMax)")
    try require(
      (0.001...20).contains(conversationsPerUserAndDay), "conversations-per-user-and-day",
      "expected 0.001 to 20")
    try validateLicensees()
    try require(
      plants.count <= Self.plantsMax, "plant", "expected at most \(Self.plantsMax) of them")
    for plant in plants { try plant.validate(self) }
    try validatePlantsTogether()
  }

  private func validatePlantsTogether() throws(SimulationError) {
    for name in [Plant.Name.nightShift, .small, .faqButtons, .popularityDrift]
    where plants.filter({ $0.name == name }).count > 1 {
      throw Plant.refusal("expected \(name.rawValue) once at most")
    }
    let counts = withPlantedSize().userCounts
    for licensee in licensees.indices {
      let wanted = plants.filter { $0.licensee(self) == licensee }
        .reduce(0) { $0 + $1.wantedUsers }
      guard wanted <= counts[licensee] else {
        throw Plant.refusal(
          "expected at most \(counts[licensee]) ordinary users of \(licensees[licensee].name) "
            + "to be planted on, found \(wanted)")
      }
    }
    guard plants.contains(where: { $0.name == .campaign }) else { return }
    let rhythm = Rhythm(zone: zone, from: from, days: days, flatness: nightShift)
    for plant in plants where plant.name == .campaign {
      let members = plant.campaignMembers(withPlantedSize(), rhythm)
      guard members <= Self.campaignMembersMax else {
        throw Plant.refusal(
          "expected a campaign of at most \(Self.campaignMembersMax) people, found \(members)")
      }
    }
  }

  /// How flat the day is, from 0 to 1.
  var nightShift: Double {
    plants.first { $0.name == .nightShift }.map { $0.number("flat") } ?? 0
  }

  /// With the size that a plant gives.
  func withPlantedSize() -> SimulationOptions {
    guard let small = plants.first(where: { $0.name == .small }) else { return self }
    var result = self
    result.questionsPerDay = small.count("questions")
    return result
  }

  /// What the traffic is planned to have: lines, or questions where those are wanted.
  var size: Int { questionsPerDay.map { $0 * days } ?? records }

  private var shares: [(String, Double)] {
    [
      ("out-of-order", outOfOrder), ("failures", failures),
      ("retries-with-same-id", retriesWithSameID), ("retries-with-new-id", retriesWithNewID),
      ("repeated-answers", repeatedAnswers), ("outages-per-day", outagesPerDay), ("pings", pings),
      ("item-share", itemShare), ("unplaced", unplaced), ("shared-addresses", sharedAddresses),
      ("other-user-shapes", otherUserShapes), ("boundary-cases", boundaryCases),
      ("failed-conversations", failedConversations),
      ("unlisted-app", misuse.unlistedApp), ("unlisted-scenario", misuse.unlistedScenario),
      ("unlisted-origin", misuse.unlistedOrigin), ("unlisted-network", misuse.unlistedNetwork),
      ("module-not-enabled", misuse.moduleNotEnabled),
      (
        "misuse",
        misuse.unlistedApp + misuse.unlistedScenario + misuse.unlistedOrigin
          + misuse.unlistedNetwork + misuse.moduleNotEnabled
      ),
    ]
  }

  private func validateLicensees() throws(SimulationError) {
    guard !licensees.isEmpty, Set(licensees.map(\.name)).count == licensees.count else {
      throw .option(name: "licensees", problem: "expected one or more, each name once")
    }
    for licensee in licensees {
      let names =
        [licensee.name] + licensee.modules.map(\.name) + licensee.modules.flatMap(\.scenarios)
        + licensee.apps.map(\.name)
      guard names.allSatisfy({ !$0.isEmpty && Self.isPlain($0) }),
        licensee.apps.allSatisfy({ Self.isPlain($0.origin) })
      else {
        throw .option(
          name: "licensees",
          problem:
            "expected names of 1 to 200 bytes without control characters, quotes, commas and \\")
      }
      guard licensee.modules.contains(where: { $0.meter == .conversation }),
        itemShare == 0 || licensee.modules.contains(where: { $0.meter == .item }),
        licensee.modules.allSatisfy({ !$0.scenarios.isEmpty && $0.share > 0 }),
        !licensee.apps.isEmpty, licensee.apps.allSatisfy({ $0.share > 0 }), licensee.share > 0
      else {
        throw .option(
          name: "licensees",
          problem: "expected of \(licensee.name) an app, a module by conversation, one by item or "
            + "an item share of 0, a scenario a module, and shares above 0")
      }
    }
    // A user can hold 20 conversations a day and still rest longer than the timeout between them.
    let needed = Int(Double(size) / messagesPerConversation / Double(days) / 8) + 1
    let usersInAll = userCounts.reduce(0, +)
    guard usersInAll >= needed, usersInAll <= Self.userCountMax,
      userCounts.allSatisfy({ $0 > 0 })
    else {
      throw .option(
        name: "users",
        problem: "expected \(needed) to \(Self.userCountMax) users in all for "
          + "\(size) records in \(days) days, found \(usersInAll)")
    }
  }

  private static func isPlain(_ text: String) -> Bool {
    text.utf8.count <= 200
      && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x2C && $0 != 0x5C && $0 != 0x7F }
  }

  /// Users of each licensee, stated or derived from the size.
  var userCounts: [Int] {
    let total = licensees.reduce(0) { $0 + $1.share }
    let conversations = Double(size) / messagesPerConversation / Double(days)
    return licensees.map { licensee in
      if let stated = licensee.userCount { return stated }
      let derived = conversations * licensee.share / total / conversationsPerUserAndDay
      let cap = Double(Self.userCountMax) * licensee.share / total
      return max(12, Int(min(derived, cap)))
    }
  }
}
