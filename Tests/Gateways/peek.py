#!/usr/bin/env python3
"""Compares counts with the truth of drive.py.

    peek.py TRUTH combined|json < LOG    counts the log, as plainly as can be
    peek.py TRUTH csv < COUNT            takes the count from the command's CSV

Status 1 where they differ.
"""

import collections
import csv
import datetime
import json
import re
import sys
from urllib.parse import parse_qsl

FIELDS = "licensee user conversation request_id scenario app items".split()
COMBINED = re.compile(
    r'(?P<ip>\S+) - \S+ \[(?P<time>[^]]+)\] "(?P<method>\S+) (?P<target>\S+) [^"]*"'
    r' (?P<status>\d+) \d+ "[^"]*" "[^"]*"$'
)
CALLS = [
    ("message", "POST", re.compile(r"/v1/bots/([^/]+)/messages$")),
    ("message", "POST", re.compile(r"/v1/kb/([^/]+)/items$")),
    ("open", "POST", re.compile(r"/v1/bots/([^/]+)/conversations$")),
    ("close", "DELETE", re.compile(r"/v1/bots/([^/]+)/conversations$")),
    ("ping", "GET", re.compile(r"/v1/bots/([^/]+)/ping$")),
]


def requests(form, lines):
    """Every line as (time in seconds, method, path, status, fields)."""
    for line in lines:
        if form == "combined":
            match = COMBINED.match(line)
            assert match, f"no combined line: {line!r}"
            when = datetime.datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S %z").timestamp()
            path, _, query = match["target"].partition("?")
            fields = dict(parse_qsl(query, strict_parsing=bool(query)))
            yield when, match["method"], path, int(match["status"]), fields
        else:
            log = json.loads(line)
            header = {"user": "http_x_user_id", "conversation": "http_x_conversation_id"}
            fields = {f: log[header.get(f, f"http_x_{f}")] for f in FIELDS}
            path = log["request_uri"].partition("?")[0]
            of_query = dict(parse_qsl(log["request_uri"].partition("?")[2]))
            fields = {name: value for name, value in fields.items() if value}
            assert fields == of_query, f"headers {fields}, query {of_query}"
            yield float(log["msec"]), log["request_method"], path, int(log["status"]), fields


def count(form, lines):
    users, sent = collections.defaultdict(list), collections.Counter()
    for when, method, path, status, fields in requests(form, lines):
        for event, of_method, of_path in CALLS:
            match = of_path.match(path)
            if match and method == of_method:
                sent["calls"] += 1
                sent["failed"] += not 200 <= status <= 299
                call = (when, fields["request_id"], event, match[1], status)
                if "user" in fields and event != "ping":
                    users[fields["licensee"], fields["user"]].append(call)
                break
        else:
            sent["others"] += 1

    counts = collections.defaultdict(lambda: [0, 0])
    for (licensee, _), calls in users.items():
        seen, open_now, last = set(), None, None  # open_now: [module, messages of its own, calls]
        done = []
        for when, request_id, event, module, status in sorted(calls, key=lambda c: c[:2]):
            if not 200 <= status <= 299 or request_id in seen:  # of one id the first success counts
                continue
            seen.add(request_id)
            if open_now and when - last > 1800:
                open_now = None
            if event == "close" and not open_now:
                continue
            if event == "open" or not open_now:
                open_now = [module, 0, 0]
                done.append(open_now)
            open_now[1] += event == "message"
            open_now[2] += 1
            last = when
            if event == "close":
                open_now = None
        for module, messages, all_calls in done:
            counts[licensee, module][0] += messages > 0
            counts[licensee, module][1] += all_calls
    return counts, sent


def count_of_csv(lines):
    counts = collections.defaultdict(lambda: [0, 0])
    for row in csv.DictReader(lines):
        counts[row["licensee"], row["module"]][0] += int(row["quantity"])
        counts[row["licensee"], row["module"]][1] += int(row["messages"])
    return {key: both for key, both in counts.items() if any(both)}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        truth = json.load(file)
    due = {
        (row["licensee"], row["module"]): [row["conversations"], row["messages"]]
        for row in truth["counts"]
        if row["conversations"] or row["messages"]
    }
    form = sys.argv[2]
    lines = open(sys.stdin.fileno(), encoding="utf-8", newline="" if form == "csv" else "\n")
    if form == "csv":
        counts, sent = count_of_csv(lines), truth["sent"]
    else:
        counts, sent = count(form, lines)
    wrong = 0
    for key in sorted(due.keys() | counts.keys()):
        if due.get(key) != counts.get(key):
            print(f"{form}: {key}: {counts.get(key)}, truth {due.get(key)}", file=sys.stderr)
            wrong += 1
    if dict(sent) != truth["sent"]:
        print(f"{form}: {dict(sent)}, truth {truth['sent']}", file=sys.stderr)
        wrong += 1
    total = [sum(both[n] for both in counts.values()) for n in (0, 1)]
    verdict = "differs from the truth" if wrong else "as in truth"
    print(f"{form}: {total[0]} conversations, {total[1]} messages: {verdict}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
