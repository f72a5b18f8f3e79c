internal import Files
internal import Glibc
public import Reports

/// The file that node_exporter's textfile collector reads: what the last run was, and the figures of the
/// last one that was done.
public struct MetricsFile: Sendable {
  public let path: String

  /// A metrics file is some kilobytes; a larger one is another file.
  private static let bytesMax = 1 << 20
  /// Times that the folder's lock is tried for, 10 ms apart.
  private static let triesMax = 100

  public init(path: String) { self.path = path }

  /// Puts a run's metrics in the place of those of the run before, at once and readable for all users.
  public func write(_ facts: RunFacts) throws(OutputError) {
    // Of two runs that end together, the second reads what the first has written.
    let lock = lockedFolder()
    defer { if let lock { _ = FileDescriptor.close(lock) } }
    let metrics = Metrics(facts, earlier: earlier)
    try OutputFile.write(Array(metrics.text.utf8), to: path, isPublic: true)
  }

  /// Another pipeline of which the file has metrics, as the file names it; `nil` where it has none.
  func otherPipeline(than pipeline: String) -> String? {
    Metrics.pipeline(of: earlier).flatMap { $0 == Metrics.escaped(pipeline) ? nil : $0 }
  }

  /// What was written of the run before; empty where that cannot be read.
  private var earlier: String {
    guard case .success(let descriptor) = FileDescriptor.openToRead(path) else { return "" }
    defer { _ = FileDescriptor.close(descriptor) }
    guard case .success(let bytes) = FileDescriptor.read(descriptor, bytesMax: Self.bytesMax)
    else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The folder, locked where that can be had: what is at stake is one run's figures, until the next run.
  private func lockedFolder() -> Int32? {
    guard case .success(let descriptor) = FileDescriptor.openToRead(Folders.parent(of: path))
    else { return nil }
    for _ in 0..<Self.triesMax {
      guard FileDescriptor.lock(descriptor, exclusive: true)?.number == EWOULDBLOCK else { break }
      usleep(10_000)
    }
    return descriptor
  }
}

/// Paths as text.
enum Folders {
  /// The folder that a path lies in.
  static func parent(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
