#!/usr/bin/env bash
# usage: scripts/check-software-gpu.sh [TARGET]
# Builds the feature `wgpu` into TARGET (target/software-gpu), apart from all other builds, and checks it on software that
# computes as if it were a GPU (Mesa's lavapipe: mesa-vulkan-drivers and libvulkan1 on Debian): PyTorch's reference numbers in
# single precision, and the demo, trained. No GPU is needed. The build takes as long as the rest of the project.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${1:-target/software-gpu}
features=counterpoint-cli/wgpu,counterpoint-testkit/wgpu
cargo build --profile gpu --workspace --features "$features" --bin counterpoint --bin check-reference
programs=$CARGO_TARGET_DIR/gpu
if ! "$programs/counterpoint" devices 2> /dev/null | grep -q wgpu:cpu; then
  echo "no software GPU is here: install mesa-vulkan-drivers and libvulkan1" >&2
  exit 1
fi
reference=crates/testkit/tests/reference
COUNTERPOINT_DEVICE=wgpu:cpu COUNTERPOINT_PRECISION=single \
  "$programs/check-reference" $reference/gradients/*.json $reference/dense/{mmtm_*,esanet_joint,seg_loss}.json
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
"$programs/counterpoint" train configs/spoken-digits-dgl.toml --device wgpu:cpu --set train.epochs=1 --out "$out/run" \
  --quiet --json | tee "$out/result.json"
# Chance is 10 %; on the CPU it reaches 87 % in one epoch.
python3 - "$out/result.json" << 'PYTHON'
import json, sys
fused = json.load(open(sys.argv[1]))["last"]["scores"]["fused"]["accuracy"]
assert fused > 0.8, f"the demo reached {fused:.1%} on validation, expected more than 80 %"
PYTHON
