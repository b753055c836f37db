#!/usr/bin/env bash
# usage: scripts/fetch-templates.sh [FOLDER]: puts the chat templates of TRL 1.16.0 (Apache-2.0), which the test of chat
# templates renders, into FOLDER/chat_templates (default: models), from the Python package index, by pip.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:-$here/models}
[ -d "$folder/chat_templates" ] && exit 0
command -v python3 >/dev/null || { echo "fetch-templates: no 'python3' found; it is needed once" >&2; exit 2; }
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download -q --disable-pip-version-check --no-deps -d "$work" trl==1.16.0
python3 - "$work" <<'PYTHON'
import glob, os, sys, zipfile
work = sys.argv[1]
wheel = zipfile.ZipFile(glob.glob(work + "/*.whl")[0])
os.mkdir(work + "/chat_templates")
for name in wheel.namelist():
    if name.startswith("trl/chat_templates/") and name.endswith(".jinja"):
        with open(os.path.join(work, "chat_templates", os.path.basename(name)), "wb") as out:
            out.write(wheel.read(name))
PYTHON
mv "$work/chat_templates" "$folder/chat_templates"
