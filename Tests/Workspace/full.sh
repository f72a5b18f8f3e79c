#!/usr/bin/env bash
# Nights on a disk that is full: workspace and reports lie on a small tmpfs, with a little more room each time, until
# a night has enough. One that has not must end with status 5, a message with a path and a remedy, and what was there
# before; with more room, the next run must come to the bytes of a night that nobody disturbed.
#
#   Tests/Workspace/full.sh [STEP]     KiB of room more each time, by default 48
#
# Needs root, to mount, and .build/release/duizhang or the command that DUIZHANG names. Without, it says so and ends
# with status 0.
set -euo pipefail
cd "$(dirname "$0")/../.."

step=${1:-48}
duizhang=${DUIZHANG:-$PWD/.build/release/duizhang}
scratch=$(mktemp -d)
disk=$scratch/disk
mkdir "$disk"
if ! mount -t tmpfs -o size=64m,mode=700 faults "$disk" 2> "$scratch/errors"; then
  echo "skipped: a small disk cannot be mounted: $(cat "$scratch/errors")"
  rm -rf "$scratch"
  exit 0
fi
trap 'umount "$disk"; rm -rf "$scratch"' EXIT

mapfile -t days < <(ls sample-logs | sed -n 's/^gateway-.*-\(2025-..-..\)\..*/\1/p' | sort -u)
head -c 32 /dev/urandom > "$scratch/key"
chmod 600 "$scratch/key"
cat > "$scratch/nightly.yaml" << YAML
pipeline: nightly
logs: [$scratch/logs]
contracts: [$PWD/sample-logs/contract.yaml]
workspace: $disk/workspace
out: $disk/reports
privacy_key: $scratch/key
YAML

violations=0
wrong() { # TEXT
  echo "$night night with $room KiB of room: $*" >&2
  head -5 "$scratch/errors" | cut -c 1-300 | sed 's/^/    /' >&2
  violations=$(( violations + 1 ))
}

run() { # its status in $status
  status=0
  "$duizhang" run "$scratch/nightly.yaml" --quiet 2> "$scratch/errors" || status=$?
}

verify() {
  local status=0
  "$duizhang" workspace verify "$disk/workspace" > "$scratch/errors" 2>&1 || status=$?
  (( status == 0 )) && return
  # SQLite makes a file even to read, for which there may be no room.
  [[ ${1-} == full && $status == 5 ]] && grep -q 'free some space' "$scratch/errors" && return
  [[ $night == first && $status == 3 ]] \
    && grep -qE 'was cut short|no workspace is here|has no ledger.sqlite' "$scratch/errors" && return
  wrong "verify ends with status $status"
}

same() { # FOLDER: the reports are those
  diff -rq "$1/reports" "$disk/reports" > "$scratch/errors" 2>&1 || wrong "other reports than in $1"
}

months() { # each month's reports are all of the night or all of the one before, and nothing else is there
  local name
  while IFS= read -r name; do
    diff -rq "$scratch/before/reports/$name" "$disk/reports/$name" > "$scratch/errors" 2>&1 \
      || diff -rq "$scratch/after/reports/$name" "$disk/reports/$name" >> "$scratch/errors" 2>&1 \
      || wrong "reports/$name is of neither night"
  done < <(find "$disk/reports" -mindepth 1 -maxdepth 1 -printf '%P\n' 2> /dev/null)
  [[ ! -d $scratch/before/reports ]] || while IFS= read -r name; do
    [[ -d $disk/reports/$name ]] || wrong "reports/$name is lost"
  done < <(find "$scratch/before/reports" -mindepth 1 -maxdepth 1 -printf '%P\n')
}

full=0
mkdir "$scratch/logs"
for night in first third; do
  # What was there before, and what a night comes to that has room.
  rm -rf "$scratch"/{before,after} "$scratch"/logs/* "${disk:?}"/*
  mount -o remount,size=64m "$disk"
  room=65536
  before=0
  [[ $night == first ]] || before=2
  for (( i = 0; i < before; i++ )); do
    cp -p sample-logs/gateway-*-"${days[i]}".* "$scratch/logs"
    run
    (( status <= 1 )) || wrong "status $status"
  done
  cp -a "$disk" "$scratch/before"
  cp -p sample-logs/gateway-*-"${days[before]}".* "$scratch/logs"
  run
  (( status <= 1 )) || wrong "status $status"
  cp -a "$disk" "$scratch/after"

  # In KiB; more than the run before that failed needed, until one has enough.
  for (( room = step; ; room += step )); do
    rm -rf "${disk:?}"/*
    mount -o remount,size=64m "$disk"
    cp -a "$scratch/before/." "$disk"
    mount -o remount,size=$(( $(df --output=used -k "$disk" | tail -1) + room ))k "$disk"
    run
    (( status <= 1 )) && break
    full=$(( full + 1 ))
    (( status == 5 )) || wrong "status $status"
    grep -E '^duizhang: error: ' "$scratch/errors" | grep -F "$disk/" | grep -q 'free some space' \
      || wrong "no path or no remedy is named"
    months
    verify full
    mount -o remount,size=64m "$disk"
    run
    (( status <= 1 )) || wrong "with more room, status $status"
    same "$scratch/after"
    verify
  done
  same "$scratch/after"
  verify
done
if (( violations )); then
  echo "$full times the disk was full: $violations violations" >&2
  exit 1
fi
echo "$full times the disk was full: each night left what was there before, and the next had the same bytes"
