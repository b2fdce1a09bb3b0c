#!/usr/bin/env bash
# Trains every method on CMU-MOSI (three modalities; the folder is given, it is
# not part of this project) and on spoken digits, three seeds each, opens each
# test split once, prints the tables and writes a report of each study.
# usage: docs/results/methods.sh OUT MOSI_FOLDER   (about 20 minutes on two cores; may be stopped and started again)
set -euo pipefail
cargo build --release --quiet --workspace --bins
bin=${CARGO_TARGET_DIR:-target}/release/counterpoint
out=${1:?usage: methods.sh OUT MOSI_FOLDER}
mosi=$(realpath "${2:?usage: methods.sh OUT MOSI_FOLDER}")
"$bin" compare configs/studies/mosi-methods.toml --out "$out/mosi" --set "data.root=$mosi/mosi.npz"
"$bin" compare configs/studies/spoken-digits-methods.toml --out "$out/digits"
for study in mosi digits; do "$bin" report "$out/$study"; done
