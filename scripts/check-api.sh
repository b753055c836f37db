#!/usr/bin/env bash
# usage: scripts/check-api.sh [commit]
# Compares engine-api with its last release, the commit named in engine-api/api-baseline.txt: changes of stable types that break
# hosts or plugins, in binary or in source, fail. Stable are the types that the release marked STABLE; all, if it marked none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
japicmp=0.25.6 # the last with a command line in one jar
baseline=${1:-$(grep -v '^#' engine-api/api-baseline.txt || true)}
if [ -z "$baseline" ]; then
  echo "check-api: nothing to compare with: engine-api/api-baseline.txt names no release yet"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mvn=mvn
command -v mvn >/dev/null || mvn=./mvnw
tool=$HOME/.m2/repository/com/github/siom79/japicmp/japicmp/$japicmp/japicmp-$japicmp-jar-with-dependencies.jar
[ -f "$tool" ] || "$mvn" -q -B -ntp dependency:get -Dtransitive=false -DgroupId=com.github.siom79.japicmp -DartifactId=japicmp -Dversion=$japicmp -Dpackaging=jar -Dclassifier=jar-with-dependencies
"$mvn" -q -B -ntp -o -pl engine-api dependency:build-classpath -Dmdep.includeScope=compile -Dmdep.outputFile="$work/path"
mkdir -p "$work/old" "$work/new"
git archive "$baseline" engine-api/src/main/java | tar -x -C "$work/old"
cp -r --parents engine-api/src/main/java "$work/new"
for side in old new; do
  find "$work/$side" -name '*.java' >"$work/$side.txt"
  javac -nowarn -proc:none --release 17 -p "$(cat "$work/path")" -d "$work/$side/classes" "@$work/$side.txt"
  jar cf "$work/$side.jar" -C "$work/$side/classes" .
done
stable=$(cd "$work/old/engine-api/src/main/java" && grep -rlE --include='*.java' '@API\(.*\bSTABLE\b' . | sed 's#^\./##; s#\.java$##; s#/#.#g' | sed 's/.*/&;&$*/' | paste -sd ';' || true)
java -jar "$tool" -o "$work/old.jar" -n "$work/new.jar" --only-incompatible --ignore-missing-classes ${stable:+--include "$stable"} \
  --error-on-binary-incompatibility --error-on-source-incompatibility >"$work/report" ||
  { cat "$work/report" >&2; echo "check-api: the stable API since $baseline is broken (see docs/stability.md)" >&2; exit 1; }
echo "check-api: nothing stable is broken since $baseline"
