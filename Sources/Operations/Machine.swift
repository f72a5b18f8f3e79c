public import CivilTime
internal import Files
internal import Foundation
internal import Glibc

/// The machine and the surroundings of a process, as far as a nightly run depends on them.
public struct Machine: Sendable, Hashable {
  public var now: Instant
  public var environment: [String: String]
  /// The user who asks; 0 is root.
  public var userID: UInt32
  /// The memory that a process can have: the machine's, or less where a cgroup limits it.
  public var memoryBytes: Int?
  /// Files that a process may have open at a time.
  public var openFilesMax: Int?
  public var mounts: [Mount]

  /// A file system and where it is mounted.
  public struct Mount: Sendable, Hashable {
    public var path: String
    /// `ext4`, `nfs4`, `fuse.sshfs`.
    public var type: String

    public init(path: String, type: String) {
      self.path = path
      self.type = type
    }

    /// Whether locks, and what is written, depend on another machine or program.
    var isRemote: Bool {
      let types = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse",
      ]
      return types.contains(type) || type.hasPrefix("fuse.")
    }

    var isMemory: Bool { type == "tmpfs" || type == "ramfs" }
  }

  public init(
    now: Instant, environment: [String: String], userID: UInt32, memoryBytes: Int?,
    openFilesMax: Int?, mounts: [Mount]
  ) {
    self.now = now
    self.environment = environment
    self.userID = userID
    self.memoryBytes = memoryBytes
    self.openFilesMax = openFilesMax
    self.mounts = mounts
  }

  /// This machine as this process finds it.
  public static func current(now: Instant) -> Machine {
    let limits = SystemFile.lines("/proc/self/limits")
    let openFiles = limits.first { $0.hasPrefix("Max open files") }?
      .split(separator: " ").dropFirst(3).first
    return Machine(
      now: now, environment: ProcessInfo.processInfo.environment, userID: geteuid(),
      memoryBytes: ([memoryTotal] + memoryLimits).compactMap { $0 }.min(),
      openFilesMax: openFiles.flatMap { Int($0) },
      mounts: mounts(SystemFile.lines("/proc/self/mountinfo")))
  }

  /// The file system that a path lies on; `nil` where that is not known.
  ///
  /// - Parameter path: of what is there, without links.
  func mount(of path: String) -> Mount? {
    // Of two at one place, the later one hides the other.
    mounts.reversed().filter {
      $0.path == "/" || path == $0.path || path.hasPrefix($0.path + "/")
    }.max { $0.path.utf8.count < $1.path.utf8.count }
  }
}

extension Machine {
  private static var memoryTotal: Int? {
    SystemFile.lines("/proc/meminfo").first { $0.hasPrefix("MemTotal:") }
      .flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }
      .map { $0 * 1_024 }
  }

  /// What the process's cgroup, and those above it, allow: of version 2, and of 1.
  private static var memoryLimits: [Int] {
    var files: [String] = []
    for line in SystemFile.lines("/proc/self/cgroup") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isUnified = parts[1].isEmpty
      guard isUnified || parts[1].split(separator: ",").contains("memory") else { continue }
      let root = "/sys/fs/cgroup" + (isUnified ? "" : "/memory")
      var path = String(parts[2])
      while true {
        let name = isUnified ? "memory.max" : "memory.limit_in_bytes"
        files.append("\(root)\(path == "/" ? "" : path)/\(name)")
        guard path.hasPrefix("/"), path != "/" else { break }
        path = Folders.parent(of: path)
      }
    }
    return files.compactMap { SystemFile.lines($0).first.flatMap { Int($0) } }
  }

  /// - Parameter lines: of `mountinfo`: six fields, any number of others, `-`, and the type.
  static func mounts(_ lines: [Substring]) -> [Mount] {
    lines.compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else {
        return nil
      }
      return Mount(path: unescaped(fields[4]), type: String(fields[dash + 1]))
    }
  }

  /// A path of `mountinfo`, in which spaces and the like are octal: `\040`.
  private static func unescaped(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      let digits = String(decoding: rest.prefix(3), as: UTF8.self)
      if byte == 0x5C, digits.utf8.count == 3, let value = UInt8(digits, radix: 8) {
        bytes.append(value)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Files by which the kernel says something.
enum SystemFile {
  private static let bytesMax = 4 << 20

  /// The lines of a file; none where it cannot be read.
  static func lines(_ path: String) -> [Substring] {
    guard case .success(let descriptor) = FileDescriptor.openToRead(path) else { return [] }
    defer { _ = FileDescriptor.close(descriptor) }
    guard case .success(let bytes) = FileDescriptor.read(descriptor, bytesMax: bytesMax) else {
      return []
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }
}
