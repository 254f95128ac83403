#include "lib/chat_template/evaluator.hpp"

#include <cmath>

namespace lmm::chat_template {
namespace {

constexpr const char* symbol(Arithmetic op) {
  switch (op) {
    case Arithmetic::add: return "+";
    case Arithmetic::subtract: return "-";
    case Arithmetic::multiply: return "*";
    case Arithmetic::divide: return "/";
    case Arithmetic::floor_divide: return "//";
    case Arithmetic::modulo: return "%";
    case Arithmetic::power: return "**";
  }
  return "?";
}

[[noreturn]] void overflow() { raise("integer overflow: the result does not fit into 64 bits"); }

std::int64_t integer_power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) {
      overflow();  // a higher bit is still to come, so the square is needed
    }
  }
  return result;
}

Value integers(Arithmetic op, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  switch (op) {
    case Arithmetic::add:
      if (__builtin_add_overflow(left, right, &result)) overflow();
      return Value(result);
    case Arithmetic::subtract:
      if (__builtin_sub_overflow(left, right, &result)) overflow();
      return Value(result);
    case Arithmetic::multiply:
      if (__builtin_mul_overflow(left, right, &result)) overflow();
      return Value(result);
    case Arithmetic::divide:
      if (right == 0) raise("division by zero");
      return Value(static_cast<double>(left) / static_cast<double>(right));
    case Arithmetic::floor_divide:
    case Arithmetic::modulo: {
      if (right == 0) raise("integer division or modulo by zero");
      if (right == -1) {
        if (op == Arithmetic::modulo) return Value(std::int64_t{0});
        if (__builtin_sub_overflow(std::int64_t{0}, left, &result)) overflow();
        return Value(result);
      }
      const std::int64_t remainder = left % right;
      const bool adjust = remainder != 0 && (remainder < 0) != (right < 0);  // Python rounds down
      if (op == Arithmetic::modulo) return Value(adjust ? remainder + right : remainder);
      return Value(left / right - (adjust ? 1 : 0));
    }
    case Arithmetic::power:
      if (right >= 0) return Value(integer_power(left, right));
      if (left == 0) raise("0.0 cannot be raised to a negative power");
      return Value(std::pow(static_cast<double>(left), static_cast<double>(right)));
  }
  return {};
}

Value floats(Arithmetic op, double left, double right) {
  switch (op) {
    case Arithmetic::add: return Value(left + right);
    case Arithmetic::subtract: return Value(left - right);
    case Arithmetic::multiply: return Value(left * right);
    case Arithmetic::divide:
      if (right == 0) raise("float division by zero");
      return Value(left / right);
    case Arithmetic::floor_divide:
    case Arithmetic::modulo: {
      if (right == 0) raise("float floor division or modulo by zero");
      double remainder = std::fmod(left, right);
      double quotient = (left - remainder) / right;
      if (remainder != 0 && (remainder < 0) != (right < 0)) {
        remainder += right;
        quotient -= 1;
      } else if (remainder == 0) {
        remainder = std::copysign(0.0, right);
      }
      if (op == Arithmetic::modulo) return Value(remainder);
      if (quotient == 0) return Value(std::copysign(0.0, left / right));
      const double floor = std::floor(quotient);
      return Value(quotient - floor > 0.5 ? floor + 1 : floor);
    }
    case Arithmetic::power: {
      if (left == 0 && right < 0) raise("0.0 cannot be raised to a negative power");
      if (left < 0 && std::isfinite(left) && std::isfinite(right) && right != std::floor(right)) raise("complex numbers are not supported");
      const double result = std::pow(left, right);
      if (std::isinf(result) && std::isfinite(left) && std::isfinite(right)) raise("numerical result out of range");
      return Value(result);
    }
  }
  return {};
}

Value repeat(Evaluator& evaluator, const Value& value, std::int64_t times) {
  const std::size_t count = times < 0 ? 0 : static_cast<std::size_t>(times);
  if (const Text* text = value.string()) {
    if (!text->empty() && count > Text::kMaxBytes / text->size()) raise("string longer than the limit of {} bytes", Text::kMaxBytes);
    Text result;
    for (std::size_t i = 0; i < count && !text->empty(); ++i) result.append(*text);
    result.markup = text->markup;
    return evaluator.make(std::move(result));
  }
  const List& list = *value.sequence();
  if (!list.items.empty() && count > evaluator.limits().steps / list.items.size()) {
    raise("more than the limit of {} steps", evaluator.limits().steps);
  }
  evaluator.step(list.items.size() * count);
  Values items;
  items.reserve(list.items.size() * count);
  for (std::size_t i = 0; i < count && !list.items.empty(); ++i) items.insert(items.end(), list.items.begin(), list.items.end());
  return evaluator.make_list(std::move(items), list.tuple);
}

Value concatenated(Evaluator& evaluator, const Text& left, const Text& right) {
  const bool markup = left.markup || right.markup;
  Text result = markup ? escape_html(left) : left;
  result.append(markup ? escape_html(right) : right);
  result.markup = markup;
  return evaluator.make(std::move(result));
}

}  // namespace

Value binary(Evaluator& evaluator, Arithmetic op, const Value& left, const Value& right) {
  if (op == Arithmetic::modulo && left.string() != nullptr) {
    return evaluator.make(printf_format(evaluator, *left.string(), right));
  }
  if (left.is_undefined()) raise("{}", left.undefined().message);
  if (right.is_undefined()) raise("{}", right.undefined().message);
  if (left.integer() && right.integer()) return integers(op, *left.integer(), *right.integer());
  if (left.number() && right.number()) return floats(op, *left.number(), *right.number());
  if (op == Arithmetic::add) {
    if (left.string() != nullptr && right.string() != nullptr) return concatenated(evaluator, *left.string(), *right.string());
    const List* list = left.sequence();
    const List* other = right.sequence();
    if (list != nullptr && other != nullptr && list->tuple == other->tuple) {
      Values items = list->items;
      items.insert(items.end(), other->items.begin(), other->items.end());
      return evaluator.make_list(std::move(items), list->tuple);
    }
  }
  if (op == Arithmetic::multiply) {
    const auto repeatable = [](const Value& value) { return value.string() != nullptr || value.sequence() != nullptr; };
    if (repeatable(left) && right.integer()) return repeat(evaluator, left, *right.integer());
    if (repeatable(right) && left.integer()) return repeat(evaluator, right, *left.integer());
  }
  raise("unsupported operand type(s) for {}: '{}' and '{}'", symbol(op), left.type_name(), right.type_name());
}

}  // namespace lmm::chat_template
