import GRDB
import Testing

@testable import Ledger

/// The digest of a table against its definition in SQL's words.
@Suite struct LedgerSealTests {
  @Test func aTableIsDigestedByTheBytesOfItsValues() throws {
    let queue = try DatabaseQueue()
    try queue.write { database in
      try database.execute(
        sql: """
          CREATE TABLE some (id INTEGER PRIMARY KEY NOT NULL, value ANY) STRICT;
          INSERT INTO some (value) VALUES (NULL), (0), (7), (-7), (10), (1234567890), (-100),
            (9223372036854775807), (-9223372036854775808), (0.5), (-1e100), (''), ('text'), ('7'),
            ('日志 é'), (x''), (x'00'), (x'00FF7F80');
          """)
      let lines = try String.fetchAll(
        database,
        sql: """
          SELECT substr(typeof(id), 1, 1) || hex(id) || ',' || substr(typeof(value), 1, 1) || hex(value)
          FROM some ORDER BY id
          """)
      #expect(lines.count == 18)
      let expected = ContentHash.sha256(Array(lines.map { "\($0)\n" }.joined().utf8))
      #expect(try LedgerSeal.digests(database)["some"] == expected.hexadecimal)
    }
  }
}
