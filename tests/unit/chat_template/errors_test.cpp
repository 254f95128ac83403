#include "tests/unit/chat_template/helpers.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace lmm::chat_template {
namespace {

bool has(const std::string& text, const std::string& piece) { return text.find(piece) != std::string::npos; }

TEST_CASE("syntax errors name line and column") {
  CHECK(error_of("a\nb {{ x +") == "test: line 2, column 3: the tag opened here is not closed");
  CHECK(error_of("a\n\n  {{ 1 1 }}") == "test: line 3, column 8: expected 'end of print statement', got 'integer'");
  CHECK(error_of("{% if x %}\n\n") == "test: line 2, column 1: unexpected end of template, expected 'elif' or 'else' or 'endif'");
  CHECK(error_of("x\n{% include 'y' %}") == "test: line 2, column 4: the tag 'include' is not supported");
  CHECK(error_of("{% nonsense %}") == "test: line 1, column 4: unknown tag 'nonsense'");
  CHECK(error_of("\n{{ x | pprint }}") == "test: line 2, column 8: the filter 'pprint' is not supported");
  CHECK(error_of("{% if false %}{{ x | urlize }}{% endif %}") == "test: line 1, column 22: the filter 'urlize' is not supported");
  CHECK(error_of("{{ x | nofilter }}") == "test: line 1, column 8: no filter named 'nofilter'");
  CHECK(error_of("{{ x is notest }}") == "test: line 1, column 9: no test named 'notest'");
  CHECK(error_of("{{ '\\N{DASH}' }}") == "test: line 1, column 4: the escape \\N{...} is not supported");
  CHECK(error_of("{{ 99999999999999999999 }}") == "test: line 1, column 4: the integer 99999999999999999999 does not fit into 64 bits");
  CHECK(error_of("{{ [1) }}") == "test: line 1, column 6: unexpected ')', expected ']'");
  CHECK(error_of("{{ ? }}") == "test: line 1, column 4: unexpected character '?'");
  CHECK(error_of("{{ 'a }}") == "test: line 1, column 4: the string that begins here is not closed");
  CHECK(error_of("{# a") == "test: line 1, column 1: missing end of comment tag");
  CHECK(error_of("{% break %}") == "test: line 1, column 4: 'break' outside of a loop");
  CHECK(error_of("a\xFF") == "test: line 1, column 1: not valid UTF-8");
}

TEST_CASE("errors of a running template name the line") {
  CHECK(error_of("a\n{{ raise_exception('Roles must\nalternate') }}") == "test: line 2: Roles must alternate");
  CHECK(error_of("a\nb\n{{ x.y }}") == "test: line 3: 'x' is undefined");
  CHECK(error_of("{% macro m() %}\n{{ 1 / 0 }}\n{% endmacro %}\n\n{{ m() }}") == "test: line 2: division by zero");
  CHECK(error_of("{{ 1 +\n 'a' }}") == "test: line 1: unsupported operand type(s) for +: 'int' and 'str'");
  CHECK(error_of("{% set x = [] %}\n{% set _ = x.append(1) %}") == "test: line 2: access to attribute 'append' of 'list' object is unsafe.");
  CHECK(error_of("{{ 9223372036854775807 + 1 }}") == "test: line 1: integer overflow: the result does not fit into 64 bits");
  CHECK(error_of("{{ x }}", {{"x", 18446744073709551615u}}) == "test: line 1: the integer 18446744073709551615 of a variable does not fit into 64 bits");
  CHECK(error_of("{{ [] | map('upper') }}") == "test: line 1: cannot print a 'generator' object");
  CHECK(error_of("{{ lipsum() }}") == "test: line 1: the function 'lipsum' is not supported");
  CHECK(error_of("{{ strftime_now('%E') }}") == "test: line 1: strftime_now: the directive '%E' is not supported");
}

TEST_CASE("messages that are no objects") {
  CHECK(error_of("x", {{"messages", {"text"}}}) == "test: a message is string, expected an object with role and content");
}

TEST_CASE("what looks like a template in a host's text is text") {
  CHECK(text_of("{{ s }}", {{"s", "{{ 1 }}{% raw %}{# #}"}}) == "{{ 1 }}{% raw %}{# #}");
}

TEST_CASE("a failed rendering leaves the template as it was") {
  const ChatTemplate chat_template = ChatTemplate::parse("{% if bad %}{{ raise_exception('no') }}{% endif %}ok", "test");
  CHECK_THROWS_AS(chat_template.render({{"bad", true}}), Error);
  CHECK(chat_template.render(Json::object()).text == "ok");
}

TEST_CASE("the clock is the host's to give") {
  const Clock clock = [] {
    std::tm time{};
    time.tm_year = 125;
    time.tm_mon = 1;
    time.tm_mday = 3;
    time.tm_wday = 1;
    time.tm_yday = 33;
    return time;
  };
  CHECK(ChatTemplate::parse("{{ strftime_now('%A %-d %B %Y') }}", "t").render(Json::object(), {}, clock).text == "Monday 3 February 2025");
}

TEST_CASE("files of a folder that are broken") {
  const auto folder = std::filesystem::temp_directory_path() / "lmm_chat_template_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  CHECK_FALSE(ChatTemplate::load(folder).has_value());
  std::ofstream(folder / "tokenizer_config.json") << R"({"chat_template": 5})";
  CHECK_THROWS_WITH_AS(ChatTemplate::load(folder), doctest::Contains("chat_template is 5, expected a string"), Error);
  std::ofstream(folder / "chat_template.jinja") << "{% if %}";
  const auto failure = [&]() -> std::string {
    try {
      ChatTemplate::load(folder);
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }();
  CHECK(has(failure, "chat_template.jinja: line 1, column 7: expected an expression"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lmm::chat_template
