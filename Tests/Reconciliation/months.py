"""Planted discrepancies, and what a reconciliation finds of them: see months.sh. Standard library only."""

import argparse
import collections
import csv
import datetime
import decimal
import glob
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import zoneinfo

CAUSES = [
    "duplicate_at_licensor", "duplicate_at_licensee", "outside_contract", "period_boundary", "split", "merged",
    "not_billable", "module_mismatch", "user_mismatch", "missing_at_licensee", "missing_at_licensor_log_gap",
    "missing_at_licensor_no_traffic"]
UNEXPLAINED = "unexplained"
LEAST = 0.99

# Zones without changes of clocks, whose wall time is at most eight hours from the contract's.
ZONES = ["UTC", "Asia/Tokyo", "Asia/Kolkata", "Asia/Dubai"]
CONTRACT_ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")

DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";"}
CODECS = {
    "utf-8": "utf-8", "utf-8-bom": "utf-8-sig", "utf-16le": "utf-16", "utf-16be": "utf-16", "gb18030": "gb18030"}
NAMES = {
    "日期": "date", "模块": "module", "场景": "scenario", "单位": "unit", "次数": "quantity", "用户": "user",
    "会话编号": "conversation", "开始时间": "started_at", "结束时间": "ended_at", "消息数": "messages"}

BRIDGE = ["contract", "period", "module", "step", "cause", "quantity", "amount", "explanation"]
DIFFERENCES = [
    "contract", "period", "module", "scenario", "unit", "cause", "licensor_quantity", "licensee_quantity",
    "licensor_amount", "licensee_amount", "licensor_user", "licensee_user", "licensor_conversation",
    "licensee_conversation", "licensor_started_at", "licensor_ended_at", "licensee_started_at", "licensee_ended_at",
    "licensee_period", "licensee_module", "licensee_scenario", "licensor_source", "licensee_source", "explanation"]

# What a start in differences.csv may be off: a file may state whole seconds.
TOLERANCE = datetime.timedelta(seconds=2)
CENT = re.compile(r"-?\d+\.\d\d")


class Failure(Exception):
    """What is not as it must be."""


def fail(text):
    raise Failure(text)


class Settings:
    """What a month is like, by its number and the seed."""

    def __init__(self, seed, number):
        self.number = number
        draw = random.Random(f"{seed}/{number}")
        # One cause alone in every second month, all of them in the others.
        self.alone = CAUSES[number // 2 % len(CAUSES)] if number % 2 == 0 else None
        self.causes = (
            {self.alone: draw.randint(3, 30)} if self.alone
            else {cause: draw.randint(0, 8) for cause in CAUSES})
        # The month's end lies within.
        self.first = datetime.date(2025 + draw.randint(0, 1), draw.randint(1, 12), draw.randint(3, 26))
        self.form = {
            "encoding": draw.choice(list(CODECS)), "language": draw.choice(["english", "chinese"]),
            "delimiter": draw.choice(list(DELIMITERS)),
            "numbers": draw.choice(["plain", "plain", "thousands", "full-width"]),
            "dates": draw.choice(["iso", "iso", "slashes", "serial"])}
        self.zone, self.skew = self.clock(draw)
        conversations = draw.randint(2_000, 10_000)
        gaps = draw.randint(1, 3) if self.causes.get("missing_at_licensor_log_gap") else draw.randint(0, 2)
        self.arguments = [
            "--preset", "month", "--seed", str(draw.randrange(1, 1 << 32)), "--from", str(self.first),
            "--days", "31", "--records", str(int(conversations * 7.5)), "--gateways", str(draw.randint(1, 4)),
            "--codec", draw.choice(["gzip", "lz4", "plain"]), "--log-gaps", str(gaps),
            "--idle-timeout", draw.choice(["30m", "30m", "20m", "1h"]),
            "--failures", draw.choice(["0.01", "0.02", "0.05"]),
            "--min-messages", draw.choice(["1", "1", "1", "2", "3"]),
            "--licensee-clock-skew", self.text(self.skew)]
        self.has_term = draw.random() < 0.25
        if self.has_term:
            edge = str(self.first + datetime.timedelta(draw.randint(3, 12)))
            self.arguments += draw.choice([
                ["--term-from", edge],
                ["--term-to", str(self.first + datetime.timedelta(draw.randint(18, 27)))]])
        for cause, count in self.causes.items():
            self.arguments += ["--discrepancies", f"{cause}={count}"]
        for name, value in self.form.items():
            self.arguments += [f"--statement-{name}", value]
        if self.zone:
            self.arguments += ["--statement-zone", self.zone]

    @staticmethod
    def clock(draw):
        """The zone of the licensee's file, and what its clock is fast."""
        little = datetime.timedelta(milliseconds=draw.choice([0, draw.randint(-3_000, 3_000)]))
        kind = draw.randrange(3)
        if kind == 0:
            return None, little
        if kind == 1:
            return draw.choice(ZONES), little
        return None, datetime.timedelta(milliseconds=draw.randint(-28_800_000, 28_800_000))

    @staticmethod
    def text(time):
        milliseconds = time // datetime.timedelta(milliseconds=1)
        return f"{'-' if milliseconds < 0 else ''}{abs(milliseconds)}ms"

    def stated(self, moment):
        """A moment as the licensee's file has it, taken for one of the contract's zone."""
        moment += self.skew
        if not self.zone:
            return moment
        wall = moment.astimezone(zoneinfo.ZoneInfo(self.zone)).replace(tzinfo=None)
        return wall.replace(tzinfo=CONTRACT_ZONE)


class Detail:
    """A side's usage detail as this script reads it: what each period, module and scenario sums up to."""

    def __init__(self, path, encoding="utf-8", delimiter=","):
        with open(path, encoding=encoding, newline="") as file:
            rows = list(csv.reader(file, delimiter=delimiter))
        names = [NAMES.get(name, name) for name in rows[0]]
        # Numbered as a spreadsheet does, the header being the first.
        self.rows = {number: dict(zip(names, row)) for number, row in enumerate(rows[1:], 2)}
        self.sums = collections.Counter()
        for row in self.rows.values():
            quantity = int(row["quantity"].replace(",", ""))
            self.sums[f"{self.day(row['date']):%Y-%m}", row["module"], row["scenario"]] += quantity

    @staticmethod
    def day(text):
        if text.isdigit():
            return datetime.date(1899, 12, 30) + datetime.timedelta(int(text))
        return datetime.date(*map(int, re.split("[-/]", text)))

    def quantity(self, key):
        return sum(count for (period, module, _), count in self.sums.items() if (period, module) == key)

    def amount(self, key, prices):
        return sum(
            (count * prices.get((module, scenario), decimal.Decimal(0))
             for (period, module, scenario), count in self.sums.items() if (period, module) == key),
            decimal.Decimal("0.00"))

    @property
    def keys(self):
        return {(period, module) for period, module, _ in self.sums}


def read_report(path, columns):
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != columns:
            fail(f"{path}: expected the columns {','.join(columns)}, found {','.join(reader.fieldnames or [])}")
        return list(reader)


def read_contract(path):
    """The number, and what an enabled module and scenario costs."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    prices = re.findall(
        r'module: "?([^",]+)"?, scenario: "?([^",]+)"?, unit: \w+, price: "([\d.]+)"(?!, enabled: false)', text)
    return (
        re.search(r'contract: "([^"]+)"', text)[1],
        {(module, scenario): decimal.Decimal(price) for module, scenario, price in prices},
        set(re.findall(r'module: "?([^",]+)"?, .*enabled: false', text)))


class Planted:
    """One planted unit: the rows of both sides that are concerned."""

    def __init__(self, cause, detail, unit, settings):
        self.cause = cause
        self.detail = detail
        self.unit = unit
        self.is_found = False
        self.sides = {
            side: [self.key(row, settings, side) for row in unit[side]] for side in ("licensor", "licensee")}
        self.modules = {row["module"] for side in self.sides for row in unit[side]}

    @staticmethod
    def key(row, settings, side):
        start = datetime.datetime.fromisoformat(row["started_at"])
        if side == "licensee":
            start = settings.stated(start)
        return row["user"], row["conversation"], start

    def is_in(self, difference):
        """Whether a row of differences.csv is about it: names one of its rows, of either side."""
        if difference.module not in self.modules:
            return False
        return any(
            user in difference.users[side] and (not conversation or conversation in difference.conversations[side])
            and any(abs(start - other) <= TOLERANCE for other in difference.starts[side])
            for side, keys in self.sides.items() for user, conversation, start in keys)

    def __str__(self):
        return (f"{self.cause}/{self.detail} {self.unit['user']} {self.unit['conversation']} "
                f"{self.unit['module']} {self.unit['started_at']}")


class Difference:
    """A row of differences.csv."""

    def __init__(self, row):
        self.row = row
        self.cause = row["cause"]
        self.module = row["module"]
        sides = ("licensor", "licensee")
        self.users = {side: row[f"{side}_user"].split(" ") for side in sides}
        self.conversations = {side: row[f"{side}_conversation"].split(" ") for side in sides}
        self.starts = {
            side: [datetime.datetime.fromisoformat(text) for text in row[f"{side}_started_at"].split()]
            for side in sides}

    def __str__(self):
        return ",".join(self.row.values())[:400]


class Tally:
    def __init__(self):
        self.planted = self.found = self.false = self.rows = 0


class Months:
    def __init__(self, options, root):
        self.options = options
        self.root = root
        self.tallies = {cause: Tally() for cause in CAUSES}
        self.details = collections.defaultdict(Tally)
        self.wrong = []
        self.bridges = self.compared = 0
        self.seconds = collections.Counter()

    def duizhang(self, *arguments, allowed=(0,)):
        begun = time.monotonic()
        done = subprocess.run(
            [os.environ["DUIZHANG"], *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace")
        self.seconds[arguments[0]] += time.monotonic() - begun
        if done.returncode not in allowed:
            fail(f"duizhang {shlex.join(arguments)}\nended with status {done.returncode}:\n{done.stdout[-2000:]}")

    def reconcile(self, folder, out, *arguments):
        # That something needs a person is what is expected.
        self.duizhang(
            "reconcile", "--licensor", f"{folder}/licensor-detail.csv", "--licensee",
            f"{folder}/licensee-detail.csv", "--contract", f"{folder}/contract.yaml", "--log",
            f"{folder}/gateway-*", "--out", f"{folder}/{out}", "--quiet", *arguments, allowed=(0, 1))

    # MARK: A month

    def month(self, number):
        settings = Settings(self.options.seed, number)
        folder = os.path.join(self.root, f"month-{number}")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            self.duizhang("simulate", *settings.arguments, "--out", folder, "--quiet")
            self.reconcile(folder, "reports")
            if number % 5 == 0:
                self.compare_ways(folder)
            wrong, missed = self.check(folder, settings)
        except Failure as failure:
            wrong, missed = [str(failure)], []
        problems = wrong + missed
        if wrong:
            self.wrong.append(number)
        if problems:
            print(f"month {number} (ONLY={number}): duizhang simulate {shlex.join(settings.arguments)}")
            for problem in problems[:12]:
                print(f"  {problem}")
            if len(problems) > 12:
                print(f"  and {len(problems) - 12} more")
            sys.stdout.flush()
        if not self.options.keep:
            shutil.rmtree(folder, ignore_errors=True)

    def compare_ways(self, folder):
        """Reports do not depend on threads and memory."""
        for out, arguments in (
                ("reports-1", ["--threads", "1"]), ("reports-2", ["--threads", "2", "--memory", "64M"])):
            self.reconcile(folder, out, *arguments)
            names = {
                way: sorted(map(os.path.basename, glob.glob(f"{folder}/{way}/*.csv"))) for way in ("reports", out)}
            if names["reports"] != names[out]:
                fail(f"{' '.join(arguments)}: {names[out]} in place of {names['reports']}")
            for name in names[out]:
                with open(f"{folder}/reports/{name}", "rb") as one, open(f"{folder}/{out}/{name}", "rb") as other:
                    if one.read() != other.read():
                        fail(f"{' '.join(arguments)}: another {name}")
        self.compared += 1

    def check(self, folder, settings):
        """What is wrong, and what is planted and not found, or found and not planted."""
        with open(f"{folder}/truth.json", encoding="utf-8") as file:
            truth = json.load(file)
        planted = [
            Planted(group["cause"], group["detail"], unit, settings)
            for group in truth["planted_discrepancies"] for unit in group["units"]]
        licensor = Detail(f"{folder}/licensor-detail.csv")
        licensee = Detail(
            f"{folder}/licensee-detail.csv", CODECS[settings.form["encoding"]],
            DELIMITERS[settings.form["delimiter"]])
        contract = read_contract(f"{folder}/contract.yaml")
        steps, wrong = self.check_bridges(
            read_report(f"{folder}/reports/difference-bridge.csv", BRIDGE), contract, licensor, licensee, settings)
        differences = [Difference(row) for row in read_report(f"{folder}/reports/differences.csv", DIFFERENCES)]
        missed = self.check_differences(planted, differences)
        wrong += [f"unknown or unexplained: {one}" for one in differences if one.cause not in CAUSES]
        wrong += self.check_sources(differences, licensee)
        if not wrong and not missed:
            wrong += self.check_steps(planted, steps)
        return wrong, missed

    # MARK: Bridges

    def check_bridges(self, rows, contract, licensor, licensee, settings):
        """From the licensee's figures to the licensor's, in quantity and in yuan."""
        number, prices, disabled = contract
        bridges = collections.defaultdict(list)
        problems = []
        for row in rows:
            if row["contract"] != number:
                problems.append(f"bridge of contract '{row['contract']}'")
            bridges[row["period"], row["module"]].append(row)
        for key in sorted(licensor.keys | licensee.keys | bridges.keys()):
            name = f"bridge {' '.join(key)}"
            steps = bridges.get(key, [])
            causes = [row["cause"] for row in steps]
            between = causes[1:-1]
            if len(causes) < 2 or causes[0] != "licensee" or causes[-1] != "licensor":
                problems.append(f"{name}: expected licensee … licensor, found {causes}")
                continue
            if len(set(between)) != len(between) or not set(between) <= {*CAUSES, UNEXPLAINED}:
                problems.append(f"{name}: causes {between}")
            if [row["step"] for row in steps] != [str(step) for step in range(len(steps))]:
                problems.append(f"{name}: steps {[row['step'] for row in steps]}")
            problems += self.check_sums(name, steps)
            for side, row in ((licensee, steps[0]), (licensor, steps[-1])):
                if int(row["quantity"]) != side.quantity(key):
                    problems.append(
                        f"{name}: {row['cause']} {row['quantity']}, its file has {side.quantity(key)}")
                # Whether what a contract does not cover is charged is the contract's affair.
                if not settings.has_term and key[1] not in disabled and row["amount"] != "" \
                        and decimal.Decimal(row["amount"]) != side.amount(key, prices):
                    problems.append(
                        f"{name}: {row['cause']} {row['amount']} yuan, expected {side.amount(key, prices)}")
            self.bridges += 1
        quantities = {
            (key, row["cause"]): int(row["quantity"]) for key, steps in bridges.items() for row in steps[1:-1]}
        return quantities, problems

    @staticmethod
    def check_sums(name, steps):
        problems = []
        quantities = [int(row["quantity"]) for row in steps]
        if sum(quantities[:-1]) != quantities[-1]:
            problems.append(f"{name}: {' + '.join(map(str, quantities[:-1]))} is not {quantities[-1]}")
        texts = [row["amount"] for row in steps]
        # A module without a price may have no amounts at all.
        if any(texts):
            if not all(map(CENT.fullmatch, texts)):
                problems.append(f"{name}: amounts {texts}")
            elif sum(map(decimal.Decimal, texts[:-1])) != decimal.Decimal(texts[-1]):
                problems.append(f"{name}: {' + '.join(texts[:-1])} yuan is not {texts[-1]}")
        problems += [f"{name}: {row['quantity']} unexplained" for row in steps
                     if row["cause"] == UNEXPLAINED and (row["quantity"] != "0" or row["amount"] not in ("", "0.00"))]
        return problems

    @staticmethod
    def check_steps(planted, steps):
        """Where every unit has its cause, each step is what was planted."""
        expected = collections.Counter()
        for one in planted:
            for side, sign in (("licensor", 1), ("licensee", -1)):
                for row in one.unit[side]:
                    expected[(row["date"][:7], row["module"]), one.cause] += sign * row["quantity"]
        return [
            f"bridge {' '.join(key)}: step {cause} of {steps.get((key, cause), 0)}, planted "
            f"{expected[key, cause]}"
            for key, cause in sorted({*expected, *steps}) if steps.get((key, cause), 0) != expected[key, cause]]

    # MARK: Differences

    def check_differences(self, planted, differences):
        problems = []
        by_user = collections.defaultdict(list)
        for one in planted:
            for user in {user for keys in one.sides.values() for user, _, _ in keys}:
                by_user[user].append(one)
        for difference in differences:
            users = {user for names in difference.users.values() for user in names}
            near = [one for user in sorted(users) for one in by_user[user] if one.is_in(difference)]
            right = next((one for one in near if one.cause == difference.cause and not one.is_found), None)
            if right:
                right.is_found = True
                continue
            if difference.cause in self.tallies:
                self.tallies[difference.cause].false += 1
            told = f"; planted: {near[0]}" if near else ""
            problems.append(f"false: {difference}{told}")
        for one in planted:
            for tally in (self.tallies[one.cause], self.details[one.cause, one.detail]):
                tally.planted += 1
                tally.found += one.is_found
            if not one.is_found:
                problems.append(f"not found: {one}")
        return problems

    @staticmethod
    def check_sources(differences, licensee):
        """The rows that are named are those of the users who are named."""
        problems = []
        for difference in differences:
            for source in difference.row["licensee_source"].split():
                path, _, number = source.rpartition(":")
                row = licensee.rows.get(int(number)) if number.isdigit() else None
                if os.path.basename(path) != "licensee-detail.csv" or row is None \
                        or row["user"] not in difference.users["licensee"]:
                    problems.append(f"source {source}: not of {difference.row['licensee_user']}")
        return problems

    # MARK: All of them

    def table(self):
        print(f"{'cause':<34}{'planted':>9}{'found':>9}{'false':>9}{'recall':>9}{'precision':>11}")
        poor = []
        for cause in CAUSES:
            tally = self.tallies[cause]
            recall = tally.found / tally.planted if tally.planted else 1.0
            stated = tally.found + tally.false
            precision = tally.found / stated if stated else 1.0
            print(f"{cause:<34}{tally.planted:>9}{tally.found:>9}{tally.false:>9}{recall:>9.4f}{precision:>11.4f}")
            if min(recall, precision) < LEAST:
                poor.append(cause)
        for (cause, detail), tally in sorted(self.details.items()):
            if tally.found < tally.planted:
                print(f"  {cause}, {detail}: {tally.found} of {tally.planted}")
        return poor

    def run(self):
        numbers = range(self.options.months) if self.options.only is None else [self.options.only]
        for number in numbers:
            self.month(number)
        poor = self.table()
        count = len(numbers)
        print(f"{count} months, {self.bridges} bridges, {self.compared} months with other threads and memory; "
              f"{len(self.wrong)} months with something wrong; seconds a month: "
              + ", ".join(f"{name} {seconds / count:.2f}" for name, seconds in sorted(self.seconds.items())))
        return poor


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--months", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep")
    options = parser.parse_args()
    root = options.keep or tempfile.mkdtemp(prefix="months-")
    os.makedirs(root, exist_ok=True)
    try:
        months = Months(options, root)
        poor = months.run()
    finally:
        if not options.keep:
            shutil.rmtree(root, ignore_errors=True)
    if poor:
        print(f"below {LEAST}: {', '.join(poor)}")
    if poor or months.wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
