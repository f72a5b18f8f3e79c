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
# ONLY="NAME …"     only these runs (see Benchmarks/report.py and Benchmarks/reconcile.py)
# DAYS=1000         days of the old workspace
# UNITS=10000000    units of each side of what is reconciled
set -euo pipefail
cd "$(dirname "$0")/.."

records=${RECORDS:-5000000}
duizhang=${DUIZHANG:-.build/release/duizhang}
data=${DATA:-bench-data}
logs=$data/$records
units=${UNITS:-10000000}

# Which of the named runs are of logs, and which of statements.
only=() only_reconcile=()
for name in ${ONLY:-}; do
    case $name in
        reconcile | reconcile-* | *-reconcile) only_reconcile+=("$name") ;;
        *) only+=("$name") ;;
    esac
done
with_logs=1 with_statements=1
if [[ -n ${ONLY:-} ]]; then
    with_logs=$((${#only[@]} > 0)) with_statements=$((${#only_reconcile[@]} > 0))
fi

if [[ ! -x $duizhang ]]; then
    echo "$duizhang is not there: run 'make build' first" >&2
    exit 1
fi

for codec in gzip lz4; do
    # truth.json is written last.
    if ((with_logs)) && [[ ! -s $logs/$codec/truth.json ]]; then
        echo "simulating $records calls as $codec" >&2
        "$duizhang" simulate --preset benchmark --records "$records" --codec "$codec" \
            --out "$logs/$codec"
    fi
done

packages=(duckdb==2.0.0 chdb==4.4.0 polars==2.1.0 numpy==2.4.6)
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

if ((with_logs)); then
    "$python" Benchmarks/report.py --duizhang "$duizhang" --logs "$logs" --records "$records" \
        --rounds "${ROUNDS:-5}" --doc "${DOC:-docs/benchmark.md}" --only "${only[*]}"
fi

# Other formats, Zstandard and bombs; not where only some runs were asked for.
if [[ -z ${ONLY:-} ]]; then
    "$python" Benchmarks/inputs.py --duizhang "$duizhang" --logs "$logs" --folder "$logs/inputs" \
        --rounds "${ROUNDS:-5}" --doc "${DOC:-docs/benchmark.md}"
    # A night in a workspace's first week, and after years.
    "$python" Benchmarks/years.py --duizhang "$duizhang" --folder "$data/years" --days "${DAYS:-1000}" \
        --rounds "${ROUNDS:-5}" --doc "${DOC:-docs/benchmark.md}"
fi
# Two usage details, reconciled.
if ((with_statements)); then
    "$python" Benchmarks/reconcile.py --duizhang "$duizhang" --folder "$data/reconcile-$units" --units "$units" \
        --rounds "${ROUNDS:-5}" --doc "${DOC:-docs/benchmark.md}" --only "${only_reconcile[*]}"
fi
