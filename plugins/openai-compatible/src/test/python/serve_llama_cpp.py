"""llama.cpp's own server with one model: serve_llama_cpp.py MODEL.gguf [PORT [NAME]] prints its address and serves until it is killed.

Needs xllamacpp, which is llama.cpp as a wheel (MIT, 34 MB): pip install xllamacpp==2026.10.11549
"""
import sys, threading
import xllamacpp

parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
parameters.model_alias = {sys.argv[3] if len(sys.argv) > 3 else "smollm2"}
parameters.n_parallel = 4
parameters.n_ctx = 8192  # 2048 for each of the four
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1  # spinning threads are slow where others compute
server = xllamacpp.Server(parameters)
print(server.listening_address + "/v1", flush=True)
threading.Event().wait()
