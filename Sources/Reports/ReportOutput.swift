/// A report on its way out: to a file that appears when it is whole, or to standard output.
public final class ReportOutput {
  private var file: OutputFile?
  private var stream: StandardOutput?

  /// - Parameter folder: created where it is missing; `nil`: standard output.
  public init(_ name: String, in folder: String?) throws(OutputError) {
    if let folder {
      try OutputFolder.create(folder)
      file = try OutputFile(path: "\(folder)/\(name)")
    } else {
      stream = StandardOutput()
    }
  }

  public func write(draining buffer: inout CSVBuffer) throws(OutputError) {
    try file?.write(draining: &buffer)
    try stream?.write(draining: &buffer)
  }

  public func write(_ bytes: [UInt8]) throws(OutputError) {
    try file?.write(bytes.span)
    try stream?.write(bytes.span)
  }

  /// Completes the report.
  public func finish() throws(OutputError) {
    try stream?.flush()
    if let file = file.take() { try file.commit() }
  }
}
