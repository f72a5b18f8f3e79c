internal import GRDB

/// The ledger's tables, as migrations that are applied in order and never changed once released.
/// docs/workspace.md says in words what they hold.
///
/// Times are microseconds since 1970-01-01T00:00:00Z, days are days since 1970-01-01, sizes are bytes,
/// hashes are the bytes themselves.
enum LedgerSchema {
  /// `application_id` of the database, "DZLG": what tells a ledger from another SQLite file.
  static let applicationID = 0x445A_4C47

  /// Those of the entries that migrations leave in the audit log.
  static let actions = ["workspace.create", "workspace.upgrade"]

  /// For questions about which migrations a ledger has.
  static let migrator = migrator { _, _ in }

  /// - Parameter seal: ends each migration, within its transaction, with the audit entry of this action:
  ///   a ledger is never without one that says what its tables are.
  static func migrator(
    seal: @escaping @Sendable (Database, _ action: String) throws -> Void
  ) -> DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("2") { database in
      try database.execute(sql: "PRAGMA application_id = \(applicationID)")
      for statement in [runs, logs, days, periods, audit] { try database.execute(sql: statement) }
      try seal(database, actions[0])
    }
    migrator.registerMigration("3") { database in
      for table in ["day", "period_day"] { try database.execute(sql: seen(of: table)) }
      try seal(database, actions[1])
    }
    return migrator
  }

  /// What was seen of a day's calls, in a file.
  private static func seen(of table: String) -> String {
    """
    ALTER TABLE \(table) ADD COLUMN seen_path TEXT
      CHECK (seen_path GLOB 'days/*' AND seen_path NOT GLOB '*..*');
    ALTER TABLE \(table) ADD COLUMN seen_sha256 BLOB CHECK (length(seen_sha256) = 32
      AND (seen_path IS NULL) = (seen_sha256 IS NULL));
    ALTER TABLE \(table) ADD COLUMN seen_bytes INTEGER CHECK (seen_bytes >= 0
      AND (seen_path IS NULL) = (seen_bytes IS NULL));
    """
  }

  private static let runs = """
    CREATE TABLE workspace (
      id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 36),
      created_at INTEGER NOT NULL,
      program_version TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX workspace_once ON workspace ((1));

    CREATE TABLE run (
      id INTEGER PRIMARY KEY NOT NULL,
      command TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      finished_at INTEGER CHECK (finished_at >= started_at),
      program_version TEXT NOT NULL,
      configuration_hash BLOB NOT NULL CHECK (length(configuration_hash) = 32),
      rule_hash BLOB NOT NULL CHECK (length(rule_hash) = 32),
      host TEXT NOT NULL,
      user TEXT NOT NULL,
      outcome TEXT NOT NULL
        CHECK (outcome IN ('running', 'interrupted', 'done', 'needs_attention', 'failed')),
      summary TEXT NOT NULL CHECK (json_valid(summary)),
      CHECK ((finished_at IS NULL) = (outcome IN ('running', 'interrupted')))
    ) STRICT;
    """

  private static let logs = """
    CREATE TABLE log_file (
      id INTEGER PRIMARY KEY NOT NULL,
      text_digest BLOB NOT NULL UNIQUE CHECK (length(text_digest) IN (16, 32)),
      head_digest BLOB CHECK (length(head_digest) IN (16, 32)),
      stored_sha256 BLOB NOT NULL CHECK (length(stored_sha256) = 32),
      stored_bytes INTEGER NOT NULL CHECK (stored_bytes >= 0),
      lost_bytes INTEGER CHECK (lost_bytes >= 0),
      text_bytes INTEGER NOT NULL CHECK (text_bytes >= 0),
      added_line_ends INTEGER NOT NULL CHECK (added_line_ends >= 0),
      codec TEXT NOT NULL,
      encoding TEXT NOT NULL,
      format TEXT NOT NULL,
      lines INTEGER NOT NULL CHECK (lines >= 0),
      blank INTEGER NOT NULL CHECK (blank >= 0),
      ignored INTEGER NOT NULL CHECK (ignored >= 0),
      records INTEGER NOT NULL CHECK (records >= 0),
      quarantined INTEGER NOT NULL CHECK (quarantined >= 0),
      blank_bytes INTEGER NOT NULL CHECK (blank_bytes >= 0),
      quarantined_bytes INTEGER NOT NULL CHECK (quarantined_bytes >= 0),
      first_time INTEGER,
      last_time INTEGER CHECK (last_time >= first_time),
      latest_time INTEGER NOT NULL CHECK (latest_time >= last_time),
      uncounted_records INTEGER NOT NULL DEFAULT 0
        CHECK (uncounted_records BETWEEN 0 AND records),
      sealed_until INTEGER,
      block_lines BLOB NOT NULL,
      damages TEXT NOT NULL CHECK (json_valid(damages)),
      rejections TEXT NOT NULL CHECK (json_valid(rejections)),
      run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE RESTRICT,
      CHECK (lines - blank - records - quarantined IN (0, ignored)),
      CHECK (blank_bytes + quarantined_bytes <= text_bytes),
      CHECK ((first_time IS NULL) = (last_time IS NULL))
    ) STRICT;
    CREATE INDEX log_file_run ON log_file (run_id);
    CREATE INDEX log_file_head ON log_file (head_digest);

    CREATE TABLE log_name (
      path TEXT NOT NULL CHECK (path <> ''),
      file_id INTEGER NOT NULL REFERENCES log_file (id) ON DELETE RESTRICT,
      stored_sha256 BLOB NOT NULL CHECK (length(stored_sha256) = 32),
      stored_bytes INTEGER NOT NULL CHECK (stored_bytes >= 0),
      modified_at INTEGER NOT NULL,
      run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE RESTRICT,
      PRIMARY KEY (path, file_id),
      UNIQUE (path, run_id)
    ) STRICT;
    CREATE INDEX log_name_file ON log_name (file_id, path);
    CREATE INDEX log_name_run ON log_name (run_id);

    CREATE TABLE segment (
      file_id INTEGER NOT NULL REFERENCES log_file (id) ON DELETE RESTRICT,
      day INTEGER NOT NULL,
      path TEXT NOT NULL,
      sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
      bytes INTEGER NOT NULL CHECK (bytes >= 0),
      records INTEGER NOT NULL CHECK (records > 0),
      first_time INTEGER NOT NULL,
      last_time INTEGER NOT NULL CHECK (last_time >= first_time),
      PRIMARY KEY (file_id, day),
      CHECK (path GLOB 'segments/*' AND path NOT GLOB '*..*'),
      CHECK (first_time >= day * 86400000000 AND last_time < (day + 1) * 86400000000)
    ) STRICT;
    CREATE INDEX segment_day ON segment (day);
    """

  private static let days = """
    CREATE TABLE day (
      day INTEGER PRIMARY KEY NOT NULL,
      inputs_hash BLOB NOT NULL CHECK (length(inputs_hash) = 32),
      carry_in BLOB CHECK (length(carry_in) = 32),
      carry_out BLOB CHECK (length(carry_out) = 32),
      carry_path TEXT CHECK (carry_path GLOB 'days/*' AND carry_path NOT GLOB '*..*'),
      carry_bytes INTEGER CHECK (carry_bytes >= 0),
      result_path TEXT NOT NULL CHECK (result_path GLOB 'days/*' AND result_path NOT GLOB '*..*'),
      result_sha256 BLOB NOT NULL CHECK (length(result_sha256) = 32),
      result_bytes INTEGER NOT NULL CHECK (result_bytes >= 0),
      rows_path TEXT CHECK (rows_path GLOB 'days/*' AND rows_path NOT GLOB '*..*'),
      rows_sha256 BLOB CHECK (length(rows_sha256) = 32),
      rows_bytes INTEGER CHECK (rows_bytes >= 0),
      first_date INTEGER,
      last_date INTEGER CHECK (last_date >= first_date),
      effective_end INTEGER NOT NULL,
      is_sealed INTEGER NOT NULL DEFAULT 0 CHECK (is_sealed IN (0, 1)),
      run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE RESTRICT,
      CHECK ((carry_out IS NULL) = (carry_path IS NULL)
        AND (carry_out IS NULL) = (carry_bytes IS NULL)),
      CHECK ((rows_path IS NULL) = (rows_sha256 IS NULL)
        AND (rows_path IS NULL) = (rows_bytes IS NULL)),
      CHECK ((first_date IS NULL) = (last_date IS NULL))
    ) STRICT;
    CREATE INDEX day_run ON day (run_id);
    """

  private static let periods = """
    CREATE TABLE period (
      period TEXT PRIMARY KEY NOT NULL CHECK (period GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]'),
      closed_at INTEGER NOT NULL,
      closed_by TEXT NOT NULL,
      terms TEXT NOT NULL CHECK (json_valid(terms)),
      totals TEXT NOT NULL CHECK (json_valid(totals)),
      reports TEXT NOT NULL CHECK (json_valid(reports)),
      recordless TEXT NOT NULL CHECK (json_valid(recordless)),
      first_date INTEGER,
      last_date INTEGER CHECK (last_date >= first_date),
      run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE RESTRICT,
      CHECK ((first_date IS NULL) = (last_date IS NULL))
    ) STRICT;
    CREATE INDEX period_run ON period (run_id);

    CREATE TABLE period_day (
      period TEXT NOT NULL REFERENCES period (period) ON DELETE RESTRICT,
      day INTEGER NOT NULL,
      result_path TEXT NOT NULL CHECK (result_path GLOB 'days/*' AND result_path NOT GLOB '*..*'),
      result_sha256 BLOB NOT NULL CHECK (length(result_sha256) = 32),
      result_bytes INTEGER NOT NULL CHECK (result_bytes >= 0),
      rows_path TEXT CHECK (rows_path GLOB 'days/*' AND rows_path NOT GLOB '*..*'),
      rows_sha256 BLOB CHECK (length(rows_sha256) = 32),
      rows_bytes INTEGER CHECK (rows_bytes >= 0),
      is_last INTEGER NOT NULL CHECK (is_last IN (0, 1)),
      PRIMARY KEY (period, day),
      CHECK ((rows_path IS NULL) = (rows_sha256 IS NULL)
        AND (rows_path IS NULL) = (rows_bytes IS NULL))
    ) STRICT;

    CREATE TABLE adjustment (
      id INTEGER PRIMARY KEY NOT NULL,
      contract TEXT NOT NULL,
      licensee TEXT NOT NULL,
      period_closed TEXT NOT NULL REFERENCES period (period) ON DELETE RESTRICT,
      period_booked TEXT NOT NULL
        CHECK (period_booked GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]' AND period_booked > period_closed),
      date INTEGER NOT NULL,
      module TEXT NOT NULL,
      scenario TEXT NOT NULL,
      unit TEXT NOT NULL CHECK (unit IN ('conversation', 'item')),
      quantity INTEGER NOT NULL,
      messages INTEGER NOT NULL,
      failed_messages INTEGER NOT NULL,
      duplicates INTEGER NOT NULL,
      cause TEXT NOT NULL CHECK (cause <> ''),
      log_name TEXT,
      log_digest BLOB,
      run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE RESTRICT,
      CHECK (quantity <> 0 OR messages <> 0 OR failed_messages <> 0 OR duplicates <> 0),
      CHECK ((log_name IS NULL) = (log_digest IS NULL))
    ) STRICT;
    CREATE INDEX adjustment_period ON adjustment (period_closed);
    CREATE INDEX adjustment_run ON adjustment (run_id);
    """

  private static let audit = """
    CREATE TABLE audit (
      id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
      at INTEGER NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL CHECK (action <> ''),
      detail TEXT NOT NULL CHECK (json_valid(detail)),
      previous_hash BLOB NOT NULL UNIQUE CHECK (length(previous_hash) = 32),
      hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32)
    ) STRICT;
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    """
}
