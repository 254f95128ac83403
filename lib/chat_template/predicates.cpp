#include "lib/chat_template/evaluator.hpp"
#include "lib/chat_template/methods.hpp"

#include <algorithm>
#include <array>

/// jinja2.tests: what stands behind `is`.
namespace lmm::chat_template {
namespace {

const Value& only(const Arguments& arguments, const char* name) {
  if (arguments.positional.size() != 1 || !arguments.named.empty()) raise("the test '{}' takes no arguments", name);
  return arguments.positional[0];
}

std::pair<Value, Value> two(const Arguments& arguments, const char* name) {
  if (arguments.positional.size() != 2 || !arguments.named.empty()) raise("the test '{}' takes one argument", name);
  return {arguments.positional[0], arguments.positional[1]};
}

Value test_defined(Evaluator&, Arguments& arguments) { return Value(!only(arguments, "defined").is_undefined()); }
Value test_undefined(Evaluator&, Arguments& arguments) { return Value(only(arguments, "undefined").is_undefined()); }
Value test_none(Evaluator&, Arguments& arguments) { return Value(only(arguments, "none").is_none()); }
Value test_boolean(Evaluator&, Arguments& arguments) { return Value(only(arguments, "boolean").is_bool()); }
Value test_true(Evaluator&, Arguments& arguments) { return Value(only(arguments, "true").same(Value(true))); }
Value test_false(Evaluator&, Arguments& arguments) { return Value(only(arguments, "false").same(Value(false))); }
Value test_integer(Evaluator&, Arguments& arguments) { return Value(only(arguments, "integer").is_int()); }
Value test_float(Evaluator&, Arguments& arguments) { return Value(only(arguments, "float").is_float()); }
Value test_number(Evaluator&, Arguments& arguments) { return Value(only(arguments, "number").number().has_value()); }
Value test_string(Evaluator&, Arguments& arguments) { return Value(only(arguments, "string").string() != nullptr); }
Value test_mapping(Evaluator&, Arguments& arguments) { return Value(only(arguments, "mapping").dict() != nullptr); }

Value test_sequence(Evaluator&, Arguments& arguments) {
  const Value& value = only(arguments, "sequence");
  const bool plain = value.string() != nullptr || value.sequence() != nullptr || value.dict() != nullptr || value.is_undefined();
  return Value(plain || (value.object() != nullptr && value.type_name() == "range"));
}

Value test_iterable(Evaluator& evaluator, Arguments& arguments) { return Value(iterable(only(arguments, "iterable"), evaluator)); }

Value test_callable(Evaluator&, Arguments& arguments) {
  const Value& value = only(arguments, "callable");
  return Value(value.is_undefined() || (value.object() != nullptr && value.object()->callable()));
}

Value test_escaped(Evaluator&, Arguments& arguments) {
  const Text* text = only(arguments, "escaped").string();
  return Value(text != nullptr && text->markup);
}

Value test_case(Evaluator& evaluator, const Arguments& arguments, const char* name, const char* method_name) {
  return text_test(evaluator, method_name, to_text(evaluator, only(arguments, name)));
}
Value test_lower(Evaluator& evaluator, Arguments& arguments) { return test_case(evaluator, arguments, "lower", "islower"); }
Value test_upper(Evaluator& evaluator, Arguments& arguments) { return test_case(evaluator, arguments, "upper", "isupper"); }

Value remainder_is(Evaluator& evaluator, const Value& value, const Value& divisor, std::int64_t wanted) {
  return Value(equal(evaluator, binary(evaluator, Arithmetic::modulo, value, divisor), Value(wanted)));
}
Value test_odd(Evaluator& evaluator, Arguments& arguments) {
  return remainder_is(evaluator, only(arguments, "odd"), Value(std::int64_t{2}), 1);
}
Value test_even(Evaluator& evaluator, Arguments& arguments) {
  return remainder_is(evaluator, only(arguments, "even"), Value(std::int64_t{2}), 0);
}
Value test_divisibleby(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("divisibleby", arguments, {"value", "num"}, 2);
  return remainder_is(evaluator, values[0], values[1], 0);
}

Value test_same(Evaluator&, Arguments& arguments) {
  const Values values = bind("sameas", arguments, {"value", "other"}, 2);
  return Value(values[0].same(values[1]));
}
Value test_in(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("in", arguments, {"value", "seq"}, 2);
  return Value(contains(evaluator, values[1], values[0]));
}
Value test_equal(Evaluator& evaluator, Arguments& arguments) {
  const auto [left, right] = two(arguments, "eq");
  return Value(equal(evaluator, left, right));
}
Value test_different(Evaluator& evaluator, Arguments& arguments) {
  const auto [left, right] = two(arguments, "ne");
  return Value(!equal(evaluator, left, right));
}
Value test_less(Evaluator& evaluator, Arguments& arguments) {
  const auto [left, right] = two(arguments, "lt");
  return Value(less(evaluator, left, right));
}
Value test_greater(Evaluator& evaluator, Arguments& arguments) {
  const auto [left, right] = two(arguments, "gt");
  return Value(less(evaluator, right, left));
}
Value test_less_equal(Evaluator& evaluator, Arguments& arguments) {
  const auto [left, right] = two(arguments, "le");
  return Value(less(evaluator, left, right) || equal(evaluator, left, right));
}
Value test_greater_equal(Evaluator& evaluator, Arguments& arguments) {
  const auto [left, right] = two(arguments, "ge");
  return Value(less(evaluator, right, left) || equal(evaluator, left, right));
}
Value test_filter(Evaluator&, Arguments& arguments) {
  const Text* name = only(arguments, "filter").string();
  return Value(name != nullptr && find_filter(name->bytes()) != nullptr);
}
Value test_test(Evaluator&, Arguments& arguments) {
  const Text* name = only(arguments, "test").string();
  return Value(name != nullptr && find_test(name->bytes()) != nullptr);
}

struct Entry {
  std::string_view name;
  Builtin test;
};
constexpr std::array<Entry, 39> kTests = {{
    {"odd", test_odd},
    {"even", test_even},
    {"divisibleby", test_divisibleby},
    {"defined", test_defined},
    {"undefined", test_undefined},
    {"filter", test_filter},
    {"test", test_test},
    {"none", test_none},
    {"boolean", test_boolean},
    {"false", test_false},
    {"true", test_true},
    {"integer", test_integer},
    {"float", test_float},
    {"lower", test_lower},
    {"upper", test_upper},
    {"string", test_string},
    {"mapping", test_mapping},
    {"number", test_number},
    {"sequence", test_sequence},
    {"iterable", test_iterable},
    {"callable", test_callable},
    {"sameas", test_same},
    {"escaped", test_escaped},
    {"in", test_in},
    {"==", test_equal},
    {"eq", test_equal},
    {"equalto", test_equal},
    {"!=", test_different},
    {"ne", test_different},
    {">", test_greater},
    {"gt", test_greater},
    {"greaterthan", test_greater},
    {"ge", test_greater_equal},
    {">=", test_greater_equal},
    {"<", test_less},
    {"lt", test_less},
    {"lessthan", test_less},
    {"<=", test_less_equal},
    {"le", test_less_equal},
}};

}  // namespace

Builtin find_test(std::string_view name) {
  const auto* found = std::find_if(kTests.begin(), kTests.end(), [&](const Entry& entry) { return entry.name == name; });
  return found == kTests.end() ? nullptr : found->test;
}

}  // namespace lmm::chat_template
