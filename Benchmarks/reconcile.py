"""Measures `duizhang reconcile` beside DuckDB on two usage details, in turn, and compares what they found.

Makes the statements where they are missing (statements.py) and runs the programs as report.py does.
"""

import argparse
import collections
import csv
import datetime
import importlib.metadata
import io
import json
import os
import shlex
import shutil
import sys

import statements
from report import PEERS, THREADS, Run, first_line, machine, measure_in_turn, table, write

OWN, OWN_SMALL, PEER = "reconcile", "reconcile-128M", "duckdb-reconcile"


def rows_by_cause(text):
    """How many rows of differences.csv each cause has, those that need the log to be told apart as one."""
    rows = collections.Counter()
    for row in csv.DictReader(io.StringIO(text)):
        cause = row["cause"]
        rows["missing_at_licensor" if cause.startswith("missing_at_licensor") else cause] += 1
    return dict(rows)


def causes_of_peer(text):
    return json.loads(text)["causes"]


def runs(duizhang, folder):
    files = {name: shlex.quote(f"{folder}/{name}") for name in ("licensor.csv", "licensee.csv", "contract.yaml")}

    def own(name, memory):
        out = f"{folder}/{name}"
        given = "" if memory is None else f" --memory {memory}"
        # 1: done, and there are differences for a person to see.
        line = (
            f"{shlex.quote(duizhang)} reconcile --licensor {files['licensor.csv']} --licensee {files['licensee.csv']}"
            f" --contract {files['contract.yaml']} --out {shlex.quote(out)} --threads {THREADS}{given} --quiet"
            " || [ $? = 1 ]")

        def clear():
            shutil.rmtree(out, ignore_errors=True)
            os.sync()

        return Run(
            name, f"`duizhang reconcile{given}`", line, "finds the clock difference too; causes, bridge and amounts",
            rows_by_cause, clear, f"{out}/differences.csv")

    script = os.path.join(PEERS, "reconcile_duckdb.py")
    peer = " ".join(map(shlex.quote, [
        sys.executable, script, folder, str(statements.CLOCK_AHEAD), f"{folder}/{PEER}.csv", str(THREADS)]))
    return [
        own(OWN, None), own(OWN_SMALL, "128M"),
        Run(PEER, "DuckDB, full outer join", peer, "is given the clock difference", causes_of_peer)]


def agrees(found, planted):
    """Whether the causes are those that were planted, each as often."""
    return found == planted


def check(all_runs, planted):
    """Says what each program found, beside what was planted and so beside the other."""
    lines = []
    for run in all_runs:
        if len(run.outputs) != 1:
            sys.exit(f"{run.name}: different output in different rounds")
        found = run.result(next(iter(run.outputs)).decode())
        counted = "rows of `differences.csv`" if run.result is rows_by_cause else "groups of units"
        what = ", ".join(f"`{cause}` {count:,}" for cause, count in sorted(found.items()))
        if agrees(found, planted):
            lines.append(f"{run.name} finds what was planted, in {counted}: {what}.")
        else:
            expected = ", ".join(f"`{cause}` {count:,}" for cause, count in sorted(planted.items()))
            lines.append(
                f"{run.name} **differs** from what was planted ({expected}), in {counted}: {what or 'nothing'}.")
    own = [run for run in all_runs if run.result is rows_by_cause]
    if len(own) > 1:
        same = all(run.outputs == own[0].outputs for run in own)
        names = " and ".join(run.name for run in own)
        lines.append(f"`differences.csv` of {names} is {'the same' if same else '**not** the same'} to the byte.")
    by_name = {run.name: run for run in all_runs}
    if OWN in by_name and PEER in by_name:
        own_run, peer = by_name[OWN], by_name[PEER]
        lines.insert(0, (
            f"`reconcile` takes {own_run.median(0) / peer.median(0):.2f} times DuckDB's time, "
            f"{own_run.median(1) / peer.median(1):.2f} times its CPU time and "
            f"{own_run.peak() / peer.peak():.2f} times its memory."))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duizhang", required=True)
    parser.add_argument("--folder", required=True, help="where the statements are kept")
    parser.add_argument("--units", type=int, default=10_000_000, help="of each side")
    parser.add_argument("--seed", type=int, default=statements.SEED)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--doc", required=True)
    parser.add_argument("--only", default="", help="names of runs, with spaces between them")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: expected at least 1")
    if options.units < statements.UNITS_MIN:
        parser.error(f"--units: expected at least {statements.UNITS_MIN}")
    folder = os.path.abspath(options.folder)
    all_runs = runs(os.path.abspath(options.duizhang), folder)
    if options.only:
        names = options.only.split()
        unknown = set(names) - {run.name for run in all_runs}
        if unknown:
            parser.error(f"--only: unknown {sorted(unknown)}; known are " + ", ".join(run.name for run in all_runs))
        all_runs = [run for run in all_runs if run.name in names]

    truth = statements.make(folder, options.units, options.seed)
    paths = [f"{folder}/licensor.csv", f"{folder}/licensee.csv"]
    measure_in_turn(all_runs, options.rounds, paths)

    size = sum(map(os.path.getsize, paths)) / 1e9
    programs = []
    if any(run.result is rows_by_cause for run in all_runs):
        programs.append(f"duizhang {first_line([options.duizhang, '--version'])}")
    if any(run.name == PEER for run in all_runs):
        programs.append(f"duckdb {importlib.metadata.version('duckdb')}")
    rounds = "1 round" if options.rounds == 1 else f"{options.rounds} rounds"
    text = "\n".join([
        f"**{truth['licensor']:,} units of the licensor and {truth['licensee']:,} of the licensee**, "
        f"{truth['users']:,} users ({size:.2f} GB of CSV), {rounds}, {THREADS} threads; medians, and the highest peak "
        "of memory.",
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}: {machine()}. {', '.join(programs)}.", "",
        *table(all_runs, reference=OWN), "", *check(all_runs, truth["causes"])])
    print(text)
    write(options.doc, "reconcile", text)


if __name__ == "__main__":
    main()
