"""Measures duizhang on other inputs than the benchmark's: text formats, Zstandard, and bombs.

Makes the inputs where they are missing, from the benchmark's logs, and runs the programs in turn as
report.py does.
"""

import argparse
import datetime
import glob
import gzip
import os
import re
import shlex
import statistics
import subprocess
import sys

from report import Run, first_line, machine, measure_in_turn, write

CONVERT = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "sample-logs", "formats", "convert.py")
BOMB_BYTES = 10_000_000_000
LINE_BYTES = 5_000_000_000
PIECE = 1 << 20


def made(path, make):
    """The file, made under another name first so that half of one is never taken for it."""
    if not os.path.exists(path):
        print(f"making {path}", file=sys.stderr)
        make(path + ".part")
        os.rename(path + ".part", path)
    return path


def shell(command):
    subprocess.run(["bash", "-o", "pipefail", "-c", command], check=True)


def repeated(byte, count):
    def make(path):
        with gzip.open(path, "wb", compresslevel=9) as file:
            piece = byte * PIECE
            for _ in range(count // PIECE):
                file.write(piece)
            file.write(byte * (count % PIECE))
    return make


def inputs(logs, folder):
    os.makedirs(folder, exist_ok=True)
    given = sorted(glob.glob(f"{logs}/gzip/gateway-*"))[:2]
    if not given:
        sys.exit(f"no logs below {logs}")
    plain = made(f"{folder}/canonical.ndjson", lambda path: shell(
        f"gzip -dc {' '.join(map(shlex.quote, given))} > {shlex.quote(path)}"))

    def converted(name):
        return made(f"{folder}/{name}.log", lambda path: shell(
            f"{shlex.quote(sys.executable)} {shlex.quote(CONVERT)} {name} < {shlex.quote(plain)}"
            f" > {shlex.quote(path)}"))

    paths = {"ndjson": plain}
    for name in ("nginx-combined", "nginx-json", "kong", "csv"):
        paths[name] = converted(name)
    paths["zstd"] = made(f"{folder}/canonical.ndjson.zst", lambda path: shell(
        f"zstd -q -3 -c {shlex.quote(plain)} > {shlex.quote(path)}"))
    paths["bomb"] = made(f"{folder}/zeros.gz", repeated(b"\0", BOMB_BYTES))
    paths["line"] = made(f"{folder}/line.gz", repeated(b"a", LINE_BYTES))
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duizhang", required=True)
    parser.add_argument("--logs", required=True, help="folder with gzip/")
    parser.add_argument("--folder", required=True, help="where the inputs are kept")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--doc", required=True)
    options = parser.parse_args()
    command = shlex.quote(os.path.abspath(options.duizhang))
    paths = inputs(os.path.abspath(options.logs), os.path.abspath(options.folder))

    def text_bytes(name):
        source = {"zstd": "ndjson"}.get(name, name)
        return {"bomb": BOMB_BYTES, "line": LINE_BYTES}.get(name) or os.path.getsize(paths[source])

    def run(verb, name, label):
        given = shlex.quote(paths[name])
        # A bomb has a line that is no record: status 1, as it should be.
        allowed = " || [ $? = 1 ]" if name in ("bomb", "line") else ""
        line = f"{command} {verb} --threads 1 --quiet {given}{allowed}"
        one = Run(f"{verb}-{name}", f"`duizhang {verb}`, {label}", line)
        one.bytes = text_bytes(name)
        return one

    labels = {
        "ndjson": "canonical NDJSON", "nginx-combined": "nginx's combined",
        "nginx-json": "nginx's JSON", "kong": "Kong's JSON", "csv": "CSV",
        "zstd": "canonical NDJSON as Zstandard", "bomb": "10 GB of zeros in gzip",
        "line": "a line of 5 GB in gzip"}
    all_runs = [run("check", name, label) for name, label in labels.items()]
    all_runs += [run("count", name, labels[name]) for name in ("ndjson", "nginx-combined")]
    bare = Run("zstd", "`zstd -dc`", f"zstd -dcq {shlex.quote(paths['zstd'])} > /dev/null")
    bare.bytes = text_bytes("zstd")
    all_runs.append(bare)

    measure_in_turn(all_runs, options.rounds, paths.values())

    lines = [
        f"**One thread**, {options.rounds} rounds, medians; text of "
        f"{sum(1 for _ in open(paths['ndjson'], 'rb')):,} calls, plain where nothing else is said.",
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}: {machine()}. "
        f"zstd {re.search('v([0-9.]+)', first_line(['zstd', '--version'])).group(1)}.", "",
        "| program | text MB | wall s | MB/s | peak MiB |", "|---|---|---|---|---|"]
    speed = {}
    for one in all_runs:
        wall = one.median(0)
        speed[one.name] = one.bytes / wall / 1e6
        lines.append(
            f"| {one.label} | {one.bytes / 1e6:,.0f} | {wall:.2f} | {speed[one.name]:,.0f} "
            f"| {max(one_measure[2] for one_measure in one.measures):.0f} |")
    calls = {name: 1 / statistics.median(m[0] for m in one.measures)
             for name, one in ((one.name, one) for one in all_runs)}
    lines += ["", *(
        f"`{verb}` reads nginx's combined log at {speed[f'{verb}-nginx-combined'] / speed[f'{verb}-ndjson']:.2f} "
        f"of canonical NDJSON's bytes per second, and at "
        f"{calls[f'{verb}-nginx-combined'] / calls[f'{verb}-ndjson']:.2f} of its calls per second."
        for verb in ("check", "count"))]
    text = "\n".join(lines)
    print(text)
    write(options.doc, "inputs", text)


if __name__ == "__main__":
    main()
