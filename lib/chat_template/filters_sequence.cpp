#include "lib/chat_template/filters.hpp"

#include <algorithm>
#include <array>

namespace lmm::chat_template {
namespace {

Value filter_length(Evaluator& evaluator, Arguments& arguments) {
  const Value value = bind("length", arguments, {"obj"}, 1, 1)[0];
  const auto size = length(evaluator, value);
  if (!size) raise("object of type '{}' has no len()", value.type_name());
  return Value(*size);
}

Value filter_list(Evaluator& evaluator, Arguments& arguments) {
  return evaluator.make_list(to_values(evaluator, bind("list", arguments, {"value"}, 1)[0]));
}

Value filter_default(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("default", arguments, {"value", "default_value", "boolean"}, 1);
  const bool replaced = values[0].is_undefined() || (truth(evaluator, values[2]) && !truth(evaluator, values[0]));
  if (!replaced) return values[0];
  return values[1].is_missing() ? Value::text("") : values[1];
}

Value filter_first(Evaluator& evaluator, Arguments& arguments) {
  const Value value = bind("first", arguments, {"seq"}, 1)[0];
  Value first;
  if (iterate(evaluator, value)->next(evaluator, first)) return first;
  return Value::undefined("No first item, sequence was empty.");
}

bool reversible(const Value& value) {
  if (value.string() != nullptr || value.sequence() != nullptr || value.dict() != nullptr || value.is_undefined()) return true;
  return value.object() != nullptr && value.object()->reversible();
}

Value filter_last(Evaluator& evaluator, Arguments& arguments) {
  const Value value = bind("last", arguments, {"seq"}, 1)[0];
  if (!reversible(value)) raise("'{}' object is not reversible", value.type_name());
  const Values items = to_values(evaluator, value);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value filter_reverse(Evaluator& evaluator, Arguments& arguments) {
  const Value value = bind("reverse", arguments, {"value"}, 1)[0];
  if (const Text* text = value.string()) {
    Text result;
    std::size_t end = text->size();
    while (end > 0) {
      std::size_t begin = end - 1;
      while (begin > 0 && (static_cast<unsigned char>(text->bytes()[begin]) & 0xC0) == 0x80) --begin;
      result.append(*text, begin, end);
      end = begin;
    }
    result.markup = text->markup;
    return evaluator.make(std::move(result));
  }
  if (!iterable(value, evaluator)) raise("argument must be iterable");
  if (!reversible(value)) {
    const Values items = to_values(evaluator, value);
    return evaluator.make_list(Values(items.rbegin(), items.rend()));
  }
  return deferred(arguments, [value](Evaluator& at) {
    const Values items = to_values(at, value);
    return Values(items.rbegin(), items.rend());
  });
}

Value filter_join(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("join", arguments, {"value", "d", "attribute"}, 1);
  const Text separator = values[1].is_missing() ? Text() : to_text(evaluator, values[1]);
  Text text;
  bool first = true;
  const IteratorPtr iterator = iterate(evaluator, values[0]);
  for (Value item; iterator->next(evaluator, item); first = false) {
    if (!first) text.append(separator);
    text.append(to_text(evaluator, attribute_path(evaluator, item, values[2])));
  }
  return evaluator.make(std::move(text));
}

Value filter_items(Evaluator&, Arguments& arguments) {
  const Value value = bind("items", arguments, {"value"}, 1)[0];
  return deferred(arguments, [value](Evaluator& evaluator) {
    Values items;
    if (value.is_undefined()) return items;
    if (value.dict() == nullptr) raise("Can only get item pairs from a mapping.");
    for (const auto& [key, item] : value.dict()->items) items.push_back(evaluator.make_list({key, item}, true));
    return items;
  });
}

Value filter_batch(Evaluator&, Arguments& arguments) {
  const Values values = bind("batch", arguments, {"value", "linecount", "fill_with"}, 2);
  return deferred(arguments, [values](Evaluator& evaluator) {
    Values lines;
    Values line;
    const Values items = to_values(evaluator, values[0]);
    const auto full = [&] { return equal(evaluator, Value(static_cast<std::int64_t>(line.size())), values[1]); };
    for (const Value& item : items) {
      if (full()) lines.push_back(evaluator.make_list(std::exchange(line, {})));
      line.push_back(item);
    }
    if (line.empty()) return lines;
    if (!values[2].is_missing() && !values[2].is_none()) {
      const std::int64_t count = to_integer(values[1], "batch");
      for (auto size = static_cast<std::int64_t>(line.size()); size < count; ++size) {
        evaluator.step();
        line.push_back(values[2]);
      }
    }
    lines.push_back(evaluator.make_list(std::move(line)));
    return lines;
  });
}

Value filter_slice(Evaluator&, Arguments& arguments) {
  const Values values = bind("slice", arguments, {"value", "slices", "fill_with"}, 2);
  return deferred(arguments, [values](Evaluator& evaluator) {
    const Values items = to_values(evaluator, values[0]);
    const std::int64_t slices = to_integer(values[1], "slice");
    if (slices == 0) raise("integer division or modulo by zero");
    Values result;
    const std::int64_t each = static_cast<std::int64_t>(items.size()) / slices;
    const std::int64_t longer = static_cast<std::int64_t>(items.size()) % slices;
    auto at = items.begin();
    for (std::int64_t i = 0; i < slices; ++i) {
      const auto end = at + each + (i < longer ? 1 : 0);
      Values slice(at, end);
      at = end;
      if (i >= longer && !values[2].is_missing() && !values[2].is_none()) slice.push_back(values[2]);
      result.push_back(evaluator.make_list(std::move(slice)));
    }
    return result;
  });
}

Value filter_sum(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("sum", arguments, {"iterable", "attribute", "start"}, 1);
  Value total = values[2].is_missing() ? Value(std::int64_t{0}) : values[2];
  if (total.string() != nullptr) raise("sum() can't sum strings [use ''.join(seq) instead]");
  const IteratorPtr iterator = iterate(evaluator, values[0]);
  for (Value item; iterator->next(evaluator, item);) {
    total = binary(evaluator, Arithmetic::add, total, attribute_path(evaluator, item, values[1]));
  }
  return total;
}

Value filter_attr(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("attr", arguments, {"obj", "name"}, 2);
  const std::string& name = to_string(values[1], "attr").bytes();
  Value found = attribute_only(evaluator, values[0], name);
  if (!found.is_missing()) return found;
  return Value::undefined(fmt::format("'{} object' has no attribute '{}'", values[0].type_name(), name));
}

constexpr std::array<FilterEntry, 14> kFilters = {{
    {"length", filter_length},
    {"count", filter_length},
    {"list", filter_list},
    {"default", filter_default},
    {"d", filter_default},
    {"first", filter_first},
    {"last", filter_last},
    {"reverse", filter_reverse},
    {"join", filter_join},
    {"items", filter_items},
    {"batch", filter_batch},
    {"slice", filter_slice},
    {"sum", filter_sum},
    {"attr", filter_attr},
}};

}  // namespace

Builtin find_sequence_filter(std::string_view name) {
  const auto* found = std::find_if(kFilters.begin(), kFilters.end(), [&](const FilterEntry& entry) { return entry.name == name; });
  return found == kFilters.end() ? nullptr : found->filter;
}

}  // namespace lmm::chat_template
