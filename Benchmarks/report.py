"""Runs duizhang and other programs over the same logs in turn, and tables what they took.

Standard library only. Every program is started afresh for each run, under GNU time, with the logs
in the page cache; the order is turned by one place each round, so that nobody always follows the
same neighbour.
"""

import argparse
import csv
import datetime
import glob
import json
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers")
THREADS = 2
COUNT, DETECT, USAGE, NIGHT, NIGHT_OFF, RULES = "count", "detect", "usage", "night", "night-off", "rules"

# Misuse is looked for under a contract.
CONTRACT = """\
contract: BENCH-1
licensee: {keys: [acme, globex, initech]}
time_zone: Asia/Shanghai
privacy: {user: plain}
"""


class Run:
    """One program on one set of logs."""

    def __init__(self, name, label, command, note="", result=None, before=None, answer=None):
        self.name = name
        self.label = label
        self.command = command
        self.note = note
        self.result = result
        # What is done before it, out of the measured time.
        self.before = before
        # The file that the result is read from; standard output where none is given.
        self.answer = answer
        self.measures = []
        self.outputs = set()

    def median(self, index):
        return statistics.median(measure[index] for measure in self.measures)

    def peak(self):
        return max(measure[2] for measure in self.measures)

    def spread(self):
        walls = [measure[0] for measure in self.measures]
        return f"{min(walls):.2f}–{max(walls):.2f}"


def totals_of_count(text):
    """Conversations and messages by licensee, from count.csv."""
    totals = {}
    for row in csv.DictReader(text.splitlines()):
        conversations, messages = totals.get(row["licensee"], (0, 0))
        totals[row["licensee"]] = (
            conversations + int(row["quantity"]), messages + int(row["messages"]))
    return totals


def totals_of_peer(text):
    return {licensee: tuple(pair) for licensee, pair in json.loads(text)["licensees"].items()}


def runs(duizhang, logs):
    gzip_logs = sorted(glob.glob(f"{logs}/gzip/gateway-*"))
    lz4_logs = sorted(glob.glob(f"{logs}/lz4/gateway-*"))
    if not gzip_logs or not lz4_logs:
        sys.exit(f"no logs below {logs}")
    common = f"--time-zone Asia/Shanghai --threads {THREADS} --quiet"
    given = " ".join(map(shlex.quote, gzip_logs))
    given_lz4 = " ".join(map(shlex.quote, lz4_logs))
    pattern = shlex.quote(f"{logs}/gzip/gateway-*")
    command = shlex.quote(duizhang)

    def peer(name, label, note=""):
        script = os.path.join(PEERS, f"count_{name}.py")
        line = f"{shlex.quote(sys.executable)} {shlex.quote(script)} {pattern} {THREADS}"
        return Run(name, label, line, note, totals_of_peer)

    def night(name, label, note, *keys):
        """A whole night on a new workspace: take in, count, detail, findings, reports, ledger."""
        folder = os.path.abspath(f"{logs}/{name}")
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/contract.yaml", "w", encoding="utf-8") as file:
            file.write(CONTRACT)
        with open(f"{folder}/night.yaml", "w", encoding="utf-8") as file:
            file.write("\n".join([
                "pipeline: night", f"logs: [{json.dumps(os.path.abspath(logs) + '/gzip/gateway-*')}]",
                "contracts: [contract.yaml]", "workspace: workspace", "out: reports", *keys, ""]))

        def clear():
            for name in ("workspace", "reports"):
                shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
            os.sync()

        line = f"{command} run {shlex.quote(folder)}/night.yaml --threads {THREADS} --quiet"
        return Run(name, label, line, note, before=clear)

    def bare(name, label, program, paths):
        line = f"printf '%s\\0' {paths} | xargs -0 -n1 -P{THREADS} {program} > /dev/null"
        return Run(name, label, line, "decompresses only; memory of one process")

    return [
        Run(COUNT, "`duizhang count`, gzip", f"{command} count {common} {given}",
            result=totals_of_count),
        Run(DETECT, "`duizhang detect`, gzip", f"{command} detect {common} {given}",
            "counted, and all detectors"),
        Run(USAGE, "`duizhang usage`, gzip", f"{command} usage {common} {given}",
            "a row for every conversation"),
        Run(RULES, "`duizhang rules --one-pass`, gzip", f"{command} rules {common} --one-pass {given}",
            "the count at every idle timeout from 1 minute to 24 hours"),
        night(NIGHT, "`duizhang run`, gzip",
              "a night on a new workspace: taken in, counted, looked at for misuse, all reports"),
        night(NIGHT_OFF, "`duizhang run`, gzip, `detection: off`", "the same, not looked at for misuse",
              "detection: off"),
        Run("count-lz4", "`duizhang count`, lz4", f"{command} count {common} {given_lz4}",
            result=totals_of_count),
        Run("count-128M", "`duizhang count --memory 128M`, gzip",
            f"{command} count {common} --memory 128M {given}", result=totals_of_count),
        peer("chdb", "chDB, gzip"),
        peer("duckdb", "DuckDB, gzip"),
        peer("polars", "Polars, gzip"),
        bare("igzip", "`igzip -dc`, two processes", "igzip -dc", given),
        bare("gzip", "`gzip -dc`, two processes", "gzip -dc", given),
        bare("lz4", "`lz4 -dc`, two processes", "lz4 -dcq", given_lz4),
    ]


def measure(run, folder):
    """Runs a program once and keeps (wall seconds, CPU seconds, peak MiB) and what it wrote."""
    if run.before is not None:
        run.before()
    times = os.path.join(folder, "times")
    output = os.path.join(folder, run.name)
    with open(output, "wb") as sink:
        started = time.perf_counter()
        done = subprocess.run(
            ["/usr/bin/time", "-f", "%U %S %M", "-o", times, "bash", "-c", run.command],
            stdout=sink, stderr=subprocess.PIPE)
        # GNU time cuts wall time to hundredths.
        wall = time.perf_counter() - started
    if done.returncode != 0:
        sys.exit(f"{run.name} failed: {done.stderr.decode(errors='replace')[-2000:]}")
    with open(times) as file:
        user, system, kibibytes = map(float, file.read().split()[-3:])
    run.measures.append((wall, user + system, kibibytes / 1024))
    if run.result is not None:
        with open(run.answer or output, "rb") as file:
            run.outputs.add(file.read())


def measure_in_turn(all_runs, rounds, paths):
    """Measures all programs in each round, the order turned by one, with the files in the page cache."""
    for path in paths:
        with open(path, "rb") as file:
            while file.read(1 << 22):
                pass
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            turn = number % len(all_runs)
            for run in all_runs[turn:] + all_runs[:turn]:
                measure(run, folder)
                wall, cpu, mebibytes = run.measures[-1]
                print(f"round {number + 1}: {run.name}: {wall:.2f} s, CPU {cpu:.2f} s, "
                      f"{mebibytes:.0f} MiB", file=sys.stderr)


def check(all_runs):
    """Says what each program counted; duizhang must agree with itself to the byte."""
    lines = []
    counted = {}
    for run in all_runs:
        if run.result is None:
            continue
        if len(run.outputs) != 1:
            sys.exit(f"{run.name}: different output in different rounds")
        counted[run.name] = run.result(next(iter(run.outputs)).decode())
    own = [run for run in all_runs if run.result is totals_of_count]
    for run in own[1:]:
        if run.outputs != own[0].outputs:
            sys.exit(f"{run.name}: its count.csv differs from that of {own[0].name}")
    if len(own) > 1:
        names = ", ".join(run.name for run in own)
        lines.append(f"`count.csv` is the same to the byte in all rounds of {names}.")
    reference_name = own[0].name if own else next(iter(counted), None)
    reference = counted.get(reference_name)
    for name, totals in counted.items():
        conversations = sum(pair[0] for pair in totals.values())
        messages = sum(pair[1] for pair in totals.values())
        print(f"{name}: {conversations:,} conversations, {messages:,} messages: {totals}")
        if name == reference_name:
            lines.append(f"It counts {conversations:,} conversations of {messages:,} messages.")
        elif totals != reference and name not in {run.name for run in own}:
            differences = [
                f"{licensee}: {totals.get(licensee, (0, 0))[0] - reference.get(licensee, (0, 0))[0]:+,}"
                f" conversations,"
                f" {totals.get(licensee, (0, 0))[1] - reference.get(licensee, (0, 0))[1]:+,} messages"
                for licensee in sorted(set(totals) | set(reference))
                if totals.get(licensee) != reference.get(licensee)]
            lines.append(f"{name} differs from it: " + "; ".join(differences) + ".")
    agreeing = [
        name for name, totals in counted.items()
        if totals == reference and name not in {run.name for run in own}]
    if agreeing:
        lines.append(
            f"So do {', '.join(agreeing)}, by licensee too: the logs hold nothing that the plain "
            "query would count otherwise.")
    return lines


def ratios(all_runs):
    by_name = {run.name: run for run in all_runs}
    count = by_name.get(COUNT)
    if count is None:
        return []
    wall = count.median(0)
    lines = []
    peers = [by_name[name] for name in ("chdb", "duckdb", "polars") if name in by_name]
    if peers:
        fastest = min(peers, key=lambda run: run.median(0))
        lines.append(
            f"`count` is {fastest.median(0) / wall:.2f} times as fast as the fastest peer, "
            f"{fastest.label.split(',')[0]}.")
    if "igzip" in by_name:
        lines.append(f"It takes {wall / by_name['igzip'].median(0):.2f} times bare `igzip -dc`.")
    if DETECT in by_name:
        lines.append(f"`detect` takes {by_name[DETECT].median(0) / wall:.2f} times `count`.")
    if USAGE in by_name:
        lines.append(f"`usage` takes {by_name[USAGE].median(0) / wall:.2f} times `count`.")
    if RULES in by_name:
        lines.append(
            f"`rules --one-pass` takes {by_name[RULES].median(0) / wall:.2f} times `count`.")
    if NIGHT in by_name:
        lines.append(f"A night takes {by_name[NIGHT].median(0) / wall:.2f} times `count`.")
    if NIGHT_OFF in by_name:
        lines.append(f"Without detection it takes {by_name[NIGHT_OFF].median(0) / wall:.2f} times `count`.")
    return lines


def table(all_runs, reference=COUNT):
    count = next((run for run in all_runs if run.name == reference), all_runs[0])
    lines = [
        f"| program | wall s | lowest–highest | CPU s | peak MiB | wall ÷ {count.name} | note |",
        "|---|---|---|---|---|---|---|",
    ]
    for run in all_runs:
        lines.append(
            f"| {run.label} | {run.median(0):.2f} | {run.spread()} | {run.median(1):.2f} "
            f"| {run.peak():.0f} "
            f"| {run.median(0) / count.median(0):.2f} | {run.note} |")
    return lines


def output_of(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip()


def first_line(command):
    return (output_of(command).splitlines() or [""])[0]


def machine():
    processor = output_of(["lscpu"])
    model = re.search(r"^Model name:\s*(.+)$", processor, re.MULTILINE)
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+) kB", file.read()).group(1)) / 1024 / 1024
    return (
        f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} processors, "
        f"{memory:.0f} GiB of memory, {platform.system()} {platform.release()}")


def versions(duizhang, names):
    import importlib.metadata

    lz4 = re.search(r"v[\d.]+", first_line(["lz4", "--version"]))
    parts = [
        f"duizhang {first_line([duizhang, '--version'])}",
        first_line(["igzip", "--version"]), first_line(["gzip", "--version"]),
        f"lz4 {lz4.group(0)}" if lz4 else ""]
    for name in ("chdb", "duckdb", "polars"):
        if name in names:
            parts.append(f"{name} {importlib.metadata.version(name)}")
    return ", ".join(part for part in parts if part)


def data_facts(logs):
    sizes = {
        codec: sum(os.path.getsize(path) for path in glob.glob(f"{logs}/{codec}/gateway-*"))
        for codec in ("gzip", "lz4")}
    files = len(glob.glob(f"{logs}/gzip/gateway-*"))
    return (
        f"{files} files, {sizes['gzip'] / 1e9:.3f} GB as gzip, {sizes['lz4'] / 1e9:.3f} GB as lz4")


def write(doc, records, text):
    """Puts the text between the markers of this number of records, or at the page's end."""
    begin, end = f"<!-- benchmark {records} -->", f"<!-- end of benchmark {records} -->"
    block = f"{begin}\n{text}\n{end}"
    page = ""
    if os.path.exists(doc):
        with open(doc, encoding="utf-8") as file:
            page = file.read()
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(page):
        page = pattern.sub(lambda _: block, page)
    else:
        page = page.rstrip("\n") + ("\n\n" if page else "") + block + "\n"
    with open(doc, "w", encoding="utf-8") as file:
        file.write(page)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duizhang", required=True)
    parser.add_argument("--logs", required=True, help="folder with gzip/ and lz4/")
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--doc", required=True)
    parser.add_argument("--only", default="", help="names of runs, with spaces between them")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: expected at least 1")
    duizhang = os.path.abspath(options.duizhang)
    logs = os.path.abspath(options.logs)
    all_runs = runs(duizhang, logs)
    if options.only:
        names = options.only.split()
        unknown = set(names) - {run.name for run in all_runs}
        if unknown:
            parser.error(f"--only: unknown {sorted(unknown)}; known are "
                         + ", ".join(run.name for run in all_runs))
        all_runs = [run for run in all_runs if run.name in names]

    measure_in_turn(all_runs, options.rounds, glob.glob(f"{logs}/*/gateway-*"))

    rounds = "1 round" if options.rounds == 1 else f"{options.rounds} rounds"
    text = "\n".join([
        f"**{options.records:,} records** ({data_facts(logs)}), {rounds}, "
        f"{THREADS} threads; medians, and the highest peak of memory.",
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}: {machine()}.",
        versions(duizhang, {run.name for run in all_runs}) + ".", "",
        *table(all_runs), "", *ratios(all_runs), *check(all_runs)])
    print(text)
    write(options.doc, options.records, text)


if __name__ == "__main__":
    main()
