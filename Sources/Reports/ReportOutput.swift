/// A report on its way out: to a file that appears when it is whole, alone or together with others,
/// or to standard output.
public final class ReportOutput {
  private var file: OutputFile?
  private var stream: StandardOutput?
  /// The reports together with which this one is to appear.
  private var set: ReportSet?
  /// Of what was written so far, for a set.
  private var content: ReportContent.Digest?

  /// - Parameter folder: created where it is missing; `nil`: standard output.
  public init(_ name: String, in folder: String?) throws(OutputError) {
    if let folder {
      try OutputFolder.create(folder)
      file = try OutputFile(path: "\(folder)/\(name)")
    } else {
      stream = StandardOutput()
    }
  }

  /// - Parameter set: the reports together with which this one appears, when the set is committed.
  public init(_ name: String, in set: ReportSet) throws(OutputError) {
    file = try OutputFile(path: "\(set.folder)/\(name)")
    self.set = set
    content = ReportContent.Digest(name: name)
  }

  public func write(draining buffer: inout CSVBuffer) throws(OutputError) {
    content?.update(buffer.bytes)
    try file?.write(draining: &buffer)
    try stream?.write(draining: &buffer)
  }

  public func write(_ bytes: [UInt8]) throws(OutputError) {
    content?.update(bytes)
    try file?.write(bytes.span)
    try stream?.write(bytes.span)
  }

  /// Completes the report.
  public func finish() throws(OutputError) {
    try stream?.flush()
    guard let file = file.take() else { return }
    if let set, let content {
      set.add(try file.finish(), content.content)
    } else {
      try file.commit()
    }
  }
}
