"""Makes judge_metrics.json: synthetic scores and what scipy and plain Python say of them.

    python judge_metrics.py > ../resources/org/autodidact/engine/evaluation/judge_metrics.json

Nothing of it is shared with the Java code: the definitions are read from JudgeMetrics' Javadoc.
"""
import itertools
import json
import math
import random
import sys

from scipy.stats import kendalltau, spearmanr


def mean(values):
    values = [v for v in values if not math.isnan(v)]
    return sum(values) / len(values) if values else float("nan")


def make(random, instructions, fine, missing, shown):
    data = []
    for _ in range(instructions):
        answers = []
        for _ in range(random.randint(2, 6)):
            quality = random.choice([random.random(), random.randint(0, 3) / 4])
            noise = random.gauss(0, 0.4)
            score = max(0.0, min(5.0, 5 * quality + 2.5 * noise))
            score = score if fine else float(round(score))
            length = random.randint(0, 40)
            if random.random() < missing:
                samples = [{"score": None, "shown": "ALONE"}]
            elif shown:
                bias = random.uniform(0, 0.3)
                samples = [
                    {"score": min(5.0, score + bias), "shown": "FIRST"},
                    {"score": max(0.0, score - bias), "shown": "SECOND"},
                ]
            else:
                samples = [{"score": score, "shown": "ALONE"}]
                if random.random() < 0.2:
                    samples.append({"score": None, "shown": "ALONE"})
            answers.append({"quality": quality, "length": length, "samples": samples})
        data.append(answers)
    return data


def score(answer):
    given = [s["score"] for s in answer["samples"] if s["score"] is not None]
    return sum(given) / len(given) if given else None


def metrics(data):
    answers = [a for row in data for a in row]
    samples = [s for a in answers for s in a["samples"]]
    pairs = []
    for row in data:
        for a, b in itertools.permutations(row, 2):
            if a["quality"] > b["quality"] and score(a) is not None and score(b) is not None:
                pairs.append((score(a) - score(b), a["length"] - b["length"]))
    right = [1.0 if d > 0 else 0.5 if d == 0 else 0.0 for d, _ in pairs]
    fives, exact, rho, tau = [], [], [], []
    for row in data:
        best = max(a["quality"] for a in row)
        fives += [float(a["quality"] == best) for a in row if score(a) == 5]
        if all(score(a) is not None for a in row):
            exact.append(
                float(
                    all(
                        score(a) > score(b)
                        for a, b in itertools.permutations(row, 2)
                        if a["quality"] > b["quality"]
                    )
                )
            )
        known = [(score(a), a["quality"]) for a in row if score(a) is not None]
        x, y = [k[0] for k in known], [k[1] for k in known]
        if len(set(x)) > 1 and len(set(y)) > 1:
            rho.append(float(spearmanr(x, y).statistic))
            tau.append(float(kendalltau(x, y, variant="b").statistic))
    untied = [(d, l) for d, l in pairs if d != 0 and l != 0]
    known = [(score(a), a["length"]) for a in answers if score(a) is not None]
    first = [s["score"] for s in samples if s["shown"] == "FIRST"]
    second = [s["score"] for s in samples if s["shown"] == "SECOND"]
    bins = {}
    for (d, _), r in zip(pairs, right):
        p = (1 + d / 5) / 2
        sure = max(p, 1 - p)
        bins.setdefault(min(9, int((sure - 0.5) * 20)), []).append((sure, r))
    ece = sum(
        len(b) / len(pairs) * abs(mean([s for s, _ in b]) - mean([r for _, r in b]))
        for b in bins.values()
    )
    return {
        "instructions": len(data),
        "responses": len(answers),
        "scored": sum(score(a) is not None for a in answers),
        "parse_failure_rate": mean([float(s["score"] is None) for s in samples]),
        "pairs": len(pairs),
        "pairwise_accuracy": mean(right),
        "pairwise_accuracy_no_ties": mean([r for (d, _), r in zip(pairs, right) if d != 0]),
        "pairwise_ties": mean([float(d == 0) for d, _ in pairs]),
        "five_best": mean(fives),
        "exact_match": mean(exact),
        "spearman": mean(rho),
        "kendall": mean(tau),
        "length_bias": mean([float((d > 0) == (l > 0)) for d, l in untied])
        - mean([float(l > 0) for _, l in untied]),
        "score_length_spearman": float(
            spearmanr([k[0] for k in known], [k[1] for k in known]).statistic
        ),
        "position_bias": (mean(first) - mean(second)) / 5 if first else float("nan"),
        "calibration_error": ece,
        "brier": mean([(1 - (1 + d / 5) / 2) ** 2 for d, _ in pairs]),
    }


random = random.Random(8)
cases = [
    make(random, 40, fine=True, missing=0.0, shown=False),
    make(random, 60, fine=False, missing=0.15, shown=False),
    make(random, 25, fine=True, missing=0.05, shown=True),
]
json.dump(
    [
        {"data": c, "metrics": {k: None if math.isnan(v) else v for k, v in metrics(c).items()}}
        for c in cases
    ],
    sys.stdout,
)
print()
