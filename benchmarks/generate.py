#!/usr/bin/env python3
"""Times generation against what a user would pick instead, alternating, on the same work, in one run; prints the ratio table.

usage: benchmarks/generate.py [--engines transformers llama.cpp openvino-genai …] [--precision fp32 …] [--batch 16 64] [--rounds 2] [--repeats 3]

Needs the folder of peers' scripts (../shared, or $AUTODIDACT_SHARED), a Python with the peers installed ($PEERS_PYTHON, default
python3), the model as a Hugging Face folder ($MODEL_HF) and as GGUF ($MODEL_GGUF), and for openvino-genai $MODEL_OPENVINO.
Build first: mvn -q install -DskipTests.
"""
import argparse, json, os, statistics, subprocess, sys
here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(here)
shared = os.environ.get("AUTODIDACT_SHARED", os.path.join(root, "..", "shared"))
ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("--engines", nargs="*", default=["transformers"])
ap.add_argument("--precision", nargs="+", default=["fp32"])
ap.add_argument("--batch", nargs="+", default=["16", "64"])
ap.add_argument("--rounds", type=int, default=2)
ap.add_argument("--repeats", type=int, default=3)
a = ap.parse_args()
hf, data = os.environ["MODEL_HF"], os.path.join(shared, "data", "seed_tasks.jsonl")
classpath = os.path.join(root, "benchmarks", "target", "classpath.txt")
if not os.path.exists(classpath):
    subprocess.run(["mvn", "-q", "-ntp", "dependency:build-classpath", "-Dmdep.outputFile=" + classpath, "-pl", "benchmarks"], cwd=root, check=True)
classes = os.path.join(root, "benchmarks", "target", "classes") + ":" + open(classpath).read().strip()
ours = lambda p: ["java", "--add-modules", "jdk.incubator.vector", "-XX:+UseSerialGC", "-cp", classes, "org.autodidact.benchmarks.GenerateBenchmark", hf, data, p, str(a.repeats), *a.batch]
def peer(engine):
    command = [os.environ.get("PEERS_PYTHON", "python3"), os.path.join(shared, "peers", "bench_generate.py"), hf,
               os.environ.get("MODEL_GGUF", "-"), data, "--batch", *a.batch, "--repeats", str(a.repeats), "--engines", engine]
    return command + (["--openvino", os.environ["MODEL_OPENVINO"]] if engine == "openvino-genai" else [])
found = {}
for _ in range(a.rounds):
    for name, command in [("autodidact " + p, ours(p)) for p in a.precision] + [(e, peer(e)) for e in a.engines]:
        out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if out.returncode:
            sys.exit(f"{name} failed: {' '.join(command)}")
        for line in out.stdout.splitlines():
            if line.startswith("{"):
                row = json.loads(line)
                found.setdefault((name, row["batch"]), []).append(row["tokens_per_second"])
                print(name, line, file=sys.stderr, flush=True)
cpu = next(l for l in open("/proc/cpuinfo") if l.startswith("model name")).split(":")[1].strip()
flags = next(l for l in open("/proc/cpuinfo") if l.startswith("flags"))
print(f"{cpu}, {os.cpu_count()} cores, " + " ".join(f for f in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8") if f in flags))
batches = sorted({b for _, b in found})
print("| tokens/s, 64 + 128 tokens | " + " | ".join(f"B {b}" for b in batches) + " |\n|" + "---|" * (len(batches) + 1))
for name in dict.fromkeys(n for n, _ in found):
    print(f"| {name} | " + " | ".join(f"{statistics.median(found[name, b]):.0f}" if (name, b) in found else "–" for b in batches) + " |")
for p in a.precision:
    for b in batches:
        peers = {n: statistics.median(v) for (n, x), v in found.items() if x == b and not n.startswith("autodidact")}
        if peers:
            best = max(peers, key=peers.get)
            print(f"B {b}, {p}: {statistics.median(found['autodidact ' + p, b]) / peers[best]:.2f} × {best}")
