#!/bin/sh
# What diagnostics cost: the same run with and without them, in turns so that
# other work on the machine hits both alike. Prints processor seconds, which
# such work disturbs less than the clock, and their ratio.
#
#     scripts/diagnostics-cost.sh [CONFIG] [EPOCHS] [ROUNDS]
set -eu
config=${1:-configs/spoken-digits-dgl.toml}
epochs=${2:-50}
rounds=${3:-1}
program=${COUNTERPOINT:-target/release/counterpoint}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for round in $(seq "$rounds"); do
    for level in off epoch; do
        /usr/bin/env bash -c 'TIMEFORMAT="%U %S"; time "$@"' timed \
            "$program" train "$config" --quiet --out "$folder/$level-$round" \
            --set train.epochs="$epochs" --set diagnostics.level="$level" \
            >/dev/null 2>"$folder/time"
        tail -n 1 "$folder/time" | awk -v level="$level" '{print level, $1 + $2}' >>"$folder/all"
    done
done
awk '{sum[$1] += $2; n[$1]++}
     END {off = sum["off"] / n["off"]; on = sum["epoch"] / n["epoch"];
          printf "off %.1f s, all measures after each epoch %.1f s: %+.1f %%\n", off, on, 100 * (on / off - 1)}' "$folder/all"
