"""Pairs the units of two usage details by user and overlapping time, in DuckDB.

Usage: reconcile_duckdb.py FOLDER AHEAD_MS OUT THREADS

FOLDER has licensor.csv and licensee.csv; the licensee's clock is AHEAD_MS ahead, which is not estimated here but
given. Writes the units that the two sides see differently to OUT and prints how many there are, by shape and cause.

DuckDB makes of the full outer join a hash join on the user, which tests the times within a bucket. With 10,000,000
units a side and two threads, reading and pairing take 11.0 to 13.9 s in this form, on a machine with other work beside.
Tried as well:

- LEFT JOIN, and the other side's rest by NOT IN: as fast, now a little faster and now slower;
- ids first, and what is left by overlap: 1 s less, but of merged units one is left without the partner that its id
  has found, and comes out as missing;
- equal users and times first, and what is left by overlap: as fast, and only where the two clocks cut times alike;
- gaps and islands, by window functions over both sides: 19 s, and 4.2 GiB instead of 2.6;
- EXCEPT ALL both ways, which finds only what is equal to the millisecond: 21 s;
- the files read within the join: 22 s, for rows are numbered on one thread;
- count(*) OVER (PARTITION BY ...) in place of the two GROUP BY: 0.5 s more;
- a hash in place of the user's text: nothing gained.

Without preserve_insertion_order = false it takes 1 s more.
"""

import json
import os
import sys

import duckdb

folder, ahead, out, threads = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
database = duckdb.connect(config={"threads": threads})
database.execute("SET preserve_insertion_order = false")
database.execute("SET TimeZone = 'Asia/Shanghai'")
for side, milliseconds in (("licensor", 0), ("licensee", ahead)):
    database.execute(f"""
        CREATE TEMP TABLE {side} AS
        SELECT module, "user" AS caller, conversation,
               started_at - INTERVAL {milliseconds} MILLISECOND AS started,
               ended_at - INTERVAL {milliseconds} MILLISECOND AS ended
        FROM read_csv($path, header = true, columns = {{
            date: 'DATE', module: 'VARCHAR', scenario: 'VARCHAR', unit: 'VARCHAR', quantity: 'BIGINT',
            "user": 'VARCHAR', conversation: 'VARCHAR', started_at: 'TIMESTAMPTZ', ended_at: 'TIMESTAMPTZ',
            messages: 'BIGINT'}})""", {"path": os.path.join(folder, f"{side}.csv")})

database.execute("""
    CREATE TEMP TABLE pairs AS
    SELECT l.rowid AS here, r.rowid AS there, l.module <> r.module AS misfiled,
           l.started = r.started AND l.ended = r.ended AS alike
    FROM licensor l FULL OUTER JOIN licensee r
        ON l.caller = r.caller AND l.started <= r.ended AND r.started <= l.ended""")
# Of each unit with several partners, whether these are copies of it.
for side in ("here", "there"):
    database.execute(f"""
        CREATE TEMP TABLE several_of_{side} AS
        SELECT {side} AS id, bool_and(alike) AS copies
        FROM pairs WHERE here IS NOT NULL AND there IS NOT NULL
        GROUP BY {side} HAVING count(*) > 1""")
database.execute("""
    CREATE TEMP TABLE differences AS
    SELECT here, there,
           CASE WHEN there IS NULL THEN 'licensor_only' WHEN here IS NULL THEN 'licensee_only'
                WHEN a.id IS NOT NULL AND b.id IS NOT NULL THEN 'n:m'
                WHEN a.id IS NOT NULL THEN '1:n' WHEN b.id IS NOT NULL THEN 'n:1' ELSE '1:1' END AS shape,
           CASE WHEN there IS NULL THEN 'missing_at_licensee' WHEN here IS NULL THEN 'missing_at_licensor'
                WHEN a.copies THEN 'duplicate_at_licensee' WHEN b.copies THEN 'duplicate_at_licensor'
                WHEN a.id IS NOT NULL THEN 'split' WHEN b.id IS NOT NULL THEN 'merged'
                ELSE 'module_mismatch' END AS cause
    FROM pairs LEFT JOIN several_of_here a ON a.id = here LEFT JOIN several_of_there b ON b.id = there
    WHERE here IS NULL OR there IS NULL OR misfiled OR a.id IS NOT NULL OR b.id IS NOT NULL""")
time = "strftime({}, '%Y-%m-%dT%H:%M:%S.%g+08:00')"
database.execute(f"""
    COPY (
        SELECT cause, shape, coalesce(l.caller, r.caller) AS "user",
               l.module AS licensor_module, r.module AS licensee_module,
               l.conversation AS licensor_conversation, r.conversation AS licensee_conversation,
               {time.format("l.started")} AS licensor_started_at, {time.format("l.ended")} AS licensor_ended_at,
               {time.format("r.started")} AS licensee_started_at, {time.format("r.ended")} AS licensee_ended_at
        FROM differences LEFT JOIN licensor l ON l.rowid = here LEFT JOIN licensee r ON r.rowid = there
        ORDER BY coalesce(l.started, r.started), "user", r.started, l.conversation, r.conversation
    ) TO '{out.replace("'", "''")}' (FORMAT csv, HEADER)""")

pairs, = database.execute(
    "SELECT count(*) FROM pairs WHERE here IS NOT NULL AND there IS NOT NULL").fetchone()
# A group is counted once, by its unit that has several partners; pairs of n:m each.
groups = "count(DISTINCT CASE shape WHEN '1:n' THEN here WHEN 'n:1' THEN there ELSE rowid END)"
shapes = dict(database.execute(f"SELECT shape, {groups} FROM differences GROUP BY shape").fetchall())
causes = dict(database.execute(
    f"SELECT cause, {groups} FROM differences WHERE shape <> 'n:m' GROUP BY cause").fetchall())
several, = database.execute("SELECT count(*) FROM differences WHERE shape IN ('1:n', 'n:1', 'n:m')").fetchone()
shapes["1:1"] = pairs - several
print(json.dumps({
    "program": "duckdb", "version": duckdb.__version__,
    "shapes": {shape: shapes.get(shape, 0) for shape in (
        "1:1", "licensor_only", "licensee_only", "1:n", "n:1", "n:m")},
    "causes": dict(sorted(causes.items()))}))
