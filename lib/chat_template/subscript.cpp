#include "lib/chat_template/ast.hpp"
#include "lib/chat_template/evaluator.hpp"
#include "lib/chat_template/range.hpp"

#include <algorithm>

namespace lmm::chat_template {
namespace {

Value no_attribute(const Value& object, std::string_view name) {
  const std::string type = object.is_none() ? "None" : object.type_name() + " object";
  return Value::undefined(fmt::format("'{}' has no attribute '{}'", type, name));
}

Value hidden(const Value& object, std::string_view name) {
  return Value::undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, object.type_name()));
}

/// What Python's getattr finds, the sandbox's refusals included; missing where there is nothing.
Value attribute_of(Evaluator& evaluator, const Value& object, std::string_view name) {
  Value found = object.object() != nullptr ? object.object()->attribute(evaluator, name) : method(object, name);
  if (const List* list = object.sequence(); found.is_missing() && list != nullptr && list->group) {
    if (name == "grouper") found = list->items[0];
    if (name == "list") found = list->items[1];
  }
  const bool dunder = name.size() > 4 && name.starts_with("__") && name.ends_with("__");
  if ((!found.is_missing() && name.starts_with("_")) || (found.is_missing() && dunder)) return hidden(object, name);
  return found;
}

/// What Python's object[key] gives; missing where it raises TypeError or LookupError.
Value item_of(Evaluator& evaluator, const Value& object, const Value& key) {
  if (const Dict* dict = object.dict()) {
    if (key.sequence() != nullptr && !key.sequence()->tuple) return {};
    if (key.dict() != nullptr) return {};
    const Value* found = key.string() != nullptr ? dict->find(key.string()->bytes()) : dict->find(key);
    return found == nullptr ? Value() : *found;
  }
  if (object.object() != nullptr) return object.object()->item(evaluator, key);
  const auto index = key.integer();
  if (!index) return {};
  const Text* text = object.string();
  const List* list = object.sequence();
  if (text == nullptr && list == nullptr) return {};
  const auto size = static_cast<std::int64_t>(text != nullptr ? text->length() : list->items.size());
  const std::int64_t at = *index < 0 ? *index + size : *index;
  if (at < 0 || at >= size) return {};
  if (list != nullptr) return list->items[static_cast<std::size_t>(at)];
  if (!text->ascii()) evaluator.step(static_cast<std::size_t>(at) / 16);
  const std::size_t begin = text->offset(static_cast<std::size_t>(at));
  std::size_t end = begin;
  utf8::next(text->bytes(), end);
  return evaluator.make(text->part(begin, end));
}

}  // namespace

Value attribute_only(Evaluator& evaluator, const Value& object, std::string_view name) {
  if (object.is_undefined()) raise("{}", object.undefined().message);
  return attribute_of(evaluator, object, name);
}

Value Evaluator::get_attribute(const Value& object, std::string_view name) {
  if (object.is_undefined()) raise("{}", object.undefined().message);
  Value found = attribute_of(*this, object, name);
  if (!found.is_missing()) return found;
  if (const Dict* dict = object.dict()) {
    const Value* item = dict->find(name);
    return item != nullptr ? *item : no_attribute(object, name);
  }
  return no_attribute(object, name);
}

Value Evaluator::get_item(const Value& object, const Value& key) {
  if (object.is_undefined()) raise("{}", object.undefined().message);
  Value found = item_of(*this, object, key);
  if (!found.is_missing()) return found;
  if (key.string() == nullptr) {
    const std::string type = object.is_none() ? "None" : object.type_name() + " object";
    return Value::undefined(fmt::format("{} has no element {}", type, repr(*this, key).bytes()));
  }
  found = attribute_of(*this, object, key.string()->bytes());
  return found.is_missing() ? no_attribute(object, key.string()->bytes()) : found;
}

Value attribute_path(Evaluator& evaluator, const Value& object, const Value& path, const Value& otherwise) {
  const auto step = [&](const Value& value, const Value& key) {
    Value found = evaluator.get_item(value, key);
    return found.is_undefined() && !otherwise.is_missing() && !otherwise.is_none() ? otherwise : found;
  };
  if (path.is_missing() || path.is_none()) return object;
  const Text* text = path.string();
  if (text == nullptr) return step(object, path);
  const Text dot(".");
  Value value = object;
  for (const Span& span : split(*text, &dot, -1)) {
    const std::string part = text->bytes().substr(span.begin, span.end - span.begin);
    const bool number = !part.empty() && part.size() < 18 && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    value = step(value, number ? Value(static_cast<std::int64_t>(std::stoll(part))) : Value::text(part));
  }
  return value;
}

namespace {

/// start, end, step and count of the items of a Python slice of `size` items.
struct Bounds {
  std::int64_t start;
  std::int64_t stop;
  std::int64_t step;
  std::int64_t count;
};

Bounds bounds(std::int64_t size, const Value& start, const Value& stop, const Value& step) {
  const auto index = [](const Value& value) -> std::optional<std::int64_t> {
    if (value.is_missing() || value.is_none()) return std::nullopt;
    if (value.is_undefined()) raise("{}", value.undefined().message);
    if (!value.integer()) raise("slice indices must be integers or None or have an __index__ method");
    return value.integer();
  };
  const std::int64_t stride = index(step).value_or(1);
  if (stride == 0) raise("slice step cannot be zero");
  const std::int64_t low = stride < 0 ? -1 : 0;
  const std::int64_t high = stride < 0 ? size - 1 : size;
  const auto clip = [&](std::optional<std::int64_t> at, std::int64_t otherwise) {
    if (!at) return otherwise;
    return std::clamp(*at < 0 ? *at + size : *at, low, high);
  };
  const std::int64_t first = clip(index(start), stride < 0 ? high : low);
  const std::int64_t last = clip(index(stop), stride < 0 ? low : high);
  if (stride > 0 ? first >= last : first <= last) return {first, last, stride, 0};
  const auto span = static_cast<std::uint64_t>(stride > 0 ? last - first : first - last);
  const std::uint64_t width = stride > 0 ? static_cast<std::uint64_t>(stride) : 0 - static_cast<std::uint64_t>(stride);
  return {first, last, stride, static_cast<std::int64_t>((span - 1) / width + 1)};
}

Value sliced_text(Evaluator& evaluator, const Text& text, const Bounds& bound) {
  const auto first = static_cast<std::size_t>(bound.start);
  if (bound.count == 0) return evaluator.make(text.part(0, 0));
  if (bound.step == 1) {
    if (!text.ascii()) evaluator.step(text.size() / 16);
    return evaluator.make(text.part(text.offset(first), text.offset(first + static_cast<std::size_t>(bound.count))));
  }
  evaluator.step(text.length() / 4);
  std::vector<std::size_t> offsets;
  offsets.reserve(text.length() + 1);
  text.each([&, at = std::size_t{0}](char32_t, std::string_view bytes, bool) mutable {
    offsets.push_back(at);
    at += bytes.size();
  });
  offsets.push_back(text.size());
  Text result;
  for (std::int64_t i = 0; i < bound.count; ++i) {
    const auto at = static_cast<std::size_t>(bound.start + i * bound.step);
    result.append(text, offsets[at], offsets[at + 1]);
  }
  result.markup = text.markup;
  return evaluator.make(std::move(result));
}

}  // namespace

Value GetSlice::eval(Evaluator& evaluator) const {
  const Evaluator::Nested nested(evaluator);
  const Value value = object->eval(evaluator);
  const auto part = [&](const ExprPtr& expression) { return expression == nullptr ? Value() : expression->eval(evaluator); };
  const Value from = part(start);
  const Value to = part(stop);
  const Value by = part(step);
  evaluator.at(line);
  evaluator.step();
  if (value.is_undefined()) raise("{}", value.undefined().message);
  if (const Text* text = value.string()) {
    return sliced_text(evaluator, *text, bounds(static_cast<std::int64_t>(text->length()), from, to, by));
  }
  if (const List* list = value.sequence()) {
    const Bounds bound = bounds(static_cast<std::int64_t>(list->items.size()), from, to, by);
    Values items;
    for (std::int64_t i = 0; i < bound.count; ++i) items.push_back(list->items[static_cast<std::size_t>(bound.start + i * bound.step)]);
    return evaluator.make_list(std::move(items), list->tuple);
  }
  if (const auto* range = value.as<Range>()) {
    const Bounds bound = bounds(range->count(), from, to, by);
    return range->slice(bound.start, bound.stop, bound.step);
  }
  raise("'{}' object cannot be sliced", value.type_name());
}

}  // namespace lmm::chat_template
