/// The record fields that decide counts; a log's other values are read for their grammar alone.
@frozen
public enum Field: UInt8, Sendable, CaseIterable {
  case licensee, user, conversation, requestID, event, module, scenario, app, origin, clientIP
  case question, path, userAgent
  case time, status, items, latency

  /// The field's name in the canonical NDJSON log, and in the files that describe other formats.
  public var name: String {
    switch self {
    case .licensee: "licensee"
    case .user: "user"
    case .conversation: "conversation"
    case .requestID: "request_id"
    case .event: "event"
    case .module: "module"
    case .scenario: "scenario"
    case .app: "app"
    case .origin: "origin"
    case .clientIP: "client_ip"
    case .question: "question"
    case .path: "path"
    case .userAgent: "user_agent"
    case .time: "time"
    case .status: "status"
    case .items: "items"
    case .latency: "latency_ms"
    }
  }

  public init?(name: String) {
    guard let field = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = field
  }

  /// Whether the field says where a call came from.
  public var isPlace: Bool { self == .origin || self == .clientIP }

  /// Whether the field decides no count and is asked for only where misuse is looked for: a value that
  /// cannot be read is none.
  public var isTrace: Bool {
    switch self {
    case .question, .path, .userAgent, .latency: true
    default: false
    }
  }

  /// Fields of text, which come first among the cases.
  @inlinable public static var textCount: UInt8 { 13 }
}
