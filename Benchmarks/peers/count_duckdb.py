"""Conversations and messages by licensee, in DuckDB.

Usage: count_duckdb.py PATTERN THREADS
"""

import json
import sys

import duckdb

pattern, threads = sys.argv[1], int(sys.argv[2])
database = duckdb.connect(config={"threads": threads})
query = """
    WITH successes AS (
        SELECT licensee, "user" AS caller, CAST(time AS TIMESTAMPTZ) AS moment
        FROM read_ndjson($pattern, columns = {
            time: 'VARCHAR', licensee: 'VARCHAR', "user": 'VARCHAR', status: 'SMALLINT'})
        WHERE status >= 200 AND status < 300
    ), gaps AS (
        SELECT licensee,
               moment - lag(moment) OVER (PARTITION BY licensee, caller ORDER BY moment) AS gap
        FROM successes
    )
    SELECT licensee,
           count(*) FILTER (WHERE gap IS NULL OR gap > INTERVAL 30 MINUTE),
           count(*)
    FROM gaps
    GROUP BY licensee
"""
rows = database.execute(query, {"pattern": pattern}).fetchall()
print(json.dumps({
    "program": "duckdb", "version": duckdb.__version__,
    "licensees": {licensee: [conversations, messages]
                  for licensee, conversations, messages in sorted(rows)}}))
