internal import Files
internal import Glibc

/// The secret by which users are pseudonymised (`service.data_security`): whoever has it can
/// recognise a user, so it stays with the licensor.
public struct PrivacyKey: Sendable {
  public static let bytesMin = 16
  public static let bytesMax = 4_096
  static let createdBytes = 32

  let bytes: [UInt8]

  /// - Throws: where there are fewer than 16 bytes.
  public init(bytes: [UInt8]) throws(PrivacyKeyError) { try self.init(bytes: bytes, path: "") }

  private init(bytes: [UInt8], path: String) throws(PrivacyKeyError) {
    guard bytes.count >= Self.bytesMin else {
      throw .tooShort(path: path, bytes: bytes.count)
    }
    self.bytes = bytes
  }

  /// The key of a file: all of its bytes, a final line end included.
  public static func load(path: String) throws(PrivacyKeyError) -> PrivacyKey {
    let descriptor: Int32
    switch FileDescriptor.openToRead(path) {
    case .success(let opened): descriptor = opened
    case .failure(let error): throw .unreadable(path: path, errno: error.number)
    }
    defer { _ = FileDescriptor.close(descriptor) }
    switch FileDescriptor.read(descriptor, bytesMax: Self.bytesMax + 1) {
    case .failure(let error): throw .unreadable(path: path, errno: error.number)
    case .success(let bytes):
      guard bytes.count <= Self.bytesMax else { throw .tooLong(path: path) }
      return try PrivacyKey(bytes: bytes, path: path)
    }
  }
}

/// Why there is no privacy key.
public enum PrivacyKeyError: Error, Sendable, Hashable, CustomStringConvertible {
  case tooShort(path: String, bytes: Int)
  case tooLong(path: String)
  case unreadable(path: String, errno: Int32)
  /// Neither `XDG_CONFIG_HOME` nor `HOME` is an absolute path.
  case noHome
  case notCreated(OutputError)

  public var description: String {
    switch self {
    case .tooShort(let path, let bytes):
      "\(path): a privacy key needs at least \(PrivacyKey.bytesMin) bytes, this one has \(bytes); "
        + "create one with: head -c 32 /dev/urandom > \(path.isEmpty ? "privacy.key" : path)"
    case .tooLong(let path):
      "\(path): a privacy key has at most \(PrivacyKey.bytesMax) bytes; is this the right file?"
    case .unreadable(let path, let number):
      "cannot read the privacy key \(path): \(Self.text(of: number)); check the path in "
        + "privacy.key_file and that you may read it"
    case .noHome:
      "there is no place for the privacy key: neither XDG_CONFIG_HOME nor HOME is set to an "
        + "absolute path; \(Self.naming), or set one of them"
    case .notCreated(let error): "the privacy key was not created: \(error); or \(Self.naming)"
    }
  }

  private static let naming =
    "name a key with 'privacy_key' in the pipeline file or 'privacy.key_file' in the contract"

  private static func text(of number: Int32) -> String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
  }
}
