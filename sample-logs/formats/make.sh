#!/usr/bin/env bash
# Writes canonical.ndjson.gz, canonical-seconds.ndjson.gz and one log for each format, from the
# sample logs. Needs python3, gzip and lz4; the same bytes at every run.
set -euo pipefail
cd "$(dirname "$0")"

for tool in python3 gzip lz4; do
    command -v "$tool" >/dev/null || { echo "make.sh: needs $tool" >&2; exit 2; }
done

lines() { # all lines of the sample logs, gateway by gateway
    for log in ../gateway-*; do
        case $log in
            *.gz) gzip -dc "$log" ;;
            *.lz4) lz4 -dcq "$log" ;;
            *) cat "$log" ;;
        esac
    done
}

# The rule: whole users of 4 to 40 calls, so that conversations stay whole. A user has traits: what
# its calls have that a reader could get wrong. Again and again the user is taken who has the most
# traits not yet seen, for a call; among equals the one with fewer calls, then the first by name.
# When all traits are seen, users fill up to CALLS calls, those first of whose calls the largest
# share are events or have items. To these come the first NOBODY calls without a user. Lines are as
# they were, in order of time.
choice=$(cat <<'PYTHON'
import collections, json, re, sys

CALLS, NOBODY = 330, 6
users, nobody = collections.defaultdict(list), []
for number, line in enumerate(sys.stdin.buffer):
    try:
        call = json.loads(line)
        assert re.match(r"\d{4}-\d\d-\d\dT", call["time"]) and call["path"]
    except (ValueError, KeyError, TypeError, AssertionError):
        continue
    who = call.get("user")
    entry = (call["time"], number, line.rstrip(b"\r\n"), call)
    if who is None:
        nobody.append(entry)
    else:
        users[call["licensee"], str(who)].append(entry)


def traits(name, entries):
    calls = [entry[3] for entry in sorted(entries, key=lambda e: e[:2])]
    licensee, who = name
    kind = "mail" if "@" in who else "id" if who.isascii() and not who.isdigit() else "number"
    kind = kind if who.isascii() else "Chinese"
    yield ("licensee", licensee)
    yield ("user", kind)
    if not who.isascii():
        for entry in entries:
            yield ("spelling", rb"\u" in entry[2])
    if len({call["time"][:10] for call in calls}) == 5:
        yield ("all days", who.isascii())
    times = collections.Counter(call["request_id"] for call in calls)
    answered = collections.Counter(c["request_id"] for c in calls if c["status"] == 200)
    for call in calls:
        yield ("day", call["time"][:10])
        yield ("module", call["module"])
        yield ("scenario", call["scenario"])
        yield ("event", call["event"], call["method"], call["app"])
        yield ("status", call["status"])
        yield ("origin", call.get("origin"))
        yield ("agent", call["user_agent"])
        yield ("items", call.get("items", 0) > 1)
        yield ("conversation", "conversation" in call)
        if times[call["request_id"]] > 1:
            yield ("repeat", answered[call["request_id"]] > 1, call["event"])
    ms = [int(c["time"][11:13]) * 3600000 + int(c["time"][14:16]) * 60000
          + int(c["time"][17:23].replace(".", "")) for c in calls]
    for earlier, later in zip(ms, ms[1:]):
        if 0 <= later - earlier - 1800000 <= 1:
            yield ("gap", later - earlier - 1800000)


left = {name: set(traits(name, users[name])) for name in users if 4 <= len(users[name]) <= 40}
chosen, seen, total = [], set(), 0
while True:
    best = min(left, key=lambda n: (-len(left[n] - seen) / len(users[n]), len(users[n]), n))
    if not left[best] - seen:
        break
    chosen.append(best)
    seen |= left.pop(best)
    total += len(users[best])


def share(name):
    calls = [entry[3] for entry in users[name]]
    return sum(c["event"] != "message" or c.get("items", 1) > 1 for c in calls) / len(calls)


for name in sorted(left, key=lambda n: (-share(n), len(users[n]), n)):
    if total + len(users[name]) <= CALLS - NOBODY:
        chosen.append(name)
        total += len(users[name])
entries = sorted(nobody)[:NOBODY] + [e for name in chosen for e in users[name]]
for entry in sorted(entries, key=lambda e: e[:2]):
    sys.stdout.buffer.write(entry[2] + b"\n")
print(f"{len(entries)} calls of {len(chosen)} users, {len(seen)} traits", file=sys.stderr)
PYTHON
)
canonical=$(mktemp)
trap 'rm -f "$canonical"' EXIT
lines | python3 -c "$choice" > "$canonical"
as() { python3 convert.py "$@" < "$canonical"; } # as FORMAT

gzip -n9 < "$canonical" > canonical.ndjson.gz
as --seconds ndjson | gzip -n9 > canonical-seconds.ndjson.gz
as nginx-combined > nginx-combined.log
as apache-common | gzip -n9 > apache-common.log.gz
as csv > csv.csv
as nginx-json | gzip -n9 > nginx-json.log.gz
as apache-combined | gzip -n9 > apache-combined.log.gz
as envoy | gzip -n9 > envoy.log.gz
as envoy-json | gzip -n9 > envoy-json.log.gz
as kong | gzip -n9 > kong.log.gz
as apisix | gzip -n9 > apisix.log.gz
as traefik | gzip -n9 > traefik.log.gz
as caddy | gzip -n9 > caddy.log.gz
as aws-api-gateway | gzip -n9 > aws-api-gateway.log.gz
as aws-alb | gzip -n9 > aws-alb.log.gz
as tsv | gzip -n9 > tsv.tsv.gz
as logfmt | gzip -n9 > logfmt.log.gz
