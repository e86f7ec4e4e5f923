#!/usr/bin/env bash
# Everything that is worth measuring on a GPU, in order of value, within so many minutes:
#
#     dev/gpu.sh MINUTES [BINARIES]
#
# For a machine with a GPU and without a compiler or a registry. BINARIES is a folder with `vpc`, `gpu_check`,
# `gpu_read` and `gpu_train`, built elsewhere (else those under target/release). NVRTC and cuBLASLt come from the active Python environment
# or $VPC_CUDA_LIBRARIES; what needs torch is skipped where it is not there.
#
# Each part has a limit of its own and a log, $OUT/NAME.log ($OUT: else target/gpu_all); $OUT/parts.tsv is written
# after each, so that what was finished is kept whatever happens to the rest. The status is 1 where a part failed.
# DEVICE=cpu tries the parts that need `vpc` alone on the processor.
set -uo pipefail
cd "$(dirname "$0")/.."

minutes=${1:?usage: dev/gpu.sh MINUTES [BINARIES]}
if ! [[ $minutes =~ ^[0-9]+$ ]]; then
  echo "\`$minutes\` is no whole number of minutes" >&2
  exit 2
fi
binaries=${2:-target/release}
export OUT=${OUT:-target/gpu_all} DEVICE=${DEVICE:-cuda}
mkdir -p "$OUT"
OUT=$(realpath "$OUT")
# What is measured and compiled lies with the rest.
export XDG_CACHE_HOME=$OUT/cache
PATH=$(realpath -m "$binaries"):$(realpath -m "$binaries/examples"):$PATH
export PATH ROOT=$PWD

python=${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/}python3
export PYTHON=$python

# How long a part may still take, in seconds.
left() { echo $((minutes * 60 - SECONDS)); }

# Why a need is not met; nothing where it is.
lacks() {
  case $1 in
    vpc) command -v vpc >/dev/null || echo "no \`vpc\` in $binaries" ;;
    device)
      [[ $DEVICE == cpu ]] && return
      lacks gpu
      ;;
    gpu) vpc doctor --json 2>/dev/null | grep -q '"problem": *null' || echo "no GPU that can be used (see doctor.log)" ;;
    torch) "$PYTHON" -c 'import torch, numpy, safetensors' 2>/dev/null || echo "no torch, numpy and safetensors for $PYTHON" ;;
    *) command -v "$1" >/dev/null || echo "no \`$1\` in $binaries" ;;
  esac
}

failed=0
printf 'part\tstatus\tseconds\n' >"$OUT/parts.tsv"

told() {
  printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$OUT/parts.tsv"
  printf '%-22s %s (%s s)\n' "$1" "$2" "$3"
}

# part NAME MINUTES "NEEDS" COMMAND: runs a command of bash, or says why not.
part() {
  local name=$1 limit=$(($2 * 60)) needs=$3 command=$4 why need rest begun=$SECONDS status
  for need in vpc $needs; do
    why=$(lacks "$need")
    if [[ -n $why ]]; then
      told "$name" "skipped: $why" 0
      return
    fi
  done
  rest=$(left)
  if ((rest < 20)); then
    told "$name" "skipped: no time was left" 0
    return
  fi
  ((limit < rest)) || limit=$rest
  timeout -k 5 "$limit" bash -euo pipefail -c "$command" >"$OUT/$name.log" 2>&1
  status=$?
  case $status in
    0) status=done ;;
    124 | 137) status="out of time after $limit s" ;;
    *) status="FAILED with $status: $(tail -n 1 "$OUT/$name.log")" failed=1 ;;
  esac
  told "$name" "$status" $((SECONDS - begun))
}

# A study of so many trainings of a scale, with more lines for each: study FILE SEEDS SCALE TOKENS [LINE].
study() {
  mkdir -p "$(dirname "$1")"
  cat >"$1" <<END
use std.scales
use std.world
mixture both { code: 1/2, web: rest }
tokenizer bpe { vocabulary: 512, data: both, sample: 1 MiB }
experiment e {
  vary seed: 1..$2
  pretrain base {
    model: $3, data: both, tokenizer: bpe, tokens: $4, seed: seed
    ${5:-}
  }
  eval fit { from: base, suite: held_out([code, web]) }
}
END
}

# Runs a study, and tells how long that took: timed NAME FILE [OPTION…].
timed() {
  local name=$1 file=$2 begun=${EPOCHREALTIME/./}
  shift 2
  vpc run "$file" --device "$DEVICE" "$@"
  echo "TIME $name $(((${EPOCHREALTIME/./} - begun) / 1000)) ms"
}

# The weights of the first training of a study beside it, as a file to compare.
weights() {
  rm -rf "$1/exported"
  vpc export 'e/base[seed=1]' --to hf "$1/exported" --store "$1/.vp" >&2
  sha256sum "$1/exported/model.safetensors" | cut -d ' ' -f 1
}

same() {
  echo "$1: $2 $3"
  [[ $2 == "$3" ]] || {
    echo "$1: other bits"
    return 1
  }
}

speed() {
  if "$PYTHON" -c 'import torch, numpy, safetensors'; then
    "$PYTHON" dev/bench_gpu.py "$(command -v gpu_train)" 124M 340M 1B --seconds 4 --rounds 1 --curve 0
    return
  fi
  mkdir -p "$OUT/speed"
  # Tokens per second (best, median) and GiB, without a peer.
  while read -r name layers width heads kv hidden context vocabulary batch; do
    cat >"$OUT/speed/config.json" <<END
{"model": {"layers": $layers, "width": $width, "heads": $heads, "kv_heads": $kv, "hidden": $hidden, "context": $context,
  "vocabulary": $vocabulary, "rope_base": 10000.0, "norm_eps": 1e-5, "tied": false},
 "optimizer": {"rate": 3e-4, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1, "clip": 1.0},
 "schedule": {"kind": "constant", "warmup": 0}, "batch": $batch, "steps": 1000000, "seed": 0}
END
    echo "$name $(gpu_train speed "$OUT/speed" bf16 4)"
  done <<END
124M 12 768 12 12 2048 1024 32000 32
340M 24 1024 16 16 2816 2048 32000 16
1B 22 2048 32 4 5632 2048 32000 8
END
}

# The same study on the device and on the processor: the tables must be alike to rounding.
quickstart() {
  rm -rf "$OUT/quickstart" && mkdir -p "$OUT/quickstart"/{device,cpu}
  for place in device cpu; do
    cp experiments/quickstart.vp "$OUT/quickstart/$place/q.vp"
    (
      [[ $place == device ]] || export DEVICE=cpu
      timed "quickstart, $place" "$OUT/quickstart/$place/q.vp"
    )
  done
}

# A training that is killed up to three times, each time after a checkpoint, ends in the bits of one that is not.
resume() {
  local there=$OUT/resume tokens=${TOKENS:-40M} again run kills=0
  rm -rf "$there"
  study "$there/whole/s.vp" 1 micro "$tokens"
  study "$there/killed/s.vp" 1 micro "$tokens"
  timed "whole" "$there/whole/s.vp"
  for again in 1 2 3; do
    vpc run "$there/killed/s.vp" --device "$DEVICE" --checkpoint-every 1 &
    run=$!
    sleep $((3 + again))
    if kill -9 "$run" 2>/dev/null; then
      kills=$((kills + 1))
    fi
    wait "$run" || true
  done
  echo "killed $kills times"
  timed "the rest" "$there/killed/s.vp"
  same "killed and not" "$(weights "$there/whole")" "$(weights "$there/killed")"
  ((kills > 0)) || {
    echo "it always ended before it was killed: take more TOKENS"
    return 1
  }
}

# Inner values computed again give the same bits.
recompute() {
  local there=$OUT/recompute
  rm -rf "$there"
  study "$there/kept/s.vp" 1 micro 1M
  study "$there/again/s.vp" 1 micro 1M "activations: recomputed"
  timed "kept" "$there/kept/s.vp"
  timed "computed again" "$there/again/s.vp"
  same "kept and computed again" "$(weights "$there/kept")" "$(weights "$there/again")"
}

# Eight small trainings, one at a time and as the calibration lets them share; the bits are the same.
sharing() {
  local there=$OUT/sharing
  rm -rf "$there"
  study "$there/one/s.vp" 8 micro 2M
  study "$there/shared/s.vp" 8 micro 2M
  mkdir -p "$there/cache/vpc"
  # The kernels that are compiled, and no calibration.
  cp -r "$XDG_CACHE_HOME/vpc/kernels" "$there/cache/vpc/" 2>/dev/null || true
  XDG_CACHE_HOME=$there/cache timed "one at a time" "$there/one/s.vp"
  timed "sharing" "$there/shared/s.vp"
  same "alone and shared" "$(weights "$there/one")" "$(weights "$there/shared")"
}

export -f study timed weights same speed quickstart resume recompute sharing

# In order of value. A new part is a line here, with its limit in minutes and what it needs.
part doctor 1 "" 'vpc doctor; vpc doctor --json >"$OUT/doctor.json"'
part kernels 4 "gpu gpu_check" 'mkdir -p "$OUT/kernels"; gpu_check "$OUT/kernels"'
part without-hopper 2 "gpu gpu_check" 'mkdir -p "$OUT/without-hopper"; VPC_WARPGROUPS=0 gpu_check "$OUT/without-hopper" attention'
part parity 4 "gpu gpu_train torch" '"$PYTHON" dev/bench_gpu.py "$(command -v gpu_train)" --only-parity --parity S GQA-tied --curve 100'
part quickstart 2 "device" quickstart
part speed 5 "gpu gpu_train" speed
part speed-without-hopper 3 "gpu gpu_train" 'VPC_WARPGROUPS=0 PYTHON=false speed'
part reading 3 "gpu gpu_read" gpu_read
part calibrate 5 "gpu" 'vpc calibrate --device cuda && cp "$XDG_CACHE_HOME/vpc/calibration.json" "$OUT"'
part sharing 3 "device" sharing
part resume 3 "device" resume
part recompute 2 "device" recompute

echo "all of it is in $OUT"
exit "$failed"
