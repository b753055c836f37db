#!/usr/bin/env python3
"""What a user would pick instead on a GPU, on the work of our own benchmarks; one JSON line a row.

usage: peers.py transformers|static|vllm MODEL PROMPTS.jsonl --device cuda --dtype bfloat16 --batch 1 16 64 256 [--new 128] [--repeats 3] [--no-compile]

transformers: its generate(). static: the best that PyTorch does: a static KV cache, one compiled step (torch.compile with CUDA
graphs), sampling on the device by top-p among the 256 likeliest, nothing read before the end. vllm: its offline engine.
Prompts have 64 tokens; end of text is ignored; temperature 0.7, top-p 0.9.
"""
import argparse, json, statistics, time

ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("what", choices=["transformers", "static", "vllm"])
ap.add_argument("model")
ap.add_argument("data")
ap.add_argument("--device", default="cuda")
ap.add_argument("--dtype", default="bfloat16")
ap.add_argument("--batch", type=int, nargs="+", default=[1, 16, 64, 256])
ap.add_argument("--prompt", type=int, default=64)
ap.add_argument("--new", type=int, default=128)
ap.add_argument("--repeats", type=int, default=3)
ap.add_argument("--no-compile", action="store_true")
a = ap.parse_args()
import torch

rows = [json.loads(line) for line in open(a.data)]


def wait():
    if a.device == "cuda":
        torch.cuda.synchronize()


def tokenizer():
    from transformers import AutoTokenizer
    return AutoTokenizer.from_pretrained(a.model)


def prompts(batch):
    tok = tokenizer()
    found = []
    for i in range(batch):
        ids = tok.apply_chat_template([{"role": "user", "content": rows[i % len(rows)]["instruction"]}], add_generation_prompt=True, return_dict=False)
        found.append((ids * (a.prompt // len(ids) + 1))[:a.prompt])
    return found


def report(batch, seconds):
    print(json.dumps({"engine": a.what, "precision": a.dtype, "device": a.device, "batch": batch, "prompt_tokens": a.prompt, "new_tokens": a.new,
                      "seconds": [round(s, 4) for s in seconds], "tokens_per_second": round(batch * a.new / statistics.median(seconds), 1)}), flush=True)


def timed(batch, run):
    seconds = []
    for r in range(a.repeats + 1):  # the first warms up
        wait()
        t = time.time()
        out = run()
        wait()
        if r:
            seconds.append(time.time() - t)
    report(batch, seconds)
    return out


def model():
    from transformers import AutoModelForCausalLM
    return AutoModelForCausalLM.from_pretrained(a.model, dtype=getattr(torch, a.dtype)).to(a.device).eval()


def transformers_():
    m = model()
    for b in a.batch:
        x = torch.tensor(prompts(b), device=a.device)
        with torch.inference_mode():
            y = timed(b, lambda: m.generate(x, attention_mask=torch.ones_like(x), do_sample=True, temperature=0.7, top_p=0.9, top_k=0,
                                            min_new_tokens=a.new, max_new_tokens=a.new, pad_token_id=0))
        assert y.shape[1] == a.prompt + a.new


def static():
    from transformers import StaticCache
    m = model()

    def sample(logits):
        top, ids = torch.topk(logits.float() / 0.7, 256, dim=-1)
        p = torch.softmax(top, dim=-1)
        p = torch.where(torch.cumsum(p, dim=-1) - p < 0.9, p, 0.0)
        return torch.gather(ids, 1, torch.argmax(p / torch.empty_like(p).exponential_(1), dim=-1, keepdim=True))

    def step(token, position, cache):
        logits = m(token, cache_position=position, position_ids=position.unsqueeze(0).expand(token.shape[0], -1), past_key_values=cache, use_cache=True).logits[:, -1]
        return sample(logits)

    compiled = step if a.no_compile else torch.compile(step, mode="reduce-overhead", fullgraph=True)
    for b in a.batch:
        x = torch.tensor(prompts(b), device=a.device)
        cache = StaticCache(config=m.config, max_cache_len=a.prompt + a.new)

        def run():
            with torch.no_grad():
                cache.reset()
                token = step(x, torch.arange(a.prompt, device=a.device), cache)
                found = [token]
                position = torch.tensor([a.prompt], device=a.device)
                for _ in range(a.new - 1):
                    token = compiled(token, position, cache).clone()
                    found.append(token)
                    position = position + 1
                return torch.cat(found, dim=1).cpu()

        assert timed(b, run).shape == (b, a.new)


def vllm():
    from vllm import LLM, SamplingParams
    m = LLM(a.model, dtype=a.dtype, max_model_len=1024, max_num_seqs=max(a.batch), gpu_memory_utilization=0.5)
    sampling = SamplingParams(temperature=0.7, top_p=0.9, max_tokens=a.new, min_tokens=a.new, ignore_eos=True, detokenize=False)
    for b in a.batch:
        texts = [{"prompt_token_ids": p} for p in prompts(b)]
        out = timed(b, lambda: m.generate(texts, sampling, use_tqdm=False))
        assert all(len(o.outputs[0].token_ids) == a.new for o in out)


{"transformers": transformers_, "static": static, "vllm": vllm}[a.what]()
