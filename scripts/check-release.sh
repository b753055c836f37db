#!/usr/bin/env bash
# usage: scripts/check-release.sh [folder]
# Publishes to a folder (default: a new one that is deleted) what a release would publish, without tests and signed by a key
# made for that, and checks what Maven Central asks for: for each jar its sources, Javadoc and signature; in each pom the
# required elements; each artifact named in the BOM; LICENSE and NOTICE in each jar.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v gpg >/dev/null || { echo "check-release: no 'gpg' found; install it ('apt-get install gnupg')" >&2; exit 2; }
work=$(mktemp -d)
trap 'gpgconf --kill gpg-agent 2>/dev/null || true; rm -rf "$work"' EXIT
to=${1:-$work/published}
mkdir -p -m 700 "$work/gnupg" "$to"
export GNUPGHOME=$work/gnupg
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-gen-key 'throw-away key' rsa2048 sign 1d 2>/dev/null
mvn=mvn
command -v mvn >/dev/null || mvn=./mvnw
"$mvn" -q -B -ntp -Prelease -DskipTests -Dmaven.source.forceCreation -Dmaven.install.skip deploy -DaltDeploymentRepository="check::file://$(realpath "$to")"
find "$HOME/.m2/repository/org/autodidact" -name 'maven-metadata-check.xml*' -delete 2>/dev/null || true # Maven's notes of this folder
find "$to" -name '*.asc' -print0 | while IFS= read -r -d '' signature; do
  gpg --batch --quiet --verify "$signature" "${signature%.asc}" 2>/dev/null || { echo "$signature: not a signature" >&2; exit 1; }
done
python3 - "$to/org/autodidact" <<'PYTHON'
import pathlib, sys, xml.etree.ElementTree as xml, zipfile
M = "{http://maven.apache.org/POM/4.0.0}"
root, wrong = pathlib.Path(sys.argv[1]), []
poms = {p.parent.parent.name: xml.parse(p).getroot() for p in root.glob("*/*/*.pom")}
text = lambda pom, path: (pom.findtext("/".join(M + e for e in path.split("/"))) or "").strip()
bom = [d.text for d in poms["autodidact-bom"].iter(M + "artifactId")]
for name, pom in sorted(poms.items()):
    folder = next((root / name).glob("*/*.pom")).parent
    stem = f"{name}-{folder.name}"
    packaging = text(pom, "packaging") or "jar"
    files = [stem + ".pom"]
    if packaging == "jar":
        files += [stem + end for end in (".jar", "-sources.jar", "-javadoc.jar")]
        if name not in bom:
            wrong.append(f"{name}: not in plugins/bom")
    files += [j.name for j in folder.glob("*.jar") if j.name not in files]
    for file in files + [f + ".asc" for f in files]:
        if not (folder / file).is_file():
            wrong.append(f"{name}: no {file}")
    for jar in [j for j in folder.glob("*.jar") if not j.stem.endswith(("-javadoc", "-tests"))]:
        entries = zipfile.ZipFile(jar).namelist()
        wrong += [f"{jar.name}: no META-INF/{e}" for e in ("LICENSE", "NOTICE") if "META-INF/" + e not in entries]
    parent = poms[text(pom, "parent/artifactId")] if pom.find(M + "parent") is not None else None
    for element in ("name", "description"):
        if not text(pom, element):
            wrong.append(f"{name}: no <{element}>")
    for element in ("url", "licenses/license/name", "developers/developer/name", "scm/connection", "scm/url"):
        if not text(pom, element) and (parent is None or not text(parent, element)):
            wrong.append(f"{name}: no <{element}>")
if poms["autodidact-bom"].find(M + "parent") is not None or {d.text for d in poms["autodidact-bom"].iterfind(f".//{M}dependency/{M}groupId")} != {"org.autodidact"}:
    wrong.append("autodidact-bom: manages what is not ours")
for element in ("version", "properties/autodidact.url"):
    if text(poms["autodidact"], element) != text(poms["autodidact-bom"], element):
        wrong.append(f"autodidact-bom: not the parent's <{element}>")
sys.exit("\n".join(wrong)) if wrong else print(f"{len(poms)} artifacts can be published")
PYTHON
