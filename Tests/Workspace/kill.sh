#!/usr/bin/env bash
# Kills nightly runs on a workspace (SIGKILL) at random moments, and holds the reports of the run that is
# left alone against those of nights that nobody disturbed.
#
#   Tests/Workspace/kill.sh [KILLS [SEED]]     by default 500 kills
#
# Needs .build/release/duizhang, or the command that DUIZHANG names.
set -euo pipefail
cd "$(dirname "$0")/../.."

kills=${1:-500}
RANDOM=${2:-1}
duizhang=${DUIZHANG:-$PWD/.build/release/duizhang}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

pipeline() { # NAME: a pipeline with a workspace and reports of its own
  cat > "$scratch/$1.yaml" << YAML
pipeline: nightly
logs: [$scratch/logs]
contracts: [$PWD/sample-logs/contract.yaml]
workspace: $scratch/$1-workspace
out: $scratch/$1-reports
privacy_key: $scratch/key
YAML
}

# Days on which files came; the key, so that users' pseudonyms are the same.
mapfile -t days < <(ls sample-logs | sed -n 's/^gateway-.*-\(2025-..-..\)\..*/\1/p' | sort -u)
head -c 32 /dev/urandom > "$scratch/key"
chmod 600 "$scratch/key"

run() { # NAME: a run to its end, whose status may say that a person is needed
  local status=0
  "$duizhang" run "$scratch/$1.yaml" --quiet 2> "$scratch/errors" || status=$?
  if (( status > 1 )); then
    cat "$scratch/errors" >&2
    echo "a run ended with status $status" >&2
    exit 1
  fi
}

killed=0
rounds=0
while (( killed < kills )); do
  rounds=$(( rounds + 1 ))
  rm -rf "$scratch"/{logs,quiet-workspace,quiet-reports,killed-workspace,killed-reports}
  mkdir "$scratch/logs"
  pipeline quiet
  pipeline killed
  for day in "${days[@]}"; do
    cp sample-logs/gateway-*-"$day".* "$scratch/logs"
    start=$(date +%s%N)
    run quiet
    took=$(( ($(date +%s%N) - start) / 1000 ))
    for _ in 1 2 3 4 5 6; do
      "$duizhang" run "$scratch/killed.yaml" --quiet 2> /dev/null &
      pid=$!
      # Up to a little more than a run takes: at each moment of it, and at times not at all.
      sleep "$(printf '0.%06d' $(( (RANDOM * 32768 + RANDOM) % (took + took / 8) )))" || true
      if kill -KILL "$pid" 2> /dev/null; then killed=$(( killed + 1 )); fi
      wait "$pid" 2> /dev/null || true
      # What a run that was killed has left can be read: reports are there as a whole or not at all.
      if (( RANDOM % 3 == 0 )) && [[ -e $scratch/killed-workspace/ledger.sqlite ]]; then
        "$duizhang" workspace verify "$scratch/killed-workspace" > "$scratch/verify" 2>&1 || {
          status=$?
          # One whose making was cut short is none yet.
          if (( status != 3 )) || ! grep -q "cut short" "$scratch/verify"; then
            cat "$scratch/verify" >&2
            exit 1
          fi
        }
      fi
    done
    run killed
    diff -r "$scratch"/{quiet,killed}-reports > "$scratch/diff" || {
      echo "after $killed kills the reports of $day differ:" >&2
      head -20 "$scratch/diff" >&2
      exit 1
    }
    "$duizhang" verify "$scratch"/{quiet,killed}-reports > "$scratch/verify" || {
      echo "after $killed kills the reports of $day are not as their manifests say:" >&2
      head -20 "$scratch/verify" >&2
      exit 1
    }
  done
done
echo "$killed runs were killed in $rounds rounds of ${#days[@]} nights: all reports are the same"
