#!/usr/bin/env bash
# Trains every method on every speaker fold with three seeds, opens each test
# split once, and prints the tables of docs/results/spoken-digits.md.
# usage: docs/results/spoken-digits.sh OUT   (about 15 minutes on two cores; may be stopped and started again)
set -euo pipefail
out=${1:?usage: spoken-digits.sh OUT}
cargo build --release --quiet --workspace --bins
bin=${CARGO_TARGET_DIR:-target}/release

one() {
  local bin=$1 out=$2 method=$3 test=$4 val=$5 seed=$6 config=joint sets=()
  case $method in
    dgl) config=dgl ;;
    uniloss) config=dgl; sets=(strategy.truncate_multimodal=false strategy.truncate_unimodal=false) ;;
    joint) ;;
    # The steps of DGL's encoders: their rate times alpha 4, their decay of 1e-4 divided by it.
    joint-lr-matched) sets=(optimizer.encoder_factor=4 optimizer.encoder_weight_decay=2.5e-5) ;;
    joint-lr-all) sets=(optimizer.lr=0.2) ;;
    audio | image) sets=(strategy.name=unimodal "strategy.modality=$method") ;;
  esac
  local run=$out/$method/$test/$seed args=()
  for s in "${sets[@]}"; do args+=(--set "$s"); done
  [ -e "$run/looks.jsonl" ] && return
  export RAYON_NUM_THREADS=1 # two runs at a time; the weights do not depend on it
  "$bin/counterpoint" train "configs/spoken-digits-$config.toml" --out "$run" --resume --quiet --json \
    --set "data.test_speaker=$test" --set "data.val_speaker=$val" --set "train.seed=$seed" "${args[@]}" >/dev/null
  "$bin/counterpoint" evaluate "$run" --json >/dev/null
}
export -f one

for seed in 1 2 3; do
  for fold in george:jackson jackson:lucas lucas:nicolas nicolas:theo theo:yweweler yweweler:george; do
    for method in joint joint-lr-matched joint-lr-all dgl uniloss audio image; do
      echo "$method ${fold%:*} ${fold#*:} $seed"
    done
  done
done | xargs -P 2 -L 1 bash -c 'one "$0" "$@"' "$bin" "$out"

"$bin/tabulate" "$out" joint joint-lr-matched joint-lr-all dgl uniloss audio image
