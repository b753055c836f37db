#!/usr/bin/env bash
# usage: scripts/check-hosts.sh
# Builds the applications of examples/hosts against our artifacts as published, and runs them: one jar made by Shade, modules,
# Spring Boot; by the JDK of the build and, where there is one ($JAVA_25_HOME or /usr/lib/jvm), by JDK 25. Then holds a host's
# dependencies to one version of each and to licences without LGPL. The Maven repository used is target/hosts/repository,
# which begins with links to the files of the user's own; ours are installed into it and nowhere else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$PWD/target/hosts repository=$PWD/target/hosts/repository
. scripts/throw-away-repository.sh
throw_away_repository "$repository"
rm -rf "$work/runs"
mvn=mvn
command -v mvn >/dev/null || mvn=./mvnw
maven() { "$mvn" -q -B -ntp -Dmaven.repo.local="$repository" "$@" || { "$mvn" -q -B -ntp -o -Dmaven.repo.local="$repository" "$@"; }; }
maven -pl plugins/bom,engine-impl,plugins/opennlp,plugins/onnxruntime,plugins/djl-pytorch -am -DskipTests -Dspotless.check.skip=true install
maven -f examples/hosts/pom.xml clean install

hosts=$PWD/examples/hosts
run() { # java, name, arguments of java
  local java=$1 name=$2 output
  shift 2
  rm -rf "$work/runs/$name"
  output=$("$java" "$@" "$hosts/run.yaml" "$work/runs/$name" 2>&1) || { echo "$output" >&2; echo "check-hosts: $name failed with $java" >&2; exit 1; }
  grep -q '^M3 is in ' <<<"$output" || { echo "$output" >&2; echo "check-hosts: $name did not end with M3" >&2; exit 1; }
  echo "$name: M3, with $("$java" -version 2>&1 | head -1)"
}
for home in "${JAVA_HOME:-}" "${JAVA_25_HOME:-$(ls -d /usr/lib/jvm/*25* 2>/dev/null | head -1)}"; do
  java=${home:+$home/bin/}java
  [ "$java" != java ] || [ -z "${ran:-}" ] || { echo "no JDK 25 found: not run with it"; continue; }
  ran=yes
  run "$java" shaded -jar "$hosts/shaded/target/shaded-host-1.0.0.jar"
  run "$java" module-path -p "$hosts/module-path/target/module-path-host-1.0.0.jar:$hosts/module-path/target/modules" -m org.example.host/org.example.host.Host
  run "$java" spring-boot -jar "$hosts/spring-boot/target/spring-boot-host-1.0.0.jar"
done

# What Maven gives to a host that imports only our BOM and takes all plugins.
{
  echo '<project><modelVersion>4.0.0</modelVersion><groupId>org.example</groupId><artifactId>all</artifactId><version>1</version>'
  sed -n '/<dependencyManagement>/,/<\/dependencyManagement>/p; /<properties>/,/<\/properties>/p' examples/hosts/shaded/pom.xml
  echo '<dependencies>'
  for artifact in engine-impl onnxruntime djl-pytorch opennlp; do
    echo "<dependency><groupId>org.autodidact</groupId><artifactId>autodidact-$artifact</artifactId></dependency>"
  done
  echo '</dependencies></project>'
} >"$work/pom.xml"
maven -f "$work/pom.xml" org.apache.maven.plugins:maven-enforcer-plugin:3.7.0:enforce -Denforcer.rules=dependencyConvergence
maven -f "$work/pom.xml" org.codehaus.mojo:license-maven-plugin:2.7.1:add-third-party -Dlicense.excludedGroups='org\.autodidact'
list=$work/target/generated-sources/license/THIRD-PARTY.txt
# A choice of licences is written as "(Apache-2.0) (LGPL-2.1-or-later) …".
if grep -E '\(([AL]?GPL|GNU)' "$list" | grep -vE '\((Apache|MIT|BSD|The Apache)'; then
  echo "check-hosts: a host gets a library that is under the GPL or LGPL alone" >&2
  exit 1
fi
echo "$(grep -c '^ ' "$list") libraries in a host, none under the GPL or LGPL alone, each in one version"
