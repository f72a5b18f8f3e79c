"""Measures a night on a young workspace and on an old one: what it costs to have taken in years.

Builds workspaces of a week and of --days small days, the latter with no month closed and with all but the last
two closed, and then takes in the same new day on a copy of each, in turn. Says as well how much a workspace
keeps of days of that size. Standard library only.
"""

import argparse
import datetime
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from report import first_line, machine, write

FIRST = datetime.date(2025, 12, 1)
WEEK = 7
SIMULATED_DAYS_MAX = 400
STORED_DAYS = 3
CONTRACT = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "sample-logs", "contract.yaml")


class Bench:
    """A folder with logs, pipelines and workspaces; commands run in it, so that paths stay short and equal."""

    def __init__(self, duizhang, folder):
        self.duizhang = os.path.abspath(duizhang)
        self.folder = os.path.abspath(folder)
        os.makedirs(self.folder, exist_ok=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run(self, *arguments):
        """Runs duizhang; returns wall seconds, CPU seconds and peak MiB. Findings are no failure."""
        with open(self.path("errors"), "wb") as errors:
            started = time.perf_counter()
            child = subprocess.Popen(
                [self.duizhang, *arguments, "--quiet"], cwd=self.folder, stdout=errors, stderr=errors)
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, 1):
            with open(self.path("errors"), errors="replace") as errors:
                sys.exit(f"{' '.join(arguments)}: status {child.returncode}\n{errors.read()[-2000:]}")
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

    def pipeline(self, name, logs):
        with open(self.path(f"{name}.yaml"), "w", encoding="utf-8") as file:
            file.write("\n".join([
                "pipeline: nightly", "logs:", *(f"  - {log}" for log in logs),
                "contracts: [contract.yaml]", "workspace: workspace", "out: reports",
                'quarantined_share: "1%"', "privacy_key: key", ""]))
        return f"{name}.yaml"

    # What `workspace` and `reports` are is put aside under a name, or taken from there.

    # Nothing is removed before the end: ext4 then spends a sixth of a night's time on a search among the inodes that
    # were just freed.

    def clear(self):
        """Moves both aside, for `remove_cleared`."""
        os.makedirs(self.path("cleared"), exist_ok=True)
        aside = tempfile.mkdtemp(dir=self.path("cleared"))
        for name in ("workspace", "reports"):
            if os.path.exists(self.path(name)):
                os.rename(self.path(name), os.path.join(aside, name))

    def remove_cleared(self):
        shutil.rmtree(self.path("cleared"), ignore_errors=True)

    def keep(self, base):
        os.makedirs(self.path("bases"), exist_ok=True)
        partial = self.path("bases", f"{base}.part")
        shutil.rmtree(partial, ignore_errors=True)
        os.mkdir(partial)
        for name in ("workspace", "reports"):
            os.rename(self.path(name), os.path.join(partial, name))
        os.rename(partial, self.path("bases", base))

    def restore(self, base):
        self.clear()
        for name in ("workspace", "reports"):
            # Files get other bytes by renames alone, so that links do; but for those at the workspace's top.
            subprocess.run(["cp", "-al", self.path("bases", base, name), self.path(name)], check=True)
        for path in glob.glob(self.path("workspace", "*")):
            if os.path.isfile(path):
                os.unlink(path)
                shutil.copy2(self.path("bases", base, "workspace", os.path.basename(path)), path)
        os.sync()

    def has(self, base):
        return os.path.exists(self.path("bases", base))


def say(text):
    print(text, file=sys.stderr)


def simulate(bench, name, first, days, records, seed):
    """Logs of some days, in a folder; returns what truth.json says of them."""
    truth = bench.path(name, "truth.json")
    if not os.path.exists(truth):
        say(f"simulating {records:,} calls of {days} days from {first}")
        bench.run("simulate", "--preset", "sample", "--from", str(first), "--days", str(days),
                  "--records", str(records), "--seed", str(seed), "--out", name)
    with open(truth, encoding="utf-8") as file:
        return json.load(file)


def days_logs(bench, days, records):
    """The small days' logs: paths by date."""
    logs = {}
    done = 0
    while done < days:
        some = min(SIMULATED_DAYS_MAX, days - done)
        first = FIRST + datetime.timedelta(done)
        name = f"days-{first}-{some}x{records}"
        simulate(bench, name, first, some, some * records, done + 1)
        for path in sorted(glob.glob(bench.path(name, "gateway-*"))):
            date = os.path.basename(path)[len("gateway-NN-"):][:10]
            logs.setdefault(date, []).append(os.path.relpath(path, bench.folder))
        done += some
    return logs


def night_logs(bench, day, records):
    name = f"night-{day}-{records}"
    simulate(bench, name, day, 1, records, 7)
    return sorted(os.path.relpath(path, bench.folder)
                  for path in glob.glob(bench.path(name, "gateway-*")))


def months(first, last):
    day = first.replace(day=1)
    while day <= last:
        yield f"{day:%Y-%m}"
        day = (day + datetime.timedelta(32)).replace(day=1)


def build(bench, logs, days):
    """The workspaces: week, years, and years with all months closed but the last two."""
    recent = [path for date in sorted(logs)[-WEEK:] for path in logs[date]]
    every = [path for date in sorted(logs) for path in logs[date]]
    for base, given in (("week", recent), ("years", every)):
        if not bench.has(base):
            say(f"building the workspace '{base}': {len(given)} logs")
            bench.clear()
            took, _, _ = bench.run("run", bench.pipeline("build", given))
            bench.keep(base)
            say(f"  {took:.1f} s")
    if not bench.has("closed"):
        bench.restore("years")
        last = FIRST + datetime.timedelta(days - 1)
        closed = list(months(FIRST, last))[:-2]
        say(f"closing {len(closed)} months")
        pipeline = bench.pipeline("build", recent)
        took = [bench.run("close", pipeline, "--period", month)[0] for month in closed]
        if took:
            say(f"  the first one in {took[0]:.1f} s, the last one in {took[-1]:.1f} s")
        bench.keep("closed")
    return recent, every


def bytes_below(*paths):
    total = 0
    for path in paths:
        if os.path.isfile(path):
            total += os.path.getsize(path)
        for folder, _, names in os.walk(path):
            total += sum(os.path.getsize(os.path.join(folder, name)) for name in names)
    return total


def measure(bench, cases, rounds):
    """Each case in each round, the order turned by one; a case is (base, pipeline)."""
    measures = {name: [] for name in cases}
    names = list(cases)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            base, pipeline = cases[name]
            bench.restore(base)
            one = bench.run("run", pipeline)
            measures[name].append(one)
            say(f"round {number + 1}: {name}: {one[0]:.2f} s, CPU {one[1]:.2f} s, {one[2]:.0f} MiB")
    return measures


def storage(bench, records, day):
    """What a workspace keeps of some days of this size, as lines of text."""
    name = f"stored-{day}-{STORED_DAYS}x{records}"
    truth = simulate(bench, name, day, STORED_DAYS, STORED_DAYS * records, 9)
    paths = sorted(glob.glob(bench.path(name, "gateway-*")))
    bench.clear()
    bench.run("run", bench.pipeline("stored", [os.path.relpath(path, bench.folder) for path in paths]))
    millions = truth["messages"] / 1e6

    def megabytes(*names):
        return f"{bytes_below(*(bench.path(name) for name in names)) / 1e6 / millions:.1f} MB"

    return [
        f"A million messages of {STORED_DAYS} days of {records:,} records take "
        + megabytes("workspace/segments", "workspace/days", "workspace/ledger.sqlite")
        + f" of a workspace (segments {megabytes('workspace/segments')}, days "
        f"{megabytes('workspace/days')}, ledger {megabytes('workspace/ledger.sqlite')}) and "
        f"{megabytes('reports')} of reports; their logs, compressed in part as the gateways leave them, are "
        f"{bytes_below(*paths) / 1e6 / millions:.1f} MB."]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duizhang", required=True)
    parser.add_argument("--folder", required=True, help="where logs and workspaces are kept")
    parser.add_argument("--days", type=int, default=1000, help="days of the old workspace")
    parser.add_argument("--day-records", type=int, default=2000, help="records of each of its days")
    parser.add_argument("--records", type=int, nargs="+", default=[200_000, 1_000_000], help="records of the night")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--doc", required=True)
    options = parser.parse_args()
    if options.days <= WEEK or options.rounds < 1:
        parser.error(f"expected more than {WEEK} days, and a round or more")
    bench = Bench(options.duizhang, options.folder)
    # The sample contract, with a term that has all days.
    with open(CONTRACT, encoding="utf-8") as source, open(
            bench.path("contract.yaml"), "w", encoding="utf-8") as file:
        file.write(source.read().replace("to: 2026-11-30", "to: 2099-12-31"))
    if not os.path.exists(bench.path("key")):
        with open(os.open(bench.path("key"), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(os.urandom(32))

    logs = days_logs(bench, options.days, options.day_records)
    recent, every = build(bench, logs, options.days)
    day = FIRST + datetime.timedelta(options.days)

    cases, labels = {}, {}
    for records in options.records:
        new = night_logs(bench, day, records)
        short = bench.pipeline(f"night-{records}", recent + new)
        long = bench.pipeline(f"night-{records}-all", every + new)
        old = f"{options.days:,} days"
        for name, label, base, pipeline in (
                ("week", f"{WEEK} days", "week", short),
                ("closed", f"{old}, all months closed but two", "closed", short),
                ("years", f"{old}, none closed", "years", short),
                ("all", f"{old}, none closed, all logs still there", "years", long)):
            cases[f"{name} {records}"] = (base, pipeline)
            labels[f"{name} {records}"] = (f"{records:,}", label)
    measures = measure(bench, cases, options.rounds)

    def ledger(base):
        return os.path.getsize(bench.path("bases", base, "workspace", "ledger.sqlite")) / 1e6

    lines = [
        f"**A night** on workspaces of {WEEK} and {options.days:,} days of {options.day_records:,} records, "
        f"{len(every):,} logs; {options.rounds} rounds, medians.",
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}: {machine()}. "
        f"duizhang {first_line([bench.duizhang, '--version'])}.", "",
        "| records | on a workspace of | wall s | lowest–highest | CPU s | peak MiB | ledger MB |",
        "|---|---|---|---|---|---|---|"]
    for name, taken in measures.items():
        walls = [one[0] for one in taken]
        records, label = labels[name]
        lines.append(
            f"| {records} | {label} | {statistics.median(walls):.2f} | {min(walls):.2f}–{max(walls):.2f} "
            f"| {statistics.median(one[1] for one in taken):.2f} | {max(one[2] for one in taken):.0f} "
            f"| {ledger(cases[name][0]):.1f} |")
    lines += ["", *storage(bench, options.records[0], day)]
    bench.clear()
    bench.remove_cleared()
    text = "\n".join(lines)
    print(text)
    write(options.doc, "years", text)


if __name__ == "__main__":
    main()
