internal import Decoding

/// Deals numbered pieces of work out to threads and lets them hand in the results in order.
final class Turns: @unchecked Sendable {
  private let count: Int
  private let monitor = Monitor()
  private var dealt = 0
  private var taken = 0
  private var isOver = false

  init(count: Int) { self.count = count }

  /// The next piece of work; `nil` where there is none, or no more is wanted.
  func next() -> Int? {
    monitor.withLock {
      guard dealt < count, !isOver else { return nil }
      defer { dealt += 1 }
      return dealt
    }
  }

  /// Waits until all pieces before this one are handed in, and hands it in.
  ///
  /// - Parameter body: returns whether more is wanted; no other thread is in a body meanwhile.
  func take(_ turn: Int, _ body: () -> Bool) {
    monitor.withLock {
      while taken < turn { monitor.wait() }
      if !isOver && !body() { isOver = true }
      taken += 1
      monitor.signalAll()
    }
  }
}
