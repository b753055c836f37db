#!/usr/bin/env python3
"""usage: make_template_hashes.py TEMPLATES CONVERSATIONS.json OUT.json
What Transformers' own Jinja makes of the conversations by each template of the folder, as hashes.

TEMPLATES: a folder of *.jinja (scripts/fetch-templates.sh puts TRL's into models/chat_templates).
OUT: {template: {conversation: [without, with generation prompt]}}, each the first 8 hexadecimal digits of
the SHA-256 of the text in UTF-8, or "refused". Needs transformers 5 and jinja2 3.1."""
import datetime, glob, hashlib, json, os, sys
from transformers.utils import chat_template_utils
from transformers.utils.chat_template_utils import _compile_jinja_template


class Fixed(datetime.datetime):
    """The time of every rendering: some templates write the day. TrlTemplatesTest has the same."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 7, 9, 5, 4)


chat_template_utils.datetime = Fixed

templates, conversations, out = sys.argv[1:]
conversations = json.load(open(conversations, encoding="utf-8"))
tokens = dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>")


def one(template, messages, add):
    try:
        text = template.render(
            messages=messages, tools=None, documents=None, add_generation_prompt=add, **tokens
        )
    except Exception:
        return "refused"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


result = {}
for path in sorted(glob.glob(templates + "/*.jinja")):
    template = _compile_jinja_template(open(path, encoding="utf-8", newline="").read())
    result[os.path.basename(path)] = {
        name: [one(template, messages, add) for add in (False, True)]
        for name, messages in conversations.items()
    }
with open(out, "w", encoding="utf-8") as file:
    rows = (f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in result.items())
    file.write("{\n" + ",\n".join(rows) + "\n}\n")
