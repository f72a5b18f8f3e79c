public import CivilTime

extension Contract {
  /// All that decides what a record counts for, as a text of one form: equal texts count alike, whatever the
  /// contract says of money, dates of payment and the like.
  public var countingText: String {
    func list(_ texts: some Sequence<String>) -> String {
      texts.sorted().map(Self.quoted).joined(separator: ",")
    }
    func text(_ date: CivilDate?) -> String { date.map { "\($0)" } ?? "-" }
    var lines = [
      "contract \(Self.quoted(number))", "keys \(list(licensee.keys))",
      "zone \(Self.quoted(zone.identifier))",
      "term \(text(term.firstDay)) \(text(term.lastDay)) \(text(term.from))",
    ]
    for dated in rules {
      let rule = dated.rule
      lines.append(
        "rule \(text(dated.from)) identity \(list(rule.identity.map(\.rawValue))) "
          + "idle \(rule.idleTimeout.microseconds) "
          + "max \(rule.maxDuration.map { "\($0.microseconds)" } ?? "-") "
          + "starts \(list(rule.startsOn)) ends \(list(rule.endsOn)) ignores \(list(rule.ignores)) "
          + "successful \(rule.successful.map { "\($0.lowerBound)-\($0.upperBound)" }) "
          + "failed \(rule.failedMessages.rawValue) min \(rule.minMessages) "
          + "in \(rule.countedIn.rawValue) dedupe \(rule.dedupeWindow.microseconds)")
    }
    for price in prices {
      lines.append(
        "meter \(Self.quoted(price.module)) \(price.scenario.map(Self.quoted) ?? "-") "
          + "\(price.meter.rawValue) \(text(price.from)) \(text(price.to))")
    }
    lines.append("origins \(allowed.origins.map { list($0) } ?? "-")")
    lines.append("networks \(allowed.networks.map { list($0.map(\.text)) } ?? "-")")
    return lines.joined(separator: "\n") + "\n"
  }

  /// All that decides what the days up to one come to and are worth, as a text of one form. What holds from
  /// later days on does not change it.
  public func closedText(upTo last: CivilDate) -> String {
    // Days before the term are priced as its first one.
    let end = max(last, term.firstDay ?? last)
    var contract = self
    // The first one holds before its own date too.
    contract.rules =
      rules.prefix(1) + rules.dropFirst().filter { $0.from.map { $0 <= last } ?? true }
    contract.prices = prices.filter { $0.from.map { $0 <= end } ?? true }.map { price in
      var price = price
      // What holds to the last day, and what holds for ever, is the same so far.
      price.to = price.to.flatMap { $0 < end ? $0 : nil }
      return price
    }
    contract.term.to = term.lastDay.flatMap { $0 < last ? term.to : nil }
    contract.allowed.origins = nil
    contract.allowed.networks = nil
    let prices = contract.prices.map { "price \($0.price) \($0.enabled)\n" }
    return contract.countingText + prices.joined()
  }

  private static func quoted(_ text: String) -> String {
    "\(text.utf8.count):\(text)"
  }
}
