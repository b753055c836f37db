#!/usr/bin/env python3
"""Prints what run.sh has measured so far, as Markdown. usage: table.py RESULTS"""
import json, os, statistics, sys

out = sys.argv[1]


def lines(name):
    """A file's rows; a last one that was cut is none."""
    path, found = os.path.join(out, name), []
    for line in open(path, errors="replace") if os.path.exists(path) else ():
        try:
            if line.startswith('{"'):
                found.append(json.loads(line))
        except ValueError:
            pass
    return found


def rows(name):
    return lines(name + ".out")


versions = os.path.join(out, "versions.txt")
print(open(versions).read() if os.path.exists(versions) else "no versions\n")
ours = {"autodidact": rows("generate"), "autodidact by tensorrt": rows("tensorrt-generate")}
peers = {n: rows("peers-" + n) for n in ("static", "transformers", "vllm")}
speeds = {**ours, **peers}
batches = sorted({r["batch"] for found in speeds.values() for r in found})
if batches:
    new = next(r["new_tokens"] for found in speeds.values() for r in found)
    print(f"| tokens/s, 64 + {new} tokens | " + " | ".join(f"B {b}" for b in batches) + " |\n|" + "---|" * (len(batches) + 1))
    for name, found in speeds.items():
        by = {r["batch"]: r for r in found}
        if by:
            precision = next(iter(by.values()))["precision"]
            print(f"| {name}, {precision} | " + " | ".join(f"{by[b]['tokens_per_second']:,.0f}" if b in by else "–" for b in batches) + " |")
    for own, found in ours.items():
        speed = {r["batch"]: r["tokens_per_second"] for r in found}
        for name in peers:
            ratios = [f"{speed[r['batch']] / r['tokens_per_second']:.2f} (B {r['batch']})" for r in peers[name] if r["batch"] in speed]
            if ratios:
                print(f"\n{own} against {name}: {', '.join(ratios)} ×")
trained = {}
for r in rows("dpo"):
    if r["name"] != "warm-up":
        trained.setdefault(r["name"], []).append(r)
if trained:
    middle = lambda name, key: statistics.median(r[key] for r in trained[name])
    print("\n| DPO | pairs | seconds, start counted | tokens/s after the start | memory, MB | losses |\n|---|---|---|---|---|---|")
    for name, found in trained.items():
        memory = middle(name, "memory_mb")
        print(f"| {name} | {found[0]['pairs']} | {middle(name, 'seconds_from_process_start'):.1f} | {middle(name, 'tokens_per_second'):,.0f} | "
              + (f"{memory:,.0f}" if memory > 0 else "–") + " | " + " ".join(f"{float(x):.4f}" for x in found[0]["losses"][:4]) + " |")
    own, peer = (next((n for n in trained if n.startswith(p)), None) for p in ("autodidact", "TRL"))
    if own and peer:
        print(f"\n{own} against {peer}: {middle(peer, 'seconds_from_process_start') / middle(own, 'seconds_from_process_start'):.2f} × as fast"
              + (f", {middle(own, 'memory_mb') / middle(peer, 'memory_mb'):.2f} × the memory" if middle(own, "memory_mb") > 0 < middle(peer, "memory_mb") else ""))
measured = ("rollout", "handover", "quality", "tests-conformance", "tests-golden")
for name in measured + tuple("tensorrt-" + n for n in measured):
    for i, r in enumerate(rows(name)):
        warm = " (warms up; not to be counted)" if name.endswith("rollout") and i == 0 else ""
        print(f"\n{name}{warm}: " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in r.items() if k not in ("engine", "what")))
steps = {s["step"]: s for s in lines("steps.jsonl")}
run = {n: s for n, s in steps.items() if "left_out" not in s}
left = [f"- {n}: {s['left_out']}" for n, s in steps.items() if "left_out" in s]
cut = [f"{n} (limit {s['limit']} s)" if s.get("over") else f"{n} (stopped)" for n, s in run.items() if "code" not in s or s["over"]]
failed = [f"{n} ({s['code']})" for n, s in run.items() if s.get("code") and not s["over"]]
print(f"\n{len(run)} steps in {sum(s.get('seconds', 0) for s in run.values())} s" if run else "\nNo step was run.")
if cut:
    print("\nCut, what they had until then is above: " + ", ".join(cut))
if failed:
    print("\nFailed: " + ", ".join(failed))
if run and not cut and not failed:
    print("\nNone failed." if not left else "\nNone of them failed.")
if left:
    print("\nLeft out:\n\n" + "\n".join(left))
sys.exit(0 if run and not cut and not failed else 1)
