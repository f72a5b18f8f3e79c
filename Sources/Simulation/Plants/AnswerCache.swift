/// The licensee's own store of answers before the gateway: what it has, the gateway never sees.
struct AnswerCache: ConductStep {
  private enum Kind { case fixed, sliding, leastRecentlyUsed }
  fileprivate struct Entry {
    /// When the lifetime began, by the true clock.
    var since: Int64
    /// Of its last use.
    var use: UInt64
  }
  fileprivate struct Node {
    var entries: [UInt64: Entry] = [:]
    /// Questions by their uses, the oldest first; all but a question's last use are out of date.
    var uses: [(question: UInt64, use: UInt64)] = []
    var oldest = 0
  }

  private let scope: CallScope
  private let lifetime: Int64
  private let kind: Kind
  private let capacity: Int
  private var nodes: [Node]
  private var random: Random
  private var useCount: UInt64 = 0

  init(_ plant: Plant, scope: CallScope, options: SimulationOptions, random: Random) {
    self.scope = scope
    self.random = random
    lifetime = plant.milliseconds("ttl", options)
    capacity = plant.count("capacity")
    kind =
      switch plant.choice("kind") {
      case "sliding": .sliding
      case "lru": .leastRecentlyUsed
      default: .fixed
      }
    nodes = Array(repeating: Node(), count: plant.count("nodes"))
  }

  mutating func hides(_ call: inout StagedCall) -> Bool {
    let question = call.event.question
    guard question != 0, scope.contains(call) else { return false }
    // Each call goes to whichever node is next.
    let node = nodes.count == 1 ? 0 : random.below(nodes.count)
    if let entry = nodes[node].entries[question] {
      if call.start - entry.since < lifetime {
        use(question, node: node, at: kind == .sliding ? call.start : entry.since)
        return true
      }
      nodes[node].entries[question] = nil
    }
    // What failed is not kept.
    if let answeredAt = call.answeredAt { use(question, node: node, at: answeredAt) }
    return false
  }

  private mutating func use(_ question: UInt64, node: Int, at since: Int64) {
    useCount += 1
    nodes[node].entries[question] = Entry(since: since, use: useCount)
    guard kind == .leastRecentlyUsed else { return }
    nodes[node].uses.append((question, useCount))
    nodes[node].evict(to: capacity)
  }
}

extension AnswerCache.Node {
  /// Drops the least recently used until no more than `capacity` are left.
  fileprivate mutating func evict(to capacity: Int) {
    while entries.count > capacity {
      let (question, use) = uses[oldest]
      oldest += 1
      if entries[question]?.use == use { entries[question] = nil }
    }
    guard uses.count > 2 * (entries.count + 32) else { return }
    uses = uses[oldest...].filter { entries[$0.question]?.use == $0.use }
    oldest = 0
  }
}

/// A copy for good: from a day on, what was once answered is not asked again.
struct PermanentCopy: ConductStep {
  private let scope: CallScope
  private let since: CallScope
  private var answered: Set<UInt64> = []

  init(_ plant: Plant, scope: CallScope) {
    since = scope
    var scope = scope
    if plant.isTrue("history") { scope.from = .min }
    self.scope = scope
  }

  mutating func hides(_ call: inout StagedCall) -> Bool {
    let question = call.event.question
    guard question != 0, scope.contains(call) else { return false }
    if since.contains(call), answered.contains(question) { return true }
    if call.answeredAt != nil { answered.insert(question) }
    return false
  }
}

/// Whose calls a plant concerns.
struct CallScope {
  let licensee: UInt16
  /// `nil`: all of the licensee's.
  let app: UInt16?
  /// By the true clock.
  var from: Int64

  func contains(_ call: StagedCall) -> Bool { contains(call.event, at: call.start) }

  func contains(_ event: LogEvent, at time: Int64) -> Bool {
    event.licensee == licensee && (app == nil || event.app == app) && time >= from
  }
}
