#!/usr/bin/env bash
# Faults at the seam of the file system, at each call of a nightly run that changes its workspace or its reports:
# the call fails, the disk is full or dead from there on, the process is killed, a write is torn, the power fails.
# What is left must verify, with the reports of the night before or of this one, each whole; and the run that
# follows must come to the very bytes of a night that nobody disturbed.
#
#   Tests/Workspace/faults.sh [OPTIONS]     by default every call in every mode, some thousand runs
#
#   --sample N        so many of all faults, at random
#   --seed N          another sample, and other halves that a power cut leaves; by default 1
#   --modes "M …"     eio, enospc: the call fails, once
#                     full, dead:  it fails, and all after it: ENOSPC where space is needed; EIO
#                     kill, short: SIGKILL before it; and after half of what it writes
#                     power, half: a power cut before it; what was not synced is lost, or a random half of it
#                     kill-power:  kill, a whole run, and then a power cut
#                     eio-power:   the call fails, once, and when the run has ended there is a power cut
#   --nights "N …"    first: no workspace is there; third: two nights came before
#   --only N:M:CALL,… these faults alone, such as third:power:120, and what the runs said
#   --threads N       of the runs; by default 1, so that calls have the same numbers in each run
#   --jobs N          at a time; by default 2
#   --trace           first hold the calls that are counted against those that strace sees; with one thread
#   --messages        say at the end what the runs said on standard error
#   --keep            let the scratch folder be
#
# With TMPDIR=/dev/shm it takes less long; what was synced is known all the same.
#
# Needs a C compiler, and .build/release/duizhang or the command that DUIZHANG names. Tests/Workspace/faults.c is
# the library that makes the faults.
set -euo pipefail
cd "$(dirname "$0")/../.."

sample=0 seed=1 threads=1 jobs=2 only= trace= messages= keep=
modes="eio enospc full dead kill short power half kill-power eio-power"
nights="first third"
while (( $# )); do
  case $1 in
    --sample) sample=$2; shift ;;
    --seed) seed=$2; shift ;;
    --modes) modes=$2; shift ;;
    --nights) nights=$2; shift ;;
    --only) only=$2; shift ;;
    --threads) threads=$2; shift ;;
    --jobs) jobs=$2; shift ;;
    --trace) trace=1 ;;
    --messages) messages=1 ;;
    --keep) keep=1 ;;
    *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
  esac
  shift
done

duizhang=${DUIZHANG:-$PWD/.build/release/duizhang}
scratch=$(realpath "$(mktemp -d)")
[[ -n $keep ]] || trap 'rm -rf "$scratch"' EXIT
library=$scratch/faults.so
"${CC:-cc}" -O1 -Wall -Wextra -shared -fPIC -o "$library" Tests/Workspace/faults.c -pthread

# Days on which files came; the key, so that users' pseudonyms are the same.
mapfile -t days < <(ls sample-logs | sed -n 's/^gateway-.*-\(2025-..-..\)\..*/\1/p' | sort -u)
head -c 32 /dev/urandom > "$scratch/key"
chmod 600 "$scratch/key"

pipeline() { # NIGHT FOLDER: a pipeline with workspace and reports in FOLDER/disk
  cat > "$2/$1.yaml" << YAML
pipeline: nightly
logs: [$scratch/$1/logs]
contracts: [$PWD/sample-logs/contract.yaml]
workspace: $2/disk/workspace
out: $2/disk/reports
privacy_key: $scratch/key
threads: $threads
YAML
}

# MARK: Nights that nobody disturbs

quiet() { # NIGHT: a run to its end
  local status=0
  "$duizhang" run "$scratch/$1/$1.yaml" --quiet 2> "$scratch/errors" || status=$?
  (( status <= 1 )) || { cat "$scratch/errors" >&2; exit 1; }
}

for night in $nights; do
  folder=$scratch/$night
  mkdir -p "$folder"/{logs,disk}
  pipeline "$night" "$folder"
  before=0
  [[ $night == first ]] || before=2
  for (( i = 0; i < before; i++ )); do
    cp -p sample-logs/gateway-*-"${days[i]}".* "$folder/logs"
    quiet "$night"
  done
  cp -p sample-logs/gateway-*-"${days[before]}".* "$folder/logs"
  cp -a "$folder/disk" "$folder/before"
  with=(env LD_PRELOAD="$library")
  [[ -z $trace ]] || with=(strace -f -y -o "$folder/trace" -E LD_PRELOAD="$library")
  status=0
  FAULT_ROOT=$folder/disk FAULT_LOG=$folder/calls "${with[@]}" "$duizhang" run "$folder/$night.yaml" --quiet \
    2> "$scratch/errors" || status=$?
  (( status <= 1 )) || { cat "$scratch/errors" >&2; exit 1; }
  echo "$status" > "$folder/status"
  cp -a "$folder/disk" "$folder/after"
  # What the night replaced is there until the next run's sweep, or is not where that run was the second.
  quiet "$night"
  mv "$folder/disk" "$folder/swept"
  files() { find "$folder/$1/workspace" -type f -printf '%P\n' | sort; }
  comm -23 <(files after) <(files swept) > "$folder/replaced"
  echo "$night night: $(wc -l < "$folder/calls") calls"
  [[ -z $trace ]] || diff \
    <(grep -E "$folder/disk[/>]" "$folder/trace" | grep -v ' EEXIST ' | grep -oE \
      '(open|openat|creat)\([^)]*O_(CREAT|TRUNC)|\b(p?writev?2?|pwrite64|fsync|fdatasync|sync_file_range|msync|rename(at2?)?|(sym)?link(at)?|unlink(at)?|f?truncate|mkdir(at)?|rmdir|fallocate|sendfile|copy_file_range)\(' \
      | sed -E 's/^(open|creat).*/create/; s/^(p?)write.*/\1write/; s/(at2?)?\($//; s/^unlink$|^rmdir$/remove/' \
      | sort | uniq -c) \
    <(grep -v '^[0-9]* close' "$folder/calls" | cut -d' ' -f3 \
      | sed -E 's/^open$/create/; s/^unlink$|^rmdir$/remove/' | sort | uniq -c) \
    || { echo "strace sees other calls (left) than the library (right)" >&2; exit 1; }
done

# MARK: Which faults

faults() { # NIGHT: those that can differ from others, by what a call is
  local number class rest mode
  while read -r number class rest; do
    for mode in $modes; do
      case $mode:$class in
        # A disk that is full lets go of files.
        enospc:remove | enospc:close | full:remove | full:close) ;;
        # Between these and the call before, a process that is killed has changed nothing.
        kill*:sync | kill*:close) ;;
        short:write | power:sync) echo "$1 $mode $number" ;;
        # Only syncs change what is certainly on the disk.
        short:* | power:* | half:close) ;;
        *) echo "$1 $mode $number" ;;
      esac
    done
  done < "$scratch/$1/calls"
  # When the run has ended.
  for mode in $modes; do
    case $mode in power | half) echo "$1 $mode 0" ;; esac
  done
}

for night in $nights; do faults "$night"; done > "$scratch/all"
if [[ -n $only ]]; then
  tr ', :' '\n\n ' <<< "$only" > "$scratch/faults"
elif (( sample )); then
  shuf -n "$sample" --random-source=<(yes "$seed") "$scratch/all" > "$scratch/faults"
else
  cp "$scratch/all" "$scratch/faults"
fi

# MARK: One fault

wrong() { # TEXT: a violation, and how to see it again
  echo "$night:$mode:$number ($(cat "$case/hit" 2> /dev/null || echo "at the end")): $*" >> "$case/wrong"
  sed 's/^/    /' "$case/errors" >> "$case/wrong"
}

run() { # SETTINGS…: a run with them; its status in $status
  status=0
  { timeout 120 env "$@" "$duizhang" run "$case/$night.yaml" --quiet 2> "$case/errors" &
    wait $!; } 2> /dev/null || status=$?
}

plain() { # a run that nobody disturbs
  run FAULT_ROOT=
}

verify() { # WHEN: what is there verifies
  local status=0
  "$duizhang" workspace verify "$case/disk/workspace" > "$case/verify" 2>&1 || status=$?
  (( status == 0 )) && return
  # One whose making was cut short is none yet.
  [[ $status == 3 && $night == first && $1 != "after the run that follows" ]] \
    && grep -qE 'was cut short|no workspace is here|has no ledger.sqlite' "$case/verify" && return
  cp "$case/verify" "$case/errors"
  wrong "$1, verify ends with status $status"
}

reports() { # STATUS [cut]: each month's reports are all of the night before or all of this one; none are lost
  local name old=0 new=0 now=$case/disk/reports
  local before=$scratch/$night/before/reports after=$scratch/$night/after/reports
  diff -rq "$now" "$after" > /dev/null 2>&1 && return
  diff -rq "$now" "$before" > /dev/null 2>&1 && return
  [[ -e $now || -e $before ]] || return 0
  while IFS= read -r name; do
    if [[ $name == .*.part ]]; then
      # What a process leaves that could not remove it, and the next one does.
      [[ $mode == e* || $mode == full ]] && [[ -z ${2-} ]] && grep -vqE ' (unlink|rmdir|close) ' "$case/hit" \
        && wrong "temporary reports are left: reports/$name"
    elif diff -rq "$now/$name" "$before/$name" > /dev/null 2>&1; then
      diff -rq "$now/$name" "$after/$name" > /dev/null 2>&1 || old=1
    elif diff -rq "$now/$name" "$after/$name" > /dev/null 2>&1; then
      new=1
    else
      wrong "reports/$name is not as a whole of one of the nights"
    fi
  done < <(cd "$now" 2> /dev/null && find . -mindepth 1 -maxdepth 1 -printf '%P\n')
  [[ -d $before ]] && while IFS= read -r name; do
    [[ -e $now/$name || ! -e $after/$name ]] || wrong "reports/$name is lost"
  done < <(cd "$before" && find . -mindepth 1 -maxdepth 1 -printf '%P\n')
  while IFS= read -r name; do
    [[ -e $now/$name ]] || old=1
  done < <(cd "$after" && find . -mindepth 1 -maxdepth 1 -printf '%P\n')
  # One month appears after the other.
  if (( old && new )); then
    echo "$night:$mode:$number (status $1, $(cat "$case/hit"))" >> "$case/mixed"
  fi
}

same() { # WHEN: reports are the same bytes as of a night that nobody disturbed
  diff -r "$scratch/$night/after/reports" "$case/disk/reports" > "$case/diff" 2>&1 && return
  head -5 "$case/diff" > "$case/errors"
  wrong "$1, reports differ"
}

said() { # an error has a path and a remedy
  grep -E '^duizhang: error: ' "$case/errors" > "$case/said" || { wrong "status 5 without an error"; return; }
  grep -qF "$case/disk" "$case/said" || wrong "the error names no path"
  grep -qE '; .*(free|check|restore|run again|mount|choose|name|see|begin|verify)' "$case/said" \
    || wrong "the error names no remedy"
}

cut() { # the disk is what a power cut left
  [[ -d $case/after ]] || { wrong "the power did not fail"; return; }
  rm -rf "$case/disk"
  mv "$case/after" "$case/disk"
}

fault() { # NIGHT MODE NUMBER
  night=$1 mode=$2 number=$3
  rm -rf "$case"/{disk,shadow,after,after.making,hit}
  cp -a "$scratch/$night/before" "$case/disk"
  local settings=(LD_PRELOAD="$library" FAULT_ROOT="$case/disk" FAULT_AT="$number" FAULT_HIT="$case/hit")
  local mirror=(FAULT_SHADOW="$case/shadow")
  local power=("${mirror[@]}" FAULT_AFTER="$case/after")
  mkdir "$case/shadow"
  case $mode in
    eio) run "${settings[@]}" FAULT_MODE=error ;;
    enospc) run "${settings[@]}" FAULT_MODE=error FAULT_ERRNO=ENOSPC ;;
    full) run "${settings[@]}" FAULT_MODE=error-from FAULT_ERRNO=ENOSPC ;;
    dead) run "${settings[@]}" FAULT_MODE=error-from ;;
    kill | short) run "${settings[@]}" FAULT_MODE="$mode" ;;
    power) run "${settings[@]}" "${power[@]}" FAULT_MODE=power ;;
    half) run "${settings[@]}" "${power[@]}" FAULT_MODE=power FAULT_SEED=$(( seed * 100000 + number + 1 )) ;;
    eio-power) run "${settings[@]}" "${power[@]}" FAULT_MODE=error ;;
    kill-power) run "${settings[@]}" "${mirror[@]}" FAULT_MODE=kill ;;
  esac
  local killed=$(( status == 128 + 9 ))
  grep -E '^duizhang: error' "$case/errors" | sed -E "s#$case/disk/##; s#[0-9a-f]{64}#<sha256>#g; \
    s#/(20[0-9]{2}-[0-9]{2}-[0-9]{2})/#/<day>/#; s#[0-9]{16}#<end>#g; s#tmp/[0-9]+-[0-9]+#tmp/<new>#g; \
    s#byte [0-9]+#byte <n>#; s#^#$mode, status $status: #" >> "$case/messages" || true
  if (( number )) && [[ ! -s $case/hit ]]; then
    echo "$night $mode $number" >> "$case/unreached"
  fi
  case $mode in
    eio | enospc | full | dead | eio-power)
      case $status in
        0 | 1)
          [[ $status == "$(cat "$scratch/$night/status")" ]] || wrong "status $status"
          same "at status $status"
          ;;
        5) said ;;
        *) wrong "status $status" ;;
      esac
      ;;
    *)
      if (( number && ! killed )) && [[ -s $case/hit ]]; then wrong "status $status, and not killed"; fi
      ;;
  esac
  local ended=$status
  reports "$ended"
  if [[ $mode == kill-power ]]; then
    [[ ! -s $case/hit ]] || [[ -e $case/shadow/names ]] || wrong "no shadow is left"
    run LD_PRELOAD="$library" FAULT_ROOT="$case/disk" "${power[@]}"
    (( status <= 1 )) || wrong "the run after the kill ends with status $status"
  fi
  if [[ $mode == *power || $mode == half ]]; then
    cut
    reports "$ended" cut
    # What a run that has ended reported outlives it.
    if (( number == 0 )) || [[ $mode == kill-power ]] || [[ $mode == eio-power && $ended != 5 ]]; then
      same "with the power cut behind the run"
      [[ -d $case/disk/workspace ]] || wrong "with the power cut behind the run, no workspace is there"
    fi
  fi
  verify "after the fault"
  plain
  (( status <= 1 )) || wrong "the run that follows ends with status $status"
  same "after the run that follows"
  verify "after the run that follows"
  local part
  (cd "$case/disk/workspace" && xargs -r rm -f < "$scratch/$night/replaced")
  find "$case"/disk/workspace/{days,segments} -mindepth 1 -type d -empty -delete
  for part in segments days tmp; do
    diff -r "$scratch/$night/swept/workspace/$part" "$case/disk/workspace/$part" > "$case/diff" 2>&1 && continue
    head -5 "$case/diff" > "$case/errors"
    wrong "after the run that follows, $part differs"
  done
}

worker() { # NUMBER: its share of the faults
  case=$scratch/job$1
  mkdir "$case"
  touch "$case"/{wrong,mixed,unreached,messages}
  for name in $nights; do pipeline "$name" "$case"; done
  local line=0
  while read -r -a words; do
    (( line++ % jobs == $1 )) || continue
    fault "${words[@]}"
  done < "$scratch/faults"
  touch "$case/done"
}

start=$SECONDS
for (( i = 0; i < jobs; i++ )); do worker "$i" & done
wait

# MARK: What came of it

for (( i = 0; i < jobs; i++ )); do
  [[ -e $scratch/job$i/done ]] || { echo "a worker did not come to its end" >&2; exit 1; }
done
all() { cat "$scratch"/job*/"$1"; }
if [[ -n $messages || -n $only ]]; then all messages | sort | uniq -c | sort -rn; fi
count=$(wc -l < "$scratch/faults")
echo "$(cat $(printf "$scratch/%s/calls " $nights) | wc -l) calls, $(wc -w <<< "$modes") modes: $count faults of" \
  "$(wc -l < "$scratch/all"), $(all unreached | wc -l) not reached, in $(( SECONDS - start )) s"
echo "$(all mixed | wc -l) times some months were of the night and others of the one before"
if [[ -n $keep ]]; then echo "see $scratch"; fi
if [[ -n $(all wrong) ]]; then
  # Those of a kind together, the first of each with what was said.
  all wrong | awk '
    /^    / { if (isFirst) said[kind] = said[kind] "\n" $0; next }
    {
      kind = $0; sub(/^.*\): /, "", kind)
      isFirst = !(kind in count)
      count[kind]++
      if (isFirst) example[kind] = $0; else if (count[kind] <= 40) { split($0, words, " "); more[kind] = more[kind] " " words[1] }
    }
    END { for (kind in count) print count[kind] " times: " example[kind] said[kind] (more[kind] ? "\n    also" more[kind] : "") }
  ' >&2
  echo "$(all wrong | grep -c '^[^ ]') violations" >&2
  exit 1
fi
echo "all of them left what verifies, and came to the same bytes"
