"""Small templates that cover the language, one feature or corner each; VARIABLES is what they are rendered with.

test_chat_template.py renders each with transformers and with lmm and wants the same text, or an error from both.
"""

VARIABLES = {
    "s": "Hello World",
    "empty": "",
    "uni": "Grüße, Ωμέγα ΣΑΣ 日本語 👩‍👩‍👧 ß ŉ ﬁ ǆ İ",
    "ws": "  \t padded text \n\u00a0",
    "lines": "one\ntwo\r\nthree\n\nfive\x0bsix\u2028seven",
    "html": "<b>\"x\" & 'y'</b>",
    "n": 7,
    "neg": -7,
    "zero": 0,
    "f": 2.5,
    "big": 1e22,
    "small": 1.5e-7,
    "yes": True,
    "no": False,
    "nothing": None,
    "xs": [3, 1, 2],
    "words": ["banana", "Apple", "cherry", "apple", "Banana"],
    "mixed": [1, "a", 2.0, None, True, [1], {"k": 1}],
    "nested": [[1, 2], [3], []],
    "d": {"b": 1, "a": 2, "C": 3},
    "deep": {"x": {"y": [{"z": "found"}, {"z": "again"}]}, "items": "shadow", "keys": 1},
    "people": [
        {"name": "Ann", "age": 30, "city": "Rome", "tags": ["x"]},
        {"name": "bob", "age": 25, "city": "oslo", "tags": []},
        {"name": "Cid", "age": 30, "city": "Oslo"},
        {"name": "dan", "age": 41, "city": "Rome", "tags": ["x", "y"], "nick": None},
    ],
    "tree": [{"n": "a", "c": [{"n": "b", "c": [{"n": "d", "c": []}]}, {"n": "c", "c": []}]}],
    "control": "a\x00b\x1f\x7f\x80\u200b\ud7ff\ue000\U0001f600\\ \"'",
    "quote1": "it's",
    "quote2": "say \"hi\"",
    "quote3": "it's \"both\"",
    "numtext": " 42 ",
    "floattext": "3.14",
    "jinja": "{{ 1 + 1 }}{% if x %}{# c #}",
    "tool": {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}, "n": 1.0, "ok": True, "no": None}}},
}

# Output and literals.
LITERALS = r"""
{{ s }}|{{ empty }}|{{ n }}|{{ f }}|{{ big }}|{{ small }}|{{ yes }}|{{ no }}|{{ nothing }}
{{ xs }}|{{ words }}|{{ mixed }}|{{ nested }}|{{ d }}|{{ deep }}
{{ 1 }}{{ 0 }}{{ 1_000 }}{{ 0x1F }}{{ 0b101 }}{{ 0o17 }}{{ 0_0 }}{{ 1.5 }}{{ 1e3 }}{{ 1.5E-3 }}{{ 1_0.2_5 }}
{{ 1e16 }} {{ 1e15 }} {{ 123456789012345678.0 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1e300 }} {{ 5e-324 }} {{ 100.0 }} {{ -0.0 }}
{{ 0.1 + 0.2 }} {{ 1/3 }} {{ 2/2 }} {{ 1e22 + 1 }} {{ 1.0 }} {{ 12345.678 }}
{{ "a\nb\t\"q\" \\ \x41 \u00e9 \U0001F600 \101 \q" }}
{{ 'single \'quoted\'' }}{{ "double \"quoted\"" }}
{{ "joined " "strings" ' here' }}
{{ "\é \日" }}
{{ "line \
continued" }}
{{ true }} {{ True }} {{ false }} {{ False }} {{ none }} {{ None }}
{{ [] }} {{ () }} {{ {} }} {{ [1,] }} {{ (1,) }} {{ (1, 2) }} {{ {'a': 1,} }} {{ 1, 2 }}
{{ [1, 'a', 2.5, none, true, (1,), {'k': [1]}] }}
{{ {1: 'int', 2.5: 'float', none: 'none', true: 'bool', (1, 2): 'tuple', 'a': 'str'} }}
{{ {'a': 1, 'a': 2} }} {{ {1: 'a', 1.0: 'b', true: 'c'} }}
{{ [quote1, quote2, quote3, control, lines, uni] }}
{{ "" }}{{ ''|length }}{{ "é"|length }}{{ uni|length }}
{{ undefined_name }}|{{ d.nope }}|{{ d['nope'] }}|{{ xs[10] }}|{{ xs.foo }}|{{ s.foo }}
{{ [undefined_name] }} {{ {'a': undefined_name} }}
{{ undefined_name.attribute }}
{{ undefined_name['item'] }}
{{ undefined_name() }}
{{ undefined_name + 1 }}
{{ d.nope.deeper }}
{{ nothing.foo }}|{{ nothing['foo'] }}|{{ n.foo }}|{{ yes.foo }}
{{ nothing.foo.bar }}
{{ 08 }}
{{ 9223372036854775807 }} {{ -9223372036854775807 }}
{{ 1.real }} {{ n.real }} {{ f.imag }}
{{ 2.0.is_integer() }} {{ f.is_integer() }}
{{ deep.items }}
{{ deep['items'] }} {{ deep['keys'] }} {{ deep.x.y[0].z }} {{ deep.x.y.1.z }} {{ deep['x']['y'][-1]['z'] }}
{% print s, n %}{% print 1 if no else 2 %}
{{ jinja }}
"""

WHITESPACE = [
    "a\n{% if true %}\nb\n{% endif %}\nc\n",
    "a\n  {% if true %}  \n  b\n  {% endif %}  \nc",
    "a {%- if true -%} b {%- endif -%} c",
    "a {%+ if true +%} b {%+ endif +%} c",
    "  {%+ if true %}x{% endif %}",
    "a\n\n{{- s -}}\n\nb",
    "a  {{- s }}  b {{ s -}}  c",
    "{# comment #}a{# multi\nline #}b\n{# end #}\nc",
    "  {# c #}  x\n  {#- c -#}  y",
    "a {#+ c +#} b",
    "x{#- a -#}\n\n y",
    "{% raw %}{{ not }} {% if %}{# c #}{% endraw %}",
    "a\n  {% raw %}\n x {{ y }}\n  {% endraw %}\nb",
    "a {%- raw -%} x {%- endraw -%} b",
    "{%- raw %}\nx{% endraw -%}\n\n y",
    "line\r\nother\rmore\n{{ s }}\r\n",
    "trailing\n\n",
    "trailing\n",
    "\n\n{{ s }}\n\n",
    "",
    "\n",
    "   ",
    "{{ s }}\n{{ s }}\n",
    "{% set x = 1 %}\n{% set y = 2 %}\n{{ x }}{{ y }}",
    "\t{% set x = 1 %}\tb",
    "{% for i in xs %}\n  {{ i }}\n{% endfor %}",
    "{% for i in xs -%}\n  {{ i }}\n{%- endfor %}",
    "a{{ '-' }}{{-1}}{{+2}}{{ -1 }}",
    "{{ '}}' }}{{ '%}' }}{{ \"{{\" }}",
    "{{ {'a': {'b': 1}}['a']['b'] }}",
    "{{ {'a': {'b': 1}} }}",
    "{%if true%}tight{%endif%}",
    "{%- if true %}  x  {%- else %}  y  {%- endif %}",
    "text { not } {a tag} % } # {",
    "{ { s } }",
    "a\u00a0{%- if true -%}\u2003b{% endif %}",
    "a\x0b\x0c{%- if true %}b{% endif %}",
    "{% if true %}\n\n\nx{% endif %}\n\n\ny",
    "  \n  {% if true %}x{% endif %}",
    "x\n   {{ s }}\n   {% set q = 1 %}   \n   y",
    "{{ s -}} \n {{- s }}",
    "{% set a = '''triple''' %}{{ a }}",
    "{%set x=1-%}   {{x}}",
    "{% if true -%}\n\n    - item\n{% endif %}",
    "<|im_start|>{{ '\\n' }}<|im_end|>\n",
    "{{ 'a' }}{# {{ b }} #}{{ 'c' }}",
    "{# {% raw %} #}x",
    "{%- set a = 1 -%}\n{%- set b = 2 -%}\n{{- a ~ b -}}\n",
    "{{ 1 }}{#- strip -#}   {{ 2 }}",
]

EXPRESSIONS = r"""
{{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7 / 2 }}
{{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 2.0 ** 0.5 }} {{ 0 ** 0 }}
{{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ 7.5 % 2 }} {{ -7.5 % 2 }} {{ 1e308 * 10 }} {{ -1e308 * 10 }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 1.0 / 0 }}
{{ 1.5 // 0 }}
{{ 0 ** -1 }}
{{ true + true }} {{ true * 3 }} {{ -true }} {{ +yes }} {{ - n }} {{ +f }} {{ --n }}
{{ -s }}
{{ +nothing }}
{{ "a" + "b" }} {{ [1] + [2] }} {{ (1,) + (2,) }} {{ "ab" * 3 }} {{ 3 * "ab" }} {{ [1, 2] * 2 }} {{ (1,) * 2 }} {{ "x" * -1 }} {{ "x" * true }}
{{ "a" + 1 }}
{{ 1 + "a" }}
{{ [1] + (2,) }}
{{ "a" - "b" }}
{{ "a" * 1.5 }}
{{ {} + {} }}
{{ nothing + 1 }}
{{ "a" ~ 1 ~ 2.0 ~ true ~ none ~ [1] ~ undefined_name }}
{{ 1 ~ 2 + 3 }} {{ 1 + 2 ~ 3 }} {{ "a" ~ "b" * 2 }}
{{ 1 < 2 }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ 1 == true }} {{ "1" == 1 }} {{ none == none }} {{ [1] == [1.0] }} {{ (1,) == [1] }}
{{ 3 > 2 >= 2 }} {{ 1 != 2 }} {{ 1 != 1 }} {{ "a" < "b" }} {{ "a" < "B" }} {{ "é" > "z" }} {{ [1, 2] < [1, 3] }} {{ [1] < [1, 0] }} {{ (1, 2) <= (1, 2) }}
{{ 1 < "a" }}
{{ none < 1 }}
{{ [1] < (1,) }}
{{ {} < {} }}
{{ undefined_name < 1 }}
{{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }} {{ {'a': 1} == {'a': 1.0} }} {{ {} == [] }} {{ "" == undefined_name }} {{ undefined_name == other_undefined }}
{{ 1 in xs }} {{ 9 in xs }} {{ 9 not in xs }} {{ "ell" in s }} {{ "" in s }} {{ "a" in d }} {{ 1 in d }} {{ 1.0 in xs }} {{ "é" in uni }} {{ (1, 2) in [(1, 2)] }}
{{ 1 in s }}
{{ 1 in n }}
{{ 1 in nothing }}
{{ [] in d }}
{{ 1 in undefined_name }} {{ "x" not in undefined_name }}
{{ 2 in range(5) }} {{ "b" in d.keys() }} {{ 2 in d.values() }} {{ ("a", 2) in d.items() }}
{{ not true }} {{ not 0 }} {{ not not "x" }} {{ not undefined_name }} {{ not 1 == 2 }} {{ not 1 in xs }}
{{ 1 and 2 }} {{ 0 and 2 }} {{ 1 or 2 }} {{ 0 or 2 }} {{ "" or none or "last" }} {{ [] and 1 }} {{ undefined_name or "default" }} {{ 1 and undefined_name }}
{{ true or 1/0 }} {{ false and 1/0 }}
{{ "a" if yes else "b" }} {{ "a" if no else "b" }} {{ "a" if no }} {{ "a" if yes }} {{ 1 if no else 2 if no else 3 }} {{ (1 if no) is defined }}
{{ ("a" if no) + "b" }}
{{ ("a" if no).x }}
{{ 1 if 1/0 else 2 }}
{{ xs[0] }} {{ xs[-1] }} {{ xs[true] }} {{ s[0] }} {{ s[-1] }} {{ uni[2] }} {{ (1, 2)[1] }} {{ d['a'] }} {{ d["C"] }} {{ xs['0'] }} {{ xs[1.0] }} {{ s['x'] }}
{{ xs[1:] }} {{ xs[:-1] }} {{ xs[::-1] }} {{ xs[::2] }} {{ xs[5:] }} {{ xs[-2:] }} {{ xs[:] }} {{ xs[2:0:-1] }} {{ xs[-100:100] }} {{ xs[none:2] }}
{{ s[1:4] }} {{ s[::-1] }} {{ s[::2] }} {{ s[-5:-1] }} {{ s[10:2:-3] }} {{ uni[3:9] }} {{ uni[::-1] }} {{ uni[-12:] }} {{ uni[1::3] }} {{ empty[1:] }}
{{ (1, 2, 3)[1:] }} {{ range(10)[2:8:2] }} {{ range(10)[::-1]|list }} {{ range(10)[3] }} {{ range(10)[-1] }} {{ range(3)[5] }}
{{ range(10)[28:2] }} {{ range(10)[::-3] }} {{ range(1, 9, 2)[1:3] }}
{{ xs[::0] }}
{{ xs['a':] }}
{{ xs[1.5:] }}
{{ d[1:] }}
{{ n[1:] }}
{{ undefined_name[1:] }}
{{ xs[0][0] }}
{{ nested[0][1] }} {{ nested[0][1:][0] }} {{ [1, 2, 3][1] }} {{ "abc"[1] }} {{ {'a': 1}['a'] }} {{ {'a': 1}.a }} {{ (1, 2).0 }}
{{ d[[1]] }} {{ d[none] }} {{ mixed[6]['k'] }} {{ people[0].name }} {{ people[-1]['tags'][1] }} {{ people.0.age }}
{{ s.upper().lower().title() }} {{ s.split(" ")[0][::-1].upper() }}
{{ range(3)|list }} {{ range(1, 4)|list }} {{ range(5, 0, -2)|list }} {{ range(0)|list }} {{ range(3) }} {{ range(1, 10, 3) }} {{ range(5)|length }}
{{ range(0, 1, 0) }}
{{ range("a") }}
{{ range(1.5) }}
{{ range(100001) }}
{{ range(100000)|length }}
{{ range() }}
{{ n() }}
{{ s() }}
{{ "a" is string and "b" is string }} {{ 1 is number or false }} {{ not 1 is string }}
{{ 1 + 1 is even }} {{ (1 + 1) is even }} {{ 2 is even is true }}
{{ -1|abs }} {{ (-1)|abs }} {{ 1 + -1|abs }} {{ "a" ~ "b"|upper }} {{ ("a" ~ "b")|upper }}
{{ [1, 2, 3]|length == 3 }} {{ xs|length + 1 }} {{ xs|length > 2 and yes }}
{{ {'x': 1}|length }} {{ "abc"|length }}{{ (1, 2)|length }}
{{ 5 - 3 - 1 }} {{ 100 // 7 // 2 }} {{ 2 * 3 % 4 }} {{ 10 - 2 * 3 }}
{{ 9223372036854775807 - 1 }} {{ 3000000000 * 3 }}
{{ [x for x in xs] }}
{{ lambda: 1 }}
{{ 1 & 2 }}
{{ a b }}
{{ 1 + }}
{{ (1 }}
{{ [1, 2 }}
{{ 'unclosed }}
{{ s | }}
{{ s. }}
{{ s[ }}
{{ f(a=1, 2) }}
{{ dict(a=1, a=2) }}
{{ x = 1 }}
{{ 1 ! 2 }}
{{ @ }}
{{ }}
{{ 1 is }}
{{ 1 is string is number }}
{{ dict(a=1, b=2) }} {{ dict([('x', 1), ('y', 2)]) }} {{ dict(d, b=9, z=0) }} {{ dict() }} {{ dict(**d) }} {{ dict(*[[(1, 2)]]) }} {{ dict.fromkeys(['a', 'b'], 0) }} {{ dict.fromkeys('ab') }}
{{ dict(1) }}
{{ dict([1]) }}
{{ dict({}, {}) }}
"""

STATEMENTS = r"""
{% if yes %}a{% endif %}{% if no %}b{% endif %}{% if no %}c{% else %}d{% endif %}{% if no %}e{% elif yes %}f{% else %}g{% endif %}{% if no %}{% elif no %}{% elif n %}h{% endif %}
{% if undefined_name %}a{% else %}b{% endif %}{% if [] %}c{% endif %}{% if {} %}d{% endif %}{% if '' %}e{% endif %}{% if 0.0 %}f{% endif %}{% if none %}g{% endif %}{% if ' ' %}h{% endif %}
{% for x in xs %}{{ x }},{% endfor %}{% for x in [] %}{{ x }}{% else %}none{% endfor %}{% for x in undefined_name %}{{ x }}{% else %}undef{% endfor %}
{% for x in s %}{{ x }}-{% endfor %}{% for x in uni %}[{{ x }}]{% endfor %}
{% for k in d %}{{ k }}{% endfor %}{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k, v in d|items %}{{ k }}:{{ v }};{% endfor %}{% for v in d.values() %}{{ v }}{% endfor %}{% for k in d.keys() %}{{ k }}{% endfor %}
{% for a, b in [(1, 2), (3, 4)] %}{{ a }}{{ b }} {% endfor %}{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for a, in [(1,), (2,)] %}{{ a }}{% endfor %}{% for a, b in ["xy", "zw"] %}{{ a }}{{ b }}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{% endfor %}
{% for a, b in [(1,)] %}{% endfor %}
{% for a, b in [1] %}{% endfor %}
{% for x in n %}{% endfor %}
{% for x in none %}{% endfor %}
{% for x in xs if x > 1 %}{{ x }}:{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% endfor %}{% for x in xs if x > 5 %}a{% else %}none{% endfor %}
{% for x in xs %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }} {% endfor %}
{% for x in words %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}{% for x in xs %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}
{% for x in words %}{{ loop.cycle('odd', 'even') }}{{ loop.changed(x|lower) }} {% endfor %}{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{{ loop.changed() }}{% endfor %}
{% for x in xs %}{{ loop.cycle() }}{% endfor %}
{% for x in xs %}{{ loop }}{% endfor %}
{% for x in xs %}{{ loop.nope }}{% endfor %}
{% for x in xs %}{% for y in 'ab' %}{{ loop.index }}{{ x }}{{ y }}{% endfor %}{{ loop.index }}{% endfor %}
{% for x in xs %}{% set outer = loop %}{% for y in 'ab' %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}
{% for x in xs %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}{% for x in xs %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}{% for x in xs %}{% break %}{% else %}E{% endfor %}{% for x in xs %}{% continue %}{% else %}F{% endfor %}
{% for x in xs %}{% for y in 'abc' %}{% if y == 'b' %}{% break %}{% endif %}{{ x }}{{ y }}{% endfor %}{% endfor %}
{% for x in xs %}{% for y in [] %}{% else %}{% break %}{% endfor %}{{ x }}{% endfor %}
{% for x in xs %}{% set q %}{% if x == 1 %}{% continue %}{% endif %}v{{ x }}{% endset %}{{ q }}{% endfor %}
{% break %}
{% continue %}
{% for x in xs %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}
{% set x = 1 %}{{ x }}{% set x = x + 1 %}{{ x }}{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, e) = [3, 4] %}{{ c }}{{ e }}{% set t = 1, 2 %}{{ t }}{% set u, = [9] %}{{ u }}
{% set a, b = 1 %}
{% set a, b = [1] %}
{% set a, b = 1, 2, 3 %}
{% set true = 1 %}
{% set 1 = 2 %}
{% set a.b = 1 %}
{% set s.x = 1 %}
{% set x = 1 %}{% for i in xs %}{% set x = i %}{{ x }}{% endfor %}{{ x }}
{% for i in xs %}{{ x }}{% set x = i %}{{ x }} {% endfor %}{{ x }}
{% set x = 0 %}{% if yes %}{% set x = 5 %}{% endif %}{{ x }}{% if no %}{% set y = 5 %}{% endif %}{{ y }}
{% if no %}{% set s = 5 %}{% endif %}{{ s }}
{% set ns = namespace(a=1) %}{% for i in xs %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns['a'] }}{{ ns.nope }}{{ ns }}
{% set ns = namespace() %}{% set ns.x = 1 %}{% set ns.y = [ns.x] %}{{ ns.x }}{{ ns.y }}{{ ns.x is defined }}{{ ns.z is defined }}{% set ns.a, b = 1, 2 %}{{ ns.a }}{{ b }}
{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns }}{{ ns is mapping }}{{ ns is iterable }}{{ ns is string }}
{% set ns = namespace(_a=1) %}
{% set ns = namespace() %}{% set ns._a = 1 %}
{% set ns = namespace(x=1) %}{{ ns.x.y }}|{{ ns.items }}|{{ ns['x'] }}|{{ ns[0] }}
{% set ns = namespace(found=false) %}{% for m in people %}{% if m.name == 'bob' %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.found }}
{% set x %}block {{ s }}{% endset %}{{ x }}|{{ x|length }}{% set x | upper %}up {{ n }}{% endset %}{{ x }}{% set x | trim | replace('a', 'b') %}  aaa  {% endset %}[{{ x }}]
{% set ns = namespace() %}{% set ns.x %}captured{% endset %}{{ ns.x }}
{% set x %}{% set y = 1 %}{{ y }}{% endset %}{{ x }}{{ y }}
{% macro m(a, b=2, c=a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c=4) }}{{ m(b=1, a=0) }}{{ m() }}
{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}{{ m() }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}
{% macro m(a) %}{{ a is defined }}{{ a }}{% endmacro %}{{ m() }}{{ m(none) }}
{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}body {{ s }}{% endcall %}
{% macro m(xs) %}{% for x in xs %}{{ caller(x) }},{% endfor %}{% endmacro %}{% call(x) m([1, 2]) %}<{{ x }}>{% endcall %}{% call(x, y='d') m([1, 2]) %}<{{ x }}{{ y }}>{% endcall %}
{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}
{% macro m() %}x{% endmacro %}{% call m() %}{% endcall %}
{% macro m() %}{% if caller is defined %}{{ caller() }}{% else %}no{% endif %}{% endmacro %}{{ m() }}{% call m() %}yes{% endcall %}
{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{{ s }}{% endmacro %}{{ a() }}
{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}
{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{% set x = 2 %}{{ m() }}
{% macro m() %}{% set x = 5 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}
{% macro m(a, b=1) %}{% endmacro %}{{ m.name }}{{ m.arguments }}{{ m.catch_kwargs }}{{ m.catch_varargs }}{{ m.caller }}{{ m }}
{% macro m(a=1, b) %}{% endmacro %}
{% macro m(a, a) %}{% endmacro %}
{% macro m(a=a) %}{{ a }}{% endmacro %}{% set a = 3 %}{{ m() }}
{% macro m(x) %}{{ x }}{% endmacro %}{{ m("<b>")|upper }}{{ m(1) ~ m(2) }}{{ m(1) is string }}{{ m is callable }}
{% call s.upper() %}{% endcall %}
{% call n %}{% endcall %}
{% filter upper %}abc {{ s }}{% endfilter %}{% filter replace('a', 'b')|upper %}banana{% endfilter %}{% filter trim %}  x  {% endfilter %}|{% filter indent(2, true) %}a
b{% endfilter %}
{% with %}{% set w = 1 %}{{ w }}{% endwith %}{{ w }}{% with a=1, b=2 %}{{ a }}{{ b }}{% endwith %}{{ a }}{% set a = 5 %}{% with a=1, b=a %}{{ b }}{% endwith %}{% with a, b = (1, 2) %}{{ a }}{% endwith %}
{% for x in tree recursive %}{{ x.n }}{{ loop.depth }}{% if x.c %}({{ loop(x.c) }}){% endif %}{% endfor %}
{% for x in tree recursive %}{{ x.n }}{{ loop(x.c) if x.c else '.' }}{% else %}E{% endfor %}
{% for x in xs %}{{ loop([1]) }}{% endfor %}
{% for x in xs recursive %}{{ loop.length }}{% endfor %}
{% for loop in xs %}{% endfor %}
{% for x in xs %}{% set loop = 1 %}{% endfor %}
{% set loop = 1 %}{{ loop }}
{% for x in (1, 2) %}{{ x }}{% endfor %}{% for x in 1, 2, 3 %}{{ x }}{% endfor %}{% for x in xs|sort %}{{ x }}{% endfor %}{% for x in xs[::-1] %}{{ x }}{% endfor %}{% for i in range(xs|length) %}{{ xs[i] }}{% endfor %}
{% for x in xs|map('string') %}{{ x }}{{ loop.last }}{% endfor %}{% for x in xs|map('string') %}{{ loop.length }}{{ loop.revindex }}{{ x }}{% endfor %}
{% for m in people if m.age > 26 and m.city != 'x' %}{{ m.name }}{% endfor %}
{% for x in xs %}{% for x in 'ab' %}{{ x }}{% endfor %}{{ x }}{% endfor %}{{ x }}
{% generation %}gen {{ s }}{% set g = 1 %}{% endgeneration %}{{ g }}
{%- generation -%} x {%- endgeneration -%}
{{ raise_exception("stop") }}
{% if yes %}{{ raise_exception("stop: " ~ n) }}{% endif %}
{% if no %}{{ raise_exception("stop") }}{% endif %}ok
{{ raise_exception() }}
{{ strftime_now("%Y-%m-%d") }} {{ strftime_now("%d %b %Y") }} {{ strftime_now("%A, %B %d, %Y %H:%M:%S %p %j %U %W %w %y %I") }} {{ strftime_now("%-d/%-m %e %F %T %D %R %%") }} {{ strftime_now("%G-W%V-%u %C %h %c | %x | %X | %k %l") }}
{{ strftime_now() }}
{% include 'x' %}
{% import 'x' as y %}
{% from 'x' import y %}
{% extends 'x' %}
{% unknown %}
{% endif %}
{% if yes %}
{% if yes %}{% endfor %}
{% for x in xs %}
{% for x xs %}{% endfor %}
{% set %}
{% set x = %}
{% if %}{% endif %}
{% macro %}{% endmacro %}
{% else %}
{% raw %}
{# unclosed
{{ unclosed
{% unclosed
{% if yes %}{{ s|nofilter }}{% endif %}
{% if no %}{{ s|nofilter }}{% endif %}ok
{{ s|nofilter }}
{{ s|nofilter if no else 'ok' }}
{{ s is notest }}
{{ 'x' if no and s is notest else 'ok' }}
{% for x in [] %}{{ x|nofilter }}{% endfor %}
{% if no %}{% for x in [] %}{{ x|nofilter }}{% endfor %}{% endif %}
{% set joiner1 = joiner("|") %}{% for x in xs %}{{ joiner1() }}{{ x }}{% endfor %}{% set j = joiner() %}{{ j() }}{{ j() }}{{ j.sep }}{{ j.used }}
{% set c = cycler('a', 'b', 'c') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}{{ c.reset() }}{{ c.current }}{{ c.items }}{{ c.pos }}
{{ cycler() }}
{% set f = s.upper %}{{ f() }}{% set g = d.get %}{{ g('a') }}{{ g('q', 'dflt') }}
{{ xs.append(1) }}
{% set _ = xs.append(1) %}
{{ xs.append }}|{{ d.update }}|{{ d.pop is defined }}
{{ d.update({'x': 1}) }}
{{ d.pop('a') }}
{{ d.setdefault('a', 1) }}
{{ d.clear() }}
{{ xs.sort() }}
{{ xs.insert(0, 1) }}
{{ s.__class__ }}|{{ s.__class__ is defined }}|{{ xs.__len__ }}|{{ d._private }}
{{ s.__class__.__mro__ }}
{{ ''['__class__'] }}
{% set a = [1, 2] %}{% set b = a + [3] %}{{ a }}{{ b }}
{% set messages = messages[1:] %}{{ messages|length }}
{% if messages[0]['role'] == 'user' %}{{ messages[0]['content'] }}{% endif %}{{ add_generation_prompt }}{{ tools }}{{ documents }}{{ tools is none }}{{ tools is defined }}
{% if a is not defined %}nd{% endif %}{% if a is defined and a %}d{% endif %}{% if not (a is defined) %}x{% endif %}
{% if yes %}{% if no %}a{% else %}b{% endif %}{% else %}c{% endif %}
{% if (yes) and (not no) %}p{% endif %}{% if 'a' in 'abc' and 'd' not in 'abc' %}q{% endif %}
{%- for message in messages %}{{ '<|' + message.role + '|>' }}{{ message['content'] }}{% endfor %}
{% set x = {'a': 1} %}{{ x.a }}{% set y = dict(x, b=2) %}{{ y }}{% set z = dict(x.items()|list + [('c', 3)]) %}{{ z }}
"""

METHODS = r"""
{{ ws.strip() }}|{{ ws.lstrip() }}|{{ ws.rstrip() }}|{{ "xxaxx".strip("x") }}|{{ "abcab".lstrip("ba") }}|{{ "abcab".rstrip("ab") }}|{{ "ééaé".strip("é") }}|{{ s.strip(none) }}
{{ "a,b,,c".split(",") }}|{{ "a b  c ".split() }}|{{ "a,b,c".split(",", 1) }}|{{ " a b c ".split(none, 1) }}|{{ "".split() }}|{{ "".split(",") }}|{{ "a--b".split("--") }}|{{ "a b c".split(maxsplit=1) }}|{{ "a-b".split(sep="-") }}
{{ "a,b,,c".rsplit(",") }}|{{ "a b  c ".rsplit() }}|{{ "a,b,c".rsplit(",", 1) }}|{{ " a b c ".rsplit(none, 1) }}|{{ "x</think>y</think>z".split("</think>")[-1] }}|{{ "abc".rsplit("") }}
{{ "abc".split("") }}
{{ "abc".split(1) }}
{{ lines.splitlines() }}|{{ lines.splitlines(true) }}|{{ "".splitlines() }}|{{ "a\n".splitlines() }}|{{ "a\r\nb\rc".splitlines(keepends=True) }}
{{ s.startswith("Hell") }}{{ s.startswith(("x", "H")) }}{{ s.startswith("W", 6) }}{{ s.startswith("") }}{{ s.endswith("ld") }}{{ s.endswith(("x", "d")) }}{{ s.endswith("lo", 0, 5) }}{{ s.startswith("x", 100) }}{{ s.startswith("", 100) }}{{ s.startswith("", 11) }}
{{ s.startswith(1) }}
{{ s.startswith(["H"]) }}
{{ s.upper() }}{{ s.lower() }}{{ "hello wORLD".capitalize() }}{{ "hello wORLD it's".title() }}{{ s.swapcase() }}
{{ uni.upper() }}|{{ uni.lower() }}|{{ uni.title() }}|{{ uni.capitalize() }}|{{ uni.swapcase() }}
{{ "ΑΣ ΑΣΑ Σ ΑΣ'".lower() }}|{{ "ﬁne ǆ ŉ".title() }}|{{ "ﬃ".capitalize() }}|{{ "ᾳ".upper() }}|{{ "ᾳ".title() }}
{{ s.replace("l", "L") }}|{{ s.replace("l", "L", 2) }}|{{ s.replace("", "-") }}|{{ s.replace("", "-", 3) }}|{{ s.replace("World", "") }}|{{ "aaa".replace("aa", "b") }}|{{ s.replace("o", "0", 0) }}|{{ s.replace("o", "0", -1) }}|{{ "日本".replace("", ".") }}
{{ s.replace("a") }}
{{ s.replace(1, 2) }}
{{ s.find("o") }}{{ s.find("o", 5) }}{{ s.find("z") }}{{ s.rfind("o") }}{{ s.rfind("o", 0, 5) }}{{ s.index("W") }}{{ s.rindex("l") }}{{ s.find("") }}{{ s.rfind("") }}{{ uni.find("日") }}{{ uni.rfind("ß") }}{{ uni.index("本", 3) }}{{ s.find("l", -3) }}{{ s.find("", 50) }}{{ s.find("H", 0, -20) }}
{{ s.index("zz") }}
{{ s.rindex("zz") }}
{{ s.count("l") }}{{ s.count("") }}{{ s.count("l", 4) }}{{ s.count("lo", 0, 4) }}{{ "aaaa".count("aa") }}{{ uni.count("μ") }}
{{ ",".join(["a", "b"]) }}|{{ ", ".join(words) }}|{{ "".join("abc") }}|{{ "-".join([]) }}|{{ "-".join(d) }}|{{ ", ".join(d.keys()) }}|{{ "+".join(xs|map('string')) }}
{{ ",".join([1, 2]) }}
{{ ",".join(1) }}
{{ ",".join([undefined_name]) }}
{{ "{} and {}".format(1, "x") }}|{{ "{0}{1}{0}".format("a", "b") }}|{{ "{name} is {age}".format(name="A", age=3) }}|{{ "{{}}".format() }}|{{ "{:>5}|{:<5}|{:^5}|{:*^7}".format("a", "b", "c", "d") }}|{{ "{!r}".format("q") }}|{{ "{!s:>4}".format(1) }}
{{ "{:05d} {:+d} {:x} {:#x} {:b} {:o} {:,} {:_} {:c}".format(42, 42, 255, 255, 5, 8, 1234567, 1234567, 65) }}|{{ "{:.2f} {:10.3f} {:e} {:g} {:%} {:.0f} {:.3}".format(3.14159, 2.5, 12345.678, 0.0001, 0.25, 2.5, 3.14159) }}|{{ "{:.2}".format("abcdef") }}|{{ "{:6.2}|".format("abcdef") }}
{{ "{0[a]} {0[b]} {1.name} {2[0]}".format(d, people[0], xs) }}|{{ "{:{}}|{:{w}}".format("a", 4, "b", w=3) }}
{{ "{}".format(none) }}{{ "{}".format([1]) }}{{ "{}".format(true) }}{{ "{:d}".format(true) }}{{ "{}".format(1.0) }}{{ "{:5}|".format(1) }}{{ "{:5}|".format("a") }}{{ "{:<5}|".format(1.5) }}{{ "{:^6}|".format(-1) }}{{ "{:=+6}".format(1) }}{{ "{: }".format(3) }}{{ "{:.3}".format(100.0) }} {{ "{:G}".format(1e-10) }} {{ "{:E}".format(1.5) }} {{ "{:X}".format(255) }} {{ "{:010.2f}".format(-3.14159) }} {{ "{:05}".format("ab") }}
{{ "{} {}".format(1) }}
{{ "{x}".format() }}
{{ "{".format() }}
{{ "}".format() }}
{{ "{} {0}".format(1) }}
{{ "{:d}".format("a") }}
{{ "{:s}".format(1) }}
{{ "{:q}".format(1) }}
{{ "{:5}".format([1]) }}
{{ "{0.__class__}".format("a") }}
{{ "{0.__class__.x}".format("a") }}
{{ "{a}{b}".format_map({"a": 1, "b": 2}) }}
{{ "prefix-x".removeprefix("prefix-") }}{{ "x.py".removesuffix(".py") }}{{ s.removeprefix("zz") }}{{ s.removesuffix("") }}
{{ "123".isdigit() }}{{ "".isdigit() }}{{ "1a".isdigit() }}{{ "²".isdigit() }}{{ "²".isdecimal() }}{{ "½".isnumeric() }}{{ "½".isdigit() }}{{ "abc".isalpha() }}{{ "ab1".isalpha() }}{{ "é日".isalpha() }}{{ "ab1".isalnum() }}{{ "a b".isalnum() }}{{ " \t\n".isspace() }}{{ "".isspace() }}{{ "\u00a0\u2003".isspace() }}{{ "ABC".isupper() }}{{ "AB1".isupper() }}{{ "123".isupper() }}{{ "Ab".isupper() }}{{ "abc".islower() }}{{ "ab1".islower() }}{{ "aB".islower() }}{{ "Hello World".istitle() }}{{ "Hello world".istitle() }}{{ "abc".isascii() }}{{ "é".isascii() }}{{ "a\n".isprintable() }}{{ "٣".isdigit() }}{{ "ª".islower() }}{{ "Ⅷ".isupper() }}
{{ "42".zfill(5) }}{{ "-42".zfill(5) }}{{ "+1".zfill(4) }}{{ "abc".zfill(2) }}|{{ "a".center(5) }}|{{ "ab".center(5) }}|{{ "a".center(4, "*") }}|{{ "a".ljust(3) }}|{{ "a".rjust(3, "-") }}|{{ "é".center(4, "日") }}|{{ "abc".center(2) }}
{{ "a".center(5, "ab") }}
{{ "a=b=c".partition("=") }}{{ "a=b=c".rpartition("=") }}{{ "abc".partition("=") }}{{ "abc".rpartition("=") }}
{{ "abc".partition("") }}
{{ "a".encode }}
{{ s.nomethod() }}
{{ s.upper(1) }}
{{ d.items()|list }}{{ d.keys()|list }}{{ d.values()|list }}{{ d.get("a") }}{{ d.get("z") }}{{ d.get("z", 5) }}{{ d.items() }}{{ d.keys() }}{{ d.values() }}{{ d.keys()|length }}{{ d.copy() }}
{{ d.get() }}
{{ d.get([]) }}
{{ d.items(1) }}
{{ d.items()[0] }}
{{ (d.items()|list)[0][1] }}{{ d.keys()|first }}{{ d.values()|last }}{{ d|first }}{{ d|last }}
{{ xs.index(1) }}{{ xs.count(3) }}{{ (1, 2, 1).count(1) }}{{ (1, 2).index(2) }}{{ xs.copy() }}{{ [1, 2, 1].index(1, 1) }}
{{ xs.index(99) }}
{{ d.get("a").b }}|{{ d.a.b }}
{{ "%s and %s" % ("a", 1) }}|{{ "%d%%" % 5 }}|{{ "%5d|%-5d|%05d|%+d" % (1, 2, 3, 4) }}|{{ "%.2f %e %g" % (3.14159, 1234.5, 0.00001) }}|{{ "%x %X %o %#x" % (255, 255, 8, 255) }}|{{ "%(a)s %(b)d" % {"a": "x", "b": 2} }}|{{ "%r" % "q" }}|{{ "%s" % none }}|{{ "%s" % [1, 2] }}|{{ "%c%c" % (65, "b") }}|{{ "%5s|%-5s|%.2s" % ("a", "b", "cde") }}|{{ "%*d" % (5, 1) }}|{{ "%d" % 3.99 }}|{{ "%s" % d }}|{{ "%i" % true }}
{{ "%s" % undefined_name }}|{{ "abc" % [1] }}|{{ "abc" % {} }}|{{ "%%" % () }}
{{ "%d" % "a" }}
{{ "%s %s" % "a" }}
{{ "%s" % (1, 2) }}
{{ "abc" % 1 }}
{{ "%(a)s" % 1 }}
{{ "%(z)s" % {"a": 1} }}
{{ "%q" % 1 }}
{{ "%" % 1 }}
{{ "abc".join }}
{{ s.split()|length }}{{ s.split()[0].lower().replace('h', 'j') }}{{ (s ~ "!").upper() }}{{ "x".join(["a"] * 3) }}
{{ html.replace("<", "&lt;") }}{{ control.strip() }}{{ control.upper() }}{{ control|length }}
"""

FILTERS = r"""
{{ neg|abs }}{{ f|abs }}{{ (-2.5)|abs }}{{ true|abs }}
{{ s|abs }}
{{ people[0]|attr("name") }}|{{ s|attr("upper") is callable }}|{{ d|attr("items") is defined }}|{{ d|attr("a") is defined }}
{{ xs|batch(2)|list }}{{ xs|batch(2, 'x')|list }}{{ []|batch(2)|list }}{{ range(7)|batch(3, 0)|list }}{{ range(7)|batch(0)|list }}
{{ "hello World"|capitalize }}{{ 5|capitalize }}{{ undefined_name|capitalize }}|{{ "ab"|center(6) }}|{{ "ab"|center(7) }}|
{{ xs|count }}{{ xs|length }}{{ s|length }}{{ d|length }}{{ undefined_name|length }}{{ range(4)|length }}
{{ n|length }}
{{ none|length }}
{{ (xs|map('abs'))|length }}
{{ undefined_name|default("x") }}{{ undefined_name|d("x") }}{{ ""|default("x") }}|{{ ""|default("x", true) }}{{ none|default("x") }}{{ none|default("x", boolean=true) }}{{ 0|d(5, true) }}{{ undefined_name|default }}|{{ d.nope|default('y') }}{{ undefined_name|default(default_value=3) }}
{{ undefined_name.x|default("y") }}
{{ d|dictsort }}{{ d|dictsort(true) }}{{ d|dictsort(false, 'value') }}{{ d|dictsort(reverse=true) }}{{ d|dictsort(by='value', reverse=true) }}
{{ d|dictsort(by='nope') }}
{{ xs|dictsort }}
{{ {1: 2, 'a': 3}|dictsort }}
{{ html|e }}{{ html|escape }}{{ html|safe }}{{ html|forceescape }}{{ html|e|e }}{{ html|e|forceescape }}{{ (html|safe) + "<" }}{{ "<" + (html|safe) }}{{ (html|safe) ~ "<" }}{{ 5|e }}{{ html|e is escaped }}{{ html is escaped }}{{ (html|safe)|upper }}{{ [html|safe] }}{{ html|safe|length }}
{{ (html|safe).replace("b", "<") }}{{ (html|safe)|replace("b", "<") }}{{ (html|safe)[1:3] + "<" }}{{ ("<b>"|safe).join(["<", "x"|safe]) }}{{ "<%s>"|safe|format("<") }}
{{ xs|first }}{{ s|first }}{{ []|first }}|{{ d|first }}{{ xs|last }}{{ s|last }}{{ []|last }}|{{ (xs|map('abs'))|first }}{{ undefined_name|first }}{{ range(5)|last }}
{{ n|first }}
{{ (xs|map('abs'))|last }}
{{ "3.14"|float }}{{ "abc"|float }}{{ "abc"|float(1.5) }}{{ n|float }}{{ none|float }}{{ " 1e3 "|float }}{{ "inf"|float }}{{ "-Infinity"|float }}{{ "nan"|float }}{{ "1_000.5"|float }}{{ "1__0"|float }}{{ []|float }}{{ "+5"|float }}{{ ""|float }}{{ "0x10"|float }}{{ ".5"|float }}{{ "5."|float }}
{{ undefined_name|float }}
{{ "%s %s"|format(1, "a") }}{{ "%(x)s"|format(x=3) }}{{ "%d"|format(3.7) }}{{ "abc"|format }}
{{ "%s"|format(1, x=2) }}
{{ "%s %s"|format(1) }}
{% for g in people|groupby('city') %}{{ g.grouper }}:{{ g.list|map(attribute='name')|join('+') }};{% endfor %}{% for c, l in people|groupby('age') %}{{ c }}={{ l|length }};{% endfor %}{% for c, l in people|groupby('city', case_sensitive=true) %}{{ c }};{% endfor %}{% for c, l in people|groupby('nope', default='D') %}{{ c }}{{ l|length }}{% endfor %}{{ [{'a': 1}]|groupby('a') }}
{{ "a\nb\n\nc"|indent }}|{{ "a\nb"|indent(2, true) }}|{{ "a\n\nb"|indent(2, blank=true) }}|{{ "a\nb"|indent("> ", first=true) }}|{{ "a\nb\n"|indent(1) }}|{{ ""|indent(2, true) }}|{{ "a\r\nb"|indent(1) }}|{{ "a"|indent(width=3, first=true) }}
{{ 5|indent }}
{{ "42"|int }}{{ numtext|int }}{{ "abc"|int }}{{ "abc"|int(7) }}{{ "0x1A"|int(0, 16) }}{{ "1A"|int(base=16) }}{{ "0b11"|int(0, 2) }}{{ "3.9"|int }}{{ 3.9|int }}{{ -3.9|int }}{{ true|int }}{{ none|int }}{{ "1e2"|int }}{{ "1_000"|int }}{{ "-5"|int }}{{ "12abc"|int }}{{ []|int }}{{ "010"|int }}{{ "0o17"|int(0, 8) }}{{ "z"|int(0, 36) }}{{ "0x10"|int(0, 0) }}{{ "010"|int(5, 0) }}{{ "٣"|int(9) }}{{ "inf"|int(3) }}{{ "nan"|int(4) }}{{ "- 5"|int(6) }}{{ "--5"|int(6) }}
{{ undefined_name|int }}
{{ "inf"|float|int }}
{{ xs|join }}{{ xs|join(", ") }}{{ people|join("|", attribute="name") }}{{ s|join("-") }}{{ d|join(",") }}{{ []|join("x") }}{{ mixed|join("/") }}{{ [none, true, undefined_name]|join(",") }}{{ xs|join(1) }}{{ xs|join(d="+") }}
{{ n|join }}
{{ s|list }}{{ d|list }}{{ range(3)|list }}{{ undefined_name|list }}{{ (1, 2)|list }}{{ d.items()|list }}{{ "日本"|list }}
{{ n|list }}
{{ s|lower }}{{ s|upper }}{{ 5|upper }}{{ none|lower }}{{ ["A"]|lower }}
{{ xs|map("string")|list }}{{ words|map("upper")|join(",") }}{{ people|map(attribute="name")|list }}{{ people|map(attribute="tags.0")|list }}{{ people|map(attribute="nope", default="D")|list }}{{ words|map("replace", "a", "o")|list }}{{ nested|map("length")|list }}{{ xs|map("float")|map("string")|list }}{{ people|map(attribute="name")|map("lower")|sort|join }}{{ nested|map("first")|list }}{{ xs|map("round", precision=1)|list }}{{ words|map("truncate", 3, true, "", 0)|list }}{{ []|map("nope")|list }}{{ none|map("nope")|list }}{{ people|map(attribute="age")|sum }}{{ nested|map(attribute=0)|list }}
{{ xs|map("nofilter")|list }}
{{ xs|map|list }}
{{ xs|map(attribute="a", foo=1)|list }}
{{ xs|map(undefined_name)|list }}
{{ 5|map("string")|list }}
{% set g = xs|map("string") %}{{ g|list }}{{ g|list }}{{ (xs|map("string")) is iterable }}{{ (xs|map("string")) is sequence }}{{ (xs|map("string")) is string }}{% if []|map("string") %}T{% endif %}{% if xs|select("gt", 10) %}T{% endif %}
{{ xs|max }}{{ xs|min }}{{ words|max }}{{ words|min }}{{ words|min(true) }}{{ words|max(case_sensitive=true) }}{{ people|max(attribute="age") }}{{ (people|min(attribute="age")).name }}{{ []|max }}|{{ []|min is defined }}{{ "hello"|max }}{{ d|max }}
{{ mixed|max }}
{{ xs|reject("odd")|list }}{{ xs|reject("gt", 1)|list }}{{ mixed|reject("string")|list }}{{ [0, 1, "", "a"]|reject|list }}{{ people|rejectattr("tags")|map(attribute="name")|list }}{{ people|rejectattr("age", "equalto", 30)|map(attribute="name")|list }}
{{ xs|select("odd")|list }}{{ xs|select("in", [1, 2])|list }}{{ xs|select("divisibleby", 3)|list }}{{ [0, 1, "", "a"]|select|list }}{{ xs|select("==", 1)|list }}{{ xs|select("!=", 1)|list }}{{ xs|select("<", 3)|list }}{{ xs|select(">=", 2)|list }}{{ mixed|select("number")|list }}{{ mixed|select("none")|list }}{{ people|selectattr("tags")|map(attribute="name")|list }}{{ people|selectattr("city", "equalto", "Rome")|map(attribute="name")|list }}{{ people|selectattr("nick", "defined")|list|length }}{{ people|selectattr("nick", "none")|list|length }}{{ people|selectattr("tags.0", "eq", "x")|map(attribute="name")|list }}{{ (people|selectattr("name", "eq", "bob")|first).age }}{{ people|selectattr("name", "in", ["Ann", "dan"])|map(attribute="age")|join("+") }}
{{ xs|select("notest")|list }}
{{ people|selectattr|list }}
{{ [1, "a"]|select("odd")|list }}
{{ s|replace("o", "0") }}{{ s|replace("o", "0", 1) }}{{ 123|replace(2, "x") }}{{ "aXbX"|replace("X", "") }}{{ undefined_name|replace("a", "b") }}|{{ s|replace("l", "L", count=1) }}
{{ s|reverse }}{{ uni|reverse }}{{ xs|reverse|list }}{{ d|reverse|list }}{{ range(3)|reverse|list }}{{ (xs|map("string"))|reverse }}{{ d.items()|reverse|list }}{{ (1, 2)|reverse|list }}{% for x in xs|reverse %}{{ x }}{{ loop.last }}{% endfor %}
{{ 5|reverse }}
{{ 2.5|round }}{{ 3.5|round }}{{ 42.55|round }}{{ 42.55|round(1) }}{{ 42.55|round(1, "floor") }}{{ 42.55|round(1, "ceil") }}{{ 5|round }}{{ 1234|round(-2) }}{{ 1250|round(-2) }}{{ 1350|round(-2) }}{{ -2.5|round }}{{ 2.675|round(2) }}{{ 1e20|round(2) }}{{ 5|round(0, "floor") }}{{ 7|round(2, "ceil") }}{{ 0.5|round }}{{ -0.4|round }}{{ 1234.5|round(-2) }}{{ 42.123|round|int }}{{ true|round }}{{ -15|round(-1) }}{{ -25|round(-1) }}
{{ 1.5|round(1, "nope") }}
{{ "a"|round }}
{{ range(10)|slice(3)|list }}{{ range(10)|slice(3, "x")|list }}{{ xs|slice(5)|list }}{{ []|slice(2)|list }}
{{ xs|slice(0)|list }}
{{ xs|sort }}{{ xs|sort(reverse=true) }}{{ words|sort }}{{ words|sort(case_sensitive=true) }}{{ words|sort(true) }}{{ people|sort(attribute="age")|map(attribute="name")|list }}{{ people|sort(attribute="age,name", reverse=true)|map(attribute="name")|list }}{{ people|sort(attribute="city")|map(attribute="name")|list }}{{ d|sort }}{{ "hello"|sort }}{{ nested|sort }}{{ undefined_name|sort }}{{ [1.5, 1, 2]|sort }}{{ [true, 0, 2]|sort }}{{ [(2, 'b'), (1, 'c'), (2, 'a')]|sort }}{{ d.items()|sort(attribute=1) }}
{{ mixed|sort }}
{{ xs|sort(undefined_name) }}
{{ xs|sort(reverse="x") }}
{{ d|dictsort(reverse=none) }}
{{ lines.splitlines("x") }}
{{ [1, "a"]|sort }}
{{ 5|string }}{{ none|string }}{{ xs|string }}{{ undefined_name|string }}|{{ 1.0|string }}{{ d|string|length }}
{{ xs|sum }}{{ people|sum(attribute="age") }}{{ xs|sum(start=10) }}{{ []|sum }}{{ [1.5, 2]|sum }}{{ nested|sum(start=[]) }}{{ undefined_name|sum }}
{{ words|sum }}
{{ words|sum(start="") }}
{{ "hello world-foo (bar) it's <x>"|title }}{{ uni|title }}{{ "ab\ncd\t[ef] {gh}"|title }}
{{ d|tojson }}|{{ xs|tojson }}|{{ mixed|tojson }}|{{ html|tojson }}|{{ uni|tojson }}|{{ control|tojson }}|{{ none|tojson }}|{{ true|tojson }}|{{ 1.0|tojson }}|{{ big|tojson }}|{{ (1, 2)|tojson }}|{{ {}|tojson }}|{{ []|tojson }}|{{ ""|tojson }}
{{ tool|tojson(indent=2) }}|{{ tool|tojson(indent=4) }}|{{ xs|tojson(indent=0) }}|{{ nested|tojson(indent=1) }}|{{ {}|tojson(indent=2) }}|{{ [[]]|tojson(indent=2) }}|{{ d|tojson(indent="--") }}|{{ d|tojson(indent=true) }}
{{ d|tojson(sort_keys=true) }}|{{ d|tojson(separators=(",", ":")) }}|{{ d|tojson(separators=[" ; ", " = "]) }}|{{ tool|tojson(separators=(',', ': '), indent=2) }}|{{ uni|tojson(ensure_ascii=true) }}|{{ control|tojson(ensure_ascii=true) }}|{{ d|tojson(true) }}|{{ {'b': {'z': 1, 'a': 2}, 'a': 1}|tojson(sort_keys=True, indent=1) }}
{{ {1: 2, none: 3, true: 4, 2.5: 5}|tojson }}|{{ "inf"|float|tojson }}|{{ "nan"|float|tojson }}|{{ "-inf"|float|tojson }}
{{ undefined_name|tojson }}
{{ {(1, 2): 3}|tojson }}
{{ range(3)|tojson }}
{{ d.items()|tojson }}
{{ {1: 2, 'a': 3}|tojson(sort_keys=true) }}
{{ (xs|map("string"))|tojson }}
{{ d|tojson(nope=1) }}
{{ d|tojson(separators=(",",)) }}
{{ ws|trim }}|{{ "xxaxx"|trim("x") }}|{{ 5|trim }}|{{ undefined_name|trim }}|{{ s|trim(chars="Hd") }}|{{ s|trim(none) }}
{{ "foo bar baz qux"|truncate(9) }}|{{ "foo bar baz qux"|truncate(9, true) }}|{{ "foo bar baz qux"|truncate(11) }}|{{ "foo bar baz qux"|truncate(11, false, "...", 0) }}|{{ s|truncate }}|{{ "x"|truncate(5) }}|{{ "日本語日本語日本語"|truncate(5, true, "…", 0) }}|{{ "abcdefghijkl"|truncate(5) }}
{{ s|truncate(2) }}
{{ s|truncate(5, leeway=-1) }}
{{ words|unique|list }}{{ words|unique(true)|list }}{{ [1, 1.0, true, 2]|unique|list }}{{ people|unique(attribute="age")|map(attribute="name")|list }}{{ "hello"|unique|join }}
{{ nested|unique|list }}
{{ "a b&c/d?e=é"|urlencode }}|{{ {"a b": "c&d", "x": 1}|urlencode }}|{{ [("k", "v w")]|urlencode }}|{{ 5|urlencode }}|{{ "~-._"|urlencode }}
{{ s|wordcount }}{{ "a-b c_d é, 日本"|wordcount }}{{ ""|wordcount }}
{{ 1000|filesizeformat }}|{{ 1|filesizeformat }}|{{ 0|filesizeformat }}|{{ 1500000|filesizeformat }}|{{ 1024|filesizeformat(true) }}|{{ 123456789|filesizeformat(binary=true) }}|{{ "12345"|filesizeformat }}|{{ 1e30|filesizeformat }}
{{ d|items|list }}{{ undefined_name|items|list }}{% for k, v in deep|items %}{{ k }}{% endfor %}
{{ xs|items|list }}
{{ s|upper|lower|title|trim|length }}{{ s | upper }}{{ s|replace("o","0")|upper|reverse }}
{{ xs|first|string ~ "x" }}{{ (xs|join("-")).split("-")|map("int")|sum }}
{{ s|upper(1) }}
{{ s|replace }}
{{ s|length(1) }}
{{ s|default(1, 2, 3) }}
{{ xs|join(sep=",") }}
{{ "a.b.c"|replace(".", "/")|e }}
"""

TESTS = r"""
{{ s is defined }}{{ undefined_name is defined }}{{ undefined_name is undefined }}{{ d.nope is defined }}{{ d.a is defined }}{{ none is defined }}{{ xs[9] is undefined }}
{{ none is none }}{{ undefined_name is none }}{{ 0 is none }}{{ nothing is not none }}
{{ s is string }}{{ n is string }}{{ (s|safe) is string }}{{ n is number }}{{ f is number }}{{ true is number }}{{ "1" is number }}{{ n is integer }}{{ true is integer }}{{ f is integer }}{{ f is float }}{{ n is float }}{{ true is boolean }}{{ 1 is boolean }}
{{ d is mapping }}{{ xs is mapping }}{{ s is mapping }}{{ xs is sequence }}{{ s is sequence }}{{ d is sequence }}{{ n is sequence }}{{ undefined_name is sequence }}{{ range(3) is sequence }}{{ d.items() is sequence }}{{ none is sequence }}
{{ xs is iterable }}{{ s is iterable }}{{ d is iterable }}{{ n is iterable }}{{ undefined_name is iterable }}{{ none is iterable }}{{ d.items() is iterable }}{{ range is iterable }}
{{ range is callable }}{{ s is callable }}{{ s.upper is callable }}{{ undefined_name is callable }}{{ dict is callable }}{{ namespace is callable }}{{ raise_exception is callable }}{{ joiner() is callable }}{{ cycler(1) is callable }}{{ namespace() is callable }}
{{ true is true }}{{ 1 is true }}{{ false is false }}{{ 0 is false }}{{ yes is true }}{{ none is false }}{{ yes is not false }}
{{ n is eq 7 }}{{ n is equalto(7) }}{{ n is ne 7 }}{{ n is lt 8 }}{{ n is gt 8 }}{{ n is le 7 }}{{ n is ge 7 }}{{ n is lessthan 10 }}{{ n is greaterthan 10 }}{{ n is not eq 8 }}
{{ n is in [7, 8] }}{{ n is in(xs) }}{{ "a" is in "abc" }}{{ n is not in xs }}{{ "a" is in d }}
{{ n is odd }}{{ n is even }}{{ neg is odd }}{{ 2.0 is even }}{{ n is divisibleby 7 }}{{ n is divisibleby(2) }}{{ 9 is divisibleby 3 }}{{ f is odd }}
{{ s is odd }}
{{ n is divisibleby 0 }}
{{ n is divisibleby }}
{{ none is sameas none }}{{ true is sameas true }}{{ true is sameas 1 }}{{ xs is sameas xs }}{{ [1] is sameas [1] }}{{ false is sameas no }}
{{ "abc" is lower }}{{ "Abc" is lower }}{{ "ABC" is upper }}{{ "ABc" is upper }}{{ 5 is upper }}{{ "123" is lower }}
{{ "upper" is filter }}{{ "nope" is filter }}{{ "odd" is test }}{{ "nope" is test }}{{ "==" is test }}{{ "tojson" is filter }}
{{ 1 is string or 1 is number }}{{ not s is string }}{{ s is string and n is number }}{{ (s is string) == true }}{{ s is string == true }}{{ s is not string }}{{ s is not number and yes }}
{{ "x" if s is string else "y" }}{{ "x" if s is not string else "y" }}{{ s is string if yes else no }}
{{ people[0].tags is defined and people[0].tags }}{{ people[2].tags is defined }}{{ people[3].nick is none }}{{ people[0].nick is none }}
{{ s is defined() }}
{{ n is eq }}
{{ n is in }}
{{ xs is defined and xs|length > 0 and xs[0] is number }}
{{ m is defined }}{{ loop is defined }}{{ caller is defined }}{{ self is defined }}
{{ messages is iterable and messages is not string }}{{ messages[0].content is string }}{{ messages[0] is mapping }}
{{ 5 is sameas 5 }}{{ s is sameas s }}
{{ [] is sequence }}{{ () is sequence }}{{ {} is mapping }}{{ "" is string }}
{{ undefined_name is string }}{{ undefined_name is mapping }}{{ undefined_name is number }}{{ undefined_name is boolean }}{{ undefined_name is true }}{{ undefined_name is eq undefined_other }}
{{ undefined_name is odd }}
{{ undefined_name is lt 1 }}
{{ undefined_name is in [1] }}{{ 1 is in undefined_name }}
"""


def lines(block):
    """One snippet a line; a line that ends within a string or with an unfinished text goes on in the next."""
    snippets = []
    for line in block.strip("\n").split("\n"):
        if snippets and snippets[-1].endswith(("\\", "%}a")):
            snippets[-1] += "\n" + line
        else:
            snippets.append(line)
    return snippets


def split_expressions(snippets):
    """Lines of several print statements also one by one, so that an error in one does not hide the rest."""
    import re

    single = []
    for snippet in snippets:
        if "{%" in snippet or "\n" in snippet:
            continue
        parts = re.findall(r"\{\{ .*? \}\}", snippet)
        if len(parts) > 1:
            single += parts
    return single


WHOLE = [snippet for block in (LITERALS, EXPRESSIONS, STATEMENTS, METHODS, FILTERS, TESTS) for snippet in lines(block)]
SNIPPETS = list(dict.fromkeys(WHITESPACE + WHOLE + split_expressions(WHOLE)))
