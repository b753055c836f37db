#!/usr/bin/env bash
# usage: benchmarks/gpu/prepare.sh [--cpu] [--natives] [--libtorch] [--tensorrt] [--trl] [--vllm] [--parts] [FOLDER]
# Gathers what benchmarks/gpu/run.sh needs on a machine with a GPU that reaches no network, into FOLDER (the repository's target/gpu;
# one that this script made before is replaced, any other is refused): our jars and test classes, a small JDK, the model, the data,
# the scripts; with --natives ONNX Runtime for CUDA 13 (its Python wheel), with --libtorch libtorch for CUDA 12 (gigabytes), which training
# needs there, with --tensorrt TensorRT 10's libraries for CUDA 13 (gigabytes; PyPI's package fetches them from NVIDIA's own
# index, which must be reached), with --trl TRL's wheels, with --vllm vLLM's (gigabytes, with all that it needs), with --cpu libtorch
# for CPUs, to try training there. CUDA's libraries, PyTorch and transformers are taken from the machine's own Python. With --parts,
# FOLDER.parts/ has the same as an archive in parts of 56 MiB, for a machine that takes no larger files.
# Needs a JDK 22 or newer ($AUTODIDACT_JDK25, $JAVA_25_HOME or in /usr/lib/jvm), and the golden and data files of $AUTODIDACT_SHARED
# (shared/ beside the repository).
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
shared=${AUTODIDACT_SHARED:-$PWD/../shared}
cpu=false parts=false natives=false libtorch=false tensorrt=false trl=false vllm=false folder=$PWD/target/gpu
absolute() { case $1 in /*) echo "$1" ;; *) echo "$caller/$1" ;; esac; }
fail() { echo "prepare.sh: $1" >&2; exit 2; }
for option in "$@"; do
  case $option in
    --cpu) cpu=true ;;
    --parts) parts=true ;;
    --natives) natives=true ;;
    --libtorch) libtorch=true ;;
    --tensorrt) tensorrt=true ;;
    --trl) trl=true ;;
    --vllm) vllm=true ;;
    -*) fail "unknown option $option; there are --cpu, --natives, --libtorch, --tensorrt, --trl, --vllm, --parts" ;;
    *) folder=$(absolute "$option") ;;
  esac
done
# All that can be refused, before anything is built or removed.
shared=$(absolute "$shared")
for file in golden data/seed_tasks.jsonl data/ranked_responses.jsonl; do
  [ -e "$shared/$file" ] || fail "$shared/$file is not there; set AUTODIDACT_SHARED to the folder that has golden/ and data/"
done
folder=$(realpath -m "$folder")
made=.made-by-prepare.sh
for old in "$folder" "$folder.parts"; do
  if [ -e "$old" ] && [ ! -f "$old/$made" ] && ! rmdir "$old" 2>/dev/null; then
    fail "$old is there and was not made by this script; remove it or name another folder"
  fi
done
home=
for candidate in "${AUTODIDACT_JDK25:-}" "${JAVA_25_HOME:-}" /usr/lib/jvm/*; do
  [ -n "$candidate" ] && [ -x "$candidate/bin/javac" ] || continue
  version=$("$candidate/bin/javac" -version 2>&1 | sed -E 's/^javac ([0-9]+).*/\1/')
  if [ "$version" -ge 22 ] 2>/dev/null; then home=$candidate; break; fi
done
[ -n "$home" ] || { echo "prepare.sh: no JDK 22 or newer in \$AUTODIDACT_JDK25, \$JAVA_25_HOME or /usr/lib/jvm" >&2; exit 1; }
mvn=mvn
command -v mvn >/dev/null || mvn=./mvnw
maven() { JAVA_HOME=$home "$mvn" -q -B -ntp ${MAVEN_OFFLINE:+-o} -Dspotless.check.skip=true "$@"; }
scripts/fetch-model.sh
rm -rf "$folder"
mkdir -p "$folder/jars"
touch "$folder/$made"

echo "prepare.sh: jars" >&2
# Copied while the reactor is built, so that our own modules are those just built; compile scope would leave out JUnit.
maven -pl plugins/onnxruntime-gpu,benchmarks,plugins/djl-pytorch -am -DskipTests -Dforbiddenapis.skip=true package \
  dependency:copy-dependencies -DexcludeGroupIds=org.autodidact -DoutputDirectory="$folder/jars"
# Each module's jar and test classes, and what they need beside them.
for module in engine-api engine-impl conformance-tests benchmarks plugins/onnxruntime plugins/onnxruntime-gpu plugins/djl-pytorch \
  plugins/libraries/checkpoints plugins/libraries/vectors plugins/libraries/hub; do
  cp "$(ls -t "$module"/target/autodidact-*.jar | grep -v -e -sources -e -javadoc -e '[0-9]-tests' | head -1)" "$folder/jars/"
  if [ -d "$module/target/test-classes" ] && [[ $module = plugins/onnxruntime* || $module = */checkpoints ]]; then
    mkdir -p "$folder/tests/$(basename "$module")"
    cp -r "$module/target/test-classes/." "$folder/tests/$(basename "$module")"
  fi
done
cp -r plugins/onnxruntime-gpu/src/test/c "$folder/tests/c"
$cpu || rm -f "$folder"/jars/pytorch-native-cpu-*.jar
launcher=$(sed -n 's|.*<junit.version>5\.\(.*\)</junit.version>.*|1.\1|p' pom.xml)
maven dependency:copy -N -Dartifact=org.junit.platform:junit-platform-launcher:"$launcher" -DoutputDirectory="$folder/jars"
"$home/bin/jlink" --add-modules java.se,jdk.unsupported,jdk.incubator.vector,jdk.compiler,jdk.zipfs,jdk.management --strip-debug \
  --no-header-files --no-man-pages --output "$folder/jdk"

echo "prepare.sh: model, data, scripts" >&2
# As GGUF, which is a fifth of the size; it is imported there as it is here.
mkdir -p "$folder/models"
cp models/SmolLM2-135M-Instruct.Q4_1.gguf "$folder/models/"
mkdir -p "$folder/shared/golden" "$folder/shared/data"
cp -r "$shared/golden/." "$folder/shared/golden/"
cp "$shared/data/seed_tasks.jsonl" "$shared/data/ranked_responses.jsonl" "$folder/shared/data/"
cp benchmarks/gpu/*.java benchmarks/gpu/*.py benchmarks/gpu/*.sh benchmarks/judge_short.txt autodidact "$folder/"
mkdir -p "$folder/benchmarks"  # the launcher is one level up from these, as in the repository
cp benchmarks/train_gpu.py benchmarks/trl_dpo.py benchmarks/common.py "$folder/benchmarks/"
git log -1 --format='%h %cs' >"$folder/commit.txt"

pip() { "${PEERS_PYTHON:-python3}" -m pip download -q --only-binary=:all: "$@"; }
if $natives; then
  echo "prepare.sh: ONNX Runtime for CUDA" >&2
  pip --no-deps -d "$folder/wheels" "onnxruntime-gpu==$(sed -n 's|.*<onnxruntime.version>\(.*\)</onnxruntime.version>.*|\1|p' pom.xml)"
  mkdir -p "$folder/natives"
  python3 - "$folder" <<'PYTHON'
import glob, os, sys, zipfile
folder = sys.argv[1]
wheel = glob.glob(folder + "/wheels/onnxruntime_gpu-*.whl")[0]
with zipfile.ZipFile(wheel) as z:
    for name in z.namelist():
        base = os.path.basename(name)
        if base.startswith("libonnxruntime") and ".so" in base:
            plain = base.split(".so")[0] + ".so"
            open(os.path.join(folder, "natives", plain), "wb").write(z.read(name))
os.remove(wheel)
jar = glob.glob(folder + "/jars/onnxruntime-1*.jar")[0]
with zipfile.ZipFile(jar) as z:  # for Java's own interface, which some tests use
    name = "libonnxruntime4j_jni.so"
    open(os.path.join(folder, "natives", name), "wb").write(z.read("ai/onnxruntime/native/linux-x64/" + name))
PYTHON
fi
if $libtorch; then
  echo "prepare.sh: libtorch for CUDA" >&2
  # Of PyTorch's own wheels: DJL's jar for CUDA is not on Maven Central. Only the libraries are kept, in the folders in which they
  # look for each other; libtorch_python would need a Python.
  version=$(sed -n 's|.*<libtorch.version>\(.*\)</libtorch.version>.*|\1|p' pom.xml)
  "${PEERS_PYTHON:-python3}" -m pip install -q --no-compile --only-binary=:all: --target "$folder/libtorch.all" "torch==$version"
  mkdir -p "$folder/libtorch/torch"
  mv "$folder/libtorch.all/nvidia" "$folder/libtorch.all/cusparselt" "$folder/libtorch/"
  mv "$folder/libtorch.all/torch/lib" "$folder/libtorch/torch/"
  rm -rf "$folder/libtorch.all" "$folder"/libtorch/torch/lib/libtorch_python.so "$folder"/libtorch/nvidia/*/include
fi
if $tensorrt; then
  echo "prepare.sh: TensorRT" >&2
  # ONNX Runtime's provider is linked with libnvinfer.so.10 and CUDA 13.
  "${PEERS_PYTHON:-python3}" -m pip install -q --no-deps --target "$folder/tensorrt" 'tensorrt-cu13-libs<11' ||
    echo "prepare.sh: TensorRT's libraries could not be had: NVIDIA's index is not reached from here; left out" >&2
fi
# Each in a folder of its own: what vLLM brings must not be under TRL.
if $trl; then
  pip --no-deps -d "$folder/wheels/trl" trl datasets dill multiprocess || echo "prepare.sh: TRL's wheels could not be had; left out" >&2
fi
if $vllm; then
  pip -d "$folder/wheels/vllm" vllm || echo "prepare.sh: vLLM's wheels could not be had or do not fit this Python; left out" >&2
fi

if $parts; then
  rm -rf "$folder.parts"
  mkdir -p "$folder.parts"
  touch "$folder.parts/$made"
  tar -C "$(dirname "$folder")" -c "$(basename "$folder")" | xz -T0 -3 | split -b 56M - "$folder.parts/part."
  echo "there: cat part.* | xz -d | tar x"
fi
du -sh "$folder"*
echo "then: $(basename "$folder")/run.sh --device cuda"
