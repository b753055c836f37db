#!/usr/bin/env python3
"""TRL's DPOTrainer on the pairs of TrainBenchmark, on a CPU or a GPU. Prints one JSON line; called by train.py --device.

The pairs of $AUTODIDACT_SHARED/peers/bench_dpo.py, which knows CPUs alone: the highest against the lowest preference of each instruction, in
the file's order; DPO, beta 0.1, AdamW at a constant 1e-5, clipped at 1, one pass, in float32 or by autocast in bf16, the reference
computed beforehand. seconds: from the start of train() to the last step's end, the reference's pass with it; seconds_from_process_start: the
imports and the model's opening with it.

usage: benchmarks/trl_dpo.py MODEL_HF RANKED_JSONL [--pairs 176] [--batch 16] [--max-length 512] [--bf16] [--device cuda]
"""
import argparse, json, os, time

ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("hf")
ap.add_argument("data")
ap.add_argument("--pairs", type=int, default=176)
ap.add_argument("--batch", type=int, default=16)
ap.add_argument("--max-length", type=int, default=512)
ap.add_argument("--bf16", action="store_true")
ap.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
ap.add_argument("--no-precompute", action="store_true", help="the reference beside each step, as TRL has it by default")
a = ap.parse_args()

import tempfile
import torch
import transformers, trl
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback


def since_process_start():
    ticks = int(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19])
    return float(open("/proc/uptime").read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")


class Clock(TrainerCallback):
    def on_train_end(self, *args, **kwargs):
        if a.device == "cuda":
            torch.cuda.synchronize()
        self.end, self.total = time.time(), since_process_start()


tokenizer = AutoTokenizer.from_pretrained(a.hf)
model = AutoModelForCausalLM.from_pretrained(a.hf, dtype=torch.float32)
rows, tokens = [], 0
for line in open(a.data).read().splitlines()[: a.pairs]:
    row = json.loads(line)
    prompt = [{"role": "user", "content": row["instruction"]}]
    pair = {"prompt": prompt}
    for name, choose in (("chosen", max), ("rejected", min)):
        text = choose(row["responses"], key=lambda r: r["preference"])["text"]
        pair[name] = [{"role": "assistant", "content": text}]
        tokens += min(a.max_length, len(tokenizer.apply_chat_template(prompt + pair[name], return_dict=False)))
    rows.append(pair)
with tempfile.TemporaryDirectory() as folder:
    config = trl.DPOConfig(output_dir=folder, per_device_train_batch_size=a.batch, num_train_epochs=1, learning_rate=1e-5, beta=0.1,
        max_length=a.max_length, logging_steps=1, report_to=[], save_strategy="no", bf16=a.bf16, use_cpu=a.device == "cpu",
        gradient_checkpointing=False, precompute_ref_log_probs=not a.no_precompute, lr_scheduler_type="constant", warmup_steps=0,
        weight_decay=0.0, disable_tqdm=True, seed=0)
    clock = Clock()
    trainer = trl.DPOTrainer(model=model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer, callbacks=[clock])
    start = time.time()
    trainer.train()
seconds = clock.end - start
print(json.dumps({"trainer": f"TRL {trl.__version__}, torch {torch.__version__}, transformers {transformers.__version__}", "bf16": a.bf16,
    "pairs": len(rows), "batch": a.batch, "tokens": tokens, "seconds": round(seconds, 2), "seconds_from_process_start": round(clock.total, 2),
    "tokens_per_second": round(tokens / seconds, 1),
    "allocated_mb": torch.cuda.max_memory_allocated() >> 20 if a.device == "cuda" else 0,
    "losses": [round(float(r["loss"]), 4) for r in trainer.state.log_history if "loss" in r]}))
