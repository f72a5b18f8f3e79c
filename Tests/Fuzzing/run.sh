#!/usr/bin/env bash
# Fuzzes what reads others' bytes, by libFuzzer with AddressSanitizer.
#
#   Tests/Fuzzing/run.sh [SECONDS [TARGET…]]   each target so long, by default 60 seconds and all
#   Tests/Fuzzing/run.sh --merge [TARGET…]     the least new inputs that add something, to Corpus
#
# What is found on the way stays in .build/fuzzing-corpus, and what fails in .build/fuzzing-failures:
# the input and the log. `DUIZHANG_FUZZ_TARGET=gzip .build/fuzzing/release/duizhang-fuzz FILE` reads one
# input again.
set -euo pipefail
cd "$(dirname "$0")/../.."

swift=${SWIFT:-swift}
folder=Tests/Fuzzing
program=.build/fuzzing/release/duizhang-fuzz
found=.build/fuzzing-corpus
failures=.build/fuzzing-failures

# It may come from make with another meaning.
SECONDS=0
seconds=60
merges=false
if [[ ${1:-} == --merge ]]; then
  merges=true
  shift
elif (( $# > 0 )); then
  seconds=$1
  shift
fi

# libFuzzer's runtime without `main`, which Swift has its own of.
runtime=$("$swift" -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
library=$(find -L "$runtime/clang" -name "libclang_rt.fuzzer_no_main-$(uname -m).a" 2> /dev/null || true)
if [[ -z $library ]]; then
  echo "== fuzzing: LEFT OUT: this Swift has no libFuzzer (libclang_rt.fuzzer_no_main) in $runtime" >&2
  exit 0
fi

# Optimised, with assertions: every index of the unchecked loops is checked here.
export DUIZHANG_FUZZING=1
"$swift" build -c release --scratch-path .build/fuzzing --product duizhang-fuzz \
  -Xswiftc -enable-testing -Xswiftc -assert-config -Xswiftc Debug -Xswiftc -sanitize=address \
  -Xswiftc -sanitize-coverage=edge,indirect-calls,trace-cmp,inline-8bit-counters,pc-table \
  -Xcc -fsanitize=address -Xcc -fsanitize=fuzzer-no-link \
  -Xswiftc -use-ld=lld -Xlinker "${library%%$'\n'*}" -Xlinker -lstdc++
echo "== fuzzing: built after $SECONDS s"

targets=("$@")
if (( ${#targets[@]} == 0 )); then
  mapfile -t targets < <(DUIZHANG_FUZZ_TARGET=list "$program")
fi

# What the libraries keep until the end is no leak; a trap is libFuzzer's to report. A Zstandard frame
# may ask for a window of 2 GiB.
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16 SWIFT_BACKTRACE=enable=no
options=(
  -timeout=30 -detect_leaks=0 -rss_limit_mb=4096 -malloc_limit_mb=4096
  -print_final_stats=1
)

status=0
for target in "${targets[@]}"; do
  mkdir -p "$found/$target" "$failures" "$folder/Corpus/$target"
  log=$failures/$target.log
  export DUIZHANG_FUZZ_TARGET=$target
  if $merges; then
    # Without counts of how often an edge is taken, which would keep very many.
    "$program" "${options[@]}" -use_counters=0 -merge=1 "$folder/Corpus/$target" \
      "$found/$target" > "$log" 2>&1
    echo "$target: $(cat "$folder/Corpus/$target"/* | wc -c) bytes in Corpus"
    continue
  fi
  dictionary=()
  [[ -s $folder/Dictionaries/$target.dict ]] &&
    dictionary=("-dict=$folder/Dictionaries/$target.dict")
  if "$program" "${options[@]}" "${dictionary[@]}" -max_total_time="$seconds" \
    -artifact_prefix="$failures/$target-" "$found/$target" "$folder/Corpus/$target" > "$log" 2>&1
  then
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    echo "$target: $runs inputs, $rate a second, $coverage edges"
  else
    status=1
    echo "$target: FAILED; $log ends:" >&2
    grep -aE "does not hold|Fatal error|ERROR|SUMMARY|Test unit|ParseDictionary" "$log" |
      cut -c 1-2000 >&2 || tail -n 5 "$log" >&2
  fi
done
echo "== fuzzing: $SECONDS s"
exit "$status"
