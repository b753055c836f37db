"""A trainer of a linear score over the letters of an answer: enough of a model for the rules."""
import json
import math
import os
import sys

folder = sys.argv[1]
settings = json.load(open(os.path.join(folder, "settings.json")))
examples = [json.loads(line) for line in open(os.path.join(folder, "examples.jsonl"))]
reference = json.load(open(os.path.join(settings["base"], "weights.json")))
state_file = os.path.join(folder, "state.json")
state = {"weights": list(reference), "metrics": []}
if os.path.exists(state_file):
    state = json.load(open(state_file))
weights, metrics = state["weights"], state["metrics"]
sft = settings["loss"] == "sft"


def count(answer, sign, into):
    if answer["tokens"]:
        for token in answer["tokens"]:
            into[token % 26] += sign
        return
    for letter in answer["text"]:
        if "a" <= letter <= "z":
            into[ord(letter) - ord("a")] += sign
    if answer["ends"]:
        into[25] += sign


def features(example):
    counts = [0] * 26
    if sft:
        count(example["response"], 1, counts)
    else:
        count(example["chosen"], 1, counts)
        count(example["rejected"], -1, counts)
    return counts


batch = settings["batch-size"]
per_epoch = -(-len(examples) // batch)
steps = per_epoch * settings["epochs"]
for line in metrics:
    print(json.dumps({**line, "earlier": True}), flush=True)
for step in range(len(metrics) + 1, steps + 1):
    first = (step - 1) % per_epoch * batch
    chosen = examples[first:first + batch]
    loss = 0.0
    for example in chosen:
        x = features(example)
        margin = sum(f * (w if sft else w - r) for f, w, r in zip(x, weights, reference))
        loss += math.log1p(math.exp(-margin)) / len(chosen)
        scale = settings["learning-rate"] / (1 + math.exp(margin)) / len(chosen)
        weights = [w + scale * f for w, f in zip(weights, x)]
    metrics.append({"step": step, "steps": steps, "loss": loss})
    with open(state_file + ".new", "w") as file:  # the state first, so that no step is told and lost
        json.dump({"weights": weights, "metrics": metrics}, file)
    os.replace(state_file + ".new", state_file)
    print(json.dumps(metrics[-1]), flush=True)
    if sys.stdin.readline() != "go\n":
        sys.exit(1)
os.makedirs(os.path.join(folder, "output"), exist_ok=True)
with open(os.path.join(folder, "output", "weights.json"), "w") as file:
    json.dump(weights, file)
