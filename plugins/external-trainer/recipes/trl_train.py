#!/usr/bin/env python3
"""Trains by TRL what autodidact's trainer 'external' asks for.

usage: trl_train.py [--micro-batch N] FOLDER     alone, or by: accelerate launch --quiet [--config_file FILE] trl_train.py FOLDER

FOLDER is made by autodidact (docs/how-to/external-trainer.md). Trains on the token ids in it, so that TRL tokenizes nothing. A step's
metrics are a line on standard output; checkpoints are in FOLDER/checkpoints; the model goes to FOLDER/output.
Needs torch, transformers 5, TRL 1.16, accelerate, and peft for adapters.
"""
import argparse, json, os, sys, threading

parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument("--micro-batch", type=int, default=0, help="examples on a device at a time; 0: all of a step")
parser.add_argument("folder")
arguments = parser.parse_args()
# Standard input is a pipe that autodidact holds: it ends where autodidact does, and then so do we.
threading.Thread(target=lambda: (os.read(0, 1), os._exit(3)), daemon=True).start()

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

request = json.load(open(os.path.join(arguments.folder, "request.json")))
settings, compute = request["settings"], request["compute"]
sft = request["loss"] == "sft"
world = int(os.environ.get("WORLD_SIZE", "1"))
first = int(os.environ.get("RANK", "0")) == 0
if world == 1:
    torch.set_num_threads(compute["threads"])
use_cpu = compute["device"] == "cpu" or not torch.cuda.is_available()


def refuse(what):
    sys.exit(f"trl_train.py: {what}")


if not sft and "loss_type" not in request["trl"]:  # cdpo, too: TRL 1.16 has no label smoothing in its sigmoid loss
    refuse(f"TRL's DPOTrainer has no loss '{request['loss']}'")
if settings["sft-weight"] > 0:
    refuse("sft-weight is another mean in TRL; set it to 0")
if settings["dropout"] > 0:
    refuse("dropout is the model's own in TRL; set it to 0")
if settings.get("lora-quantized"):
    refuse("lora-quantized is not done here")


def rows(name):
    """Rows of token ids, as the trainers collate them."""
    found = []
    for line in open(os.path.join(arguments.folder, name)):
        row = json.loads(line)
        prompt = row["prompt_ids"]
        if sft:
            answer = row["completion_ids"]
            found.append({"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer})
        else:
            if row["consistency"] != 1:
                refuse("TRL does not weigh pairs by their consistency")
            found.append({"prompt_ids": prompt, "chosen_ids": row["chosen_ids"], "rejected_ids": row["rejected_ids"]})
    return Dataset.from_list(found) if found else None


class Report(TrainerCallback):
    """A line a step, before the checkpoint that has it."""

    def __init__(self):
        self.line, self.seen = None, 0

    def on_log(self, args, state, control, logs=None, **_):
        if "loss" not in logs:
            return
        logs = dict(logs)
        # num_tokens counts from the start; of a resumed training from its checkpoint.
        total = int(logs.pop("num_tokens", 0))
        tokens, self.seen = max(0, total - self.seen), total
        numbers = {k: float(v) for k, v in logs.items() if isinstance(v, (int, float))}
        self.line = {"step": state.global_step, "steps": state.max_steps, "tokens": tokens, **numbers}
        if not control.should_evaluate:
            self.print()

    def on_evaluate(self, args, state, control, metrics=None, **_):
        if self.line:
            self.line["eval_loss"] = metrics["eval_loss"]
            self.print()

    def print(self):
        if first:
            print(json.dumps(self.line), flush=True)
        self.line = None


def log_probabilities(model, name):
    """Of each probe's answer: its tokens' sum, and how many they are."""
    results = []
    model.eval()
    for line in open(os.path.join(arguments.folder, name)):
        row = json.loads(line)
        prompt, answer = row["prompt_ids"], row["completion_ids"]
        if not prompt or not answer or len(prompt) + len(answer) > model.config.max_position_embeddings:
            results.append((0.0, 0))
            continue
        ids = torch.tensor([prompt + answer], device=model.device)
        with torch.no_grad():
            logits = model(ids).logits[0, len(prompt) - 1:-1].float()
        results.append((logits.log_softmax(-1).gather(1, ids[0, len(prompt):, None]).sum().item(), len(answer)))
    return results


trl = dict(request["trl"])
batch = trl.pop("per_device_train_batch_size")
micro = min(arguments.micro_batch or batch // world, batch // world)
if not micro or batch % (micro * world):
    refuse(f"batch-size {batch} is not a multiple of {world} processes of micro-batches of {micro or 1}")
save = trl.pop("save_steps")
common = dict(
    trl, output_dir=os.path.join(arguments.folder, "checkpoints"), per_device_train_batch_size=micro, per_device_eval_batch_size=micro,
    gradient_accumulation_steps=batch // (micro * world), logging_steps=1, logging_nan_inf_filter=False, report_to=[], disable_tqdm=True,
    bf16=compute["precision"] == "bf16", use_cpu=use_cpu, save_strategy="steps" if save else "no", save_steps=save or 1, save_total_limit=1,
    eval_strategy="steps" if request["held-out"] and settings["held-out-every"] else "no", eval_steps=settings["held-out-every"] or None)
peft = None
if "lora-rank" in settings:
    from peft import LoraConfig
    peft = LoraConfig(r=settings["lora-rank"], lora_alpha=settings["lora-alpha"], lora_dropout=settings["lora-dropout"],
                      target_modules=settings["lora-targets"], task_type="CAUSAL_LM")
tokenizer = AutoTokenizer.from_pretrained(request["base"])
model = AutoModelForCausalLM.from_pretrained(request["base"], dtype=torch.float32)
score = request["probes"] and world == 1  # sharded weights cannot be asked like this
before = log_probabilities(model, "probes.jsonl") if score else []
train, held_out = rows("train.jsonl"), rows("held-out.jsonl")
handed = dict(model=model, train_dataset=train, eval_dataset=held_out, processing_class=tokenizer, peft_config=peft, callbacks=[Report()])
if sft:
    from trl import SFTConfig, SFTTrainer
    trainer = SFTTrainer(args=SFTConfig(**common, dataset_kwargs={"skip_prepare_dataset": True}), **handed)
else:
    from trl import DPOConfig, DPOTrainer

    class TokenizedDpoTrainer(DPOTrainer):
        def _prepare_dataset(self, dataset, *_, **__):
            return dataset

    trainer = TokenizedDpoTrainer(args=DPOConfig(**common), **handed)
# In place of the bar and the dicts that Transformers prints.
from transformers.trainer_callback import PrinterCallback, ProgressCallback
trainer.remove_callback(PrinterCallback)
trainer.remove_callback(ProgressCallback)
checkpoints = common["output_dir"]
trainer.train(resume_from_checkpoint=get_last_checkpoint(checkpoints) if os.path.isdir(checkpoints) else None)
if score:
    for index, ((old, tokens), (new, _)) in enumerate(zip(before, log_probabilities(trainer.model, "probes.jsonl"))):
        print(json.dumps({"probe": index, "before": old, "after": new, "tokens": tokens,
                          "rounding": 0.15 if common["bf16"] else 0.0005}), flush=True)
# An adapter is saved as one, and merged by autodidact.
trainer.save_model(os.path.join(arguments.folder, "output"))
