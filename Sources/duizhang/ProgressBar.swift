import Glibc
import Synchronization

/// A line on the terminal that shows how much of the input is read.
final class ProgressBar: @unchecked Sendable {
  private let totalBytes: Int
  private let takenBytes: @Sendable () -> Int
  private let isStopped = Atomic<Bool>(false)
  private var thread = pthread_t()
  private var isRunning = false

  private static let width = 40
  private static let periodMicroseconds: UInt32 = 100_000

  /// - Parameter totalBytes: 0 where it is not known, and then only bytes are shown.
  init(totalBytes: Int, takenBytes: @escaping @Sendable () -> Int) {
    self.totalBytes = totalBytes
    self.takenBytes = takenBytes
    let bar = unsafe Unmanaged.passRetained(self)
    isRunning =
      unsafe pthread_create(
        &thread, nil,
        { argument in
          guard let argument = unsafe argument else { return nil }
          unsafe Unmanaged<ProgressBar>.fromOpaque(argument).takeRetainedValue().draw()
          return nil
        }, bar.toOpaque()) == 0
    if !isRunning { unsafe bar.release() }
  }

  private func draw() {
    while !isStopped.load(ordering: .relaxed) {
      usleep(Self.periodMicroseconds)
      let taken = takenBytes()
      let megabytes = taken / 1_000_000
      guard totalBytes > 0 else {
        StandardError.write("\r\(megabytes) MB read ")
        continue
      }
      let share = min(Double(taken) / Double(totalBytes), 1)
      let filled = Int(share * Double(Self.width))
      let bar =
        String(repeating: "#", count: filled)
        + String(repeating: ".", count: Self.width - filled)
      StandardError.write("\r[\(bar)] \(Int(share * 100)) % of \(totalBytes / 1_000_000) MB ")
    }
    // Clears the line.
    StandardError.write("\r\u{1B}[K")
  }

  func stop() {
    guard isRunning else { return }
    isRunning = false
    isStopped.store(true, ordering: .relaxed)
    pthread_join(thread, nil)
  }
}
