"""How good findings are: misuse planted at several strengths, and honest traffic that looks guilty.

Usage: quality.py --duizhang BINARY [--seeds N] [--honest MONTHS] [--doc FILE] [--only NAME …] [--jobs N]

Each case is simulated with as many seeds, `duizhang detect` is run on it, and its findings are held against what was
planted. What a cache has hidden is told by the same seed's log without it, line by line. The tables go to standard
output, and into FILE between its marks.
"""

import argparse
import csv
import glob
import io
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

# name, what is planted, other options, the finding that must come, and whether it must be of high severity
A_WEEK, A_FORTNIGHT, A_MONTH = ["--days", "7"], ["--days", "14"], ["--days", "30"]
APP = ["--questions-per-day", "1375"]  # some 500 a day of the first app
MISUSE = [
    ("cache of 1 h before one app, 500 questions a day, 14 days", "answer-cache:ttl=1h", APP + A_FORTNIGHT, "answer_cache"),
    ("cache of 1 min, 20,000 a day", "answer-cache:ttl=1m", ["--questions-per-day", "20000"] + A_WEEK, "answer_cache"),
    ("cache of 10 min, 1,800 a day", "answer-cache:ttl=10m", ["--questions-per-day", "5000"] + A_WEEK, "answer_cache"),
    ("cache of 6 h", "answer-cache:ttl=6h", APP + A_FORTNIGHT, "answer_cache"),
    ("cache of 24 h", "answer-cache:ttl=24h", APP + A_MONTH, "answer_cache"),
    ("cache of 1 h on 3 nodes", "answer-cache:ttl=1h,nodes=3", ["--questions-per-day", "4000"] + A_FORTNIGHT, "answer_cache"),
    ("cache of 1 h, prolonged by each hit", "answer-cache:ttl=1h,kind=sliding", APP + A_FORTNIGHT, "answer_cache"),
    ("cache of 1 h with room for 200 answers", "answer-cache:ttl=1h,kind=lru", ["--questions-per-day", "4000"] + A_FORTNIGHT,
     "answer_cache"),
    ("copy kept for good from the middle of a month", "permanent-copy:history=true", APP + A_MONTH, "permanent_copy"),
    ("20 people behind each of 2 users", "merged-users:people=20,users=2", A_FORTNIGHT, "merged_users"),
    ("5 people behind each of 3 users", "merged-users:people=5,users=3", A_MONTH, "merged_users"),
    ("5 users kept alive around the clock", "keep-alive:users=5", A_FORTNIGHT, "kept_alive"),
    ("5 users kept alive from 8 to 22", "keep-alive:users=5,hours=8-22", A_FORTNIGHT, "kept_alive"),
    ("3 accounts that harvest 2,000 questions", "harvesting", A_FORTNIGHT, "harvesting"),
    ("1 account, human pace", "harvesting:accounts=1,pace=human,rate=20", A_MONTH, "harvesting"),
    ("10 accounts, human pace", "harvesting:accounts=10,pace=human,rate=10", A_MONTH, "harvesting"),
    ("60 paths probed in each of 3 bursts", "probing", A_FORTNIGHT, "probing"),
    ("20 paths, no attack patterns, 20 addresses", "probing:paths=20,attacks=0,addresses=20,bursts=2", A_FORTNIGHT, "probing"),
    ("50 calls sent again after 2 h", "replay", A_FORTNIGHT, "replayed_calls"),
    ("100 calls sent again after 3 days", "replay:calls=100,after=3d", A_FORTNIGHT, "replayed_calls"),
    ("one app's use cut to 0.3", "volume-shift:app=web,factor=0.3", A_MONTH, "volume_shift"),
    ("one app's use cut to 0.2", "volume-shift:app=web,factor=0.2", A_MONTH, "volume_shift"),
    ("all use doubled", "volume-shift:factor=2", A_MONTH, "volume_shift"),
    ("one gateway's log of a day missing", "lost-host:gateway=2", A_MONTH, "log_gap"),
]
HONEST = [
    ("nothing in particular", []),
    ("programs that ask at a fixed interval", ["pollers"]),
    ("programs that ask every minute", ["pollers:users=10,every=1m"]),
    ("an office behind one address", ["office"]),
    ("bursts of retries", ["retries"]),
    ("buttons for frequent questions", ["faq-buttons:share=0.5"]),
    ("a campaign", ["campaign"]),
    ("outages", ["outages"]),
    ("popularity that drifts", ["popularity-drift"]),
    ("the licensor's own cache", ["licensor-cache"]),
    ("people with two devices", ["roaming:users=20"]),
    ("work around the clock", ["night-shift"]),
    ("little traffic", ["small"]),
    ("retries, buttons, a campaign and outages together", ["retries", "faq-buttons", "campaign", "outages"]),
]
MARKS = ("<!-- quality -->", "<!-- /quality -->")


def run(program, folder, seed, plants, options, *, codec="plain"):
    command = [program, "simulate", "--preset", "conduct", "--seed", str(seed), "--codec", codec, "--threads", "1", "--quiet",
               "--out", folder, *options]
    for plant in plants:
        command += ["--plant", plant]
    subprocess.run(command, check=True)


def findings(program, folder):
    result = subprocess.run(
        [program, "detect", "--quiet", "--threads", "1", "--contract", f"{folder}/contract.yaml",
         *sorted(glob.glob(f"{folder}/gateway*"))], stdout=subprocess.PIPE)
    if result.returncode not in (0, 1):
        sys.exit(f"detect ended with status {result.returncode} in {folder}")
    return list(csv.DictReader(io.StringIO(result.stdout.decode())))


def questions(folder):
    """Calls with a question that were answered, by app and module."""
    counts = {}
    for path in glob.glob(f"{folder}/gateway*"):
        for line in open(path, encoding="utf-8"):
            try:
                call = json.loads(line)
            except ValueError:
                continue
            if call.get("question") and call.get("status", 200) == 200:
                key = (call.get("app", ""), call.get("module", ""))
                counts[key] = counts.get(key, 0) + 1
    return counts


def seconds(text):
    units = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+) (ms|s|min|h|d)\b", text))


def misuse(program, case, seed, base):
    name, plant, options, kind = case
    folder = tempfile.mkdtemp(dir=base)
    try:
        run(program, f"{folder}/with", seed, [plant], options)
        found = findings(program, f"{folder}/with")
        # A rise is no misuse, and an information; that there is too little data says nothing.
        told = [row for row in found if row["finding"] == kind
                and (row["severity"] != "info" or kind == "volume_shift" and not row["explanation"].startswith("Insufficient"))]
        outcome = {
            "found": bool(told),
            "other": [row["finding"] for row in found
                      if row["severity"] in ("medium", "high") and row["finding"] != kind],
            "severity": max((row["severity"] for row in told), key=["info", "low", "medium", "high"].index, default="")}
        if kind == "answer_cache" and told:
            run(program, f"{folder}/without", seed, [], options)
            before, after = questions(f"{folder}/without"), questions(f"{folder}/with")
            ttl = seconds(re.sub(r"([\d.]+)([a-z]+)", r"\1 \2", re.search(r"ttl=([^,]*)", plant)[1].replace("m", "min")))
            ttl_errors, inside = [], []
            for row in told:
                lifetime = re.search(r" T=(.*?) hidden=(\d+)-(\d+)", row["statistic"])
                ttl_errors.append(abs(seconds(lifetime[1]) / ttl - 1))
                place = (row["app"], row["module"])
                hidden = before.get(place, 0) - after.get(place, 0)
                inside.append(int(lifetime[2]) <= hidden <= int(lifetime[3]))
            # The place of which most is known speaks for the case.
            best = max(range(len(told)), key=lambda index: int(told[index]["records"]))
            outcome["ttl_error"] = ttl_errors[best]
            outcome["inside"] = inside[best]
        return outcome
    finally:
        shutil.rmtree(folder)


def honest(program, case, seed, base):
    folder = tempfile.mkdtemp(dir=base)
    try:
        run(program, folder, seed, case[1], A_MONTH, codec="lz4")
        return [(row["finding"], row["severity"]) for row in findings(program, folder)]
    finally:
        shutil.rmtree(folder)


def percent(part, whole):
    return f"{100 * part / whole:.0f} %" if whole else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--duizhang", required=True)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--honest", type=int, default=1000)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--doc")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    program = os.path.abspath(options.duizhang)
    lines = []

    def say(line):
        lines.append(line)
        print(line, flush=True)

    with tempfile.TemporaryDirectory() as base, ThreadPoolExecutor(options.jobs) as pool:
        cases = [case for case in MISUSE if not options.only or any(word in case[0] for word in options.only)]
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        say(f"**Misuse**, {options.seeds} seeds each.")
        say("")
        say("| planted | finding | found | severity | lifetime, error | hidden calls in the range | other findings, medium or high |")
        say("|---|---|---|---|---|---|---|")
        for case in cases:
            outcomes = list(pool.map(lambda seed: misuse(program, case, seed, base), seeds))
            told = [outcome for outcome in outcomes if outcome["found"]]
            errors = [outcome["ttl_error"] for outcome in told if "ttl_error" in outcome]
            inside = [outcome["inside"] for outcome in told if "inside" in outcome]
            others = {}
            for outcome in outcomes:
                for kind in outcome["other"]:
                    others[kind] = others.get(kind, 0) + 1
            severities = {outcome["severity"] for outcome in told}
            error = f"{100 * statistics.median(errors):.1f} %, at most {100 * max(errors):.1f} %" if errors else ""
            say(f"| {case[0]} | `{case[3]}` | {len(told)} of {len(outcomes)} | "
                f"{', '.join(level for level in ('high', 'medium', 'low', 'info') if level in severities)} | {error} | "
                f"{f'{sum(inside)} of {len(inside)}' if inside else ''} | "
                f"{', '.join(f'`{kind}` {count}' for kind, count in sorted(others.items()))} |")
        honest_cases = [case for case in HONEST if not options.only or any(word in case[0] for word in options.only)]
        if honest_cases and options.honest:
            say("")
            say(f"**Honest months**, {options.honest} of 30 days in all, other seeds each.")
            say("")
            say("| traffic | months | high | medium | low |")
            say("|---|---|---|---|---|")
            share, rest = divmod(options.honest, len(honest_cases))
            seed = 1_000_000 + options.first_seed
            totals = {"high": 0, "medium": 0, "low": 0}
            for number, case in enumerate(honest_cases):
                count = share + (number < rest)
                months = list(pool.map(lambda seed: honest(program, case, seed, base), range(seed, seed + count)))
                seed += count
                cells = []
                for level in ("high", "medium", "low"):
                    kinds = {}
                    for month in months:
                        for kind, severity in month:
                            if severity == level:
                                kinds[kind] = kinds.get(kind, 0) + 1
                    totals[level] += sum(kinds.values())
                    cells.append(", ".join(f"`{kind}` {count}" for kind, count in sorted(kinds.items())) or "0")
                say(f"| {case[0]} | {count} | {' | '.join(cells)} |")
            say("")
            say(f"In all {totals['high']} of high severity, {totals['medium']} of medium, {totals['low']} of low.")
    if options.doc:
        text = open(options.doc, encoding="utf-8").read()
        start, end = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
        with open(options.doc, "w", encoding="utf-8") as file:
            file.write(text[:start] + "\n" + "\n".join(lines) + "\n" + text[end:])


main()
