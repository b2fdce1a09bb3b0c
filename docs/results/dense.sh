#!/usr/bin/env bash
# Trains dense fusion (MMTM, compact streams) on spoken digits, three seeds, and
# the CubeMLP on CMU-MOSI (the folder is given, it is not part of this project),
# five seeds, opens each test split once, and prints the tables of
# docs/results/dense.md. Every method has its own setting and not that of the
# configuration, which is DGL's: G-Blending the alpha of 4 and the heads of its
# own that it has in the other studies, MMPareto heads of its own, OGM-GE and AGM
# their defaults.
# usage: docs/results/dense.sh OUT MOSI_FOLDER   (about an hour on one core; may be stopped and started again)
set -euo pipefail
out=${1:?usage: dense.sh OUT MOSI_FOLDER}
mosi=$(realpath "${2:?usage: dense.sh OUT MOSI_FOLDER}")
cargo build --release --quiet --workspace --bins
bin=${CARGO_TARGET_DIR:-target}/release

one() {
  local bin=$1 out=$2 mosi=$3 data=$4 method=$5 seed=$6
  local run=$out/$data/$method/all/$seed args=() config
  [ -e "$run/looks.jsonl" ] && return
  set_() { args+=(--set "$1"); }
  case $data in
    mmtm) config=configs/mmtm-digits.toml ;;
    text_lsa) config=configs/mosi-cube.toml; set_ "data.root=\"$mosi/mosi.npz\"" ;;
    tokens) config=configs/mosi-cube-tokens.toml; set_ "data.root=\"$mosi/mosi.npz\"" ;;
  esac
  case $method in
    joint) set_ strategy.name=joint ;;
    # The steps of DGL's encoders: their rate times alpha 4, their decay of 1e-4 divided by it. Under Adam, with
    # CubeMLP, alpha cancels and there is nothing to match.
    joint-lr-matched)
      set_ strategy.name=joint; set_ optimizer.encoder_factor=4; set_ optimizer.encoder_weight_decay=2.5e-5 ;;
    joint-lr-all) set_ strategy.name=joint; set_ optimizer.lr=0.2 ;;
    dgl) ;;
    dgl-cut) set_ model.partition=cut ;;
    uniloss) set_ strategy.truncate_multimodal=false; set_ strategy.truncate_unimodal=false ;;
    late-joint|late-dgl)
      config=configs/spoken-digits-dgl.toml
      [ "$method" = late-joint ] && set_ strategy.name=joint ;;
    gblend) set_ strategy.name=gblend; set_ strategy.alpha=4.0; set_ strategy.heads=own ;;
    ogm-ge) set_ strategy.name=ogm; set_ strategy.tensors=weights; set_ strategy.scores=zero-fill ;;
    mmpareto) set_ strategy.name=mmpareto; set_ strategy.heads=own ;;
    agm) set_ strategy.name=agm ;;
    unimodal-*) set_ strategy.name=unimodal; set_ "strategy.modality=${method#unimodal-}" ;;
  esac
  RAYON_NUM_THREADS=1 "$bin/counterpoint" train "$config" --out "$run" --resume --quiet --json \
    --set "train.seed=$seed" "${args[@]}" >/dev/null
  "$bin/counterpoint" evaluate "$run" --json >/dev/null
}

mmtm="joint joint-lr-matched joint-lr-all dgl uniloss ogm-ge unimodal-audio unimodal-image"
lsa="joint dgl unimodal-text_lsa unimodal-audio unimodal-video"
tokens="joint dgl gblend mmpareto unimodal-tokens unimodal-audio unimodal-video"
# One seed, which shows that the strategy trains the model and not what it is worth.
mmtm_once="dgl-cut gblend mmpareto agm late-joint late-dgl"
lsa_once="uniloss gblend ogm-ge mmpareto agm"
tokens_once="uniloss ogm-ge agm"
all() {
  local data=$1 method
  for method in $2; do one "$bin" "$out" "$mosi" "$data" "$method" "$3"; done
}
for seed in 1 2 3; do all mmtm "$mmtm" "$seed"; done
for seed in 1 2 3 4 5; do
  all text_lsa "$lsa" "$seed"
  all tokens "$tokens" "$seed"
done
all mmtm "$mmtm_once" 1
all text_lsa "$lsa_once" 1
all tokens "$tokens_once" 1

echo "## Spoken digits, MMTM (test theo, val lucas)"
"$bin/tabulate" "$out/mmtm" $mmtm $mmtm_once
echo "## CMU-MOSI, CubeMLP: text_lsa, audio, video"
"$bin/tabulate" "$out/text_lsa" $lsa $lsa_once
"$bin/tabulate" --metric balanced_accuracy "$out/text_lsa" $lsa $lsa_once
echo "## CMU-MOSI, CubeMLP: tokens, audio, video"
"$bin/tabulate" "$out/tokens" $tokens $tokens_once
"$bin/tabulate" --metric balanced_accuracy "$out/tokens" $tokens $tokens_once
