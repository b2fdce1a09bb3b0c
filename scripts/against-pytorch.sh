#!/usr/bin/env bash
# A DGL step of two ResNet-18, batch 16, here and in PyTorch on the same CPU, in alternation:
#
#     scripts/against-pytorch.sh [ROUNDS] [VENV]
#
# Installs PyTorch into VENV (target/pytorch) if it is not there, and prints the milliseconds of every
# round and the medians with their ratios. PyTorch runs as it comes, and with its faster memory order.
set -euo pipefail
cd "$(dirname "$0")/.."
# PROFILE=dev spares who develops the release build of Burn.
profile=${PROFILE:+--profile $PROFILE}
rounds=${1:-5} venv=${2:-target/pytorch}
threads=${RAYON_NUM_THREADS:-$(nproc)}
export RAYON_NUM_THREADS=$threads
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet torch==2.15.0 numpy; }
cargo bench $profile --workspace --bench step --no-run 2>&1 | tail -n 1
ours() { cargo bench $profile --quiet --workspace --bench step -- resnet18 3 dgl batch=16 | sed -n 's/^ *dgl: *\([0-9.]*\) ms.*/\1/p'; }
torch() {
  "$venv/bin/python" scripts/torch_step.py --device cpu --batch 16 --steps 3 --warmup 2 --method dgl \
    --threads "$threads" --layout "$1" | sed -n 's/.*dgl: *\([0-9.]*\) ms.*/\1/p'
}
grep -m 1 'model name' /proc/cpuinfo || true
for round in $(seq "$rounds"); do
  echo "$(ours) $(torch contiguous) $(torch channels_last) $(cut -d' ' -f1 /proc/loadavg)"
done | "$venv/bin/python" -c '
import statistics, sys
print("    here  PyTorch  channels_last  load")
rows = []
for line in sys.stdin:
    row = [float(number) for number in line.split()]
    rows.append(row)
    print("{:8.0f} {:8.0f} {:14.0f} {:5.1f}".format(*row), flush=True)
here, plain, last, _ = (statistics.median(column) for column in zip(*rows))
print(f"medians: {here:.0f}, {plain:.0f}, {last:.0f} ms; PyTorch takes {plain / here:.2f} and {last / here:.2f} times as long")
'
