#include "lib/chat_template/filters.hpp"
#include "lib/chat_template/unicode.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace lmm::chat_template {
namespace {

/// The digits of a number's text as int() and float() read it: white space around and single underscores between
/// digits dropped. Nothing where underscores stand elsewhere.
std::optional<std::string> number_text(const Text& text) {
  const auto [begin, end] = stripped(text, nullptr, true, true);
  std::string body;
  text.part(begin, end).each([&](char32_t c, std::string_view bytes, bool) {
    if (c >= 0x80 && unicode::is_decimal(c)) {
      body += static_cast<char>('0' + unicode::decimal_value(c));
    } else {
      body += bytes;
    }
  });
  std::string plain;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '_') {
      plain += body[i];
      continue;
    }
    const auto alnum = [&](std::size_t at) { return at < body.size() && std::isalnum(static_cast<unsigned char>(body[at])) != 0; };
    if (i == 0 || !alnum(i - 1) || !alnum(i + 1)) return std::nullopt;
  }
  return plain;
}

std::optional<double> parse_float(const Text& text) {
  auto plain = number_text(text);
  if (!plain || plain->empty()) return std::nullopt;
  std::string_view digits = *plain;
  const bool negative = digits[0] == '-';
  if (digits[0] == '+' || digits[0] == '-') digits.remove_prefix(1);
  if (digits.empty() || digits[0] == '-' || digits.find('(') != std::string_view::npos) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) value = digits.find("e-") == std::string_view::npos ? HUGE_VAL : 0;
  if (error == std::errc::invalid_argument) return std::nullopt;
  return negative ? -value : value;
}

std::optional<std::int64_t> parse_integer(const Text& text, std::int64_t base) {
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;  // int() raises ValueError
  auto plain = number_text(text);
  if (!plain || plain->empty()) return std::nullopt;
  std::string_view digits = *plain;
  const bool negative = digits[0] == '-';
  if (digits[0] == '+' || digits[0] == '-') digits.remove_prefix(1);
  const char mark = digits.size() > 2 && digits[0] == '0' ? static_cast<char>(digits[1] | 32) : '\0';
  const std::int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  if (marked != 0 && (base == 0 || base == marked)) {
    digits.remove_prefix(2);
    base = marked;
  }
  if (base == 0) {
    if (digits.size() > 1 && digits[0] == '0' && digits.find_first_not_of('0') != std::string_view::npos) return std::nullopt;
    base = 10;
  }
  std::uint64_t size = 0;
  if (digits.empty() || digits[0] == '-') return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, static_cast<int>(base));
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range || size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    raise("int: {} does not fit into 64 bits", text.bytes().substr(0, 40));
  }
  return negative ? -static_cast<std::int64_t>(size) : static_cast<std::int64_t>(size);
}

std::int64_t truncated(double number) {
  if (!(std::abs(number) < 9.2e18)) raise("cannot convert float {} to a 64-bit integer", float_repr(number));
  return static_cast<std::int64_t>(number);
}

Value filter_int(Evaluator&, Arguments& arguments) {
  const Values values = bind("int", arguments, {"value", "default", "base"}, 1);
  const Value& value = values[0];
  const Value otherwise = values[1].is_missing() ? Value(std::int64_t{0}) : values[1];
  if (value.is_undefined()) raise("{}", value.undefined().message);
  if (value.integer()) return Value(*value.integer());
  if (value.is_float()) return std::isnan(*value.number()) ? otherwise : Value(truncated(*value.number()));
  const Text* text = value.string();
  if (text == nullptr) return otherwise;
  if (const auto number = parse_integer(*text, values[2].is_missing() ? 10 : to_integer(values[2], "int"))) return Value(*number);
  const auto real = parse_float(*text);
  return real && std::isfinite(*real) ? Value(truncated(*real)) : otherwise;
}

Value filter_float(Evaluator&, Arguments& arguments) {
  const Values values = bind("float", arguments, {"value", "default"}, 1);
  const Value otherwise = values[1].is_missing() ? Value(0.0) : values[1];
  if (values[0].is_undefined()) raise("{}", values[0].undefined().message);
  if (values[0].number()) return Value(*values[0].number());
  const Text* text = values[0].string();
  const auto number = text == nullptr ? std::nullopt : parse_float(*text);
  return number ? Value(*number) : otherwise;
}

Value filter_abs(Evaluator&, Arguments& arguments) {
  const Value value = bind("abs", arguments, {"x"}, 1, 1)[0];
  if (value.is_float()) return Value(std::abs(*value.number()));
  const auto number = value.integer();
  if (!number) raise("bad operand type for abs(): '{}'", value.type_name());
  if (*number == std::numeric_limits<std::int64_t>::min()) raise("integer overflow");
  return Value(std::abs(*number));
}

/// Python's round: halves to even, on the exact decimal value.
Value rounded(const Value& value, std::int64_t precision) {
  if (const auto number = value.integer()) {
    if (precision >= 0) return Value(*number);
    if (precision < -18) return Value(std::int64_t{0});
    std::int64_t unit = 1;
    for (std::int64_t i = 0; i > precision; --i) unit *= 10;
    std::int64_t rest = *number % unit;
    if (rest < 0) rest += unit;
    const bool even = ((*number - rest) / unit) % 2 == 0;
    const bool up = rest > unit / 2 || (rest == unit / 2 && !even);
    std::int64_t result = 0;
    if (__builtin_add_overflow(*number - rest, up ? unit : 0, &result)) raise("integer overflow");
    return Value(result);
  }
  const double number = *value.number();
  if (!std::isfinite(number) || precision > 400) return Value(number);
  if (precision < -310) return Value(std::copysign(0.0, number));
  if (precision < 0) {
    const double unit = std::pow(10.0, static_cast<double>(-precision));
    return Value(std::nearbyint(number / unit) * unit);
  }
  const std::string digits = fmt::format("{:.{}f}", number, static_cast<int>(precision));
  double result = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), result);
  return Value(result);
}

Value filter_round(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("round", arguments, {"value", "precision", "method"}, 1);
  const std::string method = values[2].is_missing() ? "common" : to_text(evaluator, values[2]).bytes();
  const std::int64_t precision = values[1].is_missing() ? 0 : to_integer(values[1], "round");
  if (method != "common" && method != "ceil" && method != "floor") raise("method must be common, ceil or floor");
  if (values[0].is_undefined()) raise("{}", values[0].undefined().message);
  if (!values[0].number()) raise("type {} doesn't define __round__ method", values[0].type_name());
  if (method == "common") return rounded(values[0], precision);
  const Value unit = binary(evaluator, Arithmetic::power, Value(std::int64_t{10}), Value(precision));
  const Value scaled = binary(evaluator, Arithmetic::multiply, values[0], unit);
  const double whole = method == "ceil" ? std::ceil(*scaled.number()) : std::floor(*scaled.number());
  if (!std::isfinite(whole)) raise("cannot convert float {} to integer", float_repr(whole));
  return Value(whole / *unit.number());
}

Value filter_filesizeformat(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("filesizeformat", arguments, {"value", "binary"}, 1);
  const Text* text = values[0].string();
  const auto number = text != nullptr ? parse_float(*text) : values[0].number();
  if (!number) raise("could not convert {} to float", values[0].type_name());
  const bool binary_units = truth(evaluator, values[1]);
  const double base = binary_units ? 1024 : 1000;
  if (*number == 1) return Value::text("1 Byte");
  if (*number < base) return Value::text(fmt::format("{} Bytes", truncated(*number)));
  static constexpr std::string_view kLetters = "kMGTPEZY";
  double unit = base;
  for (std::size_t i = 0;; ++i) {
    unit *= base;
    if (*number >= unit && i + 1 < kLetters.size()) continue;
    const char letter = binary_units && i == 0 ? 'K' : kLetters[i];
    return Value::text(fmt::format("{:.1f} {}{}", base * *number / unit, letter, binary_units ? "iB" : "B"));
  }
}

constexpr std::array<FilterEntry, 5> kFilters = {{{"int", filter_int},
                                                  {"float", filter_float},
                                                  {"abs", filter_abs},
                                                  {"round", filter_round},
                                                  {"filesizeformat", filter_filesizeformat}}};

}  // namespace

Builtin find_number_filter(std::string_view name) {
  const auto* found = std::find_if(kFilters.begin(), kFilters.end(), [&](const FilterEntry& entry) { return entry.name == name; });
  return found == kFilters.end() ? nullptr : found->filter;
}

}  // namespace lmm::chat_template
