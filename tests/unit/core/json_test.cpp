#include "lib/core/json.hpp"
#include "lib/core/utf8.hpp"
#include "tests/host_locale.hpp"

#include <lmm/error.hpp>

#include <doctest/doctest.h>

#include <string>

using lmm::Error;
using lmm::Fields;
using lmm::Json;
using lmm::parse_json;
using lmm::parse_sorted_json;

namespace {

/// Text of the Error; "" where none is thrown.
template <typename Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.code() == lmm::ErrorCode::bad_file);
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.what();
  }
  return {};
}

std::string parse_error(const std::string& text) {
  const std::string error = error_of([&] { static_cast<void>(parse_json(text, "c.json")); });
  CHECK(error == error_of([&] { static_cast<void>(parse_sorted_json(text, "c.json")); }));
  return error;
}

bool begins(const std::string& text, const std::string& with) { return text.substr(0, with.size()) == with; }

std::string nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("the order of keys is kept or sorted") {
  const char* text = R"({"b":1,"a":2,"c":3})";
  CHECK(parse_json(text, "x").dump() == text);
  CHECK(parse_sorted_json(text, "x").dump() == R"({"a":2,"b":1,"c":3})");
  CHECK(parse_sorted_json(R"({"a":1,"a":2})", "x").dump() == R"({"a":2})");
  CHECK(parse_json("\xEF\xBB\xBF[1]", "x").dump() == "[1]");
  CHECK(parse_json(R"({"b":1,"a":[{"b":1,"b":{}}],"b":[2.5,-1,true,null,"x"]})", "x").dump() == R"({"b":[2.5,-1,true,null,"x"],"a":[{"b":{}}]})");
}

TEST_CASE("very many keys take no more than linear time") {  // a file of 3 MB that took minutes
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
  const Json json = parse_json(text + "}", "x");
  CHECK(json.size() == 200'000);
  CHECK(std::prev(json.end()).key() == "k199999");
  CHECK(std::prev(json.end()).value() == 199'999);
}

TEST_CASE("numbers are read as JSON's in any locale") {  // in this one the decimal point takes two bytes
  const HostLocale pashto("ps_AF", "UTF-8");
  if (!pashto.set()) {
    MESSAGE("skipped: no locale ps_AF.UTF-8, and localedef cannot make it");
    return;
  }
  CHECK(parse_json("[0.25, 1e-3]", "x") == Json({0.25, 0.001}));
  CHECK(parse_sorted_json("[0.25, 1e-3]", "x") == lmm::SortedJson({0.25, 0.001}));
}

TEST_CASE("malformed text is told with line and column") {
  CHECK(begins(parse_error(""), "c.json: invalid JSON at line 1, column 1: "));
  CHECK(begins(parse_error("{\"a\": }"), "c.json: invalid JSON at line 1, column 7: "));
  CHECK(begins(parse_error("{\n  \"a\": 1,\n  \"b\" 2\n}"), "c.json: invalid JSON at line 3, column 7: "));
  CHECK(begins(parse_error("{\"a\": 1} x"), "c.json: invalid JSON at line 1, column 10: "));
  CHECK(begins(parse_error("[1,]"), "c.json: invalid JSON at line 1, column 4: "));
  CHECK(begins(parse_error("\"a\nb\""), "c.json: invalid JSON at line"));
  CHECK(begins(parse_error("\xEF\xBB\xBF{"), "c.json: invalid JSON at line 1, column 2: "));
  for (const char* text : {"nul", "01", "1.", "+1", ".5", "NaN", "Infinity", "'a'", "{a:1}", "// x\n1", "\"\\x\"",
                           "\"\\ud800\"", "\"\xFF\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "[1 2]", "\"", "{\"a\":1"}) {
    CAPTURE(text);
    CHECK(begins(parse_error(text), "c.json: invalid JSON at line 1"));
  }
  CHECK(parse_error(std::string(1000, 'x')).size() < 300);
  // nlohmann takes a zero byte for the end, and what follows for nothing.
  CHECK(parse_error(std::string("{}\n\0x", 5)) == "c.json: invalid JSON at line 2, column 1: a zero byte");
  CHECK(parse_error(std::string(1, '\0')) == "c.json: invalid JSON at line 1, column 1: a zero byte");
}

TEST_CASE("errors are well-formed UTF-8 whatever the text is") {
  for (const char* text : {"[0, \xFC]}}", "\"\xE2\x82", "{\"\xC3\xA9\": \xC3}", "\"\xF0\x9D\"", "x\xFF\xFE"}) {
    CAPTURE(text);
    CHECK(lmm::utf8::valid(parse_error(text)));
  }
  std::string umlauts = "\"";
  for (int i = 0; i < 300; ++i) umlauts += "\xC3\xA4";
  CHECK(lmm::utf8::valid(parse_error(umlauts)));
  CHECK(lmm::utf8::valid(parse_error("\"a" + umlauts.substr(1))));
}

TEST_CASE("numbers beyond their type are Errors, not another exception") {
  CHECK(parse_error("[1e999]") == "c.json: invalid JSON: a number is too large for 64 bits");
  CHECK(parse_error("-1e400") == "c.json: invalid JSON: a number is too large for 64 bits");
  CHECK(parse_json("18446744073709551615", "x").get<std::uint64_t>() == UINT64_MAX);
  CHECK(parse_json("18446744073709551616", "x").is_number_float());
}

TEST_CASE("depth is limited") {
  CHECK(parse_json(nested(201), "x").is_array());
  CHECK(parse_error(nested(202)) == "c.json: JSON nested deeper than 200");
  CHECK(parse_error(std::string(3'000'000, '[')) == "c.json: JSON nested deeper than 200");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  CHECK(parse_error(objects) == "c.json: JSON nested deeper than 200");
}

TEST_CASE("the visitor sees keys and drops values") {
  std::string keys;
  using Event = lmm::SortedJson::parse_event_t;
  const auto json =
      parse_sorted_json(R"({"a":{"x":1},"b":2,"a":3})", "x", [&](int depth, Event event, lmm::SortedJson& value) {
        if (event == Event::key) keys += std::to_string(depth) + value.get<std::string>();
        return event != Event::object_end || depth != 1;
      });
  CHECK(keys == "1a2x1b1a");
  CHECK(json.dump() == R"({"a":3,"b":2})");
  CHECK(error_of([] {
          parse_sorted_json(
              "[1]", "x", [](int, Event, lmm::SortedJson&) -> bool { throw Error(lmm::ErrorCode::bad_file, "mine"); });
        }) == "mine");
}

TEST_CASE("fields with the type that is expected") {
  const Json json = parse_json(
      R"({"i":7,"f":2.5,"whole":3.0,"b":true,"s":"x","n":null,"o":{"k":1},"l":[1,2],"m":[1,2.5],"neg":-4})", "x");
  const Fields fields(json, "c.json");
  CHECK(fields.has("i"));
  CHECK(!fields.has("n"));
  CHECK(!fields.has("none"));
  CHECK(fields.find("n") == nullptr);
  CHECK(fields.integer("i") == 7);
  CHECK(fields.integer("whole") == 3);
  CHECK(fields.integer("neg") == -4);
  CHECK(fields.integer("none", 5) == 5);
  CHECK(fields.integer("n", 5) == 5);
  CHECK(fields.integer_in("i", 7, 7) == 7);
  CHECK(fields.integer_in("none", 1, 2, 99) == 99);
  CHECK(fields.number("f") == 2.5);
  CHECK(fields.number("i") == 7.0);
  CHECK(fields.number("n", 1.5) == 1.5);
  CHECK(fields.boolean("b", false));
  CHECK(fields.boolean("n", true));
  CHECK(fields.string("s") == "x");
  CHECK(fields.string("n", "y") == "y");
  CHECK(fields.numbers("m", {}) == std::vector<double>{1, 2.5});
  CHECK(fields.numbers("n", {4}) == std::vector<double>{4});
  CHECK(fields.integers("l", {}) == std::vector<std::int64_t>{1, 2});
  CHECK(fields.integers("i", {}) == std::vector<std::int64_t>{7});
  CHECK(fields.integers("n", {9}) == std::vector<std::int64_t>{9});
  CHECK(fields.object("o").integer("k") == 1);
  CHECK(fields.object("o").where() == "c.json: o");
}

TEST_CASE("fields that are not as expected are named with what stands there") {
  const Json json = parse_json(
      R"({"i":7,"f":2.5,"s":"line\nbreak","n":null,"o":{"k":[1]},"l":["x"],"big":18446744073709551615,"huge":1e300})",
      "x");
  const Fields fields(json, "c.json");
  CHECK(error_of([&] { fields.at("none"); }) == "c.json: none is missing");
  CHECK(error_of([&] { fields.integer("n"); }) == "c.json: n is missing");
  CHECK(error_of([&] { fields.integer("f"); }) == "c.json: f is 2.5, expected an integer");
  CHECK(error_of([&] { fields.integer("huge"); }) == "c.json: huge is 1e+300, expected an integer");
  CHECK(error_of([&] { fields.integer("big"); }) ==
        "c.json: big is 18446744073709551615, expected an integer of 64 bits");
  CHECK(error_of([&] { fields.integer("s", 1); }) == "c.json: s is \"line\\nbreak\", expected an integer");
  CHECK(error_of([&] { fields.integer_in("i", 8, 9); }) == "c.json: i is 7, expected 8 to 9");
  CHECK(error_of([&] { fields.integer_in("i", 1, 6, 3); }) == "c.json: i is 7, expected 1 to 6");
  CHECK(error_of([&] { fields.number("s"); }) == "c.json: s is \"line\\nbreak\", expected a number");
  CHECK(error_of([&] { fields.boolean("i", true); }) == "c.json: i is 7, expected true or false");
  CHECK(error_of([&] { fields.string("i"); }) == "c.json: i is 7, expected a string");
  CHECK(error_of([&] { fields.numbers("i", {}); }) == "c.json: i is 7, expected a list of numbers");
  CHECK(error_of([&] { fields.numbers("l", {}); }) == "c.json: l is [\"x\"], expected a list of numbers");
  CHECK(error_of([&] { fields.integers("s", {}); }) ==
        "c.json: s is \"line\\nbreak\", expected an integer or a list of integers");
  CHECK(error_of([&] { fields.object("i"); }) == "c.json: i: is 7, expected a JSON object");
  CHECK(error_of([&] { fields.object("o").integer("k"); }) == "c.json: o: k is [1], expected an integer");
  CHECK(error_of([&] { Fields(json.at("l"), "c.json: l"); }) == "c.json: l: is [\"x\"], expected a JSON object");
}

TEST_CASE("long values are cut in errors, on a whole character") {
  const Json json = {{"s", std::string(500, 'x')}, {"u", std::string(20, ' ') + "ääääääääääääääääääääääääääää"}};
  const Fields fields(json, "c.json");
  CHECK(error_of([&] { fields.integer("s"); }).size() < 100);
  const std::string error = error_of([&] { fields.integer("u"); });
  for (const char c : error) CHECK(static_cast<unsigned char>(c) < 0x80);
}

TEST_CASE("lists of integers beyond 63 bits are refused") {
  const Json json = parse_json(R"({"one":18446744073709551615,"list":[1,9223372036854775808]})", "x");
  const Fields fields(json, "c.json");
  CHECK(error_of([&] { fields.integers("one", {}); }) ==
        "c.json: one is 18446744073709551615, expected an integer or a list of integers");
  CHECK(error_of([&] { fields.integers("list", {}); }) ==
        "c.json: list is [1,9223372036854775808], expected an integer or a list of integers");
}
