#!/usr/bin/env bash
# usage: run.sh [--device cuda|cpu] [--tiny] [--only STEP] [--minutes N] [--out FOLDER]
# Measures everything on a machine with a GPU, from the folder that prepare.sh gathered and that this script lies in, in the order of
# weight: generation at 1, 16, 64 and 256 in bf16, the same by a static cache with torch.compile and by transformers; a rollout with
# expected scores; the hand-over; DPO against TRL; the first by TensorRT and by vLLM; quality, golden and conformance tests. What
# cannot run is left out, and why is said. --tiny with --device cpu tries the whole out in little work.
# Limits of the steps add up to 25 minutes (--minutes), and none begins afterwards; with more minutes each limit grows with them.
# TensorRT's tests, which build many engines, run only where --only names them (--only tensorrt --minutes 75).
# FOLDER (results) takes the rows as they come, each step's state and log. It must have no rows of an earlier run, but for --only, which
# replaces the steps it names and keeps the others. At the end, on TERM, and whenever table.py is called, the table.
# From the environment: PEERS_PYTHON (python3), AUTODIDACT_CUDA_RUNTIME, XDG_CACHE_HOME; where libtorch for CUDA is another than
# prepare.sh --libtorch gathered, AUTODIDACT_LIBTORCH_JARS (":" between) or DJL's PYTORCH_LIBRARY_PATH and PYTORCH_FLAVOR.
set -uo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
caller=$PWD
names=(import generate peers-static peers-transformers rollout handover dpo tensorrt-generate tensorrt-handover tensorrt-rollout
  peers-vllm quality tensorrt-quality tests-conformance tests-golden tensorrt-tests-conformance tensorrt-tests-golden)
device=cuda tiny=false only= out=$here/results minutes=25
fail() { echo "run.sh: $1" >&2; exit 2; }
absolute() { case $1 in /*) echo "$1" ;; *) echo "$caller/$1" ;; esac; }
while [ $# -gt 0 ]; do
  case $1 in
    --device | --only | --out | --minutes) [ $# -gt 1 ] && [[ $2 != --* ]] || fail "$1 needs a value" ;;&
    --device) device=$2; shift ;;
    --only) only=$2; shift ;;
    --minutes) minutes=$2; shift ;;
    --out) out=$(absolute "$2"); shift ;;
    --tiny) tiny=true ;;
    *) fail "unknown option $1; there are --device cuda|cpu, --tiny, --only STEP, --minutes N, --out FOLDER" ;;
  esac
  shift
done
wanted() { [[ -z $only || $1 = "$only" || $1 = "$only"-* ]]; }
known=false
for name in "${names[@]}"; do wanted "$name" && known=true; done
$known || fail "no step is called $only; there are ${names[*]}, and tensorrt, peers, tests for all that begin so"
[ "$device" = cuda ] || [ "$device" = cpu ] || fail "--device is cuda or cpu, not $device"
[[ $minutes =~ ^[1-9][0-9]{0,3}$ ]] || fail "--minutes is a whole number of at least 1, not $minutes"
python=$(command -v "${PEERS_PYTHON:-python3}") || fail "no Python at ${PEERS_PYTHON:-python3}; set PEERS_PYTHON"
python=$(absolute "$python")
libtorch=
if [ -n "${AUTODIDACT_LIBTORCH_JARS:-}" ]; then
  IFS=: read -ra given <<<"$AUTODIDACT_LIBTORCH_JARS"
  for jar in "${given[@]}"; do
    jar=$(absolute "$jar")
    [ -f "$jar" ] || fail "$jar of AUTODIDACT_LIBTORCH_JARS is not there"
    libtorch=${libtorch:+$libtorch:}$jar
  done
elif [ "$device" = cuda ] && [ -z "${PYTORCH_LIBRARY_PATH:-}" ] && [ -d "$here/libtorch/torch/lib" ]; then
  # cu128 is the one build for CUDA that DJL's JNI has
  export PYTORCH_LIBRARY_PATH=$here/libtorch/torch/lib PYTORCH_FLAVOR=cu128
fi
if [ -n "${PYTORCH_LIBRARY_PATH:-}" ]; then PYTORCH_LIBRARY_PATH=$(absolute "$PYTORCH_LIBRARY_PATH"); fi
if [ -n "${AUTODIDACT_CUDA_RUNTIME:-}" ]; then AUTODIDACT_CUDA_RUNTIME=$(absolute "$AUTODIDACT_CUDA_RUNTIME"); fi
XDG_CACHE_HOME=$(absolute "${XDG_CACHE_HOME:-$here/cache}")
export XDG_CACHE_HOME MALLOC_ARENA_MAX=4 HF_HUB_OFFLINE=1
if [ -z "$only" ] && [ -e "$out/steps.jsonl" ]; then
  fail "$out has rows of an earlier run; name another --out, remove it, or take --only STEP to replace a step's"
fi
mkdir -p "$out" || fail "$out cannot be made"

java=$here/jdk/bin/java
model=$here/models/SmolLM2-135M-Instruct.imported
data=$here/shared/data
precision=bf16 dtype=bfloat16 batches=(1 16 64 256) repeats=3 new=128 prompts=32 pairs=176 batch=16 count=8 rounds=2
if [ "$device" = cpu ]; then precision=fp32 dtype=float32; fi
if $tiny; then batches=(1 2) repeats=1 new=4 prompts=2 pairs=2 batch=2 count=1 rounds=1; fi

# CUDA's libraries of PyTorch's own Python, which ONNX Runtime needs too. Only our Java sees them: a peer, and libtorch, has its own.
libraries=$("$python" - <<'PYTHON' 2>/dev/null
import glob, site, sys
folders = site.getsitepackages() + [site.getusersitepackages()]
print(":".join(p for f in folders for p in sorted(glob.glob(f + "/nvidia/*/lib"))))
PYTHON
)
if [ -d "$here/tensorrt/tensorrt_libs" ]; then libraries=$here/tensorrt/tensorrt_libs${libraries:+:$libraries}; fi
path=$here/natives${libraries:+:$libraries}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
if [ "$device" = cuda ] && [ -z "${AUTODIDACT_CUDA_RUNTIME:-}" ]; then
  IFS=: read -ra folders <<<"$libraries"
  for folder in ${folders[@]+"${folders[@]}"}; do
    for file in "$folder"/libcudart.so.*; do [ -f "$file" ] && export AUTODIDACT_CUDA_RUNTIME=$file; done
  done
fi
if [ -f "$here/natives/libonnxruntime.so" ]; then export AUTODIDACT_ONNXRUNTIME_LIBRARY=$here/natives/libonnxruntime.so; fi

jars=$(ls "$here"/jars/*.jar | paste -sd:)
tests=$here/tests/onnxruntime-gpu:$here/tests/onnxruntime:$here/tests/checkpoints
flags=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Xmx4g
  "-Dautodidact.models=$here/models" "-Dautodidact.shared=$here/shared" "-Dautodidact.new=$new")
if [ -f "$here/natives/libonnxruntime4j_jni.so" ]; then flags+=("-Donnxruntime.native.path=$here/natives"); fi

state() { printf '{"step": "%s", %s}\n' "$1" "$2" >>"$out/steps.jsonl"; } # the last of a step is the one that counts
left_out() { # name, why
  wanted "$1" || return 0
  local why
  why=$(tr -d '"\\' <<<"$2" | tr -c '[:print:]\n' ' ' | head -1)
  echo "run.sh: $1 left out: $why" >&2
  state "$1" "\"left_out\": \"$why\""
}
child=
end_child() { # all of its process group, which timeout makes: what is left would keep the GPU's memory
  [ -n "$child" ] || return 0
  kill -TERM -- "-$child" "$child" 2>/dev/null
  for _ in {1..50}; do kill -0 -- "-$child" 2>/dev/null || break; sleep 0.2; done
  kill -KILL -- "-$child" 2>/dev/null
  child=
}
interrupted() {
  trap '' TERM INT HUP
  end_child
  echo "run.sh: cut short; what was measured before:" >&2
  "$python" "$here/table.py" "$out"
  exit 143
}
trap interrupted TERM INT HUP

# run NAME SECONDS COMMAND…: runs a command; its lines of JSON are the rows, all else is its log.
run() {
  local name=$1 limit=$2 began=$SECONDS code seconds over=false left=$((minutes * 60 - SECONDS))
  shift 2
  if [ "$minutes" -gt 25 ]; then limit=$((limit * minutes / 25)); fi
  if [ "$left" -lt 10 ]; then left_out "$name" "the $minutes minutes of --minutes are over"; return 1; fi
  if [ "$limit" -gt "$left" ]; then limit=$left; fi
  echo "run.sh: $name …" >&2
  state "$name" "\"limit\": $limit"
  : >"$out/$name.out"
  timeout -k 10 "$limit" "$@" >>"$out/$name.out" 2>"$out/$name.log" &
  child=$!
  wait "$child"
  code=$?
  end_child
  seconds=$((SECONDS - began))
  if [ $code -eq 124 ] || { [ $code -eq 137 ] && [ $seconds -ge "$limit" ]; }; then over=true; fi
  state "$name" "\"limit\": $limit, \"code\": $code, \"seconds\": $seconds, \"over\": $over"
  if [ $code -ne 0 ]; then
    echo "run.sh: $name ended with $code after $seconds s$($over && echo ", its limit"); the end of its log:" >&2
    grep -v '^WARNING' "$out/$name.log" | tail -5 >&2
  fi
  return $code
}
step() { if wanted "$1"; then run "$@"; fi; }
provider=$device
run_java() { # step, seconds, class or source, arguments
  local name=$1 limit=$2
  shift 2
  step "$name" "$limit" env "LD_LIBRARY_PATH=$path" "$java" "${flags[@]}" "-Dautodidact.provider=$provider" \
    -Dautodidact.generator=onnxruntime-gpu -cp "$tests:$jars" "$@"
}
generate() { run_java "$1" "$2" org.autodidact.benchmarks.GenerateBenchmark "$model" "$data/seed_tasks.jsonl" $precision $repeats "${batches[@]}"; }
handover() { run_java "$1" "$2" "$here/HandOver.java" "$model" $precision "$provider" $((repeats + 1)); }
quality() { run_java "$1" "$2" "$here/Quality.java" "$model" "$data/seed_tasks.jsonl" $precision "$provider" $count; }
rollout() {
  run_java "$1" "$2" org.autodidact.benchmarks.RolloutBenchmark "$model" "$data/seed_tasks.jsonl" "$here/judge_short.txt" $precision $prompts 3
}
site() { PYTHONPATH=$out/site-$1${PYTHONPATH:+:$PYTHONPATH} "${@:2}"; } # peer, command
# has PEER STEP IMPORT SECONDS: whether what a step needs can be imported, after its wheels were installed, where there are some.
has() {
  local found
  wanted "$2" || return 1
  if [ -e "$out/steps.jsonl" ]; then sed -i "/\"step\": \"$2\", \"left_out\"/d" "$out/steps.jsonl"; fi
  if ls "$here/wheels/$1"/*.whl >/dev/null 2>&1 && [ ! -d "$out/site-$1" ]; then
    if ! run "install-$1" "$4" "$python" -m pip install -q --no-index --no-deps --target "$out/site-$1" "$here/wheels/$1"/*.whl; then
      rm -rf "$out/site-$1"
      left_out "$2" "its wheels could not be installed: $(tail -1 "$out/install-$1.log" 2>/dev/null)"
      return 1
    fi
  fi
  found=$(site "$1" "$python" -c "$3" 2>&1) || { left_out "$2" "$(tail -1 <<<"$found")"; return 1; }
}
peer() { # step, seconds, peer, more
  step "$1" "$2" "$python" "$here/peers.py" "$3" "$model" "$data/seed_tasks.jsonl" --device "$device" --dtype $dtype \
    --batch "${batches[@]}" --repeats $repeats --new $new "${@:4}"
}

{
  echo "date: $(date -u +%Y-%m-%dT%H:%MZ)${only:+, only $only}"
  echo "commit: $(cat "$here/commit.txt")"
  echo "device: $device$($tiny && echo ", tiny: no measurement")"
  echo "processor: $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $(nproc) cores"
  command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | sed 's/^/gpu: /'
  "$java" -version 2>&1 | head -1 | sed 's/^/java: /'
  "$python" -m pip list 2>/dev/null | grep -i -E '^(torch|transformers|trl|vllm|onnxruntime|nvidia-c|nvidia-cudnn)' | awk '{ print $1 ": " $2 }'
} | paste -sd';' | sed 's/;/; /g' >>"$out/versions.txt"

cd "$here/tests" && mkdir -p src/test && { [ -e src/test/c ] || ln -s "$here/tests/c" src/test/c; }
# The others need it, so that --only does not leave it out.
if [ ! -d "$model" ] || [ "$only" = import ]; then
  rm -rf "$model" "$model.part"
  run import 30 "$java" "${flags[@]}" -cp "$jars" "$here/Import.java" "$here/models/SmolLM2-135M-Instruct.Q4_1.gguf" "$model.part" &&
    mv "$model.part" "$model"
fi
if [ ! -d "$model" ]; then
  for name in "${names[@]:1}"; do left_out "$name" "the model was not imported"; done
  exec "$python" "$here/table.py" "$out"
fi

generate generate 120
for peer in static transformers; do
  limit=$([ $peer = static ] && echo 150 || echo 120)
  if has transformers peers-$peer "import torch, transformers" 30; then peer peers-$peer "$limit" $peer $([ $peer = static ] && $tiny && echo --no-compile); fi
done
rollout rollout 90
handover handover 60
# Ours beside TRL's, each with its start and its memory. train_gpu.py asks git for the commit, which the machine may not have.
if [ "$device" = cuda ] && [ -z "$libtorch${PYTORCH_LIBRARY_PATH:-}" ]; then
  left_out dpo "no libtorch for CUDA (prepare.sh --libtorch, or AUTODIDACT_LIBTORCH_JARS, or PYTORCH_LIBRARY_PATH)"
elif [ "$device" = cuda ] && ! command -v nvidia-smi >/dev/null; then
  left_out dpo "no nvidia-smi, by which memory is measured"
elif wanted dpo; then
  without=
  has trl dpo-trl "from trl import DPOTrainer" 30 || without=--without-trl
  site trl step dpo 180 env "MODEL_HF=$model" "AUTODIDACT_SHARED=$here/shared" "PEERS_PYTHON=$python" "PATH=$here/jdk/bin:$PATH" \
    "BENCHMARK_CLASSPATH=$jars" "AUTODIDACT_FIRST_JAR=$libtorch" "$python" -c '
import runpy, sys
sys.argv = sys.argv[1:]
sys.path.insert(0, sys.argv[0].rsplit("/", 1)[0])
import common
common.origin = lambda: ""
runpy.run_path(sys.argv[0], run_name="__main__")' \
    "$here/benchmarks/train_gpu.py" --device "$device" --pairs $pairs --batch $batch --kinds $precision --rounds $rounds --rows "$out/dpo.out" $without
fi
# By TensorRT, whose engines are built in the first step that needs them.
why=
if [ "$device" = cpu ]; then
  why="it has no CPU"
elif IFS=: read -ra folders <<<"$path" && ! ls "${folders[@]/%//libnvinfer.so.10}" 2>/dev/null | grep -q .; then
  why="libnvinfer.so.10 is not in LD_LIBRARY_PATH (prepare.sh --tensorrt)"
fi
tensorrt() { # function, step, seconds
  if [ -n "$why" ]; then left_out "$2" "$why"; return; fi
  provider=tensorrt
  "$@"
  provider=$device
}
tensorrt generate tensorrt-generate 150
tensorrt handover tensorrt-handover 45
tensorrt rollout tensorrt-rollout 60
if [ "$device" = cpu ]; then
  left_out peers-vllm "it is measured on CUDA only"
elif has vllm peers-vllm "from vllm import LLM" 60; then
  site vllm peer peers-vllm 120 vllm
fi
quality quality 60
tensorrt quality tensorrt-quality 45
conformance=(org.autodidact.gpu.StepGeneratorConformanceTest org.autodidact.gpu.ort.OrtBindingTest)
golden=(org.autodidact.gpu.StepGoldenTest)
if [ "$device" = cuda ]; then golden+=(org.autodidact.onnxruntime.gpu.GpuSessionsGoldenTest); conformance=("${conformance[0]}"); fi
run_java tests-conformance 60 "$here/Tests.java" "${conformance[@]}"
if $tiny && [ -z "$only" ]; then left_out tests-golden "too much for --tiny"; else run_java tests-golden 105 "$here/Tests.java" "${golden[@]}"; fi
if [[ $only = tensorrt* ]]; then
  tensorrt run_java tensorrt-tests-conformance 600 "$here/Tests.java" "${conformance[0]}"
  tensorrt run_java tensorrt-tests-golden 900 "$here/Tests.java" "${golden[0]}"
else
  for name in tensorrt-tests-conformance tensorrt-tests-golden; do left_out $name "--only tensorrt runs it"; done
fi
exec "$python" "$here/table.py" "$out"
