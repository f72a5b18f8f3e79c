public import CivilTime

/// Who writes to a workspace, as the file `lock` says for people and for ``WorkspaceError/inUse(path:by:)``.
public struct LockHolder: Sendable, Hashable {
  /// What the holder calls itself, such as its command line.
  public var command: String
  public var process: Int32
  public var host: String
  public var since: Instant

  public init(command: String, process: Int32, host: String, since: Instant) {
    self.command = command
    self.process = process
    self.host = host
    self.since = since
  }
}

extension LockHolder: CustomStringConvertible {
  public var description: String {
    "'\(command)' (process \(process) on \(host), since \(since.rfc3339(in: .utc)))"
  }

  /// The content of the file `lock`: a line each.
  var fileText: String {
    // A command line with line breaks in it must not read as other lines.
    let line = command.map { $0.isNewline ? " " : $0 }
    return """
      command: \(String(line))
      process: \(process)
      host: \(host)
      since: \(since.rfc3339(in: .utc))
      since_us: \(since.microseconds)

      """
  }

  /// - Returns: `nil` where the text is not a whole ``fileText``.
  init?(fileText: String) {
    var values: [Substring: Substring] = [:]
    for line in fileText.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      values[line[..<colon]] = line[line.index(after: colon)...].dropFirst()
    }
    guard let command = values["command"], let process = values["process"].flatMap({ Int32($0) }),
      let host = values["host"], let since = values["since_us"].flatMap({ Int64($0) })
    else { return nil }
    self.init(
      command: String(command), process: process, host: String(host),
      since: Instant(microseconds: since))
  }
}
