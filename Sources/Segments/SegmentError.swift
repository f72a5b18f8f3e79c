/// Why a chunk file could not be written or read: where, and what is wrong.
public struct SegmentError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was asked of the file system.
  public enum Operation: String, Sendable, Hashable {
    case createFolder = "create the folder"
    case create = "create"
    case open = "open"
    case read = "read"
    case write = "write"
    case sync = "bring to the disk"
    case close = "close"
    case rename = "rename"
  }

  public enum Problem: Sendable, Hashable {
    /// The file system refused.
    case failed(Operation, StorageError)
    /// The file does not begin as chunk files do.
    case foreign
    /// A chunk file of another kind or label than was asked for.
    case unexpected(String)
    /// A version that this program does not know.
    case version(Int)
    /// The file ends too early, or goes on behind its end.
    case length(String)
    /// What the bytes say is not what was written.
    case checksum(String)
    /// The checksum is right and the content is not what a writer writes.
    case malformed(String)
  }

  public var path: String
  /// The byte in the file from which on something is wrong.
  public var offset: Int
  public var problem: Problem

  public init(path: String, offset: Int, _ problem: Problem) {
    self.path = path
    self.offset = offset
    self.problem = problem
  }

  public var description: String {
    switch problem {
    case .failed(let operation, let error): "\(path): cannot \(operation.rawValue): \(error)"
    case .foreign: "\(path): is not a chunk file: at byte \(offset) its mark is missing"
    case .unexpected(let detail): "\(path): at byte \(offset): \(detail)"
    case .version(let version):
      "\(path): at byte \(offset): has version \(version), which this program cannot read"
    case .length(let detail): "\(path): at byte \(offset): \(detail)"
    case .checksum(let part): "\(path): at byte \(offset): the checksum of \(part) is wrong"
    case .malformed(let detail): "\(path): at byte \(offset): is malformed: \(detail)"
    }
  }
}

/// What is wrong in a chunk, and from which of its bytes on.
struct ChunkDefect: Error {
  var offset: Int
  var problem: SegmentError.Problem

  static func malformed(_ offset: Int, _ detail: String) -> ChunkDefect {
    ChunkDefect(offset: offset, problem: .malformed(detail))
  }
}
