#!/usr/bin/env python3
"""usage: llama_cpp.py MODEL.gguf ASKED.json OUT.json
What llama.cpp makes of a GGUF file: for each {"text", "prompt"} of ASKED the token ids of its chat template's
prompt, and the ids that follow "prompt" greedily. Needs the package xllamacpp, which brings llama.cpp's server."""
import json, os, sys, urllib.request
import xllamacpp

model, asked, out = sys.argv[1:]
TOKENS = 24
parameters = xllamacpp.CommonParams()
parameters.model.path = model
parameters.n_ctx = 1024
parameters.n_parallel = 1
parameters.warmup = False
server = xllamacpp.Server(parameters)


def post(path, body):
    data = json.dumps(body).encode()
    request = urllib.request.Request(
        server.listening_address + path, data, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


found = []
for one in json.load(open(asked, encoding="utf-8")):
    messages = [{"role": "user", "content": one["text"]}]
    prompt = post("/apply-template", {"messages": messages})["prompt"]
    ids = post("/tokenize", {"content": prompt, "add_special": False, "parse_special": True})
    answer = post(
        "/completion",
        {"prompt": one["prompt"], "n_predict": TOKENS, "temperature": 0, "samplers": ["temperature"],
         "repeat_penalty": 1.0, "cache_prompt": False, "return_tokens": True},
    )
    found.append({"prompt": ids["tokens"], "tokens": answer["tokens"]})
with open(out, "w", encoding="utf-8") as file:
    json.dump(found, file)
os._exit(0)  # the server's threads do not end by themselves
