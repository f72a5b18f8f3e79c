"""Conversations and messages by licensee, in chDB, the embedded ClickHouse.

Usage: count_chdb.py PATTERN THREADS
"""

import json
import sys

import chdb

pattern, threads = sys.argv[1], int(sys.argv[2])
columns = "time String, licensee String, user String, status UInt16"
query = f"""
    WITH successes AS (
        SELECT licensee, user, parseDateTime64BestEffort(time, 3) AS at
        FROM file('{pattern}', 'JSONEachRow', '{columns}')
        WHERE status >= 200 AND status < 300
    ), gaps AS (
        SELECT licensee,
               row_number() OVER identity AS place,
               dateDiff('millisecond', lagInFrame(at, 1, at) OVER identity, at) AS gap
        FROM successes
        WINDOW identity AS (
            PARTITION BY licensee, user ORDER BY at
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    )
    SELECT licensee, countIf(place = 1 OR gap > 1800000) AS conversations, count() AS messages
    FROM gaps
    GROUP BY licensee
    SETTINGS max_threads = {threads}, input_format_skip_unknown_fields = 1
"""
answer = str(chdb.query(query, "JSONCompactEachRow"))
rows = sorted(json.loads(line) for line in answer.splitlines() if line.strip())
print(json.dumps({
    "program": "chdb", "version": chdb.__version__,
    "licensees": {licensee: [int(conversations), int(messages)]
                  for licensee, conversations, messages in rows}}))
