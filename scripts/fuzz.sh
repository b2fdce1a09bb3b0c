#!/usr/bin/env bash
# Feeds readers of outside files with damaged ones:
#   scripts/fuzz.sh [-t SECONDS] [TARGET...]
# Of each target (all by default) the corpus is read, then changed at random for SECONDS (10 by default), guided by the code
# that it reaches. A panic, an input that takes 10 s or an allocation above 256 MiB ends it; the input is kept below
# fuzz/artifacts. New inputs that reach further go to fuzz/grown, which is not part of the project. Needs a C++ compiler.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

seconds=10
while getopts t: option; do
  case $option in
    t) seconds=$OPTARG ;;
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
  mkdir -p "grown/$target" "artifacts/$target"
  echo "$target: $seconds s"
  "$folder/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=32768 -print_final_stats=1 \
    -artifact_prefix="artifacts/$target/" "grown/$target" "corpus/$target" 2> "grown/$target.log" ||
    { cat "grown/$target.log" >&2; exit 1; }
  grep -E 'DONE|number_of_executed_units|peak_rss' "grown/$target.log"
done
