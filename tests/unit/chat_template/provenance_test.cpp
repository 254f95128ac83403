#include "tests/unit/chat_template/helpers.hpp"

#include <doctest/doctest.h>

namespace lmm::chat_template {
namespace {

const Json kChat = {{"messages", {{{"role", "user"}, {"content", "Hi <x>"}}}}, {"bos_token", "<s>"}};

TEST_CASE("contents are the host's, roles and special tokens are not") {
  CHECK(marked("{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}", kChat) ==
        "<s><|user|>[Hi <x>]<|end|>");
  CHECK(marked("{{ '<|' + messages[0]['role'] + '|>' + messages[0]['content'] + bos_token }}", kChat) == "<|user|>[Hi <x>]<s>");
}

TEST_CASE("a role that is no word is the host's") {
  const Json chat = {{"messages", {{{"role", "user<|end|>"}, {"content", ""}}}}};
  CHECK(marked("<{{ messages[0].role }}>", chat) == "<[user<|end|>]>");
}

TEST_CASE("parts, their kinds, tools, calls and other variables") {
  const Json chat = Json::parse(R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "T"}, {"type": "<i>", "text": ""}],
      "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"k": "v", "n": 1}}}]}],
      "tools": [{"type": "function"}], "documents": [{"text": "D"}], "extra": "E", "eos_token": "</s>",
      "additional_special_tokens": ["<a>"]})");
  CHECK(marked("{{ messages[0].content[0].type }}|{{ messages[0].content[0].text }}|{{ messages[0].content[1].type }}", chat) == "text|[T]|[<i>]");
  CHECK(marked("{{ messages[0].tool_calls[0].type }} {{ messages[0].tool_calls[0].function.name }}", chat) == "function [f]");
  CHECK(marked("{{ messages[0].tool_calls[0].function.arguments | tojson }}", chat) == R"({"[k]": "[v]", "[n]": 1})");
  CHECK(marked("{{ tools }} {{ documents[0].text }} {{ extra }} {{ eos_token }} {{ additional_special_tokens[0] }}", chat) ==
        "[{'[type]': '[function]'}] [D] [E] </s> <a>");
}

TEST_CASE("every way to work on a string keeps the marks") {
  const Json v = {{"s", "abc def"}, {"t", "X"}};
  CHECK(marked("{{ 'p' ~ s ~ 'q' }}{{ s + t }}{{ 'a' + 'b' }}", v) == "p[abc def]q[abc defX]ab");
  CHECK(marked("{{ ('<' ~ s ~ '>')[1:4] }}|{{ ('<' ~ s ~ '>')[::-1] }}|{{ ('<' ~ s)[0:3:2] }}", v) == "[abc]|>[fed cba]<|<[b]");
  CHECK(marked("{{ ('  ' ~ s ~ '  ') | trim }}|{{ (' ' ~ s).strip('a ') }}|{{ s.rstrip('f') }}", v) == "[abc def]|[bc def]|[abc de]");
  CHECK(marked("{{ s.replace('b', '<b>') }}|{{ '<b>'.replace('b', t) }}|{{ s | replace(' ', '') }}", v) == "[a]<b>[c def]|<[X]>|[abcdef]");
  CHECK(marked("{{ s | upper }}{{ ('a' ~ t).lower() }}{{ ('x' ~ s).title() }}{{ s.capitalize() }}{{ (s ~ '!') | title }}", v) ==
        "[ABC DEF]a[x]X[abc DefAbc defAbc Def]!");
  CHECK(marked("{{ s.split() | join('-') }}|{{ ('k=' ~ s).split('=')[1] }}|{{ (s ~ '\nq').splitlines() | join('/') }}", v) ==
        "[abc]-[def]|[abc def]|[abc def]/q");
  CHECK(marked("{{ '%s-%5s|' % (s, t) }}{{ '{}:{:>3}:{!r}'.format(s, t, t) }}", v) == "[abc def]-    [X]|[abc def]:  [X]:'[X]'");
  CHECK(marked("{{ s | tojson }}|{{ [s] }}|{{ {'k': t} }}|{{ {'k': t} | tojson }}", v) == R"("[abc def]"|['[abc def]']|{'k': '[X]'}|{"k": "[X]"})");
  CHECK(marked("{% for c in '<' ~ t ~ '>' %}{{ c }}.{% endfor %}{{ (t ~ 'y') | list | join(',') }}", v) == "<.[X].>.[X],y");
  CHECK(marked("{{ t * 3 }}{{ t.center(3, '*') }}{{ t | center(3) }}{{ t.zfill(3) }}{{ t | indent(2, true) }}", v) == "[XXX]*[X]* [X] 00[X]  [X]");
  CHECK(marked("{% set x %}<{{ t }}>{% endset %}{{ x }}{% filter lower %}Q{{ t }}{% endfilter %}", v) == "<[X]>q[x]");
  CHECK(marked("{% macro m(a) %}({{ a }}{{ caller() }}){% endmacro %}{% call m(t) %}c{{ t }}{% endcall %}", v) == "([X]c[X])");
  CHECK(marked("{% set ns = namespace(a='') %}{% for w in s.split() %}{% set ns.a = ns.a ~ '<' ~ w %}{% endfor %}{{ ns.a }}", v) == "<[abc]<[def]");
  CHECK(marked("{{ s | truncate(5, true, '...', 0) }}{{ t | urlencode }}{{ '<' | e }}{{ (t ~ '<') | e }}", v) == "[ab]...[X]&lt;[X]&lt;");
  CHECK(marked("{{ s | reverse }}{{ s | map('upper') | join }}{{ [s, t] | sort | first }}{{ s.partition(' ') | last }}", v) ==
        "[fed cbaABC DEFabc defdef]");
}

TEST_CASE("what was made from a string without its characters is not marked") {
  const Json v = {{"s", "12"}};
  CHECK(marked("{{ s | length }}{{ s | int }}{{ s == '12' }}{{ '12' if s == '12' }}", v) == "212True12");
}

TEST_CASE("spans count bytes and are joined where they touch") {
  const Json v = {{"s", "é"}, {"t", "日本"}};
  const Rendered rendered = ChatTemplate::parse("ü{{ s }}{{ t }}x{{ s[1:] }}{{ t[1] }}", "test").render(v);
  CHECK(rendered.text == "üé日本x本");
  CHECK(rendered.user == std::vector<Span>{{2, 10}, {11, 14}});
}

TEST_CASE("reasoning under another name is still the host's") {
  const Json chat = {{"messages", {{{"role", "assistant"}, {"content", "c"}, {"thinking", "t"}}}}};
  CHECK(marked("<{{ messages[0].reasoning_content }}>", chat) == "<[t]>");
}

TEST_CASE("invalid UTF-8 of the host becomes replacement characters") {
  Json v = Json::object();
  v["s"] = std::string("a\xFF");
  CHECK(marked("<{{ s }}>", v) == "<[a\uFFFD]>");
}

}  // namespace
}  // namespace lmm::chat_template
