#!/usr/bin/env bash
# Trains every method on every speaker fold with three seeds, opens each test
# split once, prints the tables and writes OUT/report.html.
# usage: docs/results/spoken-digits.sh OUT   (about 20 minutes on two cores; may be stopped and started again)
set -euo pipefail
cargo build --release --quiet --workspace --bins
bin=${CARGO_TARGET_DIR:-target}/release/counterpoint
out=${1:?usage: spoken-digits.sh OUT}
"$bin" compare configs/studies/spoken-digits-speakers.toml --out "$out"
"$bin" report "$out"
