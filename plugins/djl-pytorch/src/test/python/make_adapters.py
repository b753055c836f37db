#!/usr/bin/env python3
"""Writes adapters.json: of small models with a LoRA adapter by PEFT (rank 4, alpha 6, every projection; element i of each A is sin(i) / 8,
of each B cos(i) / 8) the log-probability of all tokens after the third, and the 2-norm of its gradient by the adapter.
usage: make_adapters.py ARCHITECTURES OUT.json     (the folder that make_architectures.py wrote; needs torch, transformers, peft)"""
import json, sys, torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

found = {}
for name in ("qwen2", "qwen3", "gemma3_text", "granite"):
    folder = f"{sys.argv[1]}/{name}"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, task_type="CAUSAL_LM", target_modules=[
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])).eval()
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    for n, p in trained.items():
        i = torch.arange(p.numel(), dtype=torch.float64).view_as(p)
        p.data = ((i.sin() if "lora_A" in n else i.cos()) / 8).float()
    found[name] = []
    for golden in json.load(open(folder + "/golden.json")):
        ids = golden["ids"]
        model.zero_grad()
        each = model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
        total = each.gather(1, torch.tensor(ids[1:])[:, None])[2:].sum()
        total.backward()
        gradient = torch.stack([p.grad.norm() for p in trained.values()]).norm()
        found[name].append(dict(log_probability=total.item(), gradient=gradient.item()))
json.dump(found, open(sys.argv[2], "w"))
