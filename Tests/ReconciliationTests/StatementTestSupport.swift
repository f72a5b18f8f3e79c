import CivilTime
import Contracts
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
  return read
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
