#!/usr/bin/env python3
"""Prints what Hugging Face's Jinja makes of dialect.jinja: the expectations of ChatTemplateTest.  usage: render_dialect.py"""
import os
from transformers.utils.chat_template_utils import _compile_jinja_template
here = os.path.dirname(os.path.abspath(__file__))
template = _compile_jinja_template(open(here + "/../resources/org/autodidact/checkpoints/tokenizer/dialect.jinja").read())
user = lambda text: {"role": "user", "content": text}
for messages in ([user("a")], [{"role": "system", "content": " s \n"}, user("<tool>x</tool>")],
                 [user("a"), {"role": "assistant", "content": "hm</think>\n\nb"}, user("c"), user("<tool>x</tool>")]):
    for generation in (True, False):
        print(repr(template.render(messages=messages, add_generation_prompt=generation, bos_token="<s>", eos_token="</s>")))
