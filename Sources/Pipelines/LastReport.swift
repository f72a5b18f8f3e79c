internal import Nights
internal import Reports

/// What a month's folder says of itself. (Until the manifest is there: nothing.)
struct LastReport {
  struct Detail: Hashable {
    var name: String
    var state: String
  }

  var state: String
  var logs: [(digest: String, name: String)]
  var details: [Detail]
  var concerns: [String]

  static func read(_ folder: String) -> LastReport? { nil }
  func isCurrent(_ state: String, _ count: StoredCount) -> Bool {
    self.state == state && logs.allSatisfy { count.name(ofText: $0.digest) == $0.name }
  }
  static func digests(_ folder: String) throws -> [String: String] { [:] }
  func write(to set: ReportSet) throws(ReportError) {}
}
