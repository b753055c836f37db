#!/usr/bin/env python3
"""Writes types.gguf, one tensor of random blocks for each storage type, and types.f32, what the Python package `gguf`
de-quantizes them to (little-endian float32, in the file's order).  usage: make_gguf_fixture.py FOLDER"""
import sys, numpy as np, gguf
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize, quantize
folder = sys.argv[1]; rng = np.random.default_rng(7); w = gguf.GGUFWriter(folder + "/types.gguf", "llama"); expected = []
for t in (T.F32, T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.Q4_K, T.Q5_K, T.Q6_K):
    values = rng.standard_normal((2, 256)).astype(np.float32)
    if t == T.F32: raw = values
    elif t == T.F16: raw = values.astype(np.float16)
    elif t in (T.Q4_K, T.Q5_K, T.Q6_K):
        size = gguf.GGML_QUANT_SIZES[t][1]; raw = rng.integers(0, 256, (2, size), dtype=np.uint8)
        for row in raw:  # the half-precision scales must be finite
            for at in ((208,) if t == T.Q6_K else (0, 2)): row[at:at + 2] = np.frombuffer(np.float16(rng.uniform(.001, .1)).tobytes(), np.uint8)
    else: raw = quantize(values, t)
    w.add_tensor("tensor." + t.name, raw, raw_dtype=t if raw.dtype == np.uint8 else None)
    expected.append(values if t == T.F32 else raw.astype(np.float32) if t == T.F16 else dequantize(raw, t))
w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()
np.concatenate([e.astype("<f4").ravel() for e in expected]).tofile(folder + "/types.f32")
