/// Where a report's bytes go: a file or standard output.
public protocol ByteSink: ~Copyable {
  /// Takes all of the bytes.
  mutating func write(_ bytes: Span<UInt8>) throws(OutputError)
}

extension ByteSink where Self: ~Copyable {
  /// Takes the buffer's rows and leaves it empty, its memory kept for the next ones.
  @inlinable
  public mutating func write(draining buffer: inout CSVBuffer) throws(OutputError) {
    try write(buffer.bytes.span)
    buffer.bytes.removeAll(keepingCapacity: true)
  }
}
