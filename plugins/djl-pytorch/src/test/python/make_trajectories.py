#!/usr/bin/env python3
"""Writes trajectories.json: of small models five steps of DPO (sigmoid, beta 0.1; AdamW, rate 1e-3, no decay, no clipping) by transformers, of
all parameters and of PEFT's LoRA (initialized as make_adapters.py does): before each step the loss, the log-probabilities of the chosen and of the
rejected answer, and the 2-norm of the gradient. The prompt is the first three tokens of golden.json's prompts, chosen what follows in the first,
rejected what follows in the second, backwards.
usage: make_trajectories.py ARCHITECTURES OUT.json     (the folder that make_architectures.py wrote; needs torch, transformers, peft)"""
import json, sys, torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def log_probability(model, ids, prompt=3):
    each = model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
    return each.gather(1, torch.tensor(ids[1:])[:, None])[prompt - 1:].sum()


found = {}
for name in ("gemma3_text", "granite", "smollm3"):
    for lora in (False, True):
        folder = f"{sys.argv[1]}/{name}"
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        if lora:
            model = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, task_type="CAUSAL_LM", target_modules=[
                "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])).eval()
            for n, p in model.named_parameters():
                if p.requires_grad:
                    i = torch.arange(p.numel(), dtype=torch.float64).view_as(p)
                    p.data = ((i.sin() if "lora_A" in n else i.cos()) / 8).float()
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=1e-3, weight_decay=0)
        first, second = (golden["ids"] for golden in json.load(open(folder + "/golden.json")))
        pair = first, second[:3] + second[:2:-1]
        steps, reference = [], None
        for _ in range(5):
            optimizer.zero_grad()
            chosen, rejected = (log_probability(model, ids) for ids in pair)
            reference = reference or (chosen.item(), rejected.item())
            loss = -torch.nn.functional.logsigmoid(0.1 * (chosen - reference[0] - rejected + reference[1]))
            loss.backward()
            gradient = torch.stack([p.grad.norm() for p in trained]).norm()
            steps.append(dict(loss=loss.item(), chosen=chosen.item(), rejected=rejected.item(), gradient=gradient.item()))
            optimizer.step()
        found[name + ("_lora" if lora else "")] = steps
json.dump(found, open(sys.argv[2], "w"), indent=1)
