#!/usr/bin/env python3
"""usage: make_jinja_cases.py OUT.json: what Transformers' own Jinja makes of small templates.

OUT: [[template, text]], with null for a text where Jinja2 refuses. Needs transformers 5 and jinja2 3.1."""
import json, re, sys
from jinja2 import Environment
from transformers.utils.chat_template_utils import _compile_jinja_template

VARIABLES = json.loads(
    """{"messages": [{"role": "user", "content": " Hi\\n"}, {"role": "assistant", "content": "false"},
    {"role": "user", "content": "\\u3000a\\ud83d\\ude00b\\u00a0"}], "tools": null, "documents": null,
    "add_generation_prompt": true, "n": 7, "f": 2.5, "empty": "", "words": ["b", "C", "a", "b"],
    "d": {"b": 1, "A": "x", "c": [1, 2.0, null, true], "items": "own"}, "nested": [[1, [2, 3]], [4, []]],
    "people": [{"name": "Bo", "age": 3, "pet": {"kind": "cat"}}, {"name": "al", "age": 1}, {"name": "Cy", "age": 2}],
    "text": "Hello, World", "html": "<a href='x'>&\\"</a>", "emoji": "\\ud83d\\ude00x\\ud83d\\ude00"}"""
)

EXPRESSIONS = r"""
messages[0].content and 'x' | '' or 'dflt' | nothing or 'dflt' | none or 0 | 0 and x | not '' | not not n
1 + 2 * 3 | 7 // 2 | -7 // 2 | 7 % 3 | -7 % 3 | 7 % -3 | 7 / 2 | 6 / 3 | 2 ** 10 | 2 ** -1 | -2 ** 2 | 2 ** 3 ** 2 | 7.5 // 2 | -7.5 % 2 | 1e3 | 1e16 | 1e-5 | 0.0001 | 123456789.125 | 1e22 | 0.1 + 0.2 | 1_000 | 0x1F | 0o17 | 0b101 | 1.0 | 100.0 | 1e15 | 5e-324 | 1.7976931348623157e308
'a' + 'b' | 'ab' * 3 | 3 * 'ab' | [1] + [2] | [0] * 3 | (1, 2) + (3,) | 'a' + 1 | 'a' ~ 1 ~ none ~ true ~ 2.0 | [1] + (2,) | 1 + true | true + true | 'a' * -1 | 1 - 'a' | none + 1
1 < 2 < 3 | 1 < 3 < 2 | 1 == 1.0 | true == 1 | 'a' < 'b' | 'a' < 1 | [1, 2] < [1, 3] | [1] == (1,) | {} == {} | 'Z' < 'a' | none == none | none < 1 | nothing == nothing | 1 != 2 != 1 | '\uffff' < emoji
'a' in 'abc' | 'b' not in 'abc' | 1 in [1] | 'b' in d | 'zz' in d | 1 in 'a' | '' in 'a' | 'x' in nothing | nothing in 'a' | nothing in [1] | [1] in [[1]] | 1 in (1,2) | not 1 in [2]
'yes' if n else 'no' | 'yes' if empty else 'no' | 'yes' if nothing | ('a' if 0) is defined | 'a' if 0 else 'b' if 0 else 'c' | (1 if true else 2) + 1
'y' if 'false' else 'n' | 'y' if '0' else 'n' | 'y' if [] else 'n' | 'y' if {} else 'n' | 'y' if 0 else 'n' | 'y' if ' ' else 'n' | 'y' if 0.0 else 'n' | 'y' if [0] else 'n' | 'y' if range(0) else 'n'
messages[0].tool_calls is defined | messages[0].tool_calls | messages[0]['tool_calls'] is not none | messages[0].get('tool_calls') is not none | messages[0].get('x', 'dflt') | messages[9] is defined | messages[9].role is defined | nothing.a is defined | nothing.a | d.nope.nope | none.x | none.x is defined | n.x | 'abc'.nope is defined | messages[-1].role | messages[-4] is defined
tools is defined | tools is none | tools is not none | documents | bos_token is defined | tools is iterable | nothing is iterable | nothing is sequence | nothing is mapping | nothing is string
d.items | d['items'] | d.keys() | d.values()|list | d.items()|list | d|items|list | d|length | d|list | d.get('A') | d.pop('b') | d.update({}) | d.copy() | d.nope | d['nope'] | d.b | {'keys': 1}.keys is defined | {'a': 1}['a'] | {'a': 1}.a | {1: 'x'}[1] | {1: 'x'}[1.0] | {'x': {'y': 2}}.x.y | d|items|length
words[0] | words[-1] | words[10] is defined | words[1:] | words[:-1] | words[::-1] | words[::2] | words[-2:] | words[5:] | words[2:0:-1] | words[::0] | words['x'] is defined | words.0 | (1,2,3)[1:] | range(5)[2] | range(10)[2:5]|list | nested[0][1][0] | words[1.5] is defined | words[true]
text[0] | text[-1] | text[1:4] | text[::-1] | text[100] is defined | text[:100] | emoji[0] | emoji[1] | emoji[::-1] | emoji|length | emoji[1:] | emoji[-1] | text[none:2] | text['x'] is defined | text[3:1]
'raise_exception is defined' | 'a[::-1]' | 'use not x is y' | 'messages|length - 1' | "it's" | 'say "x"' | '{{ braces }}' | '{% x %}' | '{"name": 1}' | 'a' 'b' | 'a\nb' | 'a\tb' | 'a\\nb' | '\x41\u0042\U00000043' | '\101' | 'it\'s' | "\"" | '\q' | '\é' | 'a\
b' | "tab	in" | '\0' | '\8'
' \t\n x \n' | trim | messages[2].content | trim | 'xxaxx' | trim('x') | '\x1c a \x1f' | trim | '\u200b a' | trim | '\ufeffa' | trim | none | trim | n | trim | messages[2].content.strip() | ' a '.lstrip() | ' a '.rstrip() | 'abcba'.strip('ab') | 'abc'.strip('') | 'xyx'.lstrip('x') | '\x85a\u2028'.strip()
'a,b,,c'.split(',') | ' a  b c '.split() | 'a b c'.split(' ', 1) | 'a b c'.rsplit(' ', 1) | ' a  b  c '.split(none, 1) | ' a  b  c '.rsplit(none, 1) | ''.split() | ''.split(',') | 'abc'.split('') | 'a<t>b<t>c'.split('<t>')[-1] | 'a,b,c'.rsplit(',', 5) | 'a,b,c'.split(',', 0) | 'a b'.split(none, 0) | ' a b '.split(none, 0) | ' a b '.rsplit(none, 0) | 'a\u3000b\x85c'.split() | 'a b c d'.rsplit(none, 2) | 'a--b--c'.rsplit('--', 1) | 'a,b'.split(sep=',') | 'a,b,c'.split(',', maxsplit=1)
'abc'.startswith('a') | 'abc'.startswith(('x', 'a')) | 'abc'.endswith('c') | 'abc'.startswith('b', 1) | 'abc'.startswith(1) | 'abc'.startswith('') | 'abc'.endswith(('c',)) | 'abc'.startswith('a', 0, 0)
'abcabc'.find('c') | 'abcabc'.rfind('c') | 'abc'.find('z') | 'abc'.index('z') | emoji.find('x') | 'aaa'.count('a') | 'aaaa'.count('aa') | 'abc'.count('') | 'abcabc'.find('b', 2) | 'abc'.index('b')
'hello world'.title() | 'hello world'.capitalize() | "they're bill's".title() | 'HELLO'.capitalize() | 'hELLO wORLD-foo bar'|title | 'HELLO wORLD' | capitalize | 'ab'.upper() | 'AB'.lower() | 'aB'.swapcase() | 'ß'.upper() | 'İ'.lower()|length | 'ǆ'.title() | 'ß'.title() | 'ß'.capitalize() | 'x1y'.title() | 'ΑΣ'.lower() | 'a.b(c'|title
'1a'.isalnum() | '12'.isdigit() | '²'.isdigit() | '½'.isnumeric() | '²'.isdecimal() | '٣'.isdecimal() | 'ab'.isalpha() | ''.isalpha() | ' \n'.isspace() | '\x1c'.isspace() | 'Ab'.istitle() | 'AB'.isupper() | 'ab1'.islower() | '1'.islower() | 'a_1'.isidentifier() | '1a'.isidentifier() | 'é'.isascii() | 'a\n'.isprintable() | 'AB c'.istitle()
'a-b'.replace('-', '+') | 'aaa'.replace('a', 'b', 2) | 'abc'.replace('', '-') | 'a'|replace('a', 'b') | n|replace(7, 8) | 'aaa'|replace('a', 'b', 1) | html|replace('<', '[') | 'abc'.replace('', '-', 2) | ''.replace('', 'x') | 'a'.replace('b', 'c')
', '.join(words) | ', '.join([1]) | ''.join(['a', 'b']) | '-'.join('abc') | words|join | words|join(', ') | [1, none, true]|join('-') | people|join(', ', attribute='name') | 'abc'|join('.') | nothing|join(',') | d|join(',') | [[1], 'a']|join('|')
'a\nb\r\nc'.splitlines() | 'a\n'.splitlines(true) | 'a=b=c'.partition('=') | 'a=b=c'.rpartition('=') | 'abc'.partition('x') | 'prefix-a'.removeprefix('prefix-') | 'a.txt'.removesuffix('.txt') | 'a'.ljust(3) ~ '|' | 'a'.rjust(3, '*') | 'ab'.center(5, '*') | 'a'.center(4, '*') | '-5'.zfill(4) | '\x0b\x0c'.splitlines()
'a'.format(1) | 'a'.encode() | '%s and %d' % ('a', 3) | '%5.2f|' % 2.345 | '%%' % () | '%s' % 'x' | '%s %s' % 'x' | '%-4s|' % 'ab' | '%04d' % 7 | '%x' % 255 | '%r' % 'a' | '%s'|format('z') | 'x' % 1 | '%d' % 'a' | '%+d' % 3 | '%s' % [1] | '%.2s' % 'abc' | '%i' % 3.9
text|upper | text|lower | n|string ~ 'x' | text|length | words|length | nothing|length | none|length | n|length | words|count | d|count | words|first | words|last | []|first is defined | []|last | ''|first | nothing|first | 'abc'|first | 'abc'|last | range(3)|last
nothing|default('x') | none|default('x') | none|default('x', true) | ''|default('x') | ''|default('x', true) | ''|d('x', boolean=true) | d.nope|default({})|length | nothing|default | false|default(true) | nothing.x|default('y')
words|sort | words|sort(reverse=true) | words|sort(case_sensitive=true) | words|unique|list | [3,1,2]|sort | people|sort(attribute='age')|map(attribute='name')|list | [1,'a']|sort | 'cab'|sort | d|dictsort | d|dictsort(true) | {'a':2,'b':1}|dictsort(by='value') | {'a':2,'b':1}|dictsort(reverse=true) | d|dictsort(by='x') | words|unique(case_sensitive=true)|list | people|sort(attribute='name,age')|map(attribute='name')|join
words|map('upper')|list | people|map(attribute='name')|list | people|map(attribute='pet.kind', default='none')|list | people|selectattr('age', 'gt', 1)|map(attribute='name')|list | people|rejectattr('pet')|map(attribute='name')|join(',') | people|selectattr('pet', 'defined')|list|length | [1,2,3,4]|select('odd')|list | [1,2,3]|reject('equalto', 2)|list | words|select|list | [0,1,'']|select|list | words|map('nofilter')|list | words|select('notest')|list | [1,2,3]|map('string')|join('+') | people|map(attribute='pet')|list | none|map('upper')|list | words|map('replace', 'b', 'z')|list | people|selectattr('name', 'equalto', 'Bo')|first | nested|map('first')|list | nothing|map('upper')|list | words|map|list | [[1,2],[3]]|map('length')|list | people|selectattr('nope')|list | messages|selectattr('role', 'equalto', 'user')|list|length | messages|map(attribute='role')|unique|join(' ') | nothing|select|list | people|groupby('age')|list
words|reverse|list | 'abc'|reverse | [1,2,3]|reverse|first | range(3)|reverse|list | d|reverse|list | nothing|reverse|list | words|map('upper')|length | words|map('upper')|first
[1,2,3]|sum | people|sum(attribute='age') | [1,2]|max | [3,1]|min | words|max | people|max(attribute='age') | []|max is defined | [1.5, 2]|sum | ['a']|sum | 'abc'|max | [1,2]|sum(start=10)
'3'|int | '3.9'|int | 'x'|int | 'x'|int(9) | 3.9|int | '0x1A'|int(0, 16) | '3'|float | 'x'|float | 'x'|float(1.5) | 2.5|round | 3.5|round | 2.567|round(2) | 2.561|round(2, 'ceil') | 2.569|round(2, 'floor') | 3|round | -3|abs | -2.5|abs | none|int | ' 42 '|int | true|int | nothing|int | '1e3'|float | 'inf'|float | 42.55|round|int | 25|round(-1)
'a\nb\n\nc'|indent | 'a\nb'|indent(2) | 'a\nb'|indent(2, true) | 'a\n\nb'|indent(2, false, true) | 'a\nb'|indent('> ') | n|indent | text|truncate(8) | text|truncate(8, true, '..', 0) | text|wordcount | text|center(20) ~ '|' | 'a b'|truncate(3) | [1,2,3,4,5]|batch(2)|list | [1,2,3]|batch(2, 'x')|list | ''|indent | 'a\r\nb'|indent(1)
messages[0]|tojson | messages|tojson | d|tojson | html|tojson | d|tojson(indent=2) | d|tojson(ensure_ascii=true) | emoji|tojson | emoji|tojson(ensure_ascii=true) | '\x7f\x01\u2028'|tojson | {'b':1,'a':2}|tojson(sort_keys=true) | [1,2]|tojson(separators=(',', ':')) | (1,'a')|tojson | nothing|tojson | []|tojson(indent=2) | {}|tojson | [[]]|tojson(indent=1) | {1: 2, none: 3, true: 4}|tojson | 1e16|tojson | 1.0|tojson | d.c|tojson | d.items|tojson | d|tojson|length | {'a': {'b': [1]}}|tojson(indent='\t') | tools|tojson | [nothing]|tojson | range(2)|tojson | 'a"\\/'|tojson
n is number | n is integer | f is float | f is integer | true is integer | true is number | true is boolean | n is string | text is string | d is mapping | words is sequence | text is sequence | d is sequence | words is iterable | n is iterable | none is none | none is defined | nothing is undefined | n is odd | n is even | n is divisibleby(7) | n is divisibleby 7 | n is eq 7 | n is ne 7 | n is gt 3 | n is lt(3) | n is in [7] | 'a' is in 'abc' | true is true | 1 is true | false is false | none is sameas none | n is sameas 7 | text is upper | 'AB' is upper | 'ab' is lower | raise_exception is callable | raise_exception is defined | strftime_now is defined | 'upper' is filter | 'nope' is filter | 'odd' is test | n is nope | words|map('upper') is iterable | words|map('upper') is sequence | range(3) is sequence | n is not odd | n is not none and n | not n is odd | n is defined and n is number | loop is defined | 3 is odd is true | n == 7 is defined | 'a' is string == true | words is not string and words is iterable | range is callable | d.items is string | f is equalto 2.5 | n is in(words) | namespace() is mapping
range(3)|list | range(1, 7, 2)|list | range(5, 0, -2)|list | range(0) | range(3) | range(2, 5) | range(1, 9, 3) | range(100001) | range(1, 2, 0) | dict(a=1, b=2) | dict({'x': 1}, y=2) | namespace(a=1).a | namespace(a=1).b is defined | namespace(_x=1) | namespace({'a': 2}).a | namespace(a=1)['a'] | range('a') | range(-3)|list | cycler('a') | joiner()
[1, 2.0, 'a', none, true] | (1,) | () | {'a': [1, {'b': 'c'}]} | "it's" ~ ['it\'s', "q\"", "both'\""] | ['\n\t\\', 'é', '\x00', '\u200b', emoji] | [nothing] | [1e16, 1e-7] | {} | [[]] | {'a': (1,)} | [true, false] | [range(2)]
raise_exception('no: ' ~ n) | raise_exception() | nofunc() | n() | text.upper | words.append('x') | words.index('C') | words.count('b') | words.index('zz') | text.__class__ | ''.__class__.__mro__ | d.__class__ | words.copy() | self | cycler | range.__name__ is defined | messages.append({}) | words.sort() | text.upper()|lower | (text).upper() | 'a'.upper().lower() | [1,2].count(1)
{'a': 1, 'b': 2}|items|list | [('a', 1)]|items|list | nothing|items|list | n|items | 'x'|safe | html|safe | html|e | text|nosuchfilter | 'y' if false and text|nosuchfilter else 'n' | text|attr('upper') | (html|safe) ~ '<' | html|escape
true and false or true | 1 or 2 and 0 | 'a' ~ 'b' in 'ab' | 1 + 1 ~ 2 | 2 * 3 ~ 4 | -1|abs | -(1)|abs | 'a' + 'b' ~ 'c' | 1 if 0 else 2 ~ 3 | not 1 == 2 | 1 == 1 and 2 == 2 | [1,2,3,] | (1,2,) | {'a':1,} | [1][0] | [[1,2],[3]][0][1] | {'f': text}.f.upper() | (1 + 2) * 3 | 10 - 2 - 3 | 2 + 3 == 5 | words[0] ~ words[1] | words|length - 1 | words|length > 2 | (words|length) * 2 | -n | +n | - n + 1 | n.real is defined | 1.5.real is defined
""".strip()

BLOCKS = r"""
{% for m in messages if m.role != 'assistant' %}{{ loop.index }}/{{ loop.length }}:{{ m.content }}{% if not loop.last %}|{% endif %}{% endfor %}
{% for m in [] %}x{% else %}none{% endfor %}{% for m in [1] %}x{% else %}none{% endfor %}
{% for m in [1,2] %}{% if m == 1 %}{% continue %}{% endif %}{{ m }}{% else %}E{% endfor %}
{% for m in [1,2] %}{% break %}{% else %}E{% endfor %}
{% for m in [1,2,3] %}{{ m }}{% if m == 2 %}{% break %}{% endif %}{% endfor %}
{% for m in [1] %}{% continue %}{% else %}E{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}
{% for k in d %}{{ k }}{% endfor %}{% for k in 'abc' %}[{{ k }}]{% endfor %}
{% for a, b in [(1,2),(3,4)] %}{{ a + b }} {% endfor %}
{% for a, b in [(1,2,3)] %}{{ a }}{% endfor %}
{% for a, (b, c) in [(1,(2,3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for x in words %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}
{% for x in words %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{{ loop.first }}{{ loop.last }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.depth }}{{ loop.depth0 }} {% endfor %}
{% for x in words %}{{ loop.cycle('o', 'e') }}{{ loop.changed(x) }}{% endfor %}
{% for x in nested recursive %}{% if x is iterable %}[{{ loop(x) }}]{% else %}{{ x }}{{ loop.depth }}{% endif %}{% endfor %}
{% for x in [1] %}{{ loop(x) }}{% endfor %}
{% for x in nothing %}x{% else %}none{% endfor %}
{% for x in none %}x{% endfor %}
{% for x in 5 %}x{% endfor %}
{% for x in [1,2] %}{% for y in [3,4] %}{{ loop.index }}{{ x }}{{ y }} {% endfor %}{{ loop.index }}{% endfor %}
{% for x in [1,2] %}{% set outer = loop %}{% for y in 'ab' %}{{ outer.index }}{{ loop.index }}{% endfor %}{% endfor %}
{% set x = 1 %}{% for i in [1,2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}
{% set ns = namespace(x=1) %}{% for i in [1,2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}
{% for i in [1,2] %}{% if loop.first %}{% set y = 5 %}{% endif %}{{ y }}{% endfor %}{{ y }}
{% if true %}{% set z = 3 %}{% endif %}{{ z }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set t = 1, 2 %}{{ t }}
{% set a = 'x' if n else 'y' %}{{ a }}
{% set n.x = 1 %}
{% set block %}a{{ n }}b{% endset %}[{{ block }}]
{% set block | upper | trim %} a{{ n }}b {% endset %}[{{ block }}]
{% set inside = 0 %}{% set block %}{% set inside = 1 %}{{ inside }}{% endset %}{{ block }}{{ inside }}
{% filter upper %}a{{ text }}{% endfilter %}
{% filter replace('a', 'b') | upper %}banana{% endfilter %}
{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}
{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}
{% macro m(a, b=2) %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=5, a=4) }}{{ m() }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(c=2) }}
{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, z=4) }}
{% macro m() %}{{ caller() }}!{% endmacro %}{% call m() %}body{{ n }}{% endcall %}
{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) m() %}{{ a }}-{{ b }}{% endcall %}
{% macro f(x) %}{% if x > 0 %}{{ x }}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(3) }}
{% macro f(x) %}{{ y }}{% endmacro %}{% set y = 9 %}{{ f(1) }}
{% macro f() %}{% set n = 1 %}{{ n }}{% endmacro %}{{ f() }}{{ n }}
{% macro f(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ f(3) }}
{% macro f() %} x {% endmacro %}[{{ f() | trim }}]{{ f() is string }}
{{ m(1) }}{% macro m(a) %}{{ a }}{% endmacro %}
{% raw %}{{ n }}{% x %}{# c #}{% endraw %}
{% raw -%}  a {{ b }}  {%- endraw %}|
a {#- c -#} b {# d #} c
  {# only comment #}
x{# a
b #}y
{% if n == 7 %}seven{% elif n == 8 %}eight{% else %}other{% endif %}
{% if n == 6 %}seven{% elif n == 7 %}eight{% else %}other{% endif %}
{% if nothing %}a{% elif empty %}b{% else %}c{% endif %}
{% generation %}a{% set g = 1 %}{{ g }}{% endgeneration %}{{ g }}
{% for m in messages %}{%- generation -%} {{ m.role }} {%- endgeneration -%}{% endfor %}
{%- for x in [1] -%}  {{ x }}  {%- endfor -%}  z
{%+ if true %} a{% endif +%}
  {% if true %}
  a
  {% endif %}
b
  {%+ if true %}a{% endif %}
{{ 'a' }}
{{- 'b' }}  {{ 'c' -}}  d
{{ 1 }}{#x#}
{% if true %}x{% endif %}
{{ n -}} 
 {{- n }}
{% print n, 1 %}
{{ n, 1 }}
{% set s = {'a': 1} %}{{ s.a }}{% set s = [1, 2] %}{{ s[0] }}
{% for i in range(3) %}{{ i }}{{ ', ' if not loop.last }}{% endfor %}
{% set ns = namespace(found=false, l=[]) %}{% for m in messages[::-1] %}{% if not ns.found and m.role == 'user' %}{% set ns.found = true %}{% set ns.l = ns.l + [loop.index0] %}{% endif %}{% endfor %}{{ ns.found }}{{ ns.l }}
{% set x = 1 %}{% macro f() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ f() }}
{% for x in [1,2] %}{% macro g() %}{{ x }}{% endmacro %}{{ g() }}{% endfor %}
{% for x in [3,1,2] | sort %}{{ x }}{% endfor %}
{% for x in [1,2,3] if x is odd %}{{ loop.last }}{% endfor %}
{% for x in (1, 2) %}{{ x }}{% endfor %}{% for x in 1, 2 %}{{ x }}{% endfor %}
{% include 'x' %}
{% import 'x' as y %}
{% extends 'x' %}
{% nope %}
{% if true %}
{% endif %}
{% for x in [1] %}
{{ n
{% if n %}a{% endfor %}
{{ 'a }}
{{ ) }}
{{ }}
{% %}
{{ a b }}
{{ n | }}
{{ 1 + }}
{# open
{% raw %} open
{{ n }} }} %} #}
{ { n } } {%%}
a{% if true -%}   
   b{% endif %}
{% break %}
{% macro f() %}{% break %}{% endmacro %}{% for i in [1] %}{{ f() }}{% endfor %}
{{ messages[0].role.title() }}{{ messages[0].role|capitalize }}{{ messages[0].role|title }}{{ messages[0].role|upper }}
{% if messages[0]['role'] == 'user' and messages[0].content | trim == 'Hi' %}y{% endif %}
{% if not n is defined %}a{% else %}b{% endif %}{% if not (n is defined) %}a{% else %}b{% endif %}
{% set content = messages[0].content %}{% if content is string %}{{ content }}{% else %}{% for c in content %}{{ c.text }}{% endfor %}{% endif %}
{% set i = messages | length - 1 %}{{ i }}{{ messages[i].role }}
{{ 'a' if n > 5 and n < 8 else 'b' }}{{ n if n is not none }}
{%- set m = messages | selectattr('role', 'equalto', 'user') | list | last -%}{{ m.content | trim }}
{{ "a\n" }}
 {{ "b" }}
{% set x %}
  y
{% endset %}[{{ x }}]
{% for x in [1, 2] %}
- {{ x }}
{% endfor %}
end
	{% if true %}tab{% endif %}
x	{% if true %}tab{% endif %}
{{ d['c'][0] }}{{ d.c[-1] }}{{ d.c.0 }}
{% for group in people|groupby('age') %}{{ group }}{% endfor %}
{% set a = [1,2,3] %}{% set a = a[1:] + ['x'] %}{{ a }}
{% for item in words|map('upper') %}{{ loop.index }}{{ item }}{{ loop.last }}{{ loop.length }} {% endfor %}
{% autoescape true %}<{% endautoescape %}
{% block a %}x{% endblock %}
{% do 1 %}
{{ caller }}{{ varargs }}
{% for loop in [1] %}{{ loop }}{% endfor %}
{% for m in messages %}{% set loop_messages = messages %}{{ loop_messages|length }}{% endfor %}
{% set messages = messages[1:] %}{{ messages|length }}
{% for i in [1] %}{{ messages|length }}{% set messages = [] %}{{ messages|length }}{% endfor %}{{ messages|length }}
{% if n > 3 %}{% set big = true %}{% else %}{% set big = false %}{% endif %}{{ big }}
{% call nothing() %}{% endcall %}
{% filter nofilter %}{% endfilter %}
{% if false %}{{ n | nofilter }}{% endif %}ok
{% if true %}{{ n | nofilter }}{% endif %}
{% for i in [] %}{{ n | nofilter }}{% endfor %}
{% if false %}{% for i in [1] %}{{ n | nofilter }}{% endfor %}{% endif %}
{{ (n | nofilter) if false else 'ok' }}
""".strip("\n")

cases = []


def parts(line):
    """The expressions of a line: ' | ' stands between them, unless a filter's name follows."""
    filters = set(Environment().filters) | {"nosuchfilter", "nofilter"}
    out = [""]
    for piece in re.split(r"( \| )", line):
        if piece == " | ":
            continue
        name = re.match(r"[a-z_]+", piece)
        if out[0] and name and name.group() in filters:
            out[-1] += " | " + piece
        elif not out[0]:
            out[0] = piece
        else:
            out.append(piece)
    return out


for line in EXPRESSIONS.replace("'a\\\nb'", "'a\\\x00b'").split("\n"):
    cases += ["{{ " + e.replace("\x00", "\n") + " }}" for e in parts(line)]
lines = BLOCKS.split("\n")
cases += lines
# lines that belong together, so that line ends between blocks are tried
cases += ["\n".join(lines[i : i + 3]) for i in range(0, len(lines), 3)]
cases += [c.replace("\n", "\r\n") + "\r\n" for c in cases if "\n" in c]
cases += [c + "\n" for c in lines[:40]] + [c + "\n\n" for c in lines[:10]]

out = []
for case in cases:
    try:
        text = _compile_jinja_template(case).render(**VARIABLES)
        if " object at 0x" in text or " at 0x" in text or "<built-in" in text:
            continue
    except Exception:
        text = None
    out.append([case, text])
with open(sys.argv[1], "w", encoding="utf-8") as file:
    file.write('{"variables": ' + json.dumps(VARIABLES) + ',\n"cases": [\n')
    file.write(",\n".join(json.dumps(case) for case in out) + "\n]}\n")
print(len(out), "cases,", sum(t is None for _, t in out), "refused")
