/// One call as a gateway saw it: what a line of the log is written from.
struct LogEvent {
  enum Kind: UInt8, CaseIterable {
    case message, open, close, ping
  }

  /// By the gateway's clock, milliseconds since the epoch.
  var time: Int64
  /// By the true clock; where the line stands in its file.
  var order: Int64
  var requestHigh: UInt64
  var requestLow: UInt64
  /// 0: not named.
  var conversation: UInt64
  /// 0: none.
  var question: UInt64
  var answer: UInt64
  /// What is planted and shows in this line: a bit for each.
  var plants: UInt64 = 0
  /// −1: a call without a user.
  var user: Int32
  /// Whose address and agent the line has.
  var person: Int32
  var latency: Int32
  var bytesIn: Int32
  var bytesOut: Int32
  var status: UInt16
  /// 0: none stated.
  var items: UInt16
  /// Above 0: the item that is asked for. Below: one of the paths that are probed.
  var path: Int32 = 0
  /// 0: the app's.
  var agent: PlantedAgent = .none
  var module: UInt16
  var scenario: UInt16
  var app: UInt16
  var licensee: UInt16
  var gateway: UInt8
  var kind: Kind
  var misuse: MisuseKind
}

/// An agent that is no app of the licensee's.
enum PlantedAgent: UInt8, CaseIterable {
  case none, office, scanner

  var text: String {
    switch self {
    case .none: ""
    case .office: "Mozilla/5.0 (Windows NT 10.0; Win64; rv:128.0) Gecko/20100101 Firefox/128.0"
    case .scanner: "python-requests/2.32.3"
    }
  }
}

/// What a planted conversation does that its contract forbids.
enum MisuseKind: UInt8, CaseIterable {
  case none, unlistedApp, unlistedScenario, unlistedOrigin, unlistedNetwork, moduleNotEnabled

  /// The finding's name.
  var finding: String {
    switch self {
    case .none: ""
    case .unlistedApp: "unlisted_app"
    case .unlistedScenario: "unlisted_scenario"
    case .unlistedOrigin: "unlisted_origin"
    case .unlistedNetwork: "unlisted_network"
    case .moduleNotEnabled: "module_not_enabled"
    }
  }

  /// What stands in the log where a contract's list would have something else.
  var value: String {
    switch self {
    case .none: ""
    case .unlistedApp: "partner-mini"
    case .unlistedScenario: "recruiting"
    case .unlistedOrigin: "https://partner.example"
    case .unlistedNetwork: "192.0.2.0/24"
    case .moduleNotEnabled: "voice-bot"
    }
  }
}
