internal import Files

/// The reports of one run, which appear together: each is written whole under a temporary name, and
/// only when all of them are on the disk is one after another moved to its path. An error before
/// that leaves the reports of the run before untouched.
public final class ReportSet {
  /// As it was named.
  public let folder: String
  /// What the reports have that are whole, in the order in which they were finished.
  public private(set) var contents: [ReportContent] = []
  private var finished: [FinishedOutput] = []
  private var staleSuffix: String?

  /// - Parameter folder: created where it is missing. What killed runs left in it is removed.
  public init(folder: String) throws(OutputError) {
    try OutputFolder.create(folder)
    OutputFolder.sweep(folder)
    self.folder = folder
  }

  /// - Parameter folder: one that was made just now.
  init(newFolder folder: String) { self.folder = folder }

  /// Writes a whole report, to appear with the others.
  public func write(_ bytes: [UInt8], to name: String) throws(OutputError) {
    let output = try ReportOutput(name, in: self)
    try output.write(bytes)
    try output.finish()
  }

  /// Lets files of the folder go whose names end so, and that are not of this set, when it appears.
  public func replaceFiles(suffix: String) { staleSuffix = suffix }

  func add(_ output: FinishedOutput, _ content: ReportContent) {
    finished.append(output)
    contents.append(content)
  }

  /// Notes a report that is at its path already.
  func add(_ content: ReportContent) { contents.append(content) }

  /// Makes the reports appear in the order in which they were finished; to be called once.
  public func commit() throws(OutputError) {
    let names = Set(finished.map { OutputFile.name(of: $0.path) })
    finished.reverse()
    while let output = finished.popLast() { try output.appear() }
    if let staleSuffix {
      for name in FileDescriptor.names(in: folder)
      where name.hasSuffix(staleSuffix) && !names.contains(name) {
        FileDescriptor.remove("\(folder)/\(name)")
      }
    }
    try OutputFolder.sync(folder)
  }

  deinit {
    for output in finished { output.remove() }
  }
}
