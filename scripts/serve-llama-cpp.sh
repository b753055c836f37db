#!/usr/bin/env bash
# usage: scripts/serve-llama-cpp.sh MODEL.gguf [PORT] [NAME]: llama.cpp's own server with one model, for trying the
# generators on servers. Fetches xllamacpp (llama.cpp as a wheel, MIT, 34 MB) by pip into a virtual environment once.
# AUTODIDACT_LLAMA_CPP_URL=http://127.0.0.1:18080/v1 then runs LlamaCppTest of plugins/openai-compatible (model smollm2).
set -euo pipefail
model=${1:?usage: scripts/serve-llama-cpp.sh MODEL.gguf [PORT] [NAME]}
venv=${AUTODIDACT_LLAMA_CPP_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/autodidact/llama-cpp}
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check --no-deps xllamacpp==2026.10.11549
fi
exec "$venv/bin/python" - "$model" "${2:-18080}" "${3:-smollm2}" <<'PYTHON'
import sys, threading
import xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.port = int(sys.argv[2])
parameters.model_alias = {sys.argv[3]}
parameters.n_parallel = 4
parameters.n_ctx = 8192  # 2048 for each of the four
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1  # spinning threads on a busy machine are slow
server = xllamacpp.Server(parameters)
print(server.listening_address + "/v1", flush=True)
threading.Event().wait()
PYTHON
