#!/usr/bin/env bash
# Feeds readers of outside files with damaged ones:
#   scripts/fuzz.sh [-t SECONDS | -r RUNS] [TARGET...]
# Of each target (all by default) the corpus is read, then changed at random for SECONDS (10 by default) or RUNS times, guided
# by the code that it reaches. RUNS begin with the same seed and the corpus alone, as a check of every change should. A panic,
# an input that takes 10 s or an allocation above 256 MiB ends it; the input is kept below fuzz/artifacts. What reaches further
# within SECONDS goes to fuzz/grown, which is not part of the project, and is gone on from. Needs a C++ compiler.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

limit=(-max_total_time=10)
grown=grown
while getopts t:r: option; do
  case $option in
    t) limit=("-max_total_time=$OPTARG") ;;
    r) limit=("-runs=$OPTARG" -seed=1) && grown=$(mktemp -d) ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(sed -n 's/^name = "\(.*\)"$/\1/p' Cargo.toml | tail -n +2)

# What `cargo fuzz --sanitizer none` sets; it works with the stable compiler. The readers are safe code, so an address
# sanitizer would find nothing that a panic does not.
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
cargo build --quiet --release --locked --target "$host"
folder=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/$host/release

for target in "${targets[@]}"; do
  mkdir -p "$grown/$target" "artifacts/$target"
  echo "$target: ${limit[*]}"
  "$folder/$target" "${limit[@]}" -timeout=10 -rss_limit_mb=1024 -max_len=32768 -print_final_stats=1 \
    -artifact_prefix="artifacts/$target/" "$grown/$target" "corpus/$target" 2> "$grown/$target.log" ||
    { cat "$grown/$target.log" >&2; exit 1; }
  grep -E 'DONE|number_of_executed_units|peak_rss' "$grown/$target.log"
done
