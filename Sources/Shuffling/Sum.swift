/// Numbers dealt out to threads, each once.
package final class Counter: @unchecked Sendable {
  private let lock = Lock()
  private var value = 0

  package init() {}

  package func next(below limit: Int) -> Int? {
    lock.withLock {
      guard value < limit else { return nil }
      defer { value += 1 }
      return value
    }
  }
}

/// What threads add up to, or the first failure of one of them.
package final class Sum<Value>: @unchecked Sendable {
  private let lock = Lock()
  private var total: Value
  private var failure: SpillError?

  package init(_ empty: Value) { total = empty }

  package var hasNoFailure: Bool { lock.withLock { failure == nil } }

  package func add(
    _ body: () throws(SpillError) -> Value, merge: (inout Value, Value) -> Void
  ) {
    do throws(SpillError) {
      let value = try body()
      lock.withLock { merge(&total, value) }
    } catch {
      lock.withLock { failure = failure ?? error }
    }
  }

  package func value() throws(SpillError) -> Value {
    try lock.withLock { () throws(SpillError) in
      if let failure { throw failure }
      return total
    }
  }
}
