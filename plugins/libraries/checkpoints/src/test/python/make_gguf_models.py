#!/usr/bin/env python3
"""Writes qwen2.gguf, qwen3.gguf and gemma3.gguf, one layer each, by the tensor names of the Python package `gguf`: the ith
element of a tensor is crc32 of Hugging Face's name, modulo 1000, plus i.  usage: make_gguf_models.py FOLDER"""
import sys, zlib, gguf, numpy as np
HIDDEN, MLP, HEADS, KV, SIZE = 16, 24, 2, 1, 16
ARCHITECTURES = {"qwen2": gguf.MODEL_ARCH.QWEN2, "qwen3": gguf.MODEL_ARCH.QWEN3, "gemma3": gguf.MODEL_ARCH.GEMMA3}


def shapes(arch, vocabulary):
    layer = "model.layers.0."
    yield "model.embed_tokens.weight", (vocabulary, HIDDEN)
    yield "model.norm.weight", (HIDDEN,)
    for norm in ["input", "post_attention"] + ["pre_feedforward", "post_feedforward"] * (arch == "gemma3"):
        yield f"{layer}{norm}_layernorm.weight", (HIDDEN,)
    for name, heads in ("q", HEADS), ("k", KV), ("v", KV):
        yield f"{layer}self_attn.{name}_proj.weight", (heads * SIZE, HIDDEN)
        if arch == "qwen2":
            yield f"{layer}self_attn.{name}_proj.bias", (heads * SIZE,)
        elif name != "v":
            yield f"{layer}self_attn.{name}_norm.weight", (SIZE,)
    yield f"{layer}self_attn.o_proj.weight", (HIDDEN, HEADS * SIZE)
    yield f"{layer}mlp.gate_proj.weight", (MLP, HIDDEN)
    yield f"{layer}mlp.up_proj.weight", (MLP, HIDDEN)
    yield f"{layer}mlp.down_proj.weight", (HIDDEN, MLP)


def tokenizer(w, arch):
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<end_of_turn>"]
    if arch == "gemma3":
        pieces = ["\u2581", "a", "b", "ab", "\u2581ab"]
        tokens = special + [f"<0x{b:02X}>" for b in range(256)] + pieces
        types = [3, 3, 3, 2, 3] + [6] * 256 + [1] * len(pieces)
        w.add_tokenizer_model("llama")
        w.add_token_scores([-1000.0] * (5 + 256) + [-9.0, -8.0, -7.0, -2.0, -1.0])
        w.add_add_space_prefix(False)
        w.add_unk_token_id(3)
    else:
        tokens = special + ["a", "b", "ab", "\u0120", "\u00c3", "\u00a9", "\u00c3\u00a9"]  # é is the bytes c3 a9
        types = [3] * 5 + [1] * 7
        w.add_tokenizer_model("gpt2")
        w.add_tokenizer_pre("qwen2")
        w.add_token_merges(["a b", "\u00c3 \u00a9"])
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_bos_token_id(2)
    w.add_eos_token_id(1)
    w.add_eot_token_id(4)
    w.add_chat_template("{% for m in messages %}{{ m['content'] }}{% endfor %}")
    return len(tokens)


for arch, kind in ARCHITECTURES.items():
    w = gguf.GGUFWriter(f"{sys.argv[1]}/{arch}.gguf", arch)
    w.add_block_count(1)
    w.add_context_length(64)
    w.add_embedding_length(HIDDEN)
    w.add_feed_forward_length(MLP)
    w.add_head_count(HEADS)
    w.add_head_count_kv(KV)
    w.add_key_length(SIZE)
    w.add_value_length(SIZE)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_freq_base(5000.0)
    if arch == "gemma3":
        w.add_sliding_window(8)
    names = gguf.get_tensor_name_map(kind, 1)
    for name, shape in shapes(arch, tokenizer(w, arch)):
        values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) + zlib.crc32(name.encode()) % 1000
        stored = values + 1 if arch == "gemma3" and name.endswith("norm.weight") else values
        w.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), stored.astype(np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
