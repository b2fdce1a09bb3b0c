#!/usr/bin/env bash
# A training step here and in PyTorch on the same CPU, in alternation:
#
#     scripts/against-pytorch.sh [ROUNDS] [VENV] [CASE] [METHOD ..]
#
# CASE is resnet18 (two of them, late fusion; the default), mmtm (MMTM-ResNet-18), esanet (that of
# configs/nyuv2-dgl.toml), small (convnets of the demo's kind) or mlp (perceptrons); METHOD some of joint,
# dgl (the default) and evaluate (a forward pass). Installs PyTorch into VENV (target/pytorch) if
# it is not there, and prints the milliseconds of every round and the medians with their ratios. PyTorch
# runs as it comes, with its faster memory order, and DGL also in as many passes as its authors' code makes
# (scripts/torch_step.py says what each method does).
set -euo pipefail
cd "$(dirname "$0")/.."
# PROFILE=dev spares who develops the release build of Burn.
profile=${PROFILE:+--profile $PROFILE}
rounds=${1:-5} venv=${2:-target/pytorch} case=${3:-resnet18}
methods=("${@:4}")
[ ${#methods[@]} -gt 0 ] || methods=(dgl)
threads=${RAYON_NUM_THREADS:-$(nproc)}
export RAYON_NUM_THREADS=$threads
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet torch==2.15.0 numpy; }
cargo bench $profile --workspace --bench step --no-run 2>&1 | tail -n 1
# Steps of a few milliseconds need more of them.
case $case in small | mlp) steps=60 ;; *) steps=3 ;; esac
ours() { cargo bench $profile --quiet --workspace --bench step -- "$case" "$steps" "$1" | sed -n "s/^ *$1: *\([0-9.]*\) ms.*/\1/p"; }
torch() {
  "$venv/bin/python" scripts/torch_step.py --case "$case" --device cpu --steps "$steps" --warmup 2 --method "$1" \
    --threads "$threads" --layout "$2" | sed -n "s/.* $1: *\([0-9.]*\) ms.*/\1/p"
}
grep -m 1 'model name' /proc/cpuinfo || true
for method in "${methods[@]}"; do
  passes=("$method")
  [ "$method" != dgl ] || passes+=(passes)
  for round in $(seq "$rounds"); do
    line=$(ours "$method")
    for how in "${passes[@]}"; do line+=" $(torch "$how" contiguous) $(torch "$how" channels_last)"; done
    echo "$line $(cut -d' ' -f1 /proc/loadavg)"
  done | "$venv/bin/python" -c '
import statistics, sys
names = [f"{how}{order}" for how in sys.argv[2:] for order in ("", ", channels_last")]
print(f"{sys.argv[1]}, ms: here, then PyTorch by", "; ".join(names), "; then the load")
rows = []
for line in sys.stdin:
    rows.append([float(number) for number in line.split()])
    print("  ".join(f"{number:8.1f}" for number in rows[-1][:-1]), f"{rows[-1][-1]:6.1f}", flush=True)
here, *others = [statistics.median(column) for column in list(zip(*rows))[:-1]]
print(f"median here {here:.1f}; PyTorch takes", "; ".join(
    f"{name}: {other:.1f} ({other / here:.2f} times as long)" for name, other in zip(names, others)))
' "$case $method" "${passes[@]}"
done
