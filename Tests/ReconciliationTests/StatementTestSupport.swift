import CivilTime
import Contracts
import Decoding
import TestSupport
import Testing

@testable import Statements

/// What a reader says of a statement.
struct ReadStatement {
  var layout: StatementLayout
  var rows: [StatementRow] = []
  var problems: [RowProblem] = []
  var summary = StatementSummary()

  /// The rows without their places in the file.
  var values: [StatementRow] {
    rows.map { row in
      var row = row
      row.row = 0
      row.line = 0
      return row
    }
  }
}

/// Reads bytes as a file called `acme.csv` in Shanghai's zone.
func readStatement(
  _ bytes: [UInt8], columns: [StatementColumn: String] = [:], zone: String = "Asia/Shanghai"
) throws -> ReadStatement {
  var reader = try StatementReader(
    .bytes(bytes, path: "acme.csv"), columns: columns,
    zone: try #require(Zone(identifier: zone)))
  var read = ReadStatement(layout: reader.layout)
  reader.readAll {
    read.rows.append(copy $0)
  } problem: {
    read.problems.append($0)
  }
  read.summary = reader.summary
  if read.layout.kind == .detail { try expectSameOfUnits(read, bytes, columns, zone) }
  return read
}

/// What a row says that units are made of.
struct UnitOfRow: Hashable {
  var row: Int
  var line: Int
  var names: StatementNames
  var date: CivilDate?
  var quantity: Int
  var user: String?
  var conversation: String?
  var startedAt: Instant?
  var endedAt: Instant?
  var messages: Int?
  var charge: Money?

  init(_ row: borrowing StatementRow) {
    self.row = row.row
    line = row.line
    names = StatementNames()
    names.contract = row.contract
    names.licensee = row.licensee
    names.module = row.module
    names.scenario = row.scenario
    names.meter = row.meter
    date = row.date
    quantity = row.quantity
    user = row.user ?? ""
    conversation = row.conversation ?? ""
    startedAt = row.startedAt
    endedAt = row.endedAt
    messages = row.messages
    charge = row.charge
  }

  init(_ row: borrowing PlainRow, _ names: StatementNames) {
    self.row = row.row
    line = row.line
    self.names = names
    date = row.date
    quantity = row.quantity
    user = row.user.text(0, row.user.count)
    conversation = row.conversation.text(0, row.conversation.count)
    startedAt = row.startedAt
    endedAt = row.endedAt
    messages = row.messages
    charge = row.charge
  }
}

/// A detail read as ``StatementReader/next(plain:other:problem:)`` does.
struct UnitsOfStatement {
  var units: [UnitOfRow] = []
  var plain = 0
  var problems: [RowProblem] = []
  var summary = StatementSummary()

  init(
    _ bytes: [UInt8], columns: [StatementColumn: String] = [:], zone: String = "Asia/Shanghai"
  ) throws {
    var reader = try StatementReader(
      .bytes(bytes, path: "acme.csv"), columns: columns,
      zone: try #require(Zone(identifier: zone)))
    var plainRow = reader.plainRow
    var other = StatementRow()
    rows: while true {
      switch reader.next(plain: &plainRow, other: &other, problem: { problems.append($0) }) {
      case .plain:
        units.append(UnitOfRow(plainRow, reader.names[plainRow.names]))
        plain += 1
      case .other: units.append(UnitOfRow(other))
      case .end: break rows
      }
    }
    summary = reader.summary
  }
}

/// Every detail says the same where its plain rows are read as bytes.
private func expectSameOfUnits(
  _ read: ReadStatement, _ bytes: [UInt8], _ columns: [StatementColumn: String], _ zone: String
) throws {
  let units = try UnitsOfStatement(bytes, columns: columns, zone: zone)
  #expect(units.units == read.rows.map { UnitOfRow($0) })
  #expect(units.problems == read.problems)
  #expect(units.summary == read.summary)
}

func readStatement(
  _ text: String, columns: [StatementColumn: String] = [:], zone: String = "Asia/Shanghai"
) throws -> ReadStatement {
  try readStatement(Array(text.utf8), columns: columns, zone: zone)
}

/// What a statement of which nothing can be read is told with.
func statementError(_ text: String, columns: [StatementColumn: String] = [:]) throws -> String? {
  do {
    _ = try readStatement(text, columns: columns)
    return nil
  } catch let error as StatementError {
    return error.description
  }
}

func instant(_ text: String) throws -> Instant {
  var reader = TimestampReader()
  let read = reader.instant(text: text.utf8.span)
  return try #require(read)
}
