internal import CivilTime
internal import Decoding
internal import Files
internal import Glibc
internal import Ledger
internal import Pipelines
internal import Reports

extension Doctor {
  /// Logs, reports and the workspace beside each other.
  func places(_ pipeline: PipelineFile, _ logs: [ExaminedLog]) -> [Check] {
    do throws(RunError) {
      try pipeline.checkPlaces(logs.map(\.file))
      return []
    } catch {
      return error.messages.map { .error("folders", $0) }
    }
  }

  /// A folder that a run writes to, and makes where it is missing.
  ///
  /// - Parameter neededBytes: what a night may need there.
  func folder(_ subject: String, _ path: String, neededBytes: Int) -> [Check] {
    var existing = path
    while FileDescriptor.kind(existing) == nil, Folders.parent(of: existing) != existing {
      existing = Folders.parent(of: existing)
    }
    guard FileDescriptor.kind(existing) == S_IFDIR else {
      return [.error(subject, "\(existing) is no folder; name another path, or move it away")]
    }
    guard FileDescriptor.allows(W_OK | X_OK, existing) else {
      let words =
        existing == path
        ? "\(path) may not be written to by this user"
        : "\(path) is not there, and this user may not make it in \(existing)"
      return [
        .error(
          subject, "\(words); check owner, mode and mount, or make it: install -d -m 700 -o USER …")
      ]
    }
    var checks: [Check] = []
    if existing == path, let status = FileDescriptor.status(path) {
      if status.mode & 0o077 != 0, subject != "TMPDIR" {
        checks.append(
          .warning(
            subject,
            "\(path) may be entered or read by other users (mode \(octal(status.mode))); chmod 700 "
              + path))
      }
      if machine.userID == 0, status.owner != 0, subject != "TMPDIR" {
        checks.append(
          .warning(
            subject,
            "\(path) belongs to user \(status.owner), and root's files in it would be out of their "
              + "reach; run as that user"))
      }
    }
    let real = FileDescriptor.real(existing) ?? existing
    if let mount = machine.mount(of: real) {
      if mount.isRemote {
        let words = "\(path) is on \(mount.type), at \(mount.path)"
        checks.append(
          subject == "workspace"
            ? .error(
              subject,
              "\(words), where neither locks nor SQLite's log can be relied on; name a "
                + "folder on a local disk")
            : .warning(subject, "\(words); a folder on a local disk is faster and safer"))
      }
      if mount.isMemory, subject != "TMPDIR" {
        checks.append(
          .warning(
            subject,
            "\(path) is in memory (\(mount.type)), and gone when the machine is off; name a "
              + "folder on a disk"))
      }
    }
    let free = FileDescriptor.freeBytes(real)
    if let free, free < neededBytes {
      checks.append(
        .warning(
          subject,
          "\(path) has \(Size.text(free)) free, less than twice the newest day's logs "
            + "(\(Size.text(neededBytes))); free some space"))
    }
    let words = existing == path ? "can be written to" : "will be made"
    return checks.orOK(
      subject, "\(path) \(words)" + (free.map { "; \(Size.text($0)) free" } ?? ""))
  }

  private func octal(_ mode: mode_t) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(4 - digits.utf8.count, 0)) + digits
  }

  /// What is in a workspace's folder.
  func workspace(_ path: String) -> [Check] {
    guard FileDescriptor.kind(path) == S_IFDIR else { return [] }
    var checks: [Check] = []
    let device = FileDescriptor.status(path)?.device
    for name in ["tmp", "segments", "days"] {
      guard let status = FileDescriptor.status("\(path)/\(name)"), status.device != device else {
        continue
      }
      checks.append(
        .error(
          "workspace",
          "\(path)/\(name) is on another file system than \(path), and files cannot be moved to their "
            + "places; let it be one file system"))
    }
    let names = FileDescriptor.names(in: path).filter { $0 != "." && $0 != ".." }
    if let writer = Workspace.writer(of: path) {
      return checks + [
        .warning("workspace", "\(path) is in use by \(writer); a run beside it ends with status 4")
      ]
    }
    guard !names.isEmpty else { return checks }
    do throws(WorkspaceError) {
      let workspace = try Workspace.open(
        path, access: .read, programVersion: programVersion,
        clock: { [now = machine.now] in now })
      let count = try workspace.ledger.read { state throws(WorkspaceError) in
        try state.logs().count
      }
      checks.append(.ok("workspace", "\(path) can be read: \(count) logs"))
    } catch {
      checks.append(check(error))
    }
    return checks
  }

  private func check(_ error: WorkspaceError) -> Check {
    switch error {
    case .olderSchema, .unfinished, .inUse: .warning("workspace", error.description)
    case .corrupt(let path, _):
      .error("workspace", "\(error); 'duizhang workspace verify \(path)' says all")
    default: .error("workspace", error.description)
    }
  }

  /// Where records are put aside that do not fit into memory.
  func temporaryFolder(neededBytes: Int) -> [Check] {
    let path = machine.environment["TMPDIR"] ?? "/tmp"
    guard FileDescriptor.kind(path) != nil else {
      return [
        .error("TMPDIR", "\(path) is not there; make it, or name another folder with TMPDIR")
      ]
    }
    var checks = folder("TMPDIR", path, neededBytes: neededBytes)
    if let mount = machine.mount(of: FileDescriptor.real(path) ?? path), mount.isMemory {
      checks.append(
        .warning(
          "TMPDIR", "\(path) is memory (\(mount.type)); name a folder on a disk, such as /var/tmp"))
    }
    return checks
  }

  func metrics(_ pipeline: PipelineFile) -> [Check] {
    guard let path = pipeline.metrics else { return [] }
    let folder = Folders.parent(of: path)
    guard FileDescriptor.kind(folder) == S_IFDIR else {
      return [
        .error(
          "metrics",
          "\(folder) is not there; make it, and let node_exporter read it "
            + "(--collector.textfile.directory)")
      ]
    }
    guard FileDescriptor.allows(W_OK | X_OK, folder) else {
      return [
        .error(
          "metrics",
          "\(folder) may not be written to by this user; let a group that this user is in "
            + "write to it (chgrp, chmod g+w)")
      ]
    }
    if let kind = FileDescriptor.kind(path), kind != S_IFREG {
      return [.error("metrics", OutputError.notARegularFile(path: path).description)]
    }
    if let other = MetricsFile(path: path).otherPipeline(than: pipeline.name) {
      return [
        .warning(
          "metrics",
          "\(path) has those of the pipeline \(other), and would be overwritten; give each pipeline a "
            + "file of its own")
      ]
    }
    return [.ok("metrics", path)]
  }
}
