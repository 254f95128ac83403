#include "tests/unit/chat_template/helpers.hpp"

#include <doctest/doctest.h>

#include <thread>

namespace lmm::chat_template {
namespace {

std::string repeated(const std::string& piece, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += piece;
  return text;
}

void check_limited(const std::string& source, const std::string& limit, const Limits& limits = {}) {
  const std::string error = error_of(source, Json::object(), limits);
  CHECK_MESSAGE(error.find(limit) != std::string::npos, source.substr(0, 100), " gave: ", error);
}

TEST_CASE("steps") {
  Limits limits;
  limits.steps = 10'000;
  check_limited("{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}", "more than the limit of 10000 steps", limits);
  check_limited("{% set x = 'a' * 1000000 %}", "steps", limits);
  check_limited("{% set x = [0] * 100000000000 %}", "steps");
  check_limited("{{ [0] | batch(100000000000, 1) | list }}", "steps");
  check_limited("{{ range(3) | slice(100000000000) | list }}", "steps");
  check_limited("{% for a in range(99999) %}{% for b in range(99999) %}{{ 'y' in 'x' * 100000 }}{% endfor %}{% endfor %}", "steps");
  const std::string twice = "{% set ns = namespace(x=[0]) %}{% for a in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}";
  check_limited(twice + "{{ ns.x | string }}", "limit");
  check_limited(twice + "{% set y = ns.x | tojson %}", "limit");
  check_limited(twice + "{% set ns.y = [0] %}{% for a in range(60) %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}", "steps");
}

TEST_CASE("output, strings and ranges") {
  Limits limits;
  limits.output_bytes = 1000;
  check_limited("{% for a in range(1000) %}xx{% endfor %}", "output longer than the limit of 1000 bytes", limits);
  check_limited("{% set x %}{% for a in range(1000) %}xx{% endfor %}{% endset %}", "output longer than the limit of 1000 bytes", limits);
  CHECK(text_of("{{ 'x' * 1000 }}", Json::object(), limits).size() == 1000);
  check_limited("{{ 'x' * 100000000000 }}", "string longer than the limit of 67108864 bytes");
  check_limited("{{ 'x'.center(100000000000) }}", "string longer than the limit");
  check_limited("{{ 'x' | indent(100000000000, true) }}", "string longer than the limit");
  check_limited("{{ '%100000000000d' % 1 }}", "limit of 67108864");
  check_limited("{{ '{:100000000000}'.format(1) }}", "limit of 67108864");
  check_limited("{{ '%.20000f' % 1.5 }}", "precision of 20000, the limit is 10000");
  check_limited("{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", "limit");
  check_limited("{{ ('a' * 1000000).replace('', 'b' * 1000000) }}", "string longer than the limit");
  check_limited("{{ range(100001) }}", "range of 100001 items, the limit is 100000");
  check_limited("{{ range(-9223372036854775807, 9223372036854775807) }}", "the limit is 100000");
}

TEST_CASE("depth of what runs") {
  check_limited("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nested deeper than the limit of 1000 evaluations");
  check_limited("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "nested deeper than the limit");
  check_limited("{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}", "nested deeper than the limit");
  const std::string begin = "{% set ns = namespace(x=";
  const std::string loop = ") %}{% for a in range(99999) %}{% set ns.x = ";
  const std::string end = " %}{% endfor %}";
  check_limited(begin + "[]" + loop + "[ns.x]" + end, "nested deeper than the limit of 250 levels");
  check_limited(begin + "{}" + loop + "{'k': ns.x}" + end, "nested deeper than the limit of 250 levels");
  check_limited(begin + "[]" + loop + "ns.x | map('string')" + end, "chained deeper than the limit of 200 levels");
  check_limited(begin + "[]" + loop + "[(ns.x, 1)] | groupby(0)" + end, "limit");
  check_limited(begin + "1" + loop + "cycler(ns.x)" + end, "limit of 250 levels");
  check_limited("{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "nested deeper than the limit");
}

TEST_CASE("depth of the source") {
  check_limited("{{ " + repeated("(", 100'000) + "1" + repeated(")", 100'000) + " }}", "nested deeper than 250 levels");
  check_limited("{{ " + repeated("[", 100'000) + repeated("]", 100'000) + " }}", "nested deeper than 250 levels");
  check_limited("{{ " + repeated("not ", 100'000) + "1 }}", "nested deeper than 250 levels");
  check_limited("{{ " + repeated("-", 100'000) + "1 }}", "nested deeper than 250 levels");
  check_limited("{{ 1" + repeated(" + 1", 100'000) + " }}", "nested deeper than 250 levels");
  check_limited("{{ 1" + repeated(" and 1", 100'000) + " }}", "nested deeper than 250 levels");
  check_limited("{{ x" + repeated(".x", 100'000) + " }}", "nested deeper than 250 levels");
  check_limited("{{ x" + repeated("|upper", 100'000) + " }}", "nested deeper than 250 levels");
  check_limited("{{ 1" + repeated(" if 1 else 1", 100'000) + " }}", "nested deeper than 250 levels");
  check_limited("{{ x" + repeated("(", 100'000) + repeated(")", 100'000) + " }}", "nested deeper than 250 levels");
  check_limited("{{ {1:" + repeated("{1:", 100'000) + repeated("}", 100'000) + "} }}", "nested deeper than 250 levels");
  check_limited(repeated("{% if 1 %}", 100'000) + repeated("{% endif %}", 100'000), "nested deeper than 250 levels");
  check_limited(repeated("{% for x in y %}", 100'000), "nested deeper than 250 levels");
  check_limited("{% set " + repeated("(", 100'000) + "x" + repeated(")", 100'000) + " = 1 %}", "nested deeper than 250 levels");
  CHECK(text_of("{{ ''" + repeated(" ~ 'a'", 5'000) + " }}") == repeated("a", 5'000));
  CHECK(text_of("{% if 0 %}" + repeated("{% elif 0 %}", 5'000) + "{% else %}x{% endif %}") == "x");
  CHECK(text_of("{{ " + repeated("(", 80) + "1" + repeated(")", 80) + " }}") == "1");
  CHECK(text_of("{{ 0" + repeated(" + 1", 200) + " }}") == "200");
}

TEST_CASE("deep and large variables") {
  Json deep = Json::array();
  for (int i = 0; i < 1000; ++i) deep = Json::array({deep});
  CHECK(error_of("{{ x }}", {{"x", deep}}) == "test: line 1: a variable nested deeper than the limit of 220 levels");
  CHECK(text_of("unused", {{"x", deep}}) == "unused");
}

/// A thread of a game has less stack than the main one.
TEST_CASE("the deepest allowed work fits into a small stack") {
  std::string error;
  const auto work = [](void* out) -> void* {
    *static_cast<std::string*>(out) =
        error_of("{% macro m(n) %}{% if 1 %}{% for x in [1] %}{{ ('' ~ (('' ~ m(n + 1)) | upper)) }}{% endfor %}{% endif %}{% endmacro %}{{ m(0) }}");
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 2u << 20);
  pthread_t thread{};
  REQUIRE(pthread_create(&thread, &attributes, work, &error) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  CHECK(error.find("nested deeper than the limit of 1000 evaluations") != std::string::npos);
}

TEST_CASE("many threads render one template") {
  const ChatTemplate chat_template = ChatTemplate::parse(
      "{% macro m(x) %}<{{ x }}>{% endmacro %}{% for m2 in messages %}{{ m(m2.content) }}{{ 'const' ~ loop.index }}{% endfor %}", "test");
  std::vector<std::string> texts(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    threads.emplace_back([&, i] {
      const Json variables = {{"messages", {{{"role", "user"}, {"content", std::to_string(i)}}}}};
      for (int n = 0; n < 200; ++n) texts[i] = chat_template.render(variables).text;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK(texts[i] == fmt::format("<{}>const1", i));
}

}  // namespace
}  // namespace lmm::chat_template
