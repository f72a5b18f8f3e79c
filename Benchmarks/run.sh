#!/usr/bin/env bash
# Measures duizhang beside other programs, in turn, in one run, and writes a table into the docs.
#
#   Benchmarks/run.sh
#
# RECORDS=5000000   calls in the simulated logs
# ROUNDS=5          how often each program runs; medians are shown
# DUIZHANG=PATH     the command, by default .build/release/duizhang
# DATA=bench-data   where the logs and the other programs are kept
# DOC=FILE          the page that the table is written into, by default docs/benchmark.md
# ONLY="NAME …"     only these runs (see Benchmarks/report.py)
# DAYS=1000         days of the old workspace
set -euo pipefail
cd "$(dirname "$0")/.."

records=${RECORDS:-5000000}
duizhang=${DUIZHANG:-.build/release/duizhang}
data=${DATA:-bench-data}
logs=$data/$records

if [[ ! -x $duizhang ]]; then
    echo "$duizhang is not there: run 'make build' first" >&2
    exit 1
fi

for codec in gzip lz4; do
    # truth.json is written last.
    if [[ ! -s $logs/$codec/truth.json ]]; then
        echo "simulating $records calls as $codec" >&2
        "$duizhang" simulate --preset benchmark --records "$records" --codec "$codec" \
            --out "$logs/$codec"
    fi
done

packages=(duckdb==2.0.0 chdb==4.4.0 polars==2.1.0)
wanted='
import importlib.metadata, sys
for requirement in sys.argv[1:]:
    name, version = requirement.split("==")
    assert importlib.metadata.version(name) == version'
python=python3
if ! python3 -c "$wanted" "${packages[@]}" 2> /dev/null; then
    python=$data/venv/bin/python
    if [[ ! -x $python ]]; then python3 -m venv "$data/venv"; fi
    if ! "$python" -c "$wanted" "${packages[@]}" 2> /dev/null; then
        "$python" -m pip install --quiet "${packages[@]}"
    fi
fi

"$python" Benchmarks/report.py --duizhang "$duizhang" --logs "$logs" --records "$records" \
    --rounds "${ROUNDS:-5}" --doc "${DOC:-docs/benchmark.md}" --only "${ONLY:-}"

# Other formats, Zstandard and bombs; not where only some runs were asked for.
if [[ -z ${ONLY:-} ]]; then
    "$python" Benchmarks/inputs.py --duizhang "$duizhang" --logs "$logs" --folder "$logs/inputs" \
        --rounds "${ROUNDS:-5}" --doc "${DOC:-docs/benchmark.md}"
    # A night in a workspace's first week, and after years.
    "$python" Benchmarks/years.py --duizhang "$duizhang" --folder "$data/years" --days "${DAYS:-1000}" \
        --rounds "${ROUNDS:-5}" --doc "${DOC:-docs/benchmark.md}"
fi
