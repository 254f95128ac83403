#include "lib/chat_template/value.hpp"

#include "lib/chat_template/evaluator.hpp"

#include <bit>
#include <charconv>
#include <cmath>

namespace lmm::chat_template {

std::optional<std::int64_t> Value::integer() const noexcept {
  if (const auto* number = std::get_if<std::int64_t>(&data_)) return *number;
  if (const auto* flag = std::get_if<bool>(&data_)) return *flag ? 1 : 0;
  return std::nullopt;
}

std::optional<double> Value::number() const noexcept {
  if (const auto* number = std::get_if<double>(&data_)) return *number;
  if (const auto whole = integer()) return static_cast<double>(*whole);
  return std::nullopt;
}

std::string Value::type_name() const {
  if (is_none()) return "NoneType";
  if (is_bool()) return "bool";
  if (is_int()) return "int";
  if (is_float()) return "float";
  if (const Text* text = string()) return text->markup ? "Markup" : "str";
  if (const List* list = sequence()) return list->tuple ? "tuple" : "list";
  if (dict() != nullptr) return "dict";
  if (const Object* other = object()) return other->type_name();
  return "Undefined";
}

bool Value::same(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  if (is_none() || is_missing()) return true;
  if (is_bool() || is_int()) return integer() == other.integer();
  if (is_float()) return false;
  if (const Text* text = string()) return text == other.string() || (text->length() <= 1 && *text == *other.string());
  if (const List* list = sequence()) {
    return list == other.sequence() || (list->tuple && list->items.empty() && other.sequence()->tuple && other.sequence()->items.empty());
  }
  if (const Dict* items = dict()) return items == other.dict();
  if (is_undefined()) return &undefined() == &other.undefined();
  return object() == other.object();
}

int Value::depth() const noexcept {
  if (const List* list = sequence()) return list->depth;
  if (const Dict* items = dict()) return items->depth;
  if (const Object* other = object()) return other->depth();
  return 0;
}

std::string hash_key(const Value& value) {
  if (const Text* text = value.string()) return "s" + text->bytes();
  if (value.is_none()) return "n";
  if (const auto whole = value.integer()) return fmt::format("i{}", *whole);
  if (const auto number = value.number()) {
    if (std::trunc(*number) == *number && std::abs(*number) < 9.2e18) {
      return fmt::format("i{}", static_cast<std::int64_t>(*number));
    }
    return fmt::format("f{}", std::bit_cast<std::uint64_t>(*number));
  }
  if (const List* list = value.sequence(); list != nullptr && list->tuple) {
    std::string key = "t";
    for (const Value& item : list->items) {
      const std::string part = hash_key(item);
      key += fmt::format("{}:", part.size()) + part;
      if (key.size() > Text::kMaxBytes) raise("tuple too large to be hashed");
    }
    return key;
  }
  if (value.is_undefined()) return "u";
  if (const Object* object = value.object()) return fmt::format("p{}", static_cast<const void*>(object));
  raise("unhashable type: '{}'", value.type_name());
}

const Value* Dict::find(const Value& key) const {
  const auto found = index_.find(hash_key(key));
  return found == index_.end() ? nullptr : &items[found->second].second;
}

const Value* Dict::find(std::string_view key) const {
  std::string text = "s";
  const auto found = index_.find(text.append(key));
  return found == index_.end() ? nullptr : &items[found->second].second;
}

void Dict::set(const Value& key, Value value) {
  depth = std::max(depth, 1 + std::max(key.depth(), value.depth()));
  const auto [found, added] = index_.emplace(hash_key(key), items.size());
  if (added) {
    items.emplace_back(key, std::move(value));
  } else {
    items[found->second].second = std::move(value);
  }
}

Value Arguments::take(std::string_view name) {
  Value value;
  const auto found = std::find_if(named.begin(), named.end(), [&](const auto& argument) { return argument.first == name; });
  if (found != named.end()) {
    value = found->second;
    named.erase(found);
  }
  return value;
}

bool truth(Evaluator& evaluator, const Value& value) {
  if (const auto number = value.number()) return *number != 0;
  if (const Text* text = value.string()) return !text->empty();
  if (const List* list = value.sequence()) return !list->items.empty();
  if (const Dict* dict = value.dict()) return !dict->items.empty();
  if (Object* object = value.object()) return object->length(evaluator).value_or(1) != 0;
  return false;
}

bool equal(Evaluator& evaluator, const Value& left, const Value& right) {
  evaluator.step();
  if (left.is_int() && right.is_int()) return left.integer() == right.integer();
  if (left.number() && right.number()) {
    if (left.integer() && right.integer()) return left.integer() == right.integer();
    return *left.number() == *right.number();
  }
  const Text* text = left.string();
  if (text != nullptr && right.string() != nullptr) {
    if (text->size() == right.string()->size()) evaluator.step(text->size() / 64);
    return *text == *right.string();
  }
  if (left.is_undefined() || right.is_undefined()) return left.is_undefined() && right.is_undefined();
  const List* list = left.sequence();
  if (list != nullptr && right.sequence() != nullptr) {
    const List* other = right.sequence();
    if (list->tuple != other->tuple || list->items.size() != other->items.size()) return false;
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      if (!list->items[i].same(other->items[i]) && !equal(evaluator, list->items[i], other->items[i])) return false;
    }
    return true;
  }
  const Dict* dict = left.dict();
  if (dict != nullptr && right.dict() != nullptr) {
    if (dict->items.size() != right.dict()->items.size()) return false;
    for (const auto& [key, value] : dict->items) {
      const Value* other = right.dict()->find(key);
      if (other == nullptr || (!value.same(*other) && !equal(evaluator, value, *other))) return false;
    }
    return true;
  }
  return left.same(right);
}

bool less(Evaluator& evaluator, const Value& left, const Value& right) {
  evaluator.step();
  if (left.integer() && right.integer()) return *left.integer() < *right.integer();
  if (left.number() && right.number()) return *left.number() < *right.number();
  if (left.string() != nullptr && right.string() != nullptr) return left.string()->bytes() < right.string()->bytes();
  if (left.is_undefined()) raise("{}", left.undefined().message);
  if (right.is_undefined()) raise("{}", right.undefined().message);
  const List* list = left.sequence();
  const List* other = right.sequence();
  if (list != nullptr && other != nullptr && list->tuple == other->tuple) {
    for (std::size_t i = 0; i < list->items.size() && i < other->items.size(); ++i) {
      if (equal(evaluator, list->items[i], other->items[i])) continue;
      return less(evaluator, list->items[i], other->items[i]);
    }
    return list->items.size() < other->items.size();
  }
  raise("'<' not supported between instances of '{}' and '{}'", left.type_name(), right.type_name());
}

std::optional<std::int64_t> length(Evaluator& evaluator, const Value& value) {
  if (const Text* text = value.string()) return static_cast<std::int64_t>(text->length());
  if (const List* list = value.sequence()) return static_cast<std::int64_t>(list->items.size());
  if (const Dict* dict = value.dict()) return static_cast<std::int64_t>(dict->items.size());
  if (Object* object = value.object()) return object->length(evaluator);
  if (value.is_undefined()) return 0;
  return std::nullopt;
}

bool contains(Evaluator& evaluator, const Value& container, const Value& item) {
  if (const Text* text = container.string()) {
    const Text* piece = item.string();
    if (item.is_undefined()) raise("{}", item.undefined().message);
    if (piece == nullptr) raise("'in <string>' requires string as left operand, not {}", item.type_name());
    evaluator.step(text->size() / 16);
    return text->bytes().find(piece->bytes()) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) return dict->find(item) != nullptr;
  if (!iterable(container, evaluator)) raise("argument of type '{}' is not iterable", container.type_name());
  const IteratorPtr iterator = iterate(evaluator, container);
  for (Value value; iterator->next(evaluator, value);) {
    if (value.same(item) || equal(evaluator, value, item)) return true;
  }
  return false;
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string text(buffer, end);  // d.ddde[+-]dd, the shortest that reads back
  const std::size_t mark = text.find('e');
  int exponent = 0;
  const char* digits_of_exponent = text.data() + mark + (text[mark + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_exponent, text.data() + text.size(), exponent);
  const bool negative = text[0] == '-';
  std::string digits;
  for (const char c : text.substr(0, mark)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  std::string result = negative ? "-" : "";
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    return fmt::format("{}{}{}{}e{}{:02}", result, digits[0], count > 1 ? "." : "", digits.substr(1), exponent < 0 ? '-' : '+',
                       std::abs(exponent));
  }
  if (exponent < 0) return result + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1) return result + digits + std::string(static_cast<std::size_t>(exponent + 1 - count), '0') + ".0";
  return result + digits.substr(0, static_cast<std::size_t>(exponent) + 1) + "." + digits.substr(static_cast<std::size_t>(exponent) + 1);
}

}  // namespace lmm::chat_template
