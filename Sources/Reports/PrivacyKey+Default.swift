internal import Files
internal import Foundation
internal import Glibc

extension PrivacyKey {
  /// The key of this machine's user, and whether it was made just now.
  public struct Default: Sendable {
    public var key: PrivacyKey
    public var path: String
    /// Whether this call made the key: pseudonyms will not match those of another machine.
    public var wasCreated: Bool
  }

  /// The key at `$XDG_CONFIG_HOME/duizhang/privacy.key`, or `~/.config/duizhang/privacy.key`;
  /// made of 32 random bytes with mode 0600 where there is none.
  public static func loadOrCreateDefault() throws(PrivacyKeyError) -> Default {
    try loadOrCreateDefault(environment: ProcessInfo.processInfo.environment)
  }

  /// As ``loadOrCreateDefault()``, with the environment given.
  public static func loadOrCreateDefault(
    environment: [String: String]
  ) throws(PrivacyKeyError) -> Default {
    let folder = try folder(environment: environment)
    let path = folder + "/privacy.key"
    var wasCreated = false
    if FileDescriptor.kind(path) == nil {
      do throws(OutputError) {
        try OutputFolder.create(folder)
        wasCreated = try create(path)
      } catch {
        throw .notCreated(error)
      }
    }
    return Default(key: try load(path: path), path: path, wasCreated: wasCreated)
  }

  /// Where ``loadOrCreateDefault(environment:)`` seeks the key; it need not be there.
  public static func defaultPath(
    environment: [String: String]
  ) throws(PrivacyKeyError) -> String {
    try folder(environment: environment) + "/privacy.key"
  }

  /// The XDG base directory specification: a relative path counts as none.
  private static func folder(environment: [String: String]) throws(PrivacyKeyError) -> String {
    if let config = environment["XDG_CONFIG_HOME"], config.hasPrefix("/") {
      return config + "/duizhang"
    }
    if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.config/duizhang" }
    throw .noHome
  }

  /// Makes a key appear whole, and only where there is none: the second name of a finished file
  /// is given by `link`, which fails where the name is taken.
  ///
  /// - Returns: false where another process was first.
  private static func create(_ path: String) throws(OutputError) -> Bool {
    let temporaryPath = "\(path).\(getpid()).part"
    let descriptor: Int32
    switch FileDescriptor.create(temporaryPath) {
    case .success(let opened): descriptor = opened
    case .failure(let error): throw .failed(.create, path: path, errno: error.number)
    }
    defer { FileDescriptor.remove(temporaryPath) }
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<createdBytes).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    var error = FileDescriptor.write(bytes.span, to: descriptor)
    if error == nil { error = FileDescriptor.sync(descriptor) }
    let closing = FileDescriptor.close(descriptor)
    if let error = error ?? closing {
      throw .failed(.write, path: path, errno: error.number)
    }
    if let error = FileDescriptor.link(temporaryPath, to: path) {
      if error.number == EEXIST { return false }
      throw .failed(.create, path: path, errno: error.number)
    }
    return true
  }
}
