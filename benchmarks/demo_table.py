#!/usr/bin/env python3
"""Selectors, judges and losses on the demo's task, over seeds: a run each, then docs/demo-table.md.

usage: benchmarks/demo_table.py OUT [--seeds 3 4] [--cross] [--threads 0]

One thing at a time differs from the demo's own (max-min, additive, sigmoid); --cross runs all combinations. The M1 of a seed is
fine-tuned once, by the demo's own run. Runs that are in OUT already are not repeated. AUTODIDACT names the command line.
"""
import argparse, itertools, json, os, shutil, statistics, subprocess, sys
import common

SELECTORS = ["max-min", "margin", "best-of-random", "length-controlled", "anchored", "consistency-weighted"]
JUDGES = {"additive": ["--judge", "additive"], "random": ["--judge", "random"], "oracle": ["--judge", "oracle"],
          "additive, mean of 3": ["--set", "judge.samples=3", "--set", "judge.temperature=1", "--set", "judge.top-p=1"]}
LOSSES = ["sigmoid", "ipo", "simpo", "hinge", "sft"]

ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("out")
ap.add_argument("--seeds", nargs="+", default=["3", "4"])
ap.add_argument("--cross", action="store_true")
ap.add_argument("--threads", default="0")
a = ap.parse_args()
autodidact = os.environ.get("AUTODIDACT", os.path.join(common.root, "autodidact"))
own = (SELECTORS[0], "additive", LOSSES[0])
rows = [r for r in itertools.product(SELECTORS, JUDGES, LOSSES) if a.cross or sum(x != y for x, y in zip(r, own)) < 2]


def run(row, seed):
    """What the demo prints of a run; its folder is kept."""
    folder = os.path.join(a.out, "-".join(row).replace(", ", "-").replace(" ", "-") + "-" + seed)
    result = folder + ".json"
    if not os.path.exists(result):
        selector, judge, loss = row
        command = [autodidact, "demo", "--output", folder, "--seed", seed, *JUDGES[judge], "--set", "selector=" + selector,
                   "--set", "preference-training.loss=" + loss, "--set", "compute.threads=" + a.threads, "--json"]
        if row != own:
            command += ["--model", os.path.join(a.out, "-".join(own) + "-" + seed, "M1"), "--set", "fine-tuning=null"]
        with open(folder + ".log", "a") as log:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True)
        if done.returncode:
            raise SystemExit(f"{folder}.log says why it failed: {' '.join(command)}")
        with open(result + ".new", "w") as out:
            out.write(done.stdout.splitlines()[-1])
        os.replace(result + ".new", result)
        if row != own:
            shutil.rmtree(folder)
        print(row, seed, file=sys.stderr, flush=True)
    return json.load(open(result))["iterates"]


def line(row):
    runs = [run(row, seed) for seed in a.seeds]
    column = lambda i, key: statistics.mean(r[i][key] for r in runs)
    gains = [r[-1]["verified_mean"] - o[-1]["verified_mean"] for r, o in zip(runs, own_runs)]
    return " | ".join([f"| {row[0]} | {row[1]} | {row[2]} ", *(f"{column(i, 'verified_mean'):.3f}" for i in range(1, len(runs[0]))),
                       ", ".join(f"{r[-1]['verified_mean']:.3f}" for r in runs), "" if row == own else ", ".join(f"{g:+.3f}" for g in gains),
                       f"{100 * column(-1, 'perfect'):.1f} %", f"{column(-1, 'judge_pairwise_accuracy'):.3f} |"])


os.makedirs(a.out, exist_ok=True)
for seed, row in itertools.product(a.seeds, [own, *rows]):
    run(row, seed)
own_runs = [run(own, seed) for seed in a.seeds]
lines = [line(row) for row in rows]
first = own_runs[0][0]["name"], statistics.mean(r[0]["verified_mean"] for r in own_runs), statistics.mean(r[0]["judge_pairwise_accuracy"] for r in own_runs)
error = statistics.mean(r[-1]["verified_stderr"] for r in own_runs)
with open(os.path.join(common.root, "docs", "demo-table.md"), "w") as out:
    out.write(f"""# Selectors, judges and losses on the demo's task

Written by `benchmarks/demo_table.py OUT --seeds {' '.join(a.seeds)}{' --cross' * a.cross}`; {common.machine()}. What the numbers are: [the demo](demo.md).
Verified points of five over seeds {', '.join(a.seeds)}; {first[0]} has {first[1]:.3f} and its judge {first[2]:.3f}. By the 500 tasks alone a run's last number has a standard error of
{error:.3f}. `sft` fine-tunes on the chosen answers alone. All rows have the demo's learning rate and β, which were found for `sigmoid`.

| selector | judge | loss | M2 | M3 | M3 by seed | less the demo's own | perfect at M3 | own judge at M3, pairwise |
|---|---|---|---|---|---|---|---|---|
""" + "\n".join(lines) + "\n")
