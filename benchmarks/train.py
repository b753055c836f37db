#!/usr/bin/env python3
"""Times DPO against TRL, alternating, on the same pairs, in one run; prints the table of speed and memory.

usage: benchmarks/train.py [--pairs 16] [--rounds 1] [--epochs 1] [--kinds fp32 bf16 ours lora quantized adafactor]

lora (rank 16), quantized (the same beside a base in 8 bits) and adafactor are ours, in float32, against our own float32. ours is fp32 without TRL. Needs ../shared (or $AUTODIDACT_SHARED), a Python with TRL ($PEERS_PYTHON,
default python3) and the model as a Hugging Face folder ($MODEL_HF). Build first: mvn -q install -DskipTests.
"""
import argparse, json, os, statistics, sys
import common

ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("--pairs", default="16")
ap.add_argument("--epochs", default="1", help="ours; TRL's script makes one")
ap.add_argument("--rounds", type=int, default=1)
ap.add_argument("--kinds", nargs="+", default=["fp32", "lora"])
a = ap.parse_args()
hf = os.environ["MODEL_HF"]
ranked = os.path.join(common.shared, "data", "ranked_responses.jsonl")


def ours(precision, rank="0", *more):
    return common.java("TrainBenchmark", hf, ranked, a.pairs, "4", "512", precision, rank, a.epochs, *more)


def trl(*more):
    return common.peer("bench_dpo.py", hf, ranked, "--pairs", a.pairs, "--batch", "4", "--max-length", "512", *more)


kinds = {"fp32": [("TRL fp32", trl()), ("autodidact fp32", ours("fp32"))],
         "bf16": [("TRL bf16", trl("--bf16")), ("autodidact bf16", ours("bf16"))],
         "lora": [("autodidact LoRA", ours("fp32", "16"))],
         "quantized": [("autodidact LoRA, 8 bits", ours("fp32", "16", "quantized"))],
         "ours": [("autodidact fp32", ours("fp32"))],
         "adafactor": [("autodidact Adafactor", ours("fp32", "0", "adafactor"))]}
commands = [c for kind in a.kinds for c in kinds[kind]]
found = {}
for _ in range(a.rounds):
    for name, command in commands:
        found.setdefault(name, []).extend(common.rows(name, command))
        print(name, json.dumps(found[name][-1]), file=sys.stderr, flush=True)
print(common.origin())
middle = lambda name, key: statistics.median(row[key] for row in found[name])
against = {"autodidact fp32": "TRL fp32", "autodidact bf16": "TRL bf16", "autodidact LoRA": "autodidact fp32",
           "autodidact LoRA, 8 bits": "autodidact fp32", "autodidact Adafactor": "autodidact fp32"}
print(f"| {a.pairs} pairs | tokens/s | ratio | of an opened model | peak memory, MB | ratio | losses of the first steps |\n|---|---|---|---|---|---|---|")
for name, rows in found.items():
    ratio = [f"{middle(name, k) / middle(against[name], k):.2f}" if against.get(name) in found else "" for k in ("tokens_per_second", "peak_rss_mb")]
    # TRL's clock starts when its model is there.
    opened = f"{middle(name, 'tokens_per_second_opened') / middle(against[name], 'tokens_per_second'):.2f}" if "TRL" in against.get(name, "") and ratio[0] else ""
    losses = " ".join(f"{float(x):.4f}" for x in rows[0]["losses"][:4])
    print(f"| {name} | {middle(name, 'tokens_per_second'):.1f} | {ratio[0]} | {opened} | {middle(name, 'peak_rss_mb'):,.0f} | {ratio[1]} | {losses} |")
