#!/usr/bin/env python3
"""Times generation against what a user would pick instead, alternating, on the same work, in one run; prints the ratio table.

usage: benchmarks/generate.py [--engines transformers llama.cpp openvino-genai …] [--precision fp32 …] [--batch 16 64] [--rounds 2] [--repeats 3]

Needs the folder of peers' scripts (../shared, or $AUTODIDACT_SHARED), a Python with the peers installed ($PEERS_PYTHON, default
python3), the model as a Hugging Face folder ($MODEL_HF) and as GGUF ($MODEL_GGUF), and for openvino-genai $MODEL_OPENVINO.
Build first: mvn -q install -DskipTests.
"""
import argparse, json, os, statistics, sys
import common

ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("--engines", nargs="*", default=["transformers"])
ap.add_argument("--precision", nargs="+", default=["fp32"])
ap.add_argument("--batch", nargs="+", default=["16", "64"])
ap.add_argument("--rounds", type=int, default=2)
ap.add_argument("--repeats", type=int, default=3)
a = ap.parse_args()
hf = os.environ["MODEL_HF"]


def peer(engine):
    command = common.peer("bench_generate.py", hf, os.environ.get("MODEL_GGUF", "-"), common.data,
                          "--batch", *a.batch, "--repeats", str(a.repeats), "--engines", engine)
    return command + (["--openvino", os.environ["MODEL_OPENVINO"]] if engine == "openvino-genai" else [])


commands = {"autodidact " + p: common.java("GenerateBenchmark", hf, common.data, p, str(a.repeats), *a.batch) for p in a.precision}
commands.update({e: peer(e) for e in a.engines})
found = {}
for _ in range(a.rounds):
    for name, command in commands.items():
        for row in common.rows(name, command):
            found.setdefault((name, row["batch"]), []).append(row["tokens_per_second"])
            print(name, json.dumps(row), file=sys.stderr, flush=True)
print(common.origin())
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
