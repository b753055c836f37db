#!/usr/bin/env python3
"""Checks the documents: every relative link leads to a file, every #anchor to a heading, every class that a page names, and every page that a source names, exists.

usage: scripts/check-docs.py      (prints what is wrong, a line each, and ends with 1 if anything is)
"""
import os, re, sys, unicodedata

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Names in backticks that look like classes of ours and are not.
FOREIGN = {"J1_oneJudgementForEachRequest", "ManagedExecutor", "MyJudge", "Sc0re", "Sсore", "System", "TrimNativeHeapInterval"}
SKIPPED = {".git", "target", "models", "runs"}
files = []
for folder, folders, names in os.walk(root):
    folders[:] = sorted(f for f in folders if f not in SKIPPED)
    files += [os.path.join(folder, name) for name in sorted(names)]
pages = [f for f in files if f.endswith(".md")]


def text(page):
    """The page without its fenced code."""
    return re.sub(r"^```.*?^```", "", open(page, encoding="utf-8").read(), flags=re.S | re.M)


def anchors(page):
    """GitHub's ids of headings: lower case, punctuation dropped, spaces to hyphens."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", text(page), flags=re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        kept = "".join(c for c in plain.lower() if c in " -_" or unicodedata.category(c)[0] in "LN")
        found.add(kept.strip().replace(" ", "-"))
    return found


wrong = []
for page in pages:
    prose = re.sub(r"`[^`\n]*`", "", text(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not os.path.exists(there):
            wrong.append(f"{os.path.relpath(page, root)}: no such file: {target}")
        elif anchor and there.endswith(".md") and anchor not in anchors(there):
            wrong.append(f"{os.path.relpath(page, root)}: no such heading: {target}")

known = {os.path.basename(f) for f in files}
members = {}  # the words of a class's files
for source in (f for f in files if f.endswith(".java")):
    code = open(source, encoding="utf-8").read()
    known.update(re.findall(r"\b(?:class|record|interface|enum) (\w+)", code))
    members.setdefault(os.path.basename(source)[:-5], set()).update(re.findall(r"\w+", code))
    for path in re.findall(r"\bdocs/[a-z-]+(?:\.md)?", code):
        if not os.path.exists(os.path.join(root, path)):
            wrong.append(f"{os.path.relpath(source, root)}: no such page: {path}")
for page in pages:
    if os.path.relpath(page, root).startswith(("docs/decisions", "docs/measurements")):
        continue  # they name what was there on their day
    for name in re.findall(r"`([A-Z]\w*[a-z]\w*|[a-z]+\.(?:sql|torchscript))(?:[.(#][^`]*)?`", text(page)):
        if name not in known | FOREIGN:
            wrong.append(f"{os.path.relpath(page, root)}: no such class: {name}")
    for name, member in re.findall(r"`([A-Z]\w*)\.([a-z]\w*)", text(page)):
        if name in members and member not in members[name]:
            wrong.append(f"{os.path.relpath(page, root)}: {name} has no {member}")
# The quick test tier leaves out classes that exist.
slow = re.findall(r"<exclude>\*\*/(?:[^<]*/)?([\w*][^</]*\.java)</exclude>", open(os.path.join(root, "pom.xml"), encoding="utf-8").read())
wrong += [f"pom.xml, profile fast: no such class: {name}" for name in slow
          if not any(re.fullmatch(name.replace(".", r"\.").replace("*", ".*"), f) for f in known)]
print("\n".join(sorted(set(wrong))) or "documents: links and class names are right")
sys.exit(1 if wrong else 0)
