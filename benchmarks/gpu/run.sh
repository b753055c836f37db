#!/usr/bin/env bash
# usage: run.sh [--device cuda|cpu] [--tiny] [--only STEP] [--out FOLDER]
# Measures everything on a machine with a GPU, from the folder that prepare.sh gathered and that this script lies in: golden and
# conformance tests, quality, generation at 1, 16, 64 and 256 in bf16 against transformers, a static cache with torch.compile and,
# where its wheels are there, vLLM; a rollout with expected scores; the hand-over; all of ours by TensorRT, too, where it is there;
# DPO against TRL where its wheels are there.
# Each step writes its rows to FOLDER (results) as they come; a step that fails or takes too long is noted, and the next begins.
# At the end, and whenever table.py is called, the table. --tiny with --device cpu tries the whole out in little work.
# Limits add up to 25 minutes; TensorRT's steps, which build engines, to 50 more (--only tensorrt).
set -uo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
device=cuda tiny=false only= out=$here/results
while [ $# -gt 0 ]; do
  case $1 in
    --device) device=$2; shift ;;
    --tiny) tiny=true ;;
    --only) only=$2; shift ;;
    --out) out=$2; shift ;;
    *) echo "run.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift
done
mkdir -p "$out"
java=$here/jdk/bin/java
python=${PEERS_PYTHON:-python3}
model=$here/models/SmolLM2-135M-Instruct.imported
data=$here/shared/data
precision=bf16 dtype=bfloat16 batches=(1 16 64 256) repeats=3 new=128 prompts=32 pairs=176 batch=16 count=8
if [ "$device" = cpu ]; then precision=fp32 dtype=float32; fi
if $tiny; then batches=(1 2) repeats=1 new=4 prompts=2 pairs=2 batch=2 count=1; fi

# CUDA's libraries of PyTorch's own Python, which ONNX Runtime needs too.
libraries=$("$python" - <<'PYTHON' 2>/dev/null
import glob, site, sys
folders = site.getsitepackages() + [site.getusersitepackages()]
print(":".join(p for f in folders for p in sorted(glob.glob(f + "/nvidia/*/lib"))))
PYTHON
)
if [ -d "$here/tensorrt/tensorrt_libs" ]; then libraries=$here/tensorrt/tensorrt_libs${libraries:+:$libraries}; fi
export LD_LIBRARY_PATH=$here/natives${libraries:+:$libraries}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
if [ "$device" = cuda ] && [ -z "${AUTODIDACT_CUDA_RUNTIME:-}" ]; then
  IFS=: read -ra folders <<<"$libraries"
  for folder in ${folders[@]+"${folders[@]}"}; do
    for file in "$folder"/libcudart.so.*; do [ -f "$file" ] && export AUTODIDACT_CUDA_RUNTIME=$file; done
  done
fi
if [ -f "$here/natives/libonnxruntime.so" ]; then export AUTODIDACT_ONNXRUNTIME_LIBRARY=$here/natives/libonnxruntime.so; fi
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$here/cache} MALLOC_ARENA_MAX=4 HF_HUB_OFFLINE=1

jars=${AUTODIDACT_LIBTORCH_JARS:+$AUTODIDACT_LIBTORCH_JARS:}$(ls "$here"/jars/*.jar | tr '\n' ':')
tests=$here/tests/onnxruntime-gpu:$here/tests/onnxruntime:$here/tests/checkpoints
flags=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Xmx4g
  "-Dautodidact.models=$here/models" "-Dautodidact.shared=$here/shared" "-Dautodidact.new=$new")

# step NAME SECONDS COMMAND…: runs a command; its lines of JSON are the rows, all else is its log.
step() {
  local name=$1 limit=$2 began=$SECONDS code
  shift 2
  if [ -n "$only" ] && [[ $name != $only* ]]; then return; fi
  echo "run.sh: $name …" >&2
  timeout "$limit" "$@" >"$out/$name.out" 2>"$out/$name.log"
  code=$?
  grep '^{"' "$out/$name.out" >"$out/$name.jsonl"
  printf '{"step": "%s", "code": %d, "seconds": %d}\n' "$name" "$code" $((SECONDS - began)) >>"$out/steps.jsonl"
  if [ $code -ne 0 ]; then
    echo "run.sh: $name ended with $code; the end of its log:" >&2
    grep -v '^WARNING' "$out/$name.log" | tail -5 >&2
  fi
}
if [ -f "$here/natives/libonnxruntime4j_jni.so" ]; then flags+=("-Donnxruntime.native.path=$here/natives"); fi
provider=$device
run_java() { # step, seconds, property of the generator, class or source, arguments
  local name=$1 limit=$2 generator=$3
  shift 3
  step "$name" "$limit" "$java" "${flags[@]}" "-Dautodidact.provider=$provider" "-Dautodidact.generator=$generator" -cp "$tests:$jars" "$@"
}

rm -f "$out/steps.jsonl"
{
  echo "date: $(date -u +%Y-%m-%dT%H:%MZ)"
  echo "commit: $(cat "$here/commit.txt")"
  echo "device: $device"
  echo "processor: $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $(nproc) cores"
  command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | sed 's/^/gpu: /'
  "$java" -version 2>&1 | head -1 | sed 's/^/java: /'
  "$python" -m pip list 2>/dev/null | grep -i -E '^(torch|transformers|trl|vllm|onnxruntime|nvidia-c|nvidia-cudnn)' | awk '{ print $1 ": " $2 }'
} >"$out/versions.txt"

cd "$here/tests" && mkdir -p src/test && { [ -e src/test/c ] || ln -s "$here/tests/c" src/test/c; }
conformance=(org.autodidact.gpu.StepGeneratorConformanceTest org.autodidact.gpu.ort.OrtBindingTest)
golden=(org.autodidact.gpu.StepGoldenTest)
if [ "$device" = cuda ]; then golden+=(org.autodidact.onnxruntime.gpu.GpuSessionsGoldenTest); conformance=("${conformance[0]}"); fi
run_java tests-conformance 120 onnxruntime-gpu "$here/Tests.java" "${conformance[@]}"
$tiny || run_java tests-golden 240 onnxruntime-gpu "$here/Tests.java" "${golden[@]}"
run_java import 60 onnxruntime-gpu "$here/Import.java" "$here/models/SmolLM2-135M-Instruct.Q4_1.gguf" "$model"
run_java generate 120 onnxruntime-gpu org.autodidact.benchmarks.GenerateBenchmark "$model" "$data/seed_tasks.jsonl" $precision $repeats "${batches[@]}"
run_java handover 60 onnxruntime-gpu "$here/HandOver.java" "$model" $precision "$device" $((repeats + 1))
run_java quality 90 onnxruntime-gpu "$here/Quality.java" "$model" "$data/seed_tasks.jsonl" $precision "$device" $count
run_java rollout 120 onnxruntime-gpu org.autodidact.benchmarks.RolloutBenchmark "$model" "$data/seed_tasks.jsonl" "$here/judge_short.txt" $precision $prompts 3
# By TensorRT, whose engines are built in the first step that needs them.
if [ "$device" = cpu ]; then
  echo "run.sh: tensorrt left out: it has no CPU" >&2
elif IFS=: read -ra folders <<<"$LD_LIBRARY_PATH" && ! ls "${folders[@]/%//libnvinfer.so.10}" 2>/dev/null | grep -q .; then
  echo "run.sh: tensorrt left out: libnvinfer.so.10 is not in LD_LIBRARY_PATH (prepare.sh --tensorrt)" >&2
else
  provider=tensorrt
  run_java tensorrt-tests-conformance 600 onnxruntime-gpu "$here/Tests.java" org.autodidact.gpu.StepGeneratorConformanceTest
  run_java tensorrt-tests-golden 900 onnxruntime-gpu "$here/Tests.java" org.autodidact.gpu.StepGoldenTest
  run_java tensorrt-generate 600 onnxruntime-gpu org.autodidact.benchmarks.GenerateBenchmark "$model" "$data/seed_tasks.jsonl" $precision $repeats "${batches[@]}"
  run_java tensorrt-handover 300 onnxruntime-gpu "$here/HandOver.java" "$model" $precision tensorrt $((repeats + 1))
  run_java tensorrt-quality 300 onnxruntime-gpu "$here/Quality.java" "$model" "$data/seed_tasks.jsonl" $precision tensorrt $count
  run_java tensorrt-rollout 300 onnxruntime-gpu org.autodidact.benchmarks.RolloutBenchmark "$model" "$data/seed_tasks.jsonl" "$here/judge_short.txt" $precision $prompts 3
  provider=$device
fi
step peers-static 240 "$python" "$here/peers.py" static "$model" "$data/seed_tasks.jsonl" --device "$device" --dtype $dtype --batch "${batches[@]}" --repeats $repeats --new $new $($tiny && echo --no-compile)
step peers-transformers 240 "$python" "$here/peers.py" transformers "$model" "$data/seed_tasks.jsonl" --device "$device" --dtype $dtype --batch "${batches[@]}" --repeats $repeats --new $new
if [ "$device" = cpu ] || [ -n "${AUTODIDACT_LIBTORCH_JARS:-}" ]; then
  step train 120 "$java" "${flags[@]}" -cp "$tests:$jars" org.autodidact.benchmarks.TrainBenchmark "$model" "$data/ranked_responses.jsonl" $pairs $batch 512 $precision 0 1 "device=$device"
else
  echo "run.sh: train left out: AUTODIDACT_LIBTORCH_JARS is not set" >&2
fi
# Wheels that the machine's Python has not.
if ls "$here"/wheels/*.whl >/dev/null 2>&1; then
  "$python" -m pip install -q --no-index --no-deps --target "$out/site" "$here"/wheels/*.whl >"$out/wheels.log" 2>&1
  export PYTHONPATH=$out/site${PYTHONPATH:+:$PYTHONPATH}
fi
if "$python" -c 'import trl' 2>/dev/null; then
  step peers-trl 180 "$python" "$here/peers.py" trl "$model" "$data/ranked_responses.jsonl" --device "$device" --dtype $dtype --pairs $pairs --batch $batch
fi
if "$python" -c 'import vllm' 2>/dev/null; then
  step peers-vllm 300 "$python" "$here/peers.py" vllm "$model" "$data/seed_tasks.jsonl" --device "$device" --dtype $dtype --batch "${batches[@]}" --repeats $repeats --new $new
fi
exec "$python" "$here/table.py" "$out"
