internal import Files
internal import Glibc

/// Standard output with a buffer. A reader that goes away (`| head`) is
/// ``OutputError/brokenPipe``, so that the command can stop quietly.
public struct StandardOutput: ~Copyable, ByteSink {
  static let bufferBytes = 1 << 16

  private let descriptor: Int32
  private var buffer: [UInt8] = []

  /// Takes standard output, and lets writes to a closed pipe fail instead of ending the process.
  public init() { self.init(descriptor: STDOUT_FILENO) }

  init(descriptor: Int32) {
    self.descriptor = descriptor
    buffer.reserveCapacity(Self.bufferBytes)
    _ = signal(SIGPIPE, SIG_IGN)
  }

  public mutating func write(_ bytes: Span<UInt8>) throws(OutputError) {
    if buffer.count + bytes.count > Self.bufferBytes { try flush() }
    if bytes.count >= Self.bufferBytes {
      try put(bytes)
    } else {
      unsafe bytes.withUnsafeBufferPointer { unsafe buffer.append(contentsOf: $0) }
    }
  }

  /// Passes on what is buffered; call it last, bytes that are not flushed are lost.
  public mutating func flush() throws(OutputError) {
    guard !buffer.isEmpty else { return }
    defer { buffer.removeAll(keepingCapacity: true) }
    try put(buffer.span)
  }

  private func put(_ bytes: Span<UInt8>) throws(OutputError) {
    guard let error = FileDescriptor.write(bytes, to: descriptor) else { return }
    if error.number == EPIPE { throw .brokenPipe }
    throw .failed(.write, path: "standard output", errno: error.number)
  }
}
