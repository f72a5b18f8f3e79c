"""Conversations and messages by licensee, in Polars.

Usage: count_polars.py PATTERN THREADS
"""

import glob
import json
import os
import sys

pattern, threads = sys.argv[1], sys.argv[2]
os.environ["POLARS_MAX_THREADS"] = threads

import polars  # noqa: E402  (reads the number of threads when it is imported)
from polars import col

schema = {
    "time": polars.String, "licensee": polars.String, "user": polars.String,
    "status": polars.Int32}
successes = (
    polars.scan_ndjson(sorted(glob.glob(pattern)), schema=schema)
    .filter((col("status") >= 200) & (col("status") < 300))
    .select(
        "licensee", "user",
        at=col("time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3f%:z", time_unit="ms"))
    .sort("licensee", "user", "at"))
# A conversation begins where the record before is of somebody else, or long ago.
begins = (
    (col("licensee") != col("licensee").shift(1))
    | (col("user") != col("user").shift(1))
    | (col("at").diff() > polars.duration(minutes=30))
).fill_null(True)
rows = (
    successes.with_columns(begins=begins)
    .group_by("licensee").agg(col("begins").sum(), polars.len())
    .collect(engine="streaming").rows())
print(json.dumps({
    "program": "polars", "version": polars.__version__,
    "licensees": {licensee: [conversations, messages]
                  for licensee, conversations, messages in sorted(rows)}}))
