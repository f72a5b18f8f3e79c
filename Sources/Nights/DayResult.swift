internal import CivilTime
internal import Contracts
internal import Counting
internal import Foundation
internal import Parsing

/// Where a record stands, in a file that outlives its log's name: the number of the log among the result's
/// logs, block and line in the block, from 0.
struct StoredSource: Codable, Hashable {
  var log: Int
  var block: Int
  var line: Int

  init(log: Int, block: Int, line: Int) {
    self.log = log
    self.block = block
    self.line = line
  }

  // As an array, since there are many.
  init(from decoder: any Decoder) throws {
    var values = try decoder.unkeyedContainer()
    log = try values.decode(Int.self)
    block = try values.decode(Int.self)
    line = try values.decode(Int.self)
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.unkeyedContainer()
    try values.encode(log)
    try values.encode(block)
    try values.encode(line)
  }
}

/// What one day came to, but for its units: JSON with its keys in order.
struct DayResult: Codable {
  /// How much of something there was on a day.
  struct Use: Codable {
    var contract: String
    var licensee: String
    var module: String
    var scenario: String
    var app: String
    var term: UInt8
    var count: Count
  }

  struct Count: Codable {
    struct Evidence: Codable {
      var time: Int64
      var source: StoredSource
    }
    var records: Int
    var first: Int64
    var last: Int64
    var evidence: [Evidence]
  }

  struct Place: Codable {
    var contract: String
    var licensee: String
    var module: String
    var app: String
    var kind: UInt8
    var place: String
    var count: Count
  }

  struct Unplaced: Codable {
    var contract: String
    var licensee: String
    var total: Int
    var sources: [StoredSource]
  }

  struct Outside: Codable {
    var licensee: String
    var count: Count
  }

  struct Total: Codable {
    var contract: String
    var licensee: String
    var date: Int32
    var module: String
    var scenario: String
    var meter: String
    var quantity: Int
    var messages: Int
    var failedMessages: Int
    var duplicates: Int
  }

  struct Units: Codable {
    var date: Int32
    var contract: String
    var licensee: String
    var module: String
    var scenario: String
    var app: String
    var term: UInt8
    var quantity: Int
  }

  /// What was counted, for good or provisionally.
  struct Counted: Codable {
    var messages: Int
    var items: Int
    var ignored: Int
    var failed: Int
    var duplicates: Int
    var conflicts: Int
    var conflictSources: [StoredSource]
    var totals: [Total]
    var units: [Units]
  }

  /// SHA-256 of the logs' texts, which sources speak of by number.
  var logs: [String]
  var ignored: Int
  var outside: [Outside]
  var unplaced: [Unplaced]
  var uses: [Use]
  var places: [Place]
  var counted: Counted
  var provisional: Counted

  static func read(_ bytes: [UInt8]) throws -> DayResult {
    try JSONDecoder().decode(DayResult.self, from: Data(bytes))
  }

  func bytes() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self))
  }
}
