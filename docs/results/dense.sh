#!/usr/bin/env bash
# Trains dense fusion (MMTM, compact streams) on spoken digits, three seeds, and
# the CubeMLP on CMU-MOSI (the folder is given, it is not part of this project),
# five seeds, opens each test split once, prints the tables and writes a report
# of each study, for the CubeMLP also one of balanced accuracy.
# usage: docs/results/dense.sh OUT MOSI_FOLDER   (about two hours on one core; may be stopped and started again)
set -euo pipefail
cargo build --release --quiet --workspace --bins
bin=${CARGO_TARGET_DIR:-target}/release/counterpoint
out=${1:?usage: dense.sh OUT MOSI_FOLDER}
mosi=$(realpath "${2:?usage: dense.sh OUT MOSI_FOLDER}")
"$bin" compare configs/studies/mmtm-digits.toml --out "$out/mmtm"
"$bin" report "$out/mmtm"
for study in mosi-cube mosi-cube-tokens; do
  "$bin" compare "configs/studies/$study.toml" --out "$out/$study" --set "data.root=$mosi/mosi.npz"
  "$bin" report "$out/$study"
  "$bin" report "$out/$study" --metric balanced_accuracy --out "$out/$study/balanced-accuracy.html" --force
done
