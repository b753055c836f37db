#!/usr/bin/env python3
"""Trains 200 steps and prints the resident memory at some of them: it must not grow.

usage: benchmarks/train_memory.py [--rank 16] [--pairs 7] [--max-length 112] [--passes 29]

One pair a step, in float32, by LoRA of the rank (0: all parameters). Needs ../shared (or $AUTODIDACT_SHARED) and the model as a Hugging Face folder
($MODEL_HF). Build first: mvn -q install -DskipTests.
"""
import argparse, os
import common

ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("--rank", default="16")
ap.add_argument("--pairs", default="7")
ap.add_argument("--max-length", default="112")
ap.add_argument("--passes", default="29")
a = ap.parse_args()
ranked = os.path.join(common.shared, "data", "ranked_responses.jsonl")
row = common.rows("training", common.java("TrainBenchmark", os.environ["MODEL_HF"], ranked, a.pairs, "1", a.max_length, "fp32", a.rank, a.passes))[0]
resident = row["rss_mb"]
print(common.origin())
print("| step | " + " | ".join(str(s) for s in range(20, len(resident) + 1, 20)) + " | highest |")
print("| resident, MB | " + " | ".join(f"{resident[s - 1]:,}" for s in range(20, len(resident) + 1, 20)) + f" | {row['peak_rss_mb']:,} |")
