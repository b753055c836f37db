#!/usr/bin/env python3
"""The least that a trainer of autodidact's 'external' needs; replace train() by yours. usage: any_script.py FOLDER"""
import json, os, shutil, sys, threading

folder = sys.argv[-1]
threading.Thread(target=lambda: (os.read(0, 1), os._exit(3)), daemon=True).start()  # end where autodidact ends
request = json.load(open(os.path.join(folder, "request.json")))
rows = [json.loads(line) for line in open(os.path.join(folder, "train.jsonl"))]
settings, output = request["settings"], os.path.join(folder, "output")


def train(batch):
    return 0.6931  # the loss of a step on rows as {"prompt": […], "chosen": […], "rejected": […]}


size = settings["batch-size"]
batches = [rows[i:i + size] for _ in range(settings["epochs"]) for i in range(0, len(rows), size)]
for step, batch in enumerate(batches, 1):
    print(json.dumps({"step": step, "steps": request["steps"], "loss": train(batch)}), flush=True)
os.makedirs(output)  # config.json and model.safetensors; the tokenizer's files are taken from the base
for name in ("config.json", "model.safetensors"):
    shutil.copy(os.path.join(request["base"], name), output)
