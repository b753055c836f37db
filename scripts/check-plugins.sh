#!/usr/bin/env bash
# usage: scripts/check-plugins.sh
# Builds and tests the plugins of examples/plugins as somebody else's projects: by our artifacts as published. The Maven
# repository used is target/check-plugins, which begins with links to the files of the user's own; ours are installed into it and
# nowhere else. Needs python3, which stands for a trainer elsewhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
repository=$PWD/target/check-plugins
. scripts/throw-away-repository.sh
throw_away_repository "$repository"
mvn=mvn
command -v mvn >/dev/null || mvn=$PWD/mvnw
maven() { "$mvn" -q -B -ntp -o -Dmaven.repo.local="$repository" "$@" || "$mvn" -q -B -ntp -Dmaven.repo.local="$repository" "$@"; }
maven -pl plugins/bom,conformance-tests,engine-impl -am -Dmaven.test.skip=true -Dspotless.check.skip=true install
for pom in examples/plugins/*/pom.xml; do
  maven -f "$pom" clean package
  awk -v name="$(basename "$(dirname "$pom")")" -F '[:,]' '/^Tests run/ { n += $2 } END { print name ": " n " tests" }' \
    "$(dirname "$pom")"/target/surefire-reports/*.txt
done
judge=examples/plugins/judge-with-options/src/main/java/org/example/concise/ConcisePlugin.java
python3 - "$judge" <<'PYTHON'
import sys
lines = open(sys.argv[1]).readlines()
if len(lines) >= 45:
    sys.exit(f"check-plugins: a judge with options takes {len(lines)} lines; fewer than 45 were enough")
if "".join(lines) not in open("docs/plugins.md").read():
    sys.exit(f"check-plugins: docs/plugins.md shows another judge than {sys.argv[1]}")
PYTHON
