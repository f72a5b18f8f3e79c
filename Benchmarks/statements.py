"""Makes two usage details of one month that differ where it is known: what `reconcile` is measured with.

Writes licensor.csv, licensee.csv, contract.yaml and, last, truth.json. Equal options give equal files. Each side has
as many units as asked for; about 1 % of them differ, and the licensee's clock is ahead. Needs numpy and duckdb.
"""

import argparse
import datetime
import json
import os
import sys

import duckdb
import numpy

MONTH = datetime.datetime(2025, 12, 1)
DAYS = 31
SECOND, MINUTE, DAY = 1_000, 60_000, 86_400_000
TIMEOUT = 30 * MINUTE
CLOCK_AHEAD = 1_500
UNITS_OF_A_USER = 6
UNITS_MIN = 1_000
SEED = 20251201
IDENTIFIED = 0.7
ID_LIMIT, ID_FACTOR = 1 << 39, 377_530_291
# Of the calls of a day, by hour.
RHYTHM = [10, 6, 4, 3, 3, 4, 8, 16, 34, 52, 60, 56, 44, 46, 54, 56, 54, 48, 44, 48, 54, 50, 36, 20]
MODULES = ["text-bot", "order-bot", "voice-bot"]
MODULE_SHARES = [0.62, 0.30, 0.08]
SCENARIOS = ["after-sales", "pre-sales"]
# Differences, as shares of the units. What one side lacks or has twice, the other has as often, so that both have
# equally many units.
SHARES = {
    "missing_at_licensee": 0.002, "missing_at_licensor": 0.002,
    "duplicate_at_licensor": 0.001, "duplicate_at_licensee": 0.001,
    "split": 0.001, "merged": 0.001, "module_mismatch": 0.002,
}
PLAIN, SPLIT, MERGED = 0, 1, 2
CONTRACT = """\
# The contract that the benchmark's statements are reconciled under. All names and figures are invented.
contract: DZ-BENCHMARK
licensor: {name: Example Dialogue Ltd}
licensee: {name: Example Shop Ltd, keys: [acme]}
time_zone: Asia/Shanghai
term: {signed: 2025-11-20, from: 2025-12-01, to: 2026-11-30}
conversation: {identity: [user], idle_timeout: 30m}
prices:
  - {service: 在线客服, module: text-bot, unit: conversation, price: "0.35"}
  - {service: 订单助手, module: order-bot, unit: conversation, price: "0.40"}
  - {service: 语音客服, module: voice-bot, unit: conversation, price: "0.80"}
settlement: {tolerance: "1%"}
privacy: {user: plain}
"""


def planted(units):
    """How many differences of each cause."""
    return {cause: max(1, round(units * share)) for cause, share in SHARES.items()}


class Conversations:
    """Columns of equal length; `first` and `pause` say where a conversation in two parts has its pause."""

    def __init__(self, columns):
        self.columns = columns

    def __getitem__(self, name):
        return self.columns[name]

    def __len__(self):
        return len(self.columns["started"])

    def taken(self, rows):
        return Conversations({name: column[rows] for name, column in self.columns.items()})

    def changed(self, **columns):
        return Conversations({**self.columns, **columns})

    @staticmethod
    def joined(parts):
        return Conversations({
            name: numpy.concatenate([part[name] for part in parts]) for name in parts[0].columns})


def drawn(random, count, users):
    """Conversations at random, of which those of one user may come too close."""
    weight = random.lognormal(0, 0.8, users)
    user = numpy.searchsorted(
        numpy.cumsum(weight / weight.sum())[:-1], random.random(count)).astype(numpy.int64)
    rhythm = numpy.array(RHYTHM) / sum(RHYTHM)
    started = (
        random.integers(0, DAYS, count) * DAY
        + random.choice(24, count, p=rhythm) * 60 * MINUTE + random.integers(0, 60 * MINUTE, count))
    kind = random.choice(3, count, p=[0.97, 0.015, 0.015])
    first = numpy.minimum(random.exponential(4 * MINUTE, count), 40 * MINUTE).astype(numpy.int64) + SECOND
    pause = numpy.where(
        kind == SPLIT, random.integers(10 * MINUTE, 29 * MINUTE, count),
        random.integers(31 * MINUTE, 50 * MINUTE, count))
    second = numpy.minimum(random.exponential(3 * MINUTE, count), 40 * MINUTE).astype(numpy.int64) + SECOND
    ended = started + first + numpy.where(kind == PLAIN, 0, pause + second)
    return Conversations({
        "user": user, "started": started, "ended": ended, "kind": kind, "first": first, "pause": pause,
        "identified": random.random(count) < IDENTIFIED,
        "module": random.choice(len(MODULES), count, p=MODULE_SHARES),
        "scenario": (random.random(count) < 0.2).astype(numpy.int64),
        "messages": 1 + random.geometric(0.2, count) + 3 * (kind != PLAIN),
    })


def apart(drawn):
    """Those that are further than the timeout from the user's conversation before, and within the month."""
    rows = drawn.taken(numpy.lexsort((drawn["started"], drawn["user"])))
    # Users follow each other on one line of time, each further from the next than any conversation is long.
    line = rows["user"] * (DAYS + 2) * DAY
    ends = numpy.maximum.accumulate(line + rows["ended"])
    far = numpy.ones(len(rows), bool)
    far[1:] = line[1:] + rows["started"][1:] - ends[:-1] > TIMEOUT + MINUTE
    return rows.taken(far & (rows["ended"] < DAYS * DAY - MINUTE))


def conversations(random, count, users):
    rows = apart(drawn(random, count + count // 8 + 1_000, users))
    if len(rows) < count:
        sys.exit(f"only {len(rows)} of {count} conversations found room")
    rows = rows.taken(numpy.sort(random.permutation(len(rows))[:count]))
    # No two alike, for the factor is odd.
    ids = numpy.arange(1, count + 1) * ID_FACTOR % ID_LIMIT
    return rows.changed(conversation=numpy.where(rows["identified"], ids, 0))


def both_parts(rows, other_ids):
    """Each as two rows, before and after its pause."""
    ids = rows["conversation"]
    return [
        rows.changed(ended=rows["started"] + rows["first"], messages=rows["messages"] - 2),
        rows.changed(
            started=rows["started"] + rows["first"] + rows["pause"],
            messages=numpy.full(len(rows), 2),
            conversation=numpy.where(ids == 0, 0, ids + ID_LIMIT) if other_ids else ids),
    ]


def sides(random, units):
    """Both sides' rows, and how many differences of each cause there are between them."""
    counts = planted(units)
    base = conversations(
        random,
        units + counts["missing_at_licensor"] - counts["duplicate_at_licensor"] - counts["merged"],
        max(1, units // UNITS_OF_A_USER))
    order = random.permutation(len(base))
    kinds = base["kind"][order]
    causes = numpy.zeros(len(base), numpy.int64)
    names = list(counts)
    for number, cause in enumerate(names, 1):
        wanted = {"split": SPLIT, "merged": MERGED}.get(cause, PLAIN)
        free = order[(kinds == wanted) & (causes[order] == 0)][:counts[cause]]
        if len(free) < counts[cause]:
            sys.exit(f"only {len(free)} of {counts[cause]} places for {cause}")
        causes[free] = number

    def of(*wanted):
        return base.taken(numpy.isin(causes, [names.index(cause) + 1 for cause in wanted]))

    same = base.taken(causes == 0)
    misfiled = of("module_mismatch")
    licensor = [
        same, misfiled, of("missing_at_licensee", "duplicate_at_licensee", "split"),
        of("duplicate_at_licensor"), of("duplicate_at_licensor"),
        *both_parts(of("merged"), other_ids=True)]
    other_module = (misfiled["module"] + 1) % len(MODULES)
    licensee = [
        same, misfiled.changed(module=other_module),
        of("missing_at_licensor", "duplicate_at_licensor", "merged"),
        of("duplicate_at_licensee"), of("duplicate_at_licensee"),
        *both_parts(of("split"), other_ids=False)]
    return Conversations.joined(licensor), Conversations.joined(licensee), counts


def text_of(names, column):
    cases = " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(names))
    return f"CASE {column} {cases} END"


def write(database, rows, path, ahead):
    rows = rows.taken(numpy.lexsort((rows["user"], rows["started"])))
    table = {name: numpy.ascontiguousarray(rows[name]) for name in (
        "user", "conversation", "module", "scenario", "messages")}
    midnight = int(MONTH.replace(tzinfo=datetime.timezone.utc).timestamp()) * SECOND
    # The zone's own time, as if it were UTC.
    table["started"] = rows["started"] + midnight + ahead
    table["ended"] = rows["ended"] + midnight + ahead
    database.register("side", table)
    time = "strftime(epoch_ms({}), '%Y-%m-%dT%H:%M:%S.%g+08:00')"
    database.execute(f"""
        COPY (
            SELECT strftime(epoch_ms(started), '%Y-%m-%d') AS date,
                {text_of(MODULES, "module")} AS module, {text_of(SCENARIOS, "scenario")} AS scenario,
                'conversation' AS unit, 1 AS quantity,
                CASE WHEN "user" % 12 = 0 THEN CAST(10000000 + "user" AS VARCHAR)
                    ELSE 'u-' || printf('%08x', ("user" * 2654435761) & 4294967295) END AS "user",
                CASE WHEN conversation <> 0 THEN 'c-' || printf('%010x', conversation) END AS conversation,
                {time.format("started")} AS started_at, {time.format("ended")} AS ended_at, messages
            FROM side
        ) TO '{path.replace("'", "''")}' (FORMAT csv, HEADER)""")
    database.unregister("side")


def make(folder, units, seed):
    """Makes the files where truth.json does not say that these are there, and returns what it holds."""
    truth_path = os.path.join(folder, "truth.json")
    options = {"units": units, "seed": seed}
    if os.path.exists(truth_path):
        with open(truth_path, encoding="utf-8") as file:
            truth = json.load(file)
            if truth["options"] == options:
                return truth
        os.remove(truth_path)
    os.makedirs(folder, exist_ok=True)
    print(f"making statements of {units:,} units a side in {folder}", file=sys.stderr)
    licensor, licensee, causes = sides(numpy.random.Generator(numpy.random.PCG64(seed)), units)
    database = duckdb.connect(config={"threads": 2})
    database.execute("SET TimeZone = 'UTC'")
    write(database, licensor, os.path.join(folder, "licensor.csv"), 0)
    write(database, licensee, os.path.join(folder, "licensee.csv"), CLOCK_AHEAD)
    with open(os.path.join(folder, "contract.yaml"), "w", encoding="utf-8") as file:
        file.write(CONTRACT)
    truth = {
        "options": options, "licensor": len(licensor), "licensee": len(licensee),
        "users": len(numpy.unique(licensor["user"])), "licensee_ahead_ms": CLOCK_AHEAD, "causes": causes}
    with open(truth_path, "w", encoding="utf-8") as file:
        json.dump(truth, file, indent=2)
        file.write("\n")
    return truth


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--units", type=int, default=10_000_000, help="of each side")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    if options.units < UNITS_MIN:
        parser.error(f"--units: expected at least {UNITS_MIN}")
    make(options.folder, options.units, options.seed)


if __name__ == "__main__":
    main()
