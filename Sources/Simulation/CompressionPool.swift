internal import Glibc

/// Compresses files on several threads, each file's chunks in their order by one thread at a time,
/// so that the bytes do not depend on the number of threads.
///
/// With one thread the caller does the work itself.
@safe
final class CompressionPool: @unchecked Sendable {
  // Sendable: everything that changes is guarded by `mutex`.
  /// What may wait for a compressor: with what the generator holds, the bound of memory in use.
  static let waitingBytesMax = 64 << 20

  private struct Entry {
    var file: LogFile
    var waiting: [Chunk] = []
    var isLast = false
    var isBusy = false
  }

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var entries: [Int: Entry] = [:]
  private var nextKey = 0
  private var waitingBytes = 0
  private var isClosing = false
  private var failure: SimulationError?
  private var threads: [pthread_t] = []

  init(threads count: Int) throws(SimulationError) {
    unsafe mutex = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(changed, nil)
    guard count > 1 else { return }
    for _ in 0..<count {
      var thread = pthread_t()
      let pool = unsafe Unmanaged.passRetained(self)
      let status = unsafe pthread_create(
        &thread, nil,
        { argument in
          guard let argument = unsafe argument else { return nil }
          unsafe Unmanaged<CompressionPool>.fromOpaque(argument).takeRetainedValue().work()
          return nil
        }, pool.toOpaque())
      guard status == 0 else {
        unsafe pool.release()
        errno = status
        close()
        throw .cannotStartThread(reason: LogFile.systemReason())
      }
      threads.append(thread)
    }
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe pthread_cond_destroy(changed)
    unsafe mutex.deallocate()
    unsafe changed.deallocate()
  }

  /// Takes a file in; the result names it from here on.
  func add(_ file: LogFile) -> Int {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    entries[nextKey] = Entry(file: file)
    nextKey += 1
    return nextKey - 1
  }

  /// Hands lines over, or waits until the compressors have caught up.
  ///
  /// - Parameter isLast: ends the file.
  /// - Throws: what made any file fail.
  func submit(_ chunk: Chunk, key: Int, isLast: Bool) throws(SimulationError) {
    unsafe pthread_mutex_lock(mutex)
    while failure == nil, waitingBytes >= Self.waitingBytesMax {
      unsafe pthread_cond_wait(changed, mutex)
    }
    entries[key]?.waiting.append(chunk)
    if isLast { entries[key]?.isLast = true }
    waitingBytes += Chunk.capacityBytes
    let failed = failure
    unsafe pthread_cond_broadcast(changed)
    unsafe pthread_mutex_unlock(mutex)
    if let failed { throw failed }
    if threads.isEmpty { work(returnsWhenIdle: true) }
    if let failure = currentFailure() { throw failure }
  }

  /// Waits until everything is written.
  ///
  /// - Throws: what made any file fail.
  func finish() throws(SimulationError) {
    close()
    if let failure = currentFailure() { throw failure }
  }

  /// Ends the threads, after their work is done.
  func close() {
    unsafe pthread_mutex_lock(mutex)
    isClosing = true
    unsafe pthread_cond_broadcast(changed)
    unsafe pthread_mutex_unlock(mutex)
    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }

  private func currentFailure() -> SimulationError? {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return failure
  }

  private func work(returnsWhenIdle: Bool = false) {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while failure == nil {
      // The file with most to do first; the choice decides when a file is written, not what.
      let ready = entries.filter { !$0.value.isBusy && !$0.value.waiting.isEmpty }
      guard
        let (key, entry) = ready.max(by: {
          ($0.value.waiting.count, $1.key) < ($1.value.waiting.count, $0.key)
        })
      else {
        if returnsWhenIdle { return }
        if isClosing && !entries.contains(where: { $0.value.isBusy }) { return }
        unsafe pthread_cond_wait(changed, mutex)
        continue
      }
      entries[key]?.isBusy = true
      entries[key]?.waiting = []
      unsafe pthread_mutex_unlock(mutex)
      let error = Self.compress(entry)
      unsafe pthread_mutex_lock(mutex)
      waitingBytes -= entry.waiting.count * Chunk.capacityBytes
      entries[key]?.isBusy = false
      if entry.isLast { entries[key] = nil }
      if failure == nil { failure = error }
      unsafe pthread_cond_broadcast(changed)
    }
  }

  private static func compress(_ entry: Entry) -> SimulationError? {
    do throws(SimulationError) {
      for chunk in entry.waiting {
        try chunk.withBytes { (bytes) throws(SimulationError) in try entry.file.write(bytes) }
      }
      if entry.isLast { try entry.file.finish() }
      return nil
    } catch {
      return error
    }
  }
}
