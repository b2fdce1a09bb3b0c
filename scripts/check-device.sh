#!/usr/bin/env bash
# Checks one device with programs that are built already, in under 8 minutes on a machine with a GPU:
# which devices there are, reference numbers, training to the expected accuracy, resuming, step times
# and memory against PyTorch (if python3 has it).
#
#   scripts/check-device.sh DEVICE PROGRAMS OUT
#
# DEVICE as train.device takes it; PROGRAMS a folder with `counterpoint`, `check-reference`, `step`
# (the bench of that name) and maybe `step-before`, an older one to compare with; OUT a new folder for
# logs, `table.txt` and `result.json`. Run it in the folder of the sources. BUDGET is the seconds that it may
# take (default 460), BATCH and ROUNDS are those of the steps. Exit code 1: something failed.
set -u
[ $# -eq 3 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2; }
device=$1 programs=$(realpath "$2") out=$3
mkdir -p "$out" && out=$(realpath "$out")
records=$out/records.tsv
: >"$records"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
begun=$SECONDS
here=$(dirname "$(realpath "$0")")
export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp}

# record CHECK DEVICE OK|FAILED|NOTE VALUE
record() {
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" >>"$records"
  printf '[%3d s] %-34s %-8s %-7s %s\n' $((SECONDS - begun)) "$1" "$2" "$3" "$4"
}

# The most memory of the GPU that was in use while a command ran, in MiB, in $peak; empty without nvidia-smi.
watched() {
  peak= watcher=
  if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits -lms 100 >"$work/memory" 2>/dev/null &
    watcher=$!
  fi
  "$@"
  local code=$?
  if [ -n "$watcher" ]; then
    kill "$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null
    peak=$(sort -n "$work/memory" 2>/dev/null | tail -1)
  fi
  return $code
}

# run LIMIT LOG COMMAND..: standard output and error in a log.
run() {
  local limit=$1 log=$2 left=$((${BUDGET:-460} - SECONDS + begun))
  shift 2
  if [ $left -lt 3 ]; then
    echo "not begun: the time is up" >"$log"
    return 124
  fi
  [ $left -lt "$limit" ] && limit=$left
  watched timeout -k 5 "$limit" "$@" >"$log" 2>&1
}

# 1. Which devices there are.
if run 60 "$out/devices.txt" "$programs/counterpoint" devices; then
  while read -r name about; do record "found $name" - OK "$about"; done <"$out/devices.txt"
else
  record "devices" - FAILED "$(tail -1 "$out/devices.txt")"
fi

# 2. Reference numbers of float64 PyTorch.
references=crates/testkit/tests/reference
reference() { # GROUP DEVICE PRECISION LIMIT FILE..
  local group=$1 where=$2 precision=$3 limit=$4
  shift 4
  local log="$out/reference-$group-${where//:/-}-$precision.txt"
  COUNTERPOINT_DEVICE=$where COUNTERPOINT_PRECISION=$precision \
    run "$limit" "$log" "$programs/check-reference" "$@"
  local code=$? passed
  passed=$(grep -c ': ok: ' "$log")
  if [ $code -eq 0 ]; then
    local worst
    worst=$(grep -o 'worst at [0-9]*' "$log" | sort -k3 -n | tail -1)
    record "reference $group, $precision" "$where" OK "$passed of $# files; $worst % of the tolerance"
  else
    local why
    why=$(grep -v ': ok: ' "$log" | head -2 | tr '\n' ' ' | sed 's/.*reference\///' | cut -c1-150)
    record "reference $group, $precision" "$where" FAILED "$passed of $# files; code $code: $why"
  fi
}
references() { # DEVICE PRECISION
  reference toy "$1" "$2" 60 $references/gradients/*.json
  reference segmentation "$1" "$2" 20 $references/dense/seg_loss.json
  reference dense "$1" "$2" 60 $references/dense/{cube,mmtm}_{joint,dgl}.json
  reference training "$1" "$2" 60 $references/training/concat_{joint,dgl_released}.json
}
references "$device" single

# 3. Training: the demo learns the same on both.
config=configs/spoken-digits-dgl.toml
train() { # NAME DEVICE LIMIT ARGUMENT..: trains in $work/NAME
  local name=$1 where=$2 limit=$3
  shift 3
  run "$limit" "$out/train-$name.txt" "$programs/counterpoint" train $config --out "$work/$name" \
    --device "$where" --quiet --json "$@"
}
fused() { # NAME: fused accuracy on validation after the last epoch
  grep '"event":"epoch"' "$work/$1/metrics.jsonl" | tail -1 | sed 's/.*"val":{//' |
    grep -o '"fused":{"accuracy":[0-9.]*' | head -1 | grep -o '[0-9.]*$'
}
trained() { # NAME DEVICE LIMIT
  local start=$SECONDS
  if train "$1" "$2" "$3"; then
    local value verdict=OK
    value=$(fused "$1")
    [ -n "$value" ] && awk "BEGIN { exit !($value < 0.8) }" && verdict=FAILED
    record "train the demo, 10 epochs" "$2" $verdict \
      "fused accuracy $value on validation, $((SECONDS - start)) s, peak ${peak:-?} MiB"
  else
    record "train the demo, 10 epochs" "$2" FAILED "$(tail -1 "$out/train-$1.txt" | cut -c1-150)"
  fi
}
trained whole "$device" 120
cp "$work"/whole/{run.json,metrics.jsonl} "$out/" 2>/dev/null

# 4. Steps of two ResNet-18, batch 64.
batch=${BATCH:-64} rounds=${ROUNDS:-10}
steps() { # NAME PROGRAM DEVICE LIMIT CASE ARGUMENT..
  local name=$1 program=$2 where=$3 limit=$4 case=$5
  shift 5
  local log="$out/$name-$case.txt"
  if COUNTERPOINT_DEVICE=$where run "$limit" "$log" "$program" "$case" joint dgl "$@"; then
    local times
    times=$(sed -n 's/^ *\([a-z]*\): *\([0-9.]*\) ms.*/\1 \2 ms/p' "$log" | tr '\n' ' ')
    record "step, $name, $case" "$where" OK "${times}peak ${peak:-?} MiB"
  else
    record "step, $name, $case" "$where" FAILED "$(tail -1 "$log" | cut -c1-150)"
  fi
}
for program in step step-before; do
  [ -x "$programs/$program" ] || continue
  steps $program "$programs/$program" "$device" 60 small 40
  steps $program "$programs/$program" "$device" 90 resnet18 "batch=$batch" "$rounds"
done
if COUNTERPOINT_DEVICE=$device run 60 "$out/layers.txt" "$programs/step" layers "batch=$batch" 5; then
  record "layers of ResNet-18" "$device" OK "see layers.txt"
else
  record "layers of ResNet-18" "$device" FAILED "$(tail -1 "$out/layers.txt" | cut -c1-150)"
fi
if python3 -c 'import torch' 2>/dev/null; then
  if run 90 "$out/torch.txt" python3 "$here/torch_step.py" --batch "$batch" --steps "$rounds" --out "$out/torch.json"; then
    while read -r line; do
      record "step, PyTorch, resnet18" torch OK "$(echo "$line" | tr -s ' ')"
    done <"$out/torch.txt"
  else
    record "step, PyTorch, resnet18" torch FAILED "$(tail -1 "$out/torch.txt")"
  fi
else
  record "step, PyTorch, resnet18" torch NOTE "python3 has no torch"
fi

# 5. Resuming: 2 + 2 epochs are 4, on the device, and from the device to the CPU.
if train four "$device" 60 --set train.epochs=4 && train half "$device" 60 --set train.epochs=2; then
  cp -r "$work/half" "$work/moved"
  if train half "$device" 60 --set train.epochs=4 --resume; then
    if cmp -s "$work/four/checkpoints/last.safetensors" "$work/half/checkpoints/last.safetensors"; then
      record "resume after 2 of 4 epochs" "$device" OK "byte for byte as without a stop"
    else
      record "resume after 2 of 4 epochs" "$device" NOTE "other bytes; fused $(fused half), without a stop $(fused four)"
    fi
  else
    record "resume after 2 of 4 epochs" "$device" FAILED "$(tail -1 "$out/train-half.txt" | cut -c1-150)"
  fi
  if train moved cpu 60 --set train.epochs=4 --resume; then
    record "resume on the CPU" cpu OK "fused $(fused moved), on $device alone $(fused four)"
  else
    record "resume on the CPU" cpu FAILED "$(tail -1 "$out/train-moved.txt" | cut -c1-150)"
  fi
else
  record "resume after 2 of 4 epochs" "$device" FAILED "no run to resume"
fi

# 6. The same on the CPU, and double precision where the device has it.
if [ "$device" != cpu ]; then
  trained whole-cpu cpu 90
  references cpu double
fi
references "$device" double

# The table and the JSON.
awk -F '\t' '{ printf "%-34s %-10s %-7s %s\n", $1, $2, $3, $4 }' "$records" >"$out/table.txt"
awk -F '\t' -v device="$device" -v seconds=$((SECONDS - begun)) '
  function text(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); gsub(/[[:cntrl:]]/, " ", s); return "\"" s "\"" }
  BEGIN { printf "{\"device\": %s, \"seconds\": %d, \"checks\": [", text(device), seconds }
  { printf "%s\n  {\"check\": %s, \"device\": %s, \"outcome\": %s, \"value\": %s}", (NR > 1 ? "," : ""), text($1), text($2), text($3), text($4) }
  END { print "\n]}" }' "$records" >"$out/result.json"
echo
cat "$out/table.txt"
! grep -qP '\tFAILED\t' "$records"
