"""make_chat.py: chat templates of our own, and what jinja2 makes of them as Transformers uses it.

    python3 tests/data/make_chat.py > tests/data/chat/golden.jsonl
    python3 tests/data/make_chat.py --compare build/lib/libllmcs.so.1 [CASES [SEED]]

The first writes golden values: written cases, then random ones of a fixed seed. The second renders random cases with the
library as well and prints where it differs. Needs jinja2 3.1 (3.1.6 made the file)."""

import collections
import ctypes
import datetime
import json
import random
import re
import sys
import warnings

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

warnings.simplefilter("ignore")
NOW = "2026-03-05T14:07:09"


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda form: datetime.datetime.fromisoformat(NOW).strftime(form)
    return made


ENVIRONMENT = environment()


def reference(template, variables):
    try:
        return {"text": ENVIRONMENT.from_string(template).render(**variables)}
    except Exception as e:  # whatever a template raises
        return {"error": "%s: %s" % (type(e).__name__, str(e).split("\n")[0])}


# ---------------------------------------------------------------------------------------------------- written cases

CONVERSATION = {"messages": [{"role": "system", "content": "You answer for a shop."},
                             {"role": "user", "content": "Where is my <|im_end|> parcel?"},
                             {"role": "assistant", "content": "<think>\nhm\n</think>\n\nOn its way."},
                             {"role": "user", "content": "  Danke schön! 谢谢 "}],
                "tools": [{"type": "function", "function": {"name": "find", "description": "finds \"it\"",
                                                            "parameters": {"type": "object", "properties": {
                                                                "id": {"type": "integer"}}, "required": ["id"]}}}],
                "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True, "price": 9.99, "n": 3}

WRITTEN = [
    # conversations, as models have them
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    "{{ bos_token }}{%- for m in messages %}\n    {%- if m['role'] == 'user' %}\n[INST] {{ m['content'] | trim }} [/INST]"
    "{%- elif m.role == 'assistant' %}\n {{ m.content.split('</think>')[-1].lstrip('\\n') }}{{ eos_token }}\n"
    "    {%- endif %}\n{%- endfor %}\n",
    "{%- set ns = namespace(last=-1) %}{%- for m in messages[::-1] %}{% if m.role == 'user' and ns.last < 0 %}"
    "{% set ns.last = messages|length - 1 - loop.index0 %}{% endif %}{% endfor %}{{ ns.last }}",
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set rest = messages[1:] %}{% else %}"
    "{% set rest = messages %}{% endif %}{{ system }}|{{ rest|length }}|{{ rest | map(attribute='role') | join(',') }}",
    "{% for t in tools %}{{ t | tojson }}\n{{ t | tojson(indent=2) }}\n{{ t.function.parameters | tojson(indent=4) }}"
    "{{ t | tojson(separators=(',', ':')) }}{{ t | tojson(sort_keys=true) }}{% endfor %}",
    "{% macro kind(spec) %}{% if spec.type == 'object' %}{ {% for k, v in spec.properties|items %}{{ k }}: {{ kind(v) }}"
    "{% if not loop.last %}, {% endif %}{% endfor %} }{% else %}{{ spec.type }}{% endif %}{% endmacro %}"
    "{{ kind(tools[0].function.parameters) }}",
    "{{ raise_exception('roles must alternate') }}",
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('after ' ~ m.role) }}"
    "{% endif %}{% endfor %}",
    "{{ strftime_now('%d %b %Y') }} {{ strftime_now('%A %j %-d %e %I:%M %p') }} {{ strftime_now('%Y-%m-%d %H:%M:%S %%') }}",
    "{{ messages[9].role }}", "{{ messages[0].nothing.more }}", "{{ nothing + 1 }}", "{{ nothing }}|{{ nothing is defined }}",
    "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{{ (messages | rejectattr('role', 'eq', 'user')"
    " | map(attribute='content') | first)[:4] }}",
    # white space
    "a\n  {% if true %}\n  b\n  {%- endif %}\n  c\n", "  {%+ if true %}x{% endif +%}\n y", "{#- c -#}  x {# d #}\n y",
    "{{ 1 -}}\n  2\n{{- 3 }}\r\nx\r{{ 4 }}\n\n", "{% raw %}{{ x }}{% endraw %}\n", " {%- raw -%} {% y %} {%- endraw -%} z",
    # scopes
    "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}",
    "{% macro m() %}{{ n }}{% endmacro %}{{ m() }}{% set n = 7 %}{{ m() }}{{ n }}",
    "{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, 4, d=5) }}{{ m(1) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}{{ m(b=1) }}",
    "{% macro box(t) %}[{{ t }}: {{ caller('x', 2) }}]{% endmacro %}{% call(a, b) box('T') %}{{ a }}{{ b }}{% endcall %}",
    "{% for i in range(6) if i % 2 %}{% if i == 5 %}{% break %}{% endif %}{{ loop.index }}{{ i }}{% else %}none{% endfor %}",
    "{% for i in [] %}x{% else %}empty{% endfor %}{% for i in [1] %}{% continue %}{% else %}no body ended{% endfor %}",
    "{% for a, b in [[1, 2], [3, 4]] %}{{ a }}{{ b }}{{ loop.revindex }}{{ loop.previtem }}{{ loop.nextitem }}{% endfor %}",
    "{% for i in 'abc' %}{{ loop.cycle('x', 'y') }}{{ loop.changed(i == 'c') }}{{ loop.first }}{{ loop.last }}{% endfor %}",
    "{% set t | trim | upper %}  text {{ n }} {% endset %}[{{ t }}]{% filter replace('a', 'b') %}banana{% endfilter %}",
    "{% with a = n, b = 2 %}{{ a + b }}{% endwith %}{{ a }}", "{% set a, (b, c) = 1, (2, 3) %}{{ a }}{{ b }}{{ c }}",
    "{% set x.y = 1 %}", "{% for i in range(3) %}{{ loop.index0 }}{% endfor %}{{ loop }}",
    # values
    "{{ [1, 1.0, 'a', none, true, {'k': [()]}, (1,), \"it's\", 'q\"'] }}", "{{ 1e16 }}|{{ 0.1 + 0.2 }}|{{ 1e-7 }}|{{ 2.0 }}|{{ 1/3 }}",
    "{{ 7 // 2 }}{{ -7 // 2 }}{{ -7 % 3 }}{{ 7.5 % 2 }}{{ 2 ** 10 }}{{ 2 ** -1 }}{{ 10 / 4 }}", "{{ 1 < 2 < 3 }}{{ 1 < 3 < 2 }}",
    "{{ 'a' 'b' ~ 1 ~ none }}{{ 'ab' * 2 }}{{ [1] + [2] }}{{ 'b' in 'abc' }}{{ 2 not in [1] }}", "{{ 1 / 0 }}", "{{ 'a' + 1 }}",
    "{{ not a and b or 'c' }}{{ 'x' if n > 2 }}{{ 'x' if n > 5 }}|{{ 'x' if n > 5 else 'y' if n else 'z' }}",
    "{{ -n|abs }}{{ 2.5|round }}{{ 3.14159|round(2) }}{{ 3.2|round(0, 'ceil') }}{{ '42'|int + '3.7'|int }}{{ 'x'|int(9) }}",
    "{{ 'a-b c'|title }}{{ 'ÄÖß'|upper }}{{ 'ΑΣ'|lower }}{{ 'hELLO'|capitalize }}{{ 'x'|center(5) }}|{{ 'a b c'|wordcount }}",
    "{{ [3, 1, 2]|sort }}{{ ['b', 'A']|sort }}{{ {'b': 1, 'a': 2}|dictsort }}{{ [1, 1, 2]|unique|list }}{{ [1, 2]|sum }}",
    "{{ 'abc'[1] }}{{ 'abc'[-1] }}{{ 'abcdef'[1:5:2] }}{{ 'abc'[::-1] }}{{ [1, 2, 3][:-1] }}{{ 'é日本'[1:] }}{{ (1, 2)[5] }}",
    "{{ '%s-%05.1f-%d-%r' % ('a', price, n, 'b') }}{{ '{}/{1}'.format(1) }}", "{{ '{:>5}'.format('a') }}", "{{ '{0}{x}'.format(1, x=2) }}",
    "{{ ' a b  c '.split() }}{{ 'a,b,,c'.split(',') }}{{ 'a b c'.rsplit(' ', 1) }}{{ 'a\\nb\\r\\nc'.splitlines() }}",
    "{{ '  1  2   3  '.split(none, 1) }}{{ '  1  2   3  '.rsplit(none, 1) }}{{ ' a '.split(none, 0) }}{{ ' a '.rsplit(none, 0) }}",
    "{{ 'ab'|truncate(9223372036854775807) }}{{ 'abcdef'|truncate(5, leeway=9223372036854775807) }}",
    "{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abcabc'.find('c') }}{{ 'aXbX'.replace('X', '-', 1) }}",
    "{{ {'a': 1}.items()|list }}{{ {'a': 1}.get('b', 2) }}{{ {'a': 1}.keys() }}{{ {'items': 5}.items is string }}{{ {'items': 5}['items'] }}",
    "{{ '<b>'|e }}{{ ('<b>'|safe) + '<i>' }}{{ '<i>' ~ ('<b>'|safe) }}{{ ('<b>'|safe) is escaped }}{{ '<'|e|e }}",
    "{{ ''.__class__ }}{{ ''.__class__.__mro__ }}", "{{ [].append(1) }}", "{{ {}.update({}) }}", "{{ messages.append(1) }}",
    "{{ range(200000) }}", "{{ range(0, 10, 0) }}", "{{ range(3) }}{{ range(5, 0, -2)|list }}", "{{ {}|length }}{{ 5|length }}",
    "{{ nothing.x }}", "{{ none.x }}|{{ none['x'] is defined }}", "{{ 'x'() }}", "{{ nothing() }}", "{{ {[]: 1} }}", "{{ 1 < 'a' }}",
    # errors of syntax
    "{% if %}", "{% for x in %}", "{{ 1 + }}", "{{ 'a", "{% if true %}", "{% endif %}", "{{ (1 }}", "{% break %}", "{{ a b }}", "{# x",
    "{% unknown %}", "{{ x|nosuchfilter }}", "{{ x is nosuchtest }}", "{{ [1, 2 }}", "{{ 1 if }}", "{% set 1 = 2 %}", "{{ }}",
]


# ----------------------------------------------------------------------------------------------------- random cases

TEXTS = ["", "a", "abc", "Hello World", "  pad  ", "\nx\n", "it's", 'say "hi"', "<b>&</b>", "a,b,c", "ÄÖß straße",
         "ΑΣ ΣΑΣ ὈΔΥΣΣΕΎΣ", "日本語 テスト", "ﬁn ŉ", "<|im_end|>", "x\ty", "12", "3.5", "-7", "1e3", "0x1f", "A-b c", "tool_use",
         "</think>end", "<think>a</think>b", "e\u0301", "\u2028line", "🎉 ok", "MiXeD cAsE"]
NAMES = ["s", "t", "n", "f", "l", "d", "m", "u", "b", "z"]
FILTERS = ["upper", "lower", "title", "capitalize", "trim", "length", "string", "list", "first", "last", "wordcount", "tojson", "int",
           "float", "escape", "safe", "d('x')", "default('y', true)", "replace('a','b')", "replace('', '-')", "join('-')", "center(12)",
           "indent", "indent(2, true)", "indent('> ')", "truncate(5)", "truncate(6, true)", "unique|list", "sort", "sort(reverse=true)",
           "sort(case_sensitive=true)", "min", "max", "sum", "batch(2)|list", "slice(2)|list", "batch(2,'f')|list", "map('upper')|list",
           "map('length')|list", "map(attribute='role')|list", "map(attribute='role', default='?')|list", "select|list", "reject|list",
           "select('string')|list", "reject('none')|list", "selectattr('role')|list", "selectattr('role','equalto','user')|list",
           "rejectattr('role','eq','user')|list", "items|list", "dictsort", "dictsort(true)", "dictsort(by='value')", "abs", "round",
           "round(1)", "round(2,'floor')", "format(1)", "forceescape", "tojson(indent=2)", "tojson(ensure_ascii=true)", "int(5)",
           "int(base=16)", "reverse|list", "join", "join(', ', attribute='role')", "sum(start=1)", "trim('a ')", "string|length"]
METHODS = ["upper()", "lower()", "strip()", "lstrip()", "rstrip()", "strip('a<')", "title()", "capitalize()", "swapcase()", "split()",
           "split(',')", "split(' ', 1)", "rsplit(' ', 1)", "split('</think>')[-1]", "splitlines()", "splitlines(true)",
           "startswith('a')", "endswith('c')", "startswith(('a','H'))", "find('l')", "rfind('l')", "count('a')", "replace('a','ZZ')",
           "replace('a','Z',1)", "join(['x','y'])", "join(l)", "isdigit()", "isalpha()", "isalnum()", "isspace()", "isupper()",
           "zfill(6)", "center(9)", "ljust(7)", "rjust(7,'.')", "removeprefix('a')", "removesuffix('c')", "partition(',')",
           "rpartition(' ')", "format(1,2)", "items()|list", "keys()", "values()|list", "get('a')", "get('zz','other')", "append(1)",
           "pop()", "index(1)", "foo", "a", "role", "content", "__class__"]
TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "true", "false", "mapping", "sequence",
         "iterable", "odd", "even", "divisibleby 2", "divisibleby(3)", "eq 1", "ne 'a'", "lt 3", "gt 1", "equalto 'a'", "in [1,'a']",
         "in 'abc'", "lower", "upper", "sameas none", "escaped", "not string", "not none", "not defined"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">", "<=", ">=", "and", "or", "in", "not in", "~", "+", "=="]
BEFORE = ("{% set ns = namespace(c=0) %}{% macro mac(p, q=1, r=s) %}[{{ p }}|{{ q }}|{{ r }}]{% endmacro %}"
          "{% macro mac2(p) %}<{{ p }}{{ caller() if caller else '' }}{{ varargs }}{{ kwargs }}>{% endmacro %}"
          "{% macro mac3(p) %}{{ caller(p) }}{{ caller('z') }}{% endmacro %}")
IN_LOOPS = ["{{ loop.index }}", "{{ loop.last }}", "{{ loop.previtem }}", "{{ loop.nextitem is defined }}", "{{ loop.cycle('a','b') }}",
            "{{ loop.changed(x) }}", "{{ loop.length }}{{ loop.revindex }}{{ loop.first }}", "{{ x }}", "{{ x.role }}", "{{ k }}",
            "{% set s = s ~ 'q' %}{{ s }}", "{% if loop.index == 2 %}{% break %}{% endif %}",
            "{% if loop.first %}{% continue %}{% endif %}", "{% set ns.c = ns.c + 1 %}", ""]
SPACES = ["", "\n", "  \n", "\n  ", " ", "text ", "\n\n", "  x\n\t", "a\u00a0", "é "]


class Maker:
    """Random templates and values."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def value(self, depth=0):
        r, k = self.r, self.r.random()
        if k < .35 or (k >= .68 and depth > 2):
            return r.choice(TEXTS)
        if k < .5:
            return r.choice([0, 1, 2, -1, 5, 10, 255, -3, 1000000])
        if k < .57:
            return r.choice([0.0, 1.5, -2.25, 0.1, 1e20, 1e-7, 3.0, 123456.789, 2.5, 1e16, 5.684341886080802e-14])
        if k < .68:
            return r.choice([True, False, None])
        if k < .85:
            return [self.value(depth + 1) for _ in range(r.randrange(4))]
        return {r.choice(["a", "b", "role", "content", "items", "x y"]): self.value(depth + 1) for _ in range(r.randrange(4))}

    def variables(self):
        r = self.r
        return {"s": r.choice(TEXTS), "t": r.choice(TEXTS), "n": r.choice([0, 1, 2, 3, -1, 7]), "f": r.choice([1.5, 0.1, -2.0, 100.0]),
                "l": [self.value(1) for _ in range(r.randrange(5))],
                "d": {r.choice(["a", "b", "c", "role"]): self.value(1) for _ in range(r.randrange(4))}, "b": r.choice([True, False]),
                "z": None, "m": [{"role": r.choice(["user", "assistant", "system", "tool"]), "content": r.choice(TEXTS + [None])}
                                 for _ in range(r.randrange(4))]}

    def literal(self):
        text = self.r.choice(TEXTS).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
        return self.r.choice(["'%s'" % text, "'%s'" % text, "1", "0", "-1", "7", "1.5", "0.1", "true", "none"])

    def base(self, depth):
        return self.r.choice(NAMES + ["'x y'", "(1.5)", "[3,1,2]", "['b','A','c']", "('x','y')", "(" + self.expression(depth + 1) + ")"])

    def expression(self, depth=0):
        r, k = self.r, self.r.random()
        if depth > 3 or k < .12:
            return r.choice(NAMES)
        if k < .25:
            return self.literal()
        if k < .3:
            return "[" + ", ".join(self.expression(depth + 1) for _ in range(r.randrange(4))) + "]"
        if k < .35:
            return "(" + ", ".join(self.expression(depth + 1) for _ in range(r.randrange(2, 4))) + ")"
        if k < .4:
            return "{" + ", ".join("'k%d': %s" % (i, self.expression(depth + 1)) for i in range(r.randrange(3))) + "}"
        if k < .55:
            text = "%s %s %s" % (self.expression(depth + 1), r.choice(OPERATORS), self.expression(depth + 1))
            return "(" + text + ")" if r.random() < .6 else text
        if k < .6:
            return r.choice(["not ", "-", "+", "not "]) + self.expression(depth + 1)
        if k < .66:
            other = " else " + self.expression(depth + 1) if r.random() < .8 else ""
            return "(" + self.expression(depth + 1) + " if " + self.expression(depth + 1) + other + ")"
        if k < .76:
            return self.base(depth) + "|" + r.choice(FILTERS) + ("|" + r.choice(FILTERS) if r.random() < .3 else "")
        if k < .86:
            return self.base(depth) + "." + r.choice(METHODS)
        if k < .93:
            return self.base(depth) + " is " + r.choice(TESTS)
        if k < .97:
            return r.choice(NAMES) + "[" + r.choice(["0", "1", "-1", "'a'", "1:", ":2", "1:3", "::-1", ":", "::2", ":3:-1"]) + "]"
        return r.choice(["range(3)", "range(5,0,-2)|list", "dict(a=1,b=s)", "namespace(a=1).a", "strftime_now('%d %b %Y')",
                         "raise_exception('oops ' ~ s)", "nosuch", "nosuch.foo", "d.nosuch", "l[99]", "z.x", "n.x"])

    def tag(self, text):
        return "{%" + self.r.choice(["", "", "-", "+"]) + " " + text + " " + self.r.choice(["", "", "-", "+"]) + "%}"

    def body(self, depth):
        return "".join(self.statement(depth + 1) + self.r.choice(SPACES) for _ in range(self.r.randrange(1, 3)))

    def loop(self, depth):
        r = self.r
        target, over = r.choice([("x", "l"), ("x", self.expression(1)), ("k, v", "d.items()"), ("k, v", "d|items"), ("x", "m"),
                                 ("x", "s"), ("x", "range(4)"), ("x", "m[::-1]"), ("x", "d")])
        condition = r.choice([" if x", " if x is string"]) if target == "x" and r.random() < .2 else ""
        text = self.tag("for %s in %s%s" % (target, over, condition)) + r.choice(SPACES) + r.choice(IN_LOOPS) + self.body(depth)
        return text + (self.tag("else") + self.body(depth) if r.random() < .2 else "") + self.tag("endfor")

    def assignment(self, depth):
        r, k = self.r, self.r.random()
        if k < .6:
            return self.tag("set " + r.choice(NAMES + ["w", "ns.c"]) + " = " + self.expression(1))
        if k < .7:
            return self.tag("set a, w = " + self.expression(1) + ", " + self.expression(1))
        if k < .9:
            return self.tag("set w" + r.choice(["", " | trim", " | upper"])) + self.body(depth) + self.tag("endset")
        return self.tag("with w = " + self.expression(1)) + self.body(depth) + self.tag("endwith")

    def statement(self, depth=0):
        r, k = self.r, self.r.random()
        if depth > 2 or k < .35:
            return "{{" + r.choice(["", "", "-"]) + " " + self.expression(1) + " " + r.choice(["", "", "-"]) + "}}"
        if k < .5:
            other = self.tag("elif " + self.expression(1)) + self.body(depth) if r.random() < .3 else ""
            last = self.tag("else") + self.body(depth) if r.random() < .5 else ""
            return self.tag("if " + self.expression(1)) + r.choice(SPACES) + self.body(depth) + other + last + self.tag("endif")
        if k < .72:
            return self.loop(depth)
        if k < .86:
            return self.assignment(depth)
        if k < .91:
            return self.tag("filter " + r.choice(["upper", "trim", "replace('a','b')", "indent(2)"])) + self.body(depth) + self.tag("endfilter")
        if k < .94:
            return "{#" + r.choice(["", "-", "+"]) + " c " + r.choice(["", "-"]) + "#}"
        if k < .96:
            return "{%" + r.choice(["", "-"]) + " raw %}" + r.choice(["{{ x }}", "  {% y %}\n"]) + "{% endraw " + r.choice(["", "-"]) + "%}"
        return r.choice(["{{ mac(%s) }}", "{{ mac(%s, q=2) }}", "{{ mac2(%s) }}", "{%% call mac2(%s) %%}B{{ s }}{%% endcall %%}",
                         "{%% call(j) mac3(%s) %%}<{{ j }}>{%% endcall %%}"]) % self.expression(1)

    def template(self):
        r = self.r
        parts = [r.choice(SPACES) + self.statement() for _ in range(r.randrange(1, 5))]
        return (BEFORE if r.random() < .9 else "") + "".join(parts) + r.choice(["", "\n", "\n\n"])


# ------------------------------------------------------------------------------------------------------- the library

class Params(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("messages", ctypes.c_void_p), ("n_messages", ctypes.c_size_t),
                ("tools", ctypes.c_char_p), ("documents", ctypes.c_char_p), ("variables", ctypes.c_char_p),
                ("add_generation_prompt", ctypes.c_int32), ("continue_final_message", ctypes.c_int32), ("now", ctypes.c_char_p)]


class Prompt(ctypes.Structure):
    _fields_ = [("text", ctypes.POINTER(ctypes.c_char)), ("text_bytes", ctypes.c_size_t), ("is_template", ctypes.c_void_p)]


def rendered(lib, template, variables):
    chat, prompt, source = ctypes.c_void_p(), ctypes.POINTER(Prompt)(), template.encode()
    status = lib.llmcs_chat_open_text(source, ctypes.c_size_t(len(source)), b"t", None, ctypes.byref(chat))
    if not status:
        params = Params()
        lib.llmcs_chat_params_init_sized(ctypes.byref(params), ctypes.c_size_t(ctypes.sizeof(params)))
        params.variables, params.now = json.dumps(variables).encode(), NOW.encode()
        status = lib.llmcs_chat_render(chat, ctypes.byref(params), ctypes.byref(prompt))
    if status:
        answer = {"error": lib.llmcs_error_message().decode(), "status": lib.llmcs_status_name(status).decode()}
    else:
        answer = {"text": ctypes.string_at(prompt.contents.text, prompt.contents.text_bytes).decode()}
    lib.llmcs_chat_prompt_free(ctypes.byref(prompt))
    lib.llmcs_chat_free(ctypes.byref(chat))
    return answer


def compare(path, n, seed):
    lib, maker, counts = ctypes.CDLL(path), Maker(seed), collections.Counter()
    lib.llmcs_error_message.restype = lib.llmcs_status_name.restype = ctypes.c_char_p
    for _ in range(n):
        template, variables = maker.template(), maker.variables()
        want, found = reference(template, variables), rendered(lib, template, variables)
        if found.get("status") in ("UNSUPPORTED", "LIMIT"):
            counts["refused: " + re.sub(r".*column \d+: ", "", found["error"])[:60]] += 1
        elif want == found:
            counts["the same text"] += 1
        elif "error" in want and "error" in found:
            counts["the same error" if want["error"][:100] in found["error"] else "an error in other words"] += 1
        elif " at 0x" in want.get("text", ""):
            counts["the address of an object"] += 1
        else:
            counts["DIFFERENT"] += 1
            print(repr(template.replace(BEFORE, "<BEFORE>")), json.dumps(variables, ensure_ascii=False), "\n  want", repr(want)[:300],
                  "\n  found", repr(found)[:300])
    for what, count in counts.most_common():
        print("%7d %s" % (count, what))


def write(template, variables):
    line = {"template": template, "variables": json.dumps(variables, ensure_ascii=False)} | reference(template, variables)
    if " at 0x" not in line.get("text", ""):
        print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--compare"]:
        compare(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 20000, int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    else:
        for text in WRITTEN:
            write(text, CONVERSATION)
        made = Maker(20261129)
        for _ in range(320):
            write(made.template(), made.variables())
