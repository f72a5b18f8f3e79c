/// Requests of a licensee's day: all of them, or those of the smallest hashes, so that a request
/// which comes again on another day is kept on both.
///
/// Of a request only its first call between two midnights in UTC is kept. A call costs a comparison
/// once as many requests are there as are kept.
struct RequestSample: Sendable, Equatable {
  /// Requests that are kept of a day.
  static let requestsMax = 4_096

  struct Call: Sendable, Hashable, Comparable {
    /// Of the request's id and the user.
    var request: UInt64
    /// Microseconds since 1970.
    var time: Int64
    /// The lower half of its hash.
    var question: UInt32
    var source: UInt64

    /// In days since 1970, in UTC.
    var day: Int64 { time >= 0 ? time / 86_400_000_000 : (time + 1) / 86_400_000_000 - 1 }

    static func < (left: Call, right: Call) -> Bool {
      if left.request != right.request { return left.request < right.request }
      if left.time != right.time { return left.time < right.time }
      if left.question != right.question { return left.question < right.question }
      return left.source < right.source
    }
  }

  /// No request beyond is kept.
  private(set) var limit = UInt64.max
  private var kept: [Call] = []
  private var isSettled = true

  init() {}

  /// Of a user's hash, what ``request(_:mixedUser:)`` takes.
  @inline(__always)
  static func mixed(user: UInt64) -> UInt64 { Mixing.mixed(user) }

  @inline(__always)
  static func request(_ request: UInt64, mixedUser: UInt64) -> UInt64 {
    Mixing.mixed(request ^ mixedUser)
  }

  @inline(__always)
  mutating func add(
    request: UInt64, mixedUser: UInt64, question: UInt64, time: Int64, source: UInt64
  ) {
    let hash = Self.request(request, mixedUser: mixedUser)
    guard hash <= limit else { return }
    keep(
      Call(
        request: hash, time: time, question: UInt32(truncatingIfNeeded: question),
        source: source))
  }

  private mutating func keep(_ call: Call) {
    kept.reserveForMore(most: Self.pendingMax)
    kept.append(call)
    isSettled = false
    if kept.count >= Self.pendingMax { makeRoom() }
  }

  private static let pendingMax = 4 * requestsMax

  /// Drops the larger hashes unsorted, where enough requests are left; else settles.
  private mutating func makeRoom() {
    // Requests are spread evenly below the limit: by its parts.
    let shift = UInt64(max(0, 54 - limit.leadingZeroBitCount))
    var calls = [Int](repeating: 0, count: 1_024)
    for call in kept { calls[Int(call.request >> shift)] += 1 }
    var (part, sum) = (0, calls[0])
    while sum < Self.pendingMax / 2 {
      part += 1
      sum += calls[part]
    }
    let bound = UInt64(part + 1) << shift &- 1
    var requests = HashNumbers(capacity: sum)
    for call in kept where call.request <= bound { _ = requests.number(of: call.request) }
    guard requests.count >= Self.requestsMax, sum <= Self.pendingMax * 3 / 4 else {
      settle()
      return
    }
    limit = min(limit, bound)
    kept.removeAll { $0.request > bound }
  }

  mutating func merge(_ other: RequestSample) {
    limit = min(limit, other.limit)
    if !kept.isEmpty { kept.removeAll { $0.request > limit } }
    for call in other.kept where call.request <= limit { keep(call) }
    settle()
  }

  /// By request and time.
  var calls: [Call] {
    var copy = self
    copy.settle()
    return copy.kept
  }

  mutating func settle() {
    guard !isSettled else { return }
    kept.sort()
    var output: [Call] = []
    var requests = 0
    var isCut = limit < .max
    for call in kept {
      if let last = output.last, last.request == call.request {
        if last.day == call.day { continue }
      } else {
        guard requests < Self.requestsMax else {
          isCut = true
          break
        }
        requests += 1
      }
      output.append(call)
    }
    if isCut, requests == Self.requestsMax, let last = output.last { limit = last.request }
    kept = output
    isSettled = true
  }

  static func == (left: RequestSample, right: RequestSample) -> Bool {
    let (left, right) = (left.settled, right.settled)
    return left.limit == right.limit && left.kept == right.kept
  }

  private var settled: RequestSample {
    var copy = self
    copy.settle()
    return copy
  }

  func write(to writer: inout SummaryWriter) {
    let sample = settled
    writer.number(sample.limit)
    writer.count(sample.kept.count)
    var request: UInt64 = 0
    for call in sample.kept {
      writer.number(call.request - request)
      request = call.request
      writer.signed(call.time)
      writer.number(UInt64(call.question))
      writer.source(call.source)
    }
  }

  init(from reader: inout SummaryReader) throws(SummaryError) {
    limit = try reader.number()
    let count = try reader.length()
    var request: UInt64 = 0
    for _ in 0..<count {
      let (sum, overflow) = request.addingReportingOverflow(try reader.number())
      guard !overflow, sum <= limit else { throw reader.error("no such request") }
      request = sum
      let call = Call(
        request: request, time: try reader.signed(),
        question: UInt32(try reader.number(atMost: UInt64(UInt32.max))), source: try reader.source()
      )
      if let last = kept.last, last.request == sum, call.time < last.time {
        throw reader.error("a request's calls are not in order of time")
      }
      kept.append(call)
    }
    isSettled = false
    settle()
  }
}
