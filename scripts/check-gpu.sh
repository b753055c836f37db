#!/usr/bin/env bash
# usage: scripts/check-gpu.sh [options of mvn]
# Builds and tests plugins/onnxruntime-gpu, which needs java.lang.foreign, by a JDK of 22 or newer: $AUTODIDACT_JDK25, else
# $JAVA_25_HOME, else one of /usr/lib/jvm. Without one it says that it is skipped. The graphs run on ONNX Runtime's CPU
# provider; with -Dautodidact.provider=cuda on a GPU. Nothing is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
home=
for candidate in "${AUTODIDACT_JDK25:-}" "${JAVA_25_HOME:-}" /usr/lib/jvm/*; do
  [ -n "$candidate" ] && [ -x "$candidate/bin/javac" ] || continue
  version=$("$candidate/bin/javac" -version 2>&1 | sed -E 's/^javac ([0-9]+).*/\1/')
  if [ "$version" -ge 22 ] 2>/dev/null; then home=$candidate; break; fi
done
if [ -z "$home" ]; then
  echo "check-gpu: skipped: no JDK 22 or newer in \$AUTODIDACT_JDK25, \$JAVA_25_HOME or /usr/lib/jvm"
  exit 0
fi
models=$PWD/models
[ -d "$models" ] || models=
shared=${AUTODIDACT_SHARED:-$PWD/../shared}
[ -d "$shared" ] || shared=
mvn=mvn
command -v mvn >/dev/null || mvn=./mvnw
# google-java-format of the build does not run on this JDK: the formatting is checked by JDK 17.
JAVA_HOME=$home "$mvn" -q -B -ntp -pl plugins/onnxruntime-gpu -am test -Dspotless.check.skip=true \
  -Dtest='org.autodidact.gpu.**' -Dsurefire.failIfNoSpecifiedTests=false \
  -Dautodidact.models="$models" -Dautodidact.shared="$shared" "$@"
awk -F '[:,]' '/^Tests run/ { n += $2; s += $8 } END { print "check-gpu: " n " tests, " s " skipped" }' \
  plugins/onnxruntime-gpu/target/surefire-reports/*.txt
# What JDK 17 checks of the module: its formatting.
"$mvn" -q -B -ntp -Pforeign-functions -pl plugins/onnxruntime-gpu spotless:check
echo "check-gpu: built and tested with $("$home/bin/java" -version 2>&1 | head -1)"
