"""The same logs, taken in in many ways: see nights.sh. Standard library only."""

import argparse
import collections
import csv
import datetime
import glob
import gzip
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

# The days lie around the end of a month in which Berlin's clocks change.
MONTH_END = datetime.date(2026, 3, 31)

# Names as a Chinese gateway writes them; acme's and globex's traffic are two simulations.
RENAMED = {
    "text-bot": "文本客服", "order-bot": "订单助手", "kb-qa": "知识库问答", "voice-bot": "语音客服",
    "after-sales": "售后", "pre-sales": "售前"}
LICENSEES = {"acme": "环球", "acme-mini": "环球-极速版", "umbrella": "无合同"}

SHANGHAI = """\
contract: DZ-2026-01
licensor: {name: 示例对话有限公司}
licensee: {name: 示例商城, keys: [acme, acme-mini]}
time_zone: Asia/Shanghai
conversation: {identity: [user], idle_timeout: 30m}
prices:
  - {service: 在线客服, module: 文本客服, scenario: 售后, unit: conversation, price: "0.35"}
  - {service: 在线客服, module: 文本客服, scenario: 售前, unit: conversation, price: "0.30"}
  - {service: 订单助手, module: 订单助手, scenario: 售后, unit: conversation, price: "0.40"}
  - {service: 知识库, module: 知识库问答, unit: item, price: "0.02"}
  - {service: 语音客服, module: 语音客服, unit: conversation, price: "0.80", enabled: false}
allowed:
  scenarios: [售后, 售前]
  apps: [app-ios, app-android, web]
  networks: [198.18.0.0/15, 203.0.113.0/24, "2001:db8::/32"]
privacy: {user: plain}
"""

BERLIN = """\
contract: DZ-2026-02
licensor: {name: 示例对话有限公司}
licensee: {name: 环球贸易, keys: [环球, 环球-极速版]}
time_zone: Europe/Berlin
conversation:
  - {identity: [user, module], idle_timeout: 45m, max_duration: 3h, counted_in: end, min_messages: 2}
  - {from: 2026-03-29, identity: [user], idle_timeout: 20m, failed_messages: extend, dedupe_window: 2h}
prices:
  - {service: 在线客服, module: 文本客服, unit: conversation, price: "0.50"}
  - {service: 知识库, module: 知识库问答, unit: item, price: "0.03"}
allowed:
  scenarios: [售后]
  apps: [app-ios, web]
"""

PIPELINE = """\
pipeline: nights
logs: [{logs}]
contracts: [{root}/shanghai.yaml, {root}/berlin.yaml]
{workspace}
out: {out}
quarantined_share: "5%"
privacy_key: {root}/key
"""


class Failure(Exception):
    """What is not as it must be."""


def fail(text):
    raise Failure(text)


def compressors():
    """How text is stored, by the end of the name; those whose programs are not there are left out."""
    found = {"": lambda text: text, ".gz": lambda text: gzip.compress(text, 6, mtime=0)}
    for ending, command in ((".lz4", ["lz4", "-q", "-c"]), (".zst", ["zstd", "-q", "-c"])):
        if shutil.which(command[0]):
            found[ending] = lambda text, command=command: subprocess.run(
                command, input=text, stdout=subprocess.PIPE, check=True).stdout
    return found


class Log:
    """A log: its name without that of the codec, the codec's, its day, its text."""

    def __init__(self, name, codec, date, text):
        self.name, self.codec, self.date, self.text = name, codec, date, text

    @property
    def path(self):
        return self.name + self.codec


class Nights:
    def __init__(self, options, root):
        self.options = options
        self.root = root
        self.random = random.Random(options.seed)
        self.codecs = compressors()
        self.runs = 0
        self.seconds = time.monotonic()
        for name, text in (("shanghai", SHANGHAI), ("berlin", BERLIN)):
            self.write(f"{name}.yaml", text.encode())
        self.write("key", os.urandom(32))
        os.chmod(self.at("key"), 0o600)
        names = {"logs": self.at("logs"), "root": root}
        self.write("nights.yaml", PIPELINE.format(
            workspace=f"workspace: {self.at('workspace')}", out=self.at("reports"), **names).encode())
        self.write("plain.yaml", PIPELINE.format(
            workspace="", out=self.at("plain"), **names).encode())

    def at(self, *names):
        return os.path.join(self.root, *names)

    def write(self, name, data, at=None):
        path = self.at(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        # A log that none of its records says a day of belongs to the one on which it was written.
        if at is not None:
            os.utime(path, (at, at))

    # MARK: The command

    def duizhang(self, *arguments, allowed=(0, 1)):
        done = subprocess.run(
            [os.environ["DUIZHANG"], *arguments], cwd=self.root, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode not in allowed:
            fail(f"'{' '.join(arguments)}' ended with status {done.returncode}:\n{done.stdout[-2000:]}")
        return done.stdout

    def run(self, *arguments, pipeline="nights.yaml"):
        """A run; that something needs a person is no failure."""
        self.runs += 1
        self.duizhang("run", pipeline, "--quiet", *arguments)

    def any_run(self):
        """A run with threads and memory that do not matter."""
        self.run("--threads", str(self.random.randint(1, 4)), "--memory",
                 self.random.choice(["32M", "64M", "512M", "2G"]))

    # MARK: Logs

    def make_logs(self):
        days = self.options.days
        # At least one behind the month's end, so that it can be closed.
        first = MONTH_END - datetime.timedelta(min(days * 2 // 3, days - 2))
        self.logs = []
        for number, (gateways, share, names) in enumerate((
                (4, 0.7, RENAMED), (2, 0.3, {**RENAMED, **LICENSEES}))):
            folder = self.at(f"simulated-{number}")
            self.duizhang(
                "simulate", "--preset", "sample", "--from", str(first), "--days", str(days), "--records",
                str(int(days * self.options.records * share)), "--gateways", str(gateways), "--codec",
                "plain", "--seed", str(self.options.seed * 2 + number), "--out", folder, "--quiet",
                allowed=(0,))
            pattern = re.compile('"(' + "|".join(map(re.escape, names)) + ')"')
            for path in sorted(glob.glob(f"{folder}/gateway-*")):
                gateway, date = re.fullmatch(
                    r"gateway-(\d+)-(\d{4}-\d\d-\d\d)\.ndjson", os.path.basename(path)).groups()
                with open(path, encoding="utf-8", errors="surrogateescape") as file:
                    text = pattern.sub(lambda found: f'"{names[found[1]]}"', file.read())
                # One gateway writes no ids, by which what is counted twice would be a duplicate and no more.
                if gateway == "03":
                    text = re.sub('"request_id":"[^"]*",', "", text)
                endings = list(self.codecs)
                self.logs.append(Log(
                    f"网关-{number}{gateway}-{date}.ndjson", endings[int(gateway) % len(endings)],
                    datetime.date.fromisoformat(date), text.encode("utf-8", "surrogateescape")))
            shutil.rmtree(folder)
        self.dates = sorted({log.date for log in self.logs})
        self.records = sum(log.text.count(b"\n") for log in self.logs)

    @staticmethod
    def time(log):
        return datetime.datetime.combine(
            log.date, datetime.time(23), datetime.timezone.utc).timestamp()

    def put(self, log, text=None, codec=None):
        text = log.text if text is None else text
        self.write(f"logs/{log.path}", self.codecs[log.codec if codec is None else codec](text), self.time(log))

    def take_out(self, log):
        os.unlink(self.at("logs", log.path))

    # MARK: Holding reports against each other

    def begin(self):
        for name in ("logs", "workspace", "reports"):
            shutil.rmtree(self.at(name), ignore_errors=True)
        os.mkdir(self.at("logs"))

    def same(self, one, other, what, *exclude):
        """Two folders without any difference."""
        done = subprocess.run(
            ["diff", "-r", *(f"--exclude={name}" for name in exclude), self.at(one), self.at(other)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode != 0:
            lines = [line[:300] for line in done.stdout.splitlines()]
            fail(f"{what}: reports differ ({one}, {other}):\n" + "\n".join(lines[:30]))

    def verify(self):
        self.duizhang("verify", self.at("reports"), allowed=(0,))
        self.duizhang("workspace", "verify", self.at("workspace"), allowed=(0,))

    def finish(self, name):
        """What a way of taking logs in came to."""
        self.verify()
        shutil.rmtree(self.at(f"reports-{name}"), ignore_errors=True)
        os.rename(self.at("reports"), self.at(f"reports-{name}"))
        if name != "nightly":
            self.same("reports-nightly", f"reports-{name}", name)
        print(f"{name}: the same; {time.monotonic() - self.seconds:.1f} s", flush=True)

    # MARK: Ways

    def nightly(self):
        """Night by night."""
        self.begin()
        for date in self.dates:
            for log in self.logs:
                if log.date == date:
                    self.put(log)
            self.run()
        self.finish("nightly")

    def at_once(self):
        self.begin()
        for log in self.logs:
            self.put(log)
        self.run()
        self.without_workspace()
        self.finish("at-once")

    def without_workspace(self):
        """Months of a pipeline without a workspace."""
        months = sorted(os.listdir(self.at("reports")))
        expected = sorted({f"{date:%Y-%m}" for date in self.dates})
        if months != expected:
            fail(f"folders of months: expected {expected}, found {months}")
        for month in months:
            self.run("--period", month, pipeline="plain.yaml")
            folder = self.at("reports", month)
            for name in ("count.csv", "findings.csv"):
                self.same(f"plain/{name}", f"reports/{month}/{name}", "without a workspace")
            joined = b""
            for path in sorted(glob.glob(f"{folder}/usage-detail-*.csv")):
                with open(path, "rb") as file:
                    header, rows = file.read().split(b"\n", 1)
                joined += rows if joined else header + b"\n" + rows
            # A contract's days are together in the one file, and apart in many.
            with open(self.at("plain", "usage-detail.csv"), "rb") as file:
                whole = file.read()
            if self.by_contract(joined) != self.by_contract(whole):
                fail(f"{month}: usage-detail.csv is not the days' files one behind the other")
            shutil.rmtree(self.at("plain"))

    @staticmethod
    def by_contract(rows):
        header, *lines = rows.splitlines(keepends=True)
        return [header, *sorted(lines, key=lambda line: line.split(b",", 1)[0])]

    def shuffled(self):
        """In any order, some at a time."""
        self.begin()
        waiting = self.logs[:]
        self.random.shuffle(waiting)
        while waiting:
            for _ in range(self.random.randint(1, 2 * len(self.logs) // len(self.dates))):
                if waiting:
                    self.put(waiting.pop())
            self.any_run()
        self.finish("shuffled")

    def twice(self):
        """Every log comes again by another name and codec, a night before or after, or in the same one."""
        self.begin()
        nights = collections.defaultdict(list)
        for log in self.logs:
            day = self.dates.index(log.date)
            others = [codec for codec in self.codecs if codec != log.codec]
            copy = Log("网关-副本-" + log.name, self.random.choice(others), log.date, log.text)
            nights[day + 1].append(log)
            nights[day + 1 + self.random.randint(-1, 1)].append(copy)
        for night in sorted(nights):
            for log in nights[night]:
                self.put(log)
            self.run()
        self.finish("twice")

    def cuts(self, log):
        """Where a log that comes in parts ends: anywhere, at lines' ends, or in its last or first line."""
        text = log.text
        kind = self.random.choice(["anywhere", "line", "last", "first"])
        first = text.find(b"\n") + 1
        last = text.rfind(b"\n", 0, len(text) - 1) + 1
        low, high = {
            # Of a log that is compressed, a part without a whole line is another log (docs/workspace.md).
            "first": (first, len(text)) if log.codec else (1, first),
            "last": (last + 1, len(text))}.get(kind, (first, len(text)))
        cuts = sorted(self.random.randrange(low, max(high, low + 1)) for _ in range(self.random.randint(1, 3)))
        if kind == "line":
            cuts = [text.find(b"\n", cut - 1) + 1 or len(text) for cut in cuts]
        return cuts

    def late(self):
        """Some logs come days later, or night by night in greater parts, or compressed in another way first, or in
        part under another name, which stays."""
        self.begin()
        nights = collections.defaultdict(list)
        for log in self.logs:
            day = self.dates.index(log.date)
            way = self.random.choice(["late", "parts", "anew", "other-name"] + 6 * ["in time"])
            first = day
            if log is self.logs[0]:
                # At the very end, where nothing else of its month is new.
                nights[first].append((log, None, next(codec for codec in self.codecs if codec != log.codec)))
                first += len(self.dates) + 5
            elif way == "late":
                first += self.random.randint(1, 5)
            elif way == "parts" and log.text:
                for cut in self.cuts(log):
                    nights[first].append((log, log.text[:cut], None))
                    first += 1
            elif way == "anew":
                others = [codec for codec in self.codecs if codec != log.codec]
                nights[first].append((log, None, self.random.choice(others)))
                first += self.random.randint(1, 3)
            elif way == "other-name" and log.text.count(b"\n") > 2:
                part = Log("网关-部分-" + log.name, log.codec, log.date, log.text)
                half = log.text.find(b"\n", len(log.text) // 2) + 1
                nights[first].append((part, log.text[:half] if half else None, None))
                first += self.random.randint(1, 3)
            nights[first].append((log, None, None))
        for night in sorted(nights):
            for log, text, codec in nights[night]:
                self.put(log, text, codec)
            self.any_run()
        self.finish("late")

    def repeated(self):
        """Night by night, each with more than one run, and older logs taken away."""
        self.begin()
        for number, date in enumerate(self.dates):
            for log in self.logs:
                if log.date == date:
                    self.put(log)
                elif log.date == date - datetime.timedelta(7):
                    self.take_out(log)
            for _ in range(self.random.randint(1, 3)):
                self.any_run()
            if number % 5 == 0:
                shutil.rmtree(self.at("reports"))
                self.any_run()
        self.finish("repeated")

    # MARK: Closed months

    def split_late(self):
        """Logs of which lines are missing, and those lines as logs that come late."""
        month = [log for log in self.logs if log.date <= MONTH_END and log.text]
        texts = {id(log): log.text.splitlines(keepends=True) for log in month}
        late = []
        for number in range(self.options.late):
            log = month[number % len(month)]
            lines = texts[id(log)]
            wanted = self.random.randint(1, max(1, len(lines) // 8))
            taken = set(self.random.sample(range(len(lines)), min(wanted, len(lines) - 1)))
            text = b"".join(lines[index] for index in sorted(taken))
            texts[id(log)] = [line for index, line in enumerate(lines) if index not in taken]
            if text:
                late.append(Log(f"补传-{number:03}.ndjson", self.random.choice(list(self.codecs)),
                                log.date, text))
        rest = [
            Log(log.name, log.codec, log.date, b"".join(texts[id(log)]) if id(log) in texts else log.text)
            for log in self.logs]
        return rest, late

    def closed(self):
        month = f"{MONTH_END:%Y-%m}"
        rest, late = self.split_late()
        # One open from first to last; the other closed as soon as both zones are over with the month.
        self.begin()
        for log in rest + late:
            self.put(log)
        self.run()
        self.verify()
        shutil.rmtree(self.at("reports-open"), ignore_errors=True)
        os.rename(self.at("reports"), self.at("reports-open"))

        self.begin()
        waiting = late[:]
        self.random.shuffle(waiting)
        is_closed = False
        for date in self.dates:
            for log in rest:
                if log.date == date:
                    self.put(log)
            self.run()
            if date > MONTH_END and not is_closed:
                self.duizhang("close", "nights.yaml", "--period", month, "--quiet")
                is_closed = True
                shutil.rmtree(self.at("frozen"), ignore_errors=True)
                shutil.copytree(self.at("reports", month), self.at("frozen"))
        nights = 0
        partial = []
        while waiting or partial:
            nights += 1
            # What came in part is whole a night later.
            grown, partial = partial, []
            for log in grown:
                self.put(log)
            for _ in range(self.random.choice([1, 1, 1, 2, 5])):
                if not waiting:
                    break
                log = waiting.pop()
                half = log.text.find(b"\n", len(log.text) // 2) + 1
                if half and self.random.random() < 0.2:
                    self.put(log, log.text[:half])
                    partial.append(log)
                else:
                    self.put(log)
            self.any_run()
            self.same("frozen", f"reports/{month}", f"{month} is closed")
            if self.random.random() < 0.1:
                self.check_sum(month)
        booked = self.check_sum(month)
        self.verify()
        self.same(f"reports-open/{month}/count.csv", f"{self.range(month)}/count.csv", "an open recount")
        shutil.rmtree(self.at(self.range(month)))

        self.duizhang("close", "nights.yaml", "--period", month, "--reopen", "补传", "--quiet")
        self.same("reports-open", "reports", f"{month} is open again")
        self.verify()
        print(f"closed: {len(late)} late logs on {nights} nights, {booked} adjustments, all add up; "
              f"{time.monotonic() - self.seconds:.1f} s", flush=True)

    def range(self, month):
        return f"reports/{month}-01--{MONTH_END}"

    def rows(self, path):
        with open(self.at(path), encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)

    def check_sum(self, month):
        """What was counted when the month was closed, with all adjustments, is what is counted now."""
        keys = ("contract", "licensee", "date", "module", "scenario", "unit")
        values = ("quantity", "messages", "failed_messages", "duplicates")

        def total(*files):
            sums = collections.Counter()
            for path in files:
                for row in self.rows(path):
                    if row.get("period_closed", month) != month:
                        fail(f"{path}: an adjustment of {row['period_closed']}")
                    for value in values:
                        sums[*(row[key] for key in keys), value] += int(row[value])
            return {key: count for key, count in sums.items() if count}

        self.run("--from", f"{month}-01", "--to", str(MONTH_END))
        folders = [name for name in os.listdir(self.at("reports"))
                   if re.fullmatch(r"\d{4}-\d\d", name) and name > month]
        adjustments = [f"reports/{name}/adjustments.csv" for name in folders]
        there = total(f"reports/{month}/count.csv", *adjustments)
        now = total(f"{self.range(month)}/count.csv")
        if there != now:
            different = sorted(key for key in {*there, *now} if there.get(key) != now.get(key))
            fail(f"{month}: closed and adjusted is not what an open count says, of {len(different)}:\n"
                 + "\n".join(f"{key}: {there.get(key, 0)}, {now.get(key, 0)}" for key in different[:10]))
        return sum(1 for path in adjustments for _ in self.rows(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=int, default=3000, help="records a day")
    parser.add_argument("--late", type=int, default=100)
    parser.add_argument("--keep", help="a folder to work in, which stays")
    options = parser.parse_args()
    if not 3 <= options.days <= 40:
        parser.error("days: expected 3 to 40")
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
    root = os.path.abspath(options.keep or tempfile.mkdtemp())
    try:
        nights = Nights(options, root)
        nights.make_logs()
        nights.nightly()
        failed = []
        for way in (nights.at_once, nights.shuffled, nights.twice, nights.late, nights.repeated,
                    nights.closed):
            try:
                way()
            except Failure as failure:
                failed.append(way.__name__.replace("_", "-"))
                print(f"{failed[-1]}: {failure}", file=sys.stderr, flush=True)
        result = f"failed: {', '.join(failed)}" if failed else "all reports are the same"
        print(f"{options.days} days, {len(nights.logs)} logs, {nights.records:,} lines, seed {options.seed}: "
              f"{nights.runs} runs, {result}; {time.monotonic() - nights.seconds:.1f} s")
        if failed:
            sys.exit(1)
    except Failure as failure:
        sys.exit(f"nights: {failure}")
    finally:
        if not options.keep:
            shutil.rmtree(root)


if __name__ == "__main__":
    main()
