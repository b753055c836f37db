#!/usr/bin/env python3
"""Prints what run.sh has measured so far, as Markdown. usage: table.py RESULTS"""
import glob, json, os, sys

out = sys.argv[1]


def rows(name):
    path = os.path.join(out, name + ".jsonl")
    return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


versions = os.path.join(out, "versions.txt")
print("; ".join(line.strip() for line in open(versions)) if os.path.exists(versions) else "no versions", "\n")
speeds = {"autodidact": rows("generate"), "autodidact by tensorrt": rows("tensorrt-generate"), **{n: rows("peers-" + n) for n in ("transformers", "static", "vllm")}}
batches = sorted({r["batch"] for found in speeds.values() for r in found})
if batches:
    new = next(r["new_tokens"] for found in speeds.values() for r in found)
    print(f"| tokens/s, 64 + {new} tokens | " + " | ".join(f"B {b}" for b in batches) + " |\n|" + "---|" * (len(batches) + 1))
    for name, found in speeds.items():
        by = {r["batch"]: r for r in found}
        if by:
            precision = next(iter(by.values()))["precision"]
            print(f"| {name}, {precision} | " + " | ".join(f"{by[b]['tokens_per_second']:,.0f}" if b in by else "–" for b in batches) + " |")
    ours = {r["batch"]: r["tokens_per_second"] for r in speeds["autodidact"]}
    for name in ("transformers", "static", "vllm"):
        ratios = [f"{ours[r['batch']] / r['tokens_per_second']:.2f}" for r in speeds[name] if r["batch"] in ours]
        if ratios:
            print(f"\nAgainst {name}: {' / '.join(ratios)} ×")
trained = rows("train") + rows("peers-trl")
if trained:
    print("\n| DPO | pairs | tokens/s, opening counted | seconds |\n|---|---|---|---|")
    for r in trained:
        print(f"| {r['trainer']}, {r['precision']} | {r['pairs']} | {r['tokens_per_second']:,.0f} | {r['seconds']} |")
own = ("rollout", "handover", "quality", "tests-conformance", "tests-golden")
for name in own + tuple("tensorrt-" + n for n in own):
    for r in rows(name):
        print(f"\n{name}: " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in r.items() if k not in ("engine", "what")))
steps = rows("steps")
failed = [f"{s['step']} ({s['code']})" for s in steps if s["code"]]
print(f"\n{len(steps)} steps in {sum(s['seconds'] for s in steps)} s; " + ("failed: " + ", ".join(failed) if failed else "none failed"))
sys.exit(1 if failed else 0)
