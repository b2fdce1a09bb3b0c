#!/usr/bin/env bash
# Trains every method on CMU-MOSI (three modalities; the folder is given, it is
# not part of this project) and on spoken digits, three seeds each, opens each
# test split once, and prints the tables of docs/results/methods.md.
# usage: docs/results/methods.sh OUT MOSI_FOLDER   (about 15 minutes on two cores; may be stopped and started again)
set -euo pipefail
out=${1:?usage: methods.sh OUT MOSI_FOLDER}
mosi=$(realpath "${2:?usage: methods.sh OUT MOSI_FOLDER}")
cargo build --release --quiet --workspace --bins
bin=${CARGO_TARGET_DIR:-target}/release

one() {
  local bin=$1 out=$2 mosi=$3 data=$4 method=$5 seed=$6 lr
  local run=$out/$data/$method/all/$seed args=()
  [ -e "$run/looks.jsonl" ] && return
  case $data in
    mosi) lr=0.002 ;;
    digits) lr=0.05 ;;
  esac
  set_() { args+=(--set "$1"); }
  # The steps of DGL's encoders: their rate times alpha 4, their decay of 1e-4 divided by it.
  matched() { set_ optimizer.encoder_factor=4; set_ optimizer.encoder_weight_decay=2.5e-5; }
  case $method in
    joint) set_ strategy.name=joint ;;
    joint-lr-matched) set_ strategy.name=joint; matched ;;
    joint-lr-all) set_ strategy.name=joint; lr=$(awk "BEGIN { print 4 * $lr }") ;;
    unimodal-lr-matched-*) set_ strategy.name=unimodal; set_ "strategy.modality=${method#unimodal-lr-matched-}"; matched ;;
    unimodal-*) set_ strategy.name=unimodal; set_ "strategy.modality=${method#unimodal-}" ;;
    dgl) set_ strategy.name=dgl ;;
    uniloss) set_ strategy.name=dgl; set_ strategy.truncate_multimodal=false; set_ strategy.truncate_unimodal=false ;;
    mt) set_ strategy.name=dgl; set_ strategy.truncate_unimodal=false ;;
    ut) set_ strategy.name=dgl; set_ strategy.truncate_multimodal=false ;;
    gblend) set_ strategy.name=gblend; set_ strategy.alpha=4.0 ;;
    gblend-online) set_ strategy.name=gblend; set_ strategy.every=5 ;;
    ogm) set_ strategy.name=ogm; set_ strategy.ge=false; set_ strategy.tensors=weights ;;
    ogm-ge) set_ strategy.name=ogm; set_ strategy.ge=true; set_ strategy.tensors=weights ;;
    pmr) set_ strategy.name=pmr ;;
    agm) set_ strategy.name=agm ;;
    mla) set_ strategy.name=mla; set_ model.fusion.name=ensemble; set_ model.fusion.weights=entropy ;;
    mmpareto) set_ strategy.name=mmpareto ;;
    relearn) set_ strategy.name=relearn; set_ strategy.every=3 ;;
    reconboost)
      set_ strategy.name=reconboost; set_ model.fusion.name=ensemble; set_ model.fusion.weights=sum
      set_ model.fusion.rate=true; set_ 'model.head={ name = "mlp", hidden = 256, activation = "relu" }' ;;
    mmcosine) set_ strategy.name=joint; set_ model.head.name=cosine ;;
  esac
  case $data in
    mosi) set_ "data.root=\"$mosi/mosi.npz\"" ;;
  esac
  export RAYON_NUM_THREADS=1 # two runs at a time; the weights do not depend on it
  local config=configs/spoken-digits-joint.toml
  [ "$data" = mosi ] && config=configs/mosi.toml
  "$bin/counterpoint" train "$config" --out "$run" --resume --quiet --json \
    --set "train.seed=$seed" --set "optimizer.lr=$lr" "${args[@]}" >/dev/null
  "$bin/counterpoint" evaluate "$run" --json >/dev/null
}
export -f one

common="joint joint-lr-matched joint-lr-all dgl uniloss mt ut gblend gblend-online ogm ogm-ge pmr agm mla mmpareto relearn reconboost mmcosine"
mosi_methods="$common unimodal-text_lsa unimodal-audio unimodal-video unimodal-lr-matched-text_lsa"
digit_methods="$common unimodal-audio unimodal-image unimodal-lr-matched-audio unimodal-lr-matched-image"
for seed in 1 2 3; do
  for method in $mosi_methods; do echo "mosi $method $seed"; done
  for method in $digit_methods; do echo "digits $method $seed"; done
done | xargs -P 2 -L 1 bash -c 'one "$0" "$@"' "$bin" "$out" "$mosi"

echo "## CMU-MOSI: text_lsa, audio, video"
"$bin/tabulate" "$out/mosi" $mosi_methods
echo "## Spoken digits: audio, image (test theo, val lucas)"
"$bin/tabulate" "$out/digits" $digit_methods
