#!/usr/bin/env python3
"""Holds the losses of the first steps of DPO against TRL's: its own order of the pairs, the same tokens, the same rate.

TRL trains first, and what it collates is noted: the pairs in its order, which `train dpo --no-shuffle` is then given. TRL also scores the
line's end that the chat template writes after an answer; it is cut off, so that both score the same tokens.

usage: benchmarks/trl_losses.py [--pairs 16] [--batch 4] [--max-length 512] [--rate 1e-5] [--autodidact COMMAND]

Run it by a Python with TRL. Needs ../shared (or $AUTODIDACT_SHARED) and the model as a Hugging Face folder ($MODEL_HF). Exits with 1 where
a loss differs by more than 0.0005.
"""
import argparse, json, os, subprocess, sys, tempfile
import common

ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("--pairs", type=int, default=16)
ap.add_argument("--batch", type=int, default=4)
ap.add_argument("--max-length", type=int, default=512)
ap.add_argument("--rate", type=float, default=1e-5)
ap.add_argument("--autodidact", default=os.path.join(common.root, "autodidact"))
a = ap.parse_args()
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

hf = os.environ["MODEL_HF"]
tokenizer = AutoTokenizer.from_pretrained(hf)
pairs = []
for line in list(open(os.path.join(common.shared, "data", "ranked_responses.jsonl")))[:a.pairs]:
    row = json.loads(line)
    by = lambda r: r["preference"]
    pairs.append({"prompt": row["instruction"], "chosen": max(row["responses"], key=by)["text"], "rejected": min(row["responses"], key=by)["text"]})
turn = lambda role, text: [{"role": role, "content": text}]
with tempfile.TemporaryDirectory() as folder:
    config = DPOConfig(output_dir=folder, per_device_train_batch_size=a.batch, num_train_epochs=1, learning_rate=a.rate, beta=0.1, max_length=a.max_length,
                       logging_steps=1, report_to=[], save_strategy="no", bf16=False, use_cpu=True, gradient_checkpointing=False,
                       lr_scheduler_type="constant", warmup_steps=0, weight_decay=0.0, disable_tqdm=True, seed=0)
    trainer = DPOTrainer(model=AutoModelForCausalLM.from_pretrained(hf), args=config, processing_class=tokenizer, train_dataset=Dataset.from_list(
        [{"prompt": turn("user", p["prompt"]), "chosen": turn("assistant", p["chosen"]), "rejected": turn("assistant", p["rejected"])} for p in pairs]))
    end = tokenizer.encode("\n", add_special_tokens=False)
    key = lambda r: (*r["prompt_ids"], -1, *r["chosen_ids"], -1, *r["rejected_ids"])
    place = {key(r): i for i, r in enumerate(trainer.train_dataset)}
    order, collate = [], trainer.data_collator

    def noted(rows):
        order.extend(place[key(r)] for r in rows)
        cut = lambda ids: ids[:-1] if ids[-1:] == end else ids
        return collate([{**r, "chosen_ids": cut(r["chosen_ids"]), "rejected_ids": cut(r["rejected_ids"])} for r in rows])

    trainer.data_collator = noted
    trainer.train()
    theirs = [float(r["loss"]) for r in trainer.state.log_history if "loss" in r]
    data = os.path.join(folder, "pairs.jsonl")
    open(data, "w").write("".join(json.dumps(pairs[i]) + "\n" for i in order[:len(pairs)]))
    out = subprocess.run([a.autodidact, "train", "dpo", "--model", hf, "--data", data, "--output", os.path.join(folder, "out"), "--no-shuffle", "--json",
                          "--learning-rate", str(a.rate), "--schedule", "constant", "--batch-size", str(a.batch), "--max-length", str(a.max_length),
                          "--save-every", "0"], check=True, stdout=subprocess.PIPE, text=True).stdout
ours = json.loads(out.splitlines()[-1])["losses"]
print(common.origin())
print("| step | TRL | autodidact |\n|---|---|---|")
for i, (x, y) in enumerate(zip(theirs, ours)):
    print(f"| {i + 1} | {x:.4f} | {y:.4f} |")
sys.exit(len(theirs) != len(ours) or any(abs(x - y) > 5e-4 for x, y in zip(theirs, ours)))
