internal import Glibc
internal import Shuffling

/// Deals numbered pieces of work out to threads and lets them hand in the results in order.
@safe
final class Turns: @unchecked Sendable {
  private let count: Int
  private let lock = Lock()
  private var dealt = 0
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var taken = 0
  private var isOver = false

  init(count: Int) {
    self.count = count
    unsafe mutex = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    unsafe condition = .allocate(capacity: 1)
    unsafe pthread_cond_init(condition, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe condition.deallocate()
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// The next piece of work; `nil` where there is none, or no more is wanted.
  func next() -> Int? {
    lock.withLock {
      guard dealt < count else { return nil }
      defer { dealt += 1 }
      return dealt
    }
  }

  /// Waits until all pieces before this one are handed in, and hands it in.
  ///
  /// - Parameter body: returns whether more is wanted.
  func take(_ turn: Int, _ body: () -> Bool) {
    unsafe pthread_mutex_lock(mutex)
    while taken < turn { unsafe pthread_cond_wait(condition, mutex) }
    if !isOver && !body() {
      isOver = true
      lock.withLock { dealt = count }
    }
    taken += 1
    unsafe pthread_cond_broadcast(condition)
    unsafe pthread_mutex_unlock(mutex)
  }
}
