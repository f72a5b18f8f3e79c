/// The reports of one run, which appear together: each is written whole under a temporary name, and
/// only when all of them are on the disk is one after another moved to its path. An error before
/// that leaves the reports of the run before untouched.
public final class ReportSet {
  /// As it was named.
  public let folder: String
  private var finished: [FinishedOutput] = []

  /// - Parameter folder: created where it is missing.
  public init(folder: String) throws(OutputError) {
    try OutputFolder.create(folder)
    self.folder = folder
  }

  /// Writes a whole report, to appear with the others.
  public func write(_ bytes: [UInt8], to name: String) throws(OutputError) {
    let output = try ReportOutput(name, in: self)
    try output.write(bytes)
    try output.finish()
  }

  func add(_ output: FinishedOutput) { finished.append(output) }

  /// Makes the reports appear in the order in which they were finished; to be called once.
  public func commit() throws(OutputError) {
    while !finished.isEmpty { try finished.removeFirst().appear() }
    try OutputFolder.sync(folder)
  }

  deinit {
    for output in finished { output.remove() }
  }
}
