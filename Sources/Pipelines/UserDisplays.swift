public import Contracts
public import Reports

/// How the users of each contract are shown in what leaves, with the keys that this needs
/// (`service.data_security`).
public struct UserDisplays: Sendable {
  /// In the order of the contracts.
  public let all: [UsageReport.UserDisplay]
  /// Where this user's key was made just now: pseudonyms will not match those of another machine.
  public let createdKeyPath: String?

  /// What tells these displays from others, and no key.
  var fingerprint: String {
    all.map { display in
      switch display {
      case .plain: "plain"
      case .omitted: "omitted"
      case .pseudonym(let pseudonym): pseudonym.fingerprint
      }
    }.joined(separator: ",")
  }

  /// - Parameter keyPath: for a contract, the file of its key; `nil`: the key of this machine's
  ///   user.
  public init(
    _ contracts: [Contract], keyPath: (Contract) -> String?
  ) throws(PrivacyKeyError) {
    var all: [UsageReport.UserDisplay] = []
    var createdKeyPath: String?
    for contract in contracts {
      switch contract.privacy.user {
      case .plain: all.append(.plain)
      case .omit: all.append(.omitted)
      case .hmac:
        let key: PrivacyKey
        if let path = keyPath(contract) {
          key = try PrivacyKey.load(path: path)
        } else {
          let found = try PrivacyKey.loadOrCreateDefault()
          if found.wasCreated { createdKeyPath = found.path }
          key = found.key
        }
        all.append(.pseudonym(UserPseudonym(key: key)))
      }
    }
    self.all = all
    self.createdKeyPath = createdKeyPath
  }
}

extension PrivacyKey {
  /// What the user must know of a key that was made for them.
  public static func createdNotice(path: String) -> String {
    "\(path): made as the key of users' pseudonyms; keep it, and name it as the privacy key where "
      + "pseudonyms must match these"
  }
}
