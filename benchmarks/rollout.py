#!/usr/bin/env python3
"""Times the rollout of an iteration against OpenVINO GenAI, the fastest peer found on a CPU, alternating, on the same work, in one run.

The work: 32 prompts × 4 candidates × 128 tokens, then 3 sampled judgements of each × 64 tokens; ours also gives one expected score of each.

usage: benchmarks/rollout.py [--rounds 2] [--precision auto]

Needs ../shared (or $AUTODIDACT_SHARED), a Python with openvino-genai and transformers ($PEERS_PYTHON, default python3), the model as a
Hugging Face folder ($MODEL_HF) and for OpenVINO ($MODEL_OPENVINO). Build first: mvn -q install -DskipTests.
"""
import argparse, json, os, statistics, sys
import common

ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("--rounds", type=int, default=2)
ap.add_argument("--precision", default="auto")
a = ap.parse_args()
hf = os.environ["MODEL_HF"]
commands = {
    "autodidact": common.java("RolloutBenchmark", hf, common.data, os.path.join(common.shared, "golden", "judge_prompt.txt"), a.precision),
    "openvino-genai": common.peer("bench_rollout.py", hf, common.data, "--openvino", os.environ["MODEL_OPENVINO"])}
found = {name: [] for name in commands}
for _ in range(a.rounds):
    for name, command in commands.items():
        found[name] += common.rows(name, command)
        print(name, json.dumps(found[name][-1]), file=sys.stderr, flush=True)
print(common.origin())
middle = lambda name, key: statistics.median(row[key] for row in found[name])
peer = middle("openvino-genai", "seconds")
sampled = middle("autodidact", "seconds")
expected = statistics.median(r["candidate_seconds"] + r["expected_score_seconds"] for r in found["autodidact"])
print("| seconds | autodidact | openvino-genai | ratio |\n|---|---|---|---|")
print(f"| candidates and sampled judgements | {sampled:.1f} | {peer:.1f} | {peer / sampled:.2f} |")
print(f"| candidates and expected scores (the peer's judgements are sampled) | {expected:.1f} | {peer:.1f} | {peer / expected:.2f} |")
