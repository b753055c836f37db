#!/usr/bin/env python3
"""Writes a small random checkpoint of each architecture, and golden.json: for two prompts the last logits and 16 greedy
tokens by transformers in float32, and what a training needs: the log-probability of all tokens after the third, and the
2-norm of its gradient; and gemma-3-270m.json, the same of Gemma 3 270M as we import it, where it is named.
usage: make_architectures.py FOLDER [gemma-3-270m.imported]"""
import itertools, json, os, sys, torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

COMMON = dict(hidden_size=64, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
              vocab_size=259, max_position_embeddings=64, sliding_window=8, bos_token_id=1, eos_token_id=2, pad_token_id=None)
ARCHITECTURES = {
    "qwen2": dict(tie_word_embeddings=True, layer_types=["full_attention"] * 2),
    "qwen2_window": dict(model_type="qwen2", use_sliding_window=True, max_window_layers=1, rms_norm_eps=1e-5,
                         rope_parameters=dict(rope_type="linear", rope_theta=5000.0, factor=2.0)),
    "mistral": dict(head_dim=16, rms_norm_eps=1e-5),
    "qwen3": dict(head_dim=16),
    "gemma3_text": dict(head_dim=16, num_hidden_layers=3, query_pre_attn_scalar=24,
                        layer_types=["sliding_attention", "full_attention", "sliding_attention"]),
    "smollm3": dict(num_hidden_layers=3, no_rope_layers=[1, 0, 1], sliding_window=None),
    "granite": dict(embedding_multiplier=3.0, logits_scaling=4.0, residual_multiplier=0.6, attention_multiplier=0.3,
                    attention_bias=True, mlp_bias=True),
}
PROMPTS = [[3 + (7 * i * i + 11 * i) % 250 for i in range(n)] for n in (13, 22)]


def make(name, seed, more):
    """A model and its golden numbers, or none."""
    torch.manual_seed(seed)
    settings = {"model_type": name, **COMMON, **more}
    config = AutoConfig.for_model(settings.pop("model_type"), **settings)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    for key, weight in model.named_parameters():
        centre = 1.0 if "norm" in key and not name.startswith("gemma") else 0.0
        spread = 0.3 if weight.dim() == 1 else 0.05 if "embed" in key and name.startswith("gemma") else 0.2
        torch.nn.init.normal_(weight, centre, spread)
    golden = [numbers(model, ids) for ids in PROMPTS]
    return None if None in golden else (model, [dict(n, **training(model, n["ids"])) for n in golden])


def training(model, ids, prompt=3):
    model.zero_grad()
    each = model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
    total = each.gather(1, torch.tensor(ids[1:])[:, None])[prompt - 1:].sum()
    total.backward()
    gradient = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
    return dict(log_probability=total.item(), gradient=gradient.item())


def numbers(model, ids, margin=2e-3):
    """Last logits and greedy tokens; none where the two likeliest tokens of a step are too near to tell them apart."""
    row, first = list(ids), None
    for _ in range(16):
        with torch.no_grad():
            last = model(torch.tensor([row])).logits[0, -1]
        first = last if first is None else first
        best = last.topk(2).values
        if best[0] - best[1] < margin * last.abs().max():
            return None
        row.append(int(last.argmax()))
    return dict(ids=ids, logits=[round(x, 6) for x in first.tolist()], greedy=row[len(ids):])


for name, more in ARCHITECTURES.items():
    model, golden = next(found for seed in itertools.count() if (found := make(name, seed, more)))
    folder = os.path.join(sys.argv[1], name)
    model.save_pretrained(folder)
    if os.path.exists(folder + "/generation_config.json"):
        os.remove(folder + "/generation_config.json")
    with open(folder + "/golden.json", "w") as out:
        json.dump(golden, out)

if len(sys.argv) > 2:
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[2])
    model = AutoModelForCausalLM.from_pretrained(sys.argv[2], dtype=torch.float32, attn_implementation="eager").eval()
    long = " ".join(f"Day {i}: the river rose by {i % 7} cm,\n\n    and nobody in the village minded." for i in range(1, 31))
    golden = []
    for text in ("The capital of France is", long + " Day 31:"):
        ids = [tokenizer.bos_token_id] + tokenizer.encode(text, add_special_tokens=False)
        golden.append(dict(text=text, **numbers(model, ids, 2e-4)))
        every = golden[-1]["logits"]  # 262144 of them: every 512th is kept
        golden[-1]["logits"] = every[::512]
        print(len(ids), tokenizer.decode(golden[-1]["greedy"]), max(map(abs, every)))
    with open(sys.argv[1] + "/gemma-3-270m.json", "w") as out:
        json.dump(golden, out)
