/// Apps whose traffic is more or less than it was, from a day on.
///
/// The day's curve is raised or lowered as much as all traffic is, and users with an app that loses
/// stay away in proportion.
struct VolumeShift {
  struct Part {
    let plant: Int
    let factor: Double
    /// Of the catalogue.
    let apps: Set<Int>
    let from: Int64
  }

  private(set) var parts: [Part] = []
  private var random: Random

  init(random: Random) { self.random = random }

  mutating func add(_ part: Part) { parts.append(part) }

  func factor(of app: Int, at time: Int64) -> Double {
    parts.reduce(1) { time >= $1.from && $1.apps.contains(app) ? $0 * $1.factor : $0 }
  }

  /// What all traffic is multiplied with.
  ///
  /// - Parameter shares: of the apps, 1 in all.
  func factor(ofAll shares: [Double], at time: Int64) -> Double {
    shares.indices.reduce(0) { $0 + shares[$1] * factor(of: $1, at: time) }
  }

  fileprivate mutating func comes(with app: Int, of appCount: Int, at time: Int64) -> Bool {
    guard parts.contains(where: { time >= $0.from }) else { return true }
    let most = (0..<appCount).reduce(0) { max($0, factor(of: $1, at: time)) }
    return random.unit() * most < factor(of: app, at: time)
  }
}

extension Conduct {
  /// Whether a user with an app comes now, where another may have to stay away.
  mutating func comes(with app: Int, at time: Int64) -> Bool {
    shift?.comes(with: app, of: appCount, at: time) ?? true
  }
}
