#!/usr/bin/env python3
"""Checks that a run's M1, M2, … load in transformers and write, greedily, the tokens that Autodidact writes.

usage: benchmarks/exported_models.py RUN PROMPTS.jsonl [AUTODIDACT]     (needs torch and transformers)
"""
import json, os, subprocess, sys, tempfile, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
run, prompts = sys.argv[1:3]
command = sys.argv[3] if len(sys.argv) > 3 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "autodidact")
rows = [json.loads(line) for line in open(prompts)][:8]
new, failed = 32, False
with tempfile.TemporaryDirectory() as folder:
    given = folder + "/prompts.jsonl"
    open(given, "w").write("".join(json.dumps({"id": str(i), "prompt": r.get("prompt", r.get("instruction"))}) + "\n" for i, r in enumerate(rows)))
    for name in sorted(n for n in os.listdir(run) if n[0] == "M" and n[1:].isdigit() and n != "M0"):
        exported = f"{folder}/{name}"
        subprocess.run([command, "export", run, name, exported], check=True, stdout=subprocess.DEVNULL)
        out = f"{folder}/{name}.jsonl"
        subprocess.run([command, "generate", "--model", exported, "--prompts", given, "--output", out, "--temperature", "0", "--max-tokens", str(new), "--precision", "fp32"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tokenizer, model = AutoTokenizer.from_pretrained(exported), AutoModelForCausalLM.from_pretrained(exported, dtype=torch.float32)
        same = 0
        for row, ours in zip(rows, open(out)):
            ids = tokenizer.apply_chat_template([{"role": "user", "content": row.get("prompt", row.get("instruction"))}], add_generation_prompt=True, return_dict=False)
            theirs = model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=new)[0, len(ids):].tolist()
            theirs = [t for t in theirs if t not in (model.generation_config.eos_token_id, 0)] if theirs[-1] == model.generation_config.eos_token_id else theirs
            tokens = json.loads(ours)["samples"][0]["tokens"]
            tokens = tokens[:-1] if tokens and tokens[-1] == model.generation_config.eos_token_id else tokens
            same += theirs == tokens
        print(f"{name}: {same} of {len(rows)} greedy answers have the same tokens in transformers")
        failed |= same != len(rows)
sys.exit(failed)
