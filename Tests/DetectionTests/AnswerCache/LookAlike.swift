import TestSupport

@testable import Detection

/// Honest traffic that has something of a cache's.
enum LookAlike: String, CaseIterable {
  case plain, busy, bursts, drift, flat, peaked, sparse, weekdays
  /// Few questions have most calls.
  case buttons
  /// One question floods some days; or is dialled at a machine's pace.
  case campaign, dialling
  /// Hours without calls.
  case outages
  /// Users repeat their own questions only.
  case ownQuestions
  /// A handful of users.
  case clerks
  /// Half of the calls have one user.
  case guest
  /// Questions belong to hours.
  case hours
  /// Machines that ask at an interval: one, a few with one, many with their own; with a user for
  /// each call; not quite punctual.
  case poller, pollersAlike, pollers, pollersWithoutUser, pollersAlikeWithoutUser
  case unpunctual, unpunctualWithoutUser
  /// Machines that draw their pauses, up to twice or six times the shortest.
  case sleepers, restless
  /// A job at a fixed time of day, as one user, as many, as a user for each call, in any order.
  case batch, batchOfUsers, batchWithoutUser, batchShuffled
  /// Shops whose jobs ask the same at times five minutes apart.
  case staggered
  /// Some of the machines without people.
  case machinesAlone

  func traffic(seed: UInt64) -> (QuestionTraffic, [Arrival]) {
    var traffic = QuestionTraffic(
      seed: seed &* 1_000 &+ UInt64(Self.allCases.firstIndex(of: self)!))
    traffic.days = [14, 31][Int(seed % 2)]
    traffic.callsPerDay = [300, 500, 900][Int(seed / 2 % 3)]
    traffic.questions = [500, 2_000, 10_000][Int(seed / 6 % 3)]
    set(&traffic)
    var arrivals = self == .machinesAlone ? [] : traffic.arrivals()
    change(&arrivals, &traffic)
    return (traffic, arrivals.sorted { ($0.time, $0.question) < ($1.time, $1.question) })
  }

  private func set(_ traffic: inout QuestionTraffic) {
    switch self {
    case .busy: traffic.callsPerDay = 4_000
    case .bursts: traffic.bursts = 0.4
    case .drift: traffic.drift = 0.4
    case .flat: traffic.rhythm = [Double](repeating: 1, count: 24)
    case .peaked: traffic.rhythm = (0..<24).map { $0 == 3 ? 40 : $0 == 13 ? 20 : 0.2 }
    case .sparse: traffic.callsPerDay = 25
    case .weekdays: traffic.volume = (0..<31).map { $0 % 7 < 5 ? 1 : 0.02 }
    case .buttons:
      traffic.questions = 15
      traffic.exponent = 0.6
    case .clerks: traffic.users = 12
    default: break
    }
  }

  private func change(_ arrivals: inout [Arrival], _ traffic: inout QuestionTraffic) {
    let days = Double(traffic.days)
    func machine(
      _ question: Int, every interval: Double, jitter: Double = 0, user: Int?, until: Double? = nil
    ) {
      var time = Double.random(in: 0..<interval, using: &traffic.random)
      while time < (until ?? days * 86_400) {
        let late = jitter * interval * Double.random(in: -1...1, using: &traffic.random)
        arrivals.append(
          Arrival(
            question: question, time: max(0, time + late),
            user: user ?? Int.random(in: 10_000..<90_000, using: &traffic.random)))
        time += interval
      }
    }
    func job(at hour: Double, users: [Int]?, isShuffled: Bool) {
      for day in 0..<traffic.days {
        let order = isShuffled ? (0..<200).shuffled(using: &traffic.random) : Array(0..<200)
        for (place, question) in order.enumerated() {
          arrivals.append(
            Arrival(
              question: 20_000 + question,
              time: Double(day) * 86_400 + hour * 3_600 + Double(place) * 5
                + Double.random(in: 0..<2, using: &traffic.random),
              user: users.map { $0[question % $0.count] }
                ?? Int.random(in: 10_000..<90_000, using: &traffic.random)))
        }
      }
    }
    switch self {
    case .campaign:
      for day in stride(from: 2, to: traffic.days, by: 5) {
        for _ in 0..<400 {
          arrivals.append(
            Arrival(
              question: 30_000 + day, time: Double(day) * 86_400 + traffic.second(),
              user: Int.random(in: 0..<3_000, using: &traffic.random)))
        }
      }
    case .dialling:
      for day in stride(from: 1, to: traffic.days, by: 3) {
        for second in stride(from: 3_600.0, to: 30_000, by: 40) {
          arrivals.append(
            Arrival(
              question: 30_000 + day % 8,
              time: Double(day) * 86_400 + second
                + Double.random(in: -3...3, using: &traffic.random),
              user: Int.random(in: 10_000..<90_000, using: &traffic.random)))
        }
      }
    case .outages:
      for _ in 0..<6 {
        let start = Double.random(in: 0..<days, using: &traffic.random) * 86_400
        let end = start + Double.random(in: 1_800..<20_000, using: &traffic.random)
        arrivals.removeAll { $0.time >= start && $0.time < end }
      }
    case .ownQuestions:
      for index in arrivals.indices { arrivals[index].question = arrivals[index].user % 700 + 5 }
      for index in arrivals.indices { arrivals[index].user = arrivals[index].question }
    case .guest:
      for index in arrivals.indices where Bool.random(using: &traffic.random) {
        arrivals[index].user = 0
      }
    case .hours:
      for index in arrivals.indices where Int.random(in: 0..<3, using: &traffic.random) > 0 {
        arrivals[index].question =
          Int(arrivals[index].time / 3_600) % 24 * 50
          + arrivals[index].question % 50
      }
    case .poller: machine(3, every: 600, user: 9_999)
    case .pollersAlike:
      for number in 0..<40 { machine(40_000 + number % 20, every: 3_600, user: 9_000 + number) }
    case .pollers:
      for number in 0..<40 {
        machine(
          40_000 + number, every: Double(300 * (1 + number % 12)), user: 9_000 + number)
      }
    case .pollersWithoutUser:
      for number in 0..<40 { machine(40_000 + number, every: Double(600 + 97 * number), user: nil) }
    case .pollersAlikeWithoutUser:
      for number in 0..<40 { machine(40_000 + number, every: 3_600, user: nil) }
    case .unpunctual:
      for number in 0..<40 {
        machine(40_000 + number, every: 3_600, jitter: 0.15, user: 9_000 + number)
      }
    case .unpunctualWithoutUser:
      for number in 0..<40 { machine(40_000 + number, every: 3_600, jitter: 0.1, user: nil) }
    case .sleepers, .restless:
      let shortest = self == .sleepers ? 1_800.0 : 300
      let longest = self == .sleepers ? 3_600.0 : 1_800
      for number in 0..<40 {
        var time = Double.random(in: 0..<longest, using: &traffic.random)
        while time < days * 86_400 {
          arrivals.append(
            Arrival(
              question: 40_000 + number, time: time,
              user: Int.random(in: 10_000..<90_000, using: &traffic.random)))
          time += Double.random(in: shortest..<longest, using: &traffic.random)
        }
      }
    case .batch: job(at: 2, users: [9_999], isShuffled: false)
    case .batchOfUsers: job(at: 2, users: Array(9_000..<9_040), isShuffled: false)
    case .batchWithoutUser: job(at: 2, users: nil, isShuffled: false)
    case .batchShuffled: job(at: 2, users: nil, isShuffled: true)
    case .staggered:
      for shop in 0..<100 {
        for day in 0..<traffic.days {
          for question in 0..<10 {
            arrivals.append(
              Arrival(
                question: 50_000 + question,
                time: Double(day) * 86_400 + Double(shop) * 300 + Double(question),
                user: 9_000 + shop))
          }
        }
      }
    case .machinesAlone:
      let kind = traffic.random.number(0...4)
      if kind == 0 {
        for number in 0..<60 { machine(number, every: 3_600, jitter: 0.1, user: nil) }
      } else if kind == 1 {
        for number in 0..<60 { machine(number, every: Double(900 + 200 * number), user: nil) }
      } else if kind == 2 {
        job(at: 2, users: nil, isShuffled: true)
        job(at: 14, users: nil, isShuffled: true)
      } else if kind == 3 {
        for number in 0..<60 {
          machine(number, every: Double(1_200 + 400 * number), jitter: 0.2, user: nil)
        }
      } else {
        job(at: 5, users: nil, isShuffled: true)
      }
    default: break
    }
  }
}
