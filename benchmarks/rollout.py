#!/usr/bin/env python3
"""Times the rollout of an iteration against OpenVINO GenAI, the fastest peer found on a CPU, alternating, on the same work, in one run.

The work: 32 prompts × 4 candidates × 128 tokens, then 3 sampled judgements of each × 64 tokens; ours also gives one expected score of each.

usage: benchmarks/rollout.py [--rounds 2] [--precision auto]

Needs ../shared (or $AUTODIDACT_SHARED), a Python with openvino-genai and transformers ($PEERS_PYTHON, default python3), the model as a
Hugging Face folder ($MODEL_HF) and for OpenVINO ($MODEL_OPENVINO). Build first: mvn -q install -DskipTests.
"""
import argparse, json, os, statistics, subprocess, sys
here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(here)
shared = os.environ.get("AUTODIDACT_SHARED", os.path.join(root, "..", "shared"))
ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("--rounds", type=int, default=2)
ap.add_argument("--precision", default="auto")
a = ap.parse_args()
hf, data = os.environ["MODEL_HF"], os.path.join(shared, "data", "seed_tasks.jsonl")
classpath = os.path.join(root, "benchmarks", "target", "classpath.txt")
if not os.path.exists(classpath):
    subprocess.run(["mvn", "-q", "-ntp", "dependency:build-classpath", "-Dmdep.outputFile=" + classpath, "-pl", "benchmarks"], cwd=root, check=True)
classes = os.path.join(root, "benchmarks", "target", "classes") + ":" + open(classpath).read().strip()
commands = {
    "autodidact": ["java", "--add-modules", "jdk.incubator.vector", "-XX:+UseSerialGC", "-cp", classes,
                   "org.autodidact.benchmarks.RolloutBenchmark", hf, data, os.path.join(shared, "golden", "judge_prompt.txt"), a.precision],
    "openvino-genai": [os.environ.get("PEERS_PYTHON", "python3"), os.path.join(shared, "peers", "bench_rollout.py"), hf, data,
                       "--openvino", os.environ["MODEL_OPENVINO"]]}
found = {name: [] for name in commands}
for _ in range(a.rounds):
    for name, command in commands.items():
        out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if out.returncode:
            sys.exit(f"{name} failed: {' '.join(command)}")
        found[name] += [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{")]
        print(name, json.dumps(found[name][-1]), file=sys.stderr, flush=True)
cpu = next(l for l in open("/proc/cpuinfo") if l.startswith("model name")).split(":")[1].strip()
flags = next(l for l in open("/proc/cpuinfo") if l.startswith("flags"))
print(f"{cpu}, {os.cpu_count()} cores, " + " ".join(f for f in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8") if f in flags))
middle = lambda name, key: statistics.median(row[key] for row in found[name])
peer = middle("openvino-genai", "seconds")
sampled = middle("autodidact", "seconds")
expected = statistics.median(r["candidate_seconds"] + r["expected_score_seconds"] for r in found["autodidact"])
print("| seconds | autodidact | openvino-genai | ratio |\n|---|---|---|---|")
print(f"| candidates and sampled judgements | {sampled:.1f} | {peer:.1f} | {peer / sampled:.2f} |")
print(f"| candidates and expected scores (the peer's judgements are sampled) | {expected:.1f} | {peer:.1f} | {peer / expected:.2f} |")
