"""A trainer of one row of the embedding that keeps the rules: loss of ln 2 at first, deterministic, its own checkpoints."""
import array, hashlib, json, math, os, struct, sys, threading

folder = sys.argv[-1]
# --die-at 2: killed in step 2, as by kill -9, where it is not resumed
die_at = int(sys.argv[2]) if len(sys.argv) > 2 and os.environ["AUTODIDACT_RESUME"] == "false" else 0
# The pipe ends where the JVM does.
threading.Thread(target=lambda: (os.read(0, 1), os._exit(3)), daemon=True).start()
request = json.load(open(os.path.join(folder, "request.json")))
rows = [json.loads(line) for line in open(os.path.join(folder, "train.jsonl"))]
settings = request["settings"]
base = open(os.path.join(request["base"], "model.safetensors"), "rb").read()
length = struct.unpack("<Q", base[:8])[0]
start = 8 + length + json.loads(base[8:8 + length])["model.embed_tokens.weight"]["data_offsets"][0]
checkpoint = os.path.join(folder, "checkpoint.json")
state = {"step": 0, "weights": [0.0] * 32}
if os.path.exists(checkpoint):
    state = json.load(open(checkpoint))


def features(row):
    """32 numbers of what is trained on: the token ids, and how sure the pair is."""
    sign, found = 1, [0.0] * 32
    for key in ("completion_ids", "chosen_ids", "rejected_ids"):
        if key in row:
            sign = -1 if key == "rejected_ids" else 1
            for i, byte in enumerate(hashlib.sha256(json.dumps(row[key]).encode()).digest()):
                found[i] += sign * (byte - 127.5) / 256
    return [f * row.get("consistency", 1) for f in found]


batch = settings["batch-size"]
per_epoch = -(-len(rows) // batch)
steps = request["steps"]
for step in range(state["step"] + 1, steps + 1):
    first = (step - 1) % per_epoch * batch
    loss, new = 0.0, list(state["weights"])
    part = rows[first:first + batch]
    for row in part:
        x = features(row)
        margin = sum(a * b for a, b in zip(x, state["weights"]))
        loss += math.log1p(math.exp(-margin)) / len(part)
        scale = settings["learning-rate"] / (1 + math.exp(margin)) / len(part)
        new = [w + scale * a for w, a in zip(new, x)]
    state = {"step": step, "weights": new}
    line = {"step": step, "steps": steps, "tokens": 10, "loss": loss}
    if request["held-out"]:
        line["eval_loss"] = loss
    print(json.dumps(line))  # before the checkpoint, so that no step is done and not told
    if step == die_at:
        os.kill(os.getpid(), 9)
    with open(checkpoint + ".part", "w") as file:
        json.dump(state, file)
    os.replace(checkpoint + ".part", checkpoint)
weights = array.array("f", base[start:start + 128])
for i in range(32):
    weights[i] += state["weights"][i]
for i in range(request["probes"]):
    print(json.dumps({"probe": i, "before": -1.0, "after": -0.5, "tokens": 3, "rounding": 1.0}))
os.makedirs(os.path.join(folder, "output"))
with open(os.path.join(folder, "output", "model.safetensors"), "wb") as file:
    file.write(base[:start] + weights.tobytes() + base[start + 128:])
config = open(os.path.join(request["base"], "config.json")).read()
open(os.path.join(folder, "output", "config.json"), "w").write(config)
