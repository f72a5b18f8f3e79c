#!/usr/bin/env bash
# Reconciliations that are killed (SIGKILL) at random moments, and ones whose disk is full: each report is as it was
# before or as a run makes it that nobody disturbs, never a part of one; the next run leaves nothing behind but reports.
#
#   Tests/Reconciliation/faults.sh [KILLS [SEED]]     by default 100 kills
#
# Needs .build/release/duizhang, or the command that DUIZHANG names. The full disk needs root, to mount; without, it is
# left out, and the script says so.
set -euo pipefail
cd "$(dirname "$0")/../.."

kills=${1:-100}
RANDOM=${2:-1}
duizhang=${DUIZHANG:-$PWD/.build/release/duizhang}
scratch=$(mktemp -d)
trap 'mountpoint -q "$scratch/disk" && umount "$scratch/disk"; rm -rf "$scratch"' EXIT

"$duizhang" simulate --preset month --seed 5 --records 200000 --codec plain --quiet --out "$scratch/month"
head -n -500 "$scratch/month/licensee-detail.csv" > "$scratch/former.csv"

reconcile() { # LICENSEE OUT: with its status in $status
  status=0
  "$duizhang" reconcile --licensor "$scratch/month/licensor-detail.csv" --licensee "$1" \
    --contract "$scratch/month/contract.yaml" --out "$2" --quiet 2> "$scratch/errors" || status=$?
}

reconcile "$scratch/former.csv" "$scratch/former"
reconcile "$scratch/month/licensee-detail.csv" "$scratch/new"
(( status <= 1 ))
if cmp -s "$scratch"/{former,new}/differences.csv; then
  echo "both statements give the same reports" >&2
  exit 1
fi
start=$(date +%s%N)
reconcile "$scratch/month/licensee-detail.csv" "$scratch/new"
took=$(( ($(date +%s%N) - start) / 1000 ))

whole() { # FOLDER: each report is a former or a new one; says how many are new
  local new=0
  for report in "$scratch"/new/*.csv; do
    local name=${report##*/}
    if cmp -s "$report" "$1/$name"; then
      new=$(( new + 1 ))
    elif ! cmp -s "$scratch/former/$name" "$1/$name"; then
      echo "$name is neither what it was nor what it should become" >&2
      exit 1
    fi
  done
  echo "$new"
}

killed=0
before=0
for (( number = 0; number < kills; number++ )); do
  rm -rf "$scratch/out"
  cp -r "$scratch/former" "$scratch/out"
  "$duizhang" reconcile --licensor "$scratch/month/licensor-detail.csv" --licensee "$scratch/month/licensee-detail.csv" \
    --contract "$scratch/month/contract.yaml" --out "$scratch/out" --quiet 2> /dev/null &
  pid=$!
  sleep "$(printf '0.%06d' $(( (RANDOM * 32768 + RANDOM) % (took < 999999 ? took + 1 : 999999) )))"
  if kill -KILL "$pid" 2> /dev/null; then killed=$(( killed + 1 )); fi
  wait "$pid" 2> /dev/null || true
  count=$(whole "$scratch/out")
  if (( count == 0 )); then before=$(( before + 1 )); fi
done
reconcile "$scratch/month/licensee-detail.csv" "$scratch/out"
diff -r "$scratch/new" "$scratch/out"
echo "$killed of $kills reconciliations were killed, $before of which left the former reports; all reports are whole"

mkdir "$scratch/disk"
if ! mount -t tmpfs -o size=64m,mode=700 full "$scratch/disk" 2> "$scratch/errors"; then
  echo "skipped: a small disk cannot be mounted: $(cat "$scratch/errors")"
  exit 0
fi
full=0
cp -r "$scratch/former" "$scratch/disk/out"
used=$(du -sk "$scratch/disk" | cut -f 1)
for (( room = 4; ; room += 12 )); do
  mount -o "remount,size=$(( used + room ))k" "$scratch/disk"
  reconcile "$scratch/month/licensee-detail.csv" "$scratch/disk/out"
  if (( status <= 1 )); then break; fi
  full=$(( full + 1 ))
  if (( status != 5 )) || ! grep -q "$scratch/disk/out" "$scratch/errors"; then
    echo "a full disk ended with status $status:" >&2
    head -5 "$scratch/errors" >&2
    exit 1
  fi
  if (( $(whole "$scratch/disk/out") > 0 )); then
    echo "a full disk left reports of both runs" >&2
    exit 1
  fi
done
diff -r "$scratch/new" "$scratch/disk/out"
echo "$full full disks: status 5, a message with the path, and the former reports"
