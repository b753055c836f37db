#!/usr/bin/env python3
"""Selectors, judges and losses on the demo's task, over seeds: a run each, then docs/demo-table.md.

usage: benchmarks/demo_table.py OUT [--seeds 3 4] [--cross] [--threads 0] [--table-only]

One thing at a time differs from the demo's own (max-min, additive, sigmoid); --cross runs all combinations. The M1 of a seed is
fine-tuned once, by the demo's own run. Runs that are in OUT already are not repeated, and the table
is written after each; --table-only writes it from those there are. AUTODIDACT names the command line.
"""
import argparse, itertools, json, os, shutil, statistics, subprocess, sys
import common

SELECTORS = ["max-min", "margin", "best-of-random", "length-controlled", "anchored", "temporal", "consistency-weighted"]
JUDGES = {"additive": ["--judge", "additive"], "random": ["--judge", "random"], "oracle": ["--judge", "oracle"],
          "additive, mean of 3": ["--set", "judge.samples=3", "--set", "judge.temperature=1", "--set", "judge.top-p=1"]}
LOSSES = ["sigmoid", "ipo", "simpo", "hinge", "sft"]

ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("out")
ap.add_argument("--seeds", nargs="+", default=["3", "4"])
ap.add_argument("--cross", action="store_true")
ap.add_argument("--threads", default="0")
ap.add_argument("--table-only", action="store_true")
a = ap.parse_args()
autodidact = os.environ.get("AUTODIDACT", os.path.join(common.root, "autodidact"))
own = (SELECTORS[0], "additive", LOSSES[0])
rows = [r for r in itertools.product(SELECTORS, JUDGES, LOSSES) if a.cross or sum(x != y for x, y in zip(r, own)) < 2]


def name(row, seed):
    return os.path.join(a.out, "-".join(row).replace(", ", "-").replace(" ", "-") + "-" + seed)


def run(row, seed):
    """One demo; what it prints is kept, its folder only where others take their M1 from it."""
    folder = name(row, seed)
    selector, judge, loss = row
    command = [autodidact, "demo", "--output", folder, "--seed", seed, *JUDGES[judge], "--set", "selector=" + selector,
               "--set", "preference-training.loss=" + loss, "--set", "compute.threads=" + a.threads, "--json"]
    if row != own:
        command += ["--model", os.path.join(name(own, seed), "M1"), "--set", "fine-tuning=null"]
    with open(folder + ".log", "a") as log:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True)
    if done.returncode:
        raise SystemExit(f"{folder}.log says why it failed: {' '.join(command)}")
    with open(folder + ".new", "w") as out:
        out.write(done.stdout.splitlines()[-1])
    os.replace(folder + ".new", folder + ".json")
    if row != own:
        shutil.rmtree(folder)


def found(row):
    """By seed, M1, M2 and M3 of the runs that are there."""
    return {seed: json.load(open(name(row, seed) + ".json"))["iterates"] for seed in a.seeds if os.path.exists(name(row, seed) + ".json")}


def line(row):
    runs = found(row)
    mean = lambda i, key: statistics.mean(r[i][key] for r in runs.values())
    less = {seed: r[-1]["verified_mean"] - found(own)[seed][-1]["verified_mean"] for seed, r in runs.items()}
    by_seed = ", ".join(f"{seed}: {r[-1]['verified_mean']:.3f}" + f" ({less[seed]:+.3f})" * (row != own) for seed, r in runs.items())
    return f"| {' | '.join(row)} | {mean(1, 'verified_mean'):.3f} | {mean(2, 'verified_mean'):.3f} | {by_seed} | " \
        f"{100 * mean(-1, 'perfect'):.1f} % | {mean(-1, 'judge_pairwise_accuracy'):.3f} |"


def write():
    own_runs = found(own).values()
    mean = lambda i, key: statistics.mean(r[i][key] for r in own_runs)
    there = [row for row in rows if found(row)]
    with open(os.path.join(common.root, "docs", "demo-table.md"), "w") as out:
        out.write(f"""# Selectors, judges and losses on the demo's task

Written by `benchmarks/demo_table.py OUT --seeds {' '.join(a.seeds)}{' --cross' * a.cross}{f' --threads {a.threads}' * (a.threads != '0')}`; {common.machine()}. What the numbers are: [the demo](demo.md).
Verified points of five, means over the seeds that were run, which a column names. M1 has {mean(0, 'verified_mean'):.3f}, its judge {mean(0, 'judge_pairwise_accuracy'):.3f}; the 500 tasks
alone give a run's M3 a standard error of {mean(-1, 'verified_stderr'):.3f}. `sft` fine-tunes on the chosen answers alone. All rows have the demo's learning rate and β, which were
found for `sigmoid`. `anchored` and `consistency-weighted` differ from `max-min` in the second iteration alone, as the runs begin with M1; `margin` (1 point)
takes nothing away where judgements are whole points.

| selector | judge | loss | M2 | M3 | M3 by seed (less the demo's own) | perfect at M3 | own judge at M3, pairwise |
|---|---|---|---|---|---|---|---|
""" + "\n".join(map(line, there)) + "\n")


os.makedirs(a.out, exist_ok=True)
for seed, row in itertools.product(a.seeds, [own, *rows]):
    if not a.table_only and seed not in found(row):
        run(row, seed)
        print(*row, seed, file=sys.stderr, flush=True)
        write()
write()
