#!/usr/bin/env bash
# usage: scripts/check-plugins.sh [options of mvn]
# Builds and tests the plugins of examples/plugins as somebody else's projects: by the installed artifacts alone, offline. Ours are
# installed into a throw-away copy of the local repository. What the plugins need must have been downloaded once, as the
# build of everything does. Needs python3, which stands for a trainer elsewhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mvn=mvn
command -v mvn >/dev/null || mvn=$PWD/mvnw
local=${AUTODIDACT_M2:-$HOME/.m2/repository}
copy=$(mktemp -d "$(dirname "$local")/check-plugins.XXXXXX") # beside it, as hard links are of one disk
trap 'rm -rf "$copy"' EXIT
cp -al "$local/." "$copy"
rm -rf "$copy/org/autodidact"
"$mvn" -q -ntp -B -o "$@" -Dmaven.repo.local="$copy" -DskipTests -Dspotless.check.skip -pl conformance-tests,engine-impl -am install
for pom in examples/plugins/*/pom.xml; do
  echo "== $(dirname "$pom")"
  "$mvn" -q -ntp -B -o "$@" -Dmaven.repo.local="$copy" -f "$pom" clean package
done
lines=$(wc -l < examples/plugins/judge-with-options/src/main/java/org/example/concise/ConcisePlugin.java)
if [ "$lines" -ge 45 ]; then
  echo "a judge with options takes $lines lines; it took fewer than 45" >&2
  exit 1
fi
