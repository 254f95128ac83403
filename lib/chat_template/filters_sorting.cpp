#include "lib/chat_template/filters.hpp"

#include <algorithm>
#include <array>

namespace lmm::chat_template {
namespace {

Value folded(Evaluator& evaluator, const Value& value, bool case_sensitive) {
  const Text* text = value.string();
  return text == nullptr || case_sensitive ? value : evaluator.make(lower(*text));
}

/// The items in the order of their keys; equal ones keep theirs.
Values sorted(Evaluator& evaluator, const Values& items, const Values& keys, bool reverse) {
  std::vector<std::size_t> order(items.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return reverse ? less(evaluator, keys[b], keys[a]) : less(evaluator, keys[a], keys[b]);
  });
  Values result;
  result.reserve(items.size());
  for (const std::size_t index : order) result.push_back(items[index]);
  return result;
}

/// The argument `reverse`, which Python's sorted wants to be an integer.
bool reversed(const Value& value) { return !value.is_missing() && to_integer(value, "reverse") != 0; }

Value filter_sort(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("sort", arguments, {"value", "reverse", "case_sensitive", "attribute"}, 1);
  const bool case_sensitive = truth(evaluator, values[2]);
  Values paths;
  if (const Text* text = values[3].string()) {
    const Text comma(",");
    for (const Span& span : split(*text, &comma, -1)) paths.push_back(evaluator.make(text->part(span.begin, span.end)));
  } else {
    paths.push_back(values[3]);
  }
  const Values items = to_values(evaluator, values[0]);
  Values keys;
  for (const Value& item : items) {
    Values parts;
    for (const Value& path : paths) parts.push_back(folded(evaluator, attribute_path(evaluator, item, path), case_sensitive));
    keys.push_back(evaluator.make_list(std::move(parts)));
  }
  return evaluator.make_list(sorted(evaluator, items, keys, reversed(values[1])));
}

Value filter_dictsort(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("dictsort", arguments, {"value", "case_sensitive", "by", "reverse"}, 1);
  const std::string by = values[2].is_missing() ? "key" : to_text(evaluator, values[2]).bytes();
  if (by != "key" && by != "value") raise("You can only sort by either \"key\" or \"value\"");
  if (values[0].is_undefined()) raise("{}", values[0].undefined().message);
  if (values[0].dict() == nullptr) raise("'{}' object has no attribute 'items'", values[0].type_name());
  const bool case_sensitive = truth(evaluator, values[1]);
  Values items;
  Values keys;
  for (const auto& [key, value] : values[0].dict()->items) {
    items.push_back(evaluator.make_list({key, value}, true));
    keys.push_back(folded(evaluator, by == "key" ? key : value, case_sensitive));
  }
  return evaluator.make_list(sorted(evaluator, items, keys, reversed(values[3])));
}

Value extreme(Evaluator& evaluator, const Arguments& arguments, const char* name, bool largest) {
  const Values values = bind(name, arguments, {"value", "case_sensitive", "attribute"}, 1);
  const bool case_sensitive = truth(evaluator, values[1]);
  const IteratorPtr iterator = iterate(evaluator, values[0]);
  Value best;
  Value best_key;
  for (Value item; iterator->next(evaluator, item);) {
    Value key = folded(evaluator, attribute_path(evaluator, item, values[2]), case_sensitive);
    if (!best.is_missing() && !(largest ? less(evaluator, best_key, key) : less(evaluator, key, best_key))) continue;
    best = item;
    best_key = std::move(key);
  }
  return best.is_missing() ? Value::undefined("No aggregated item, sequence was empty.") : best;
}
Value filter_min(Evaluator& evaluator, Arguments& arguments) { return extreme(evaluator, arguments, "min", false); }
Value filter_max(Evaluator& evaluator, Arguments& arguments) { return extreme(evaluator, arguments, "max", true); }

Value filter_groupby(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("groupby", arguments, {"value", "attribute", "default", "case_sensitive"}, 2);
  const bool case_sensitive = truth(evaluator, values[3]);
  const Values items = to_values(evaluator, values[0]);
  Values keys;
  for (const Value& item : items) keys.push_back(folded(evaluator, attribute_path(evaluator, item, values[1], values[2]), case_sensitive));
  const Values ordered = sorted(evaluator, items, keys, false);
  const Values ordered_keys = sorted(evaluator, keys, keys, false);
  Values groups;
  for (std::size_t begin = 0, end = 0; begin < ordered.size(); begin = end) {
    Values group;
    for (end = begin; end < ordered.size() && equal(evaluator, ordered_keys[begin], ordered_keys[end]); ++end) group.push_back(ordered[end]);
    if (end == begin) group.push_back(ordered[end++]);  // a key that does not equal itself: NaN
    auto pair = std::make_shared<List>();
    pair->tuple = pair->group = true;
    pair->items = {attribute_path(evaluator, ordered[begin], values[1], values[2]), evaluator.make_list(std::move(group))};
    pair->depth = 1 + std::max(pair->items[0].depth(), pair->items[1].depth());
    groups.emplace_back(std::shared_ptr<const List>(std::move(pair)));
  }
  return evaluator.make_list(std::move(groups));
}

constexpr std::array<FilterEntry, 5> kFilters = {{{"sort", filter_sort},
                                                  {"dictsort", filter_dictsort},
                                                  {"min", filter_min},
                                                  {"max", filter_max},
                                                  {"groupby", filter_groupby}}};

}  // namespace

Builtin find_sorting_filter(std::string_view name) {
  const auto* found = std::find_if(kFilters.begin(), kFilters.end(), [&](const FilterEntry& entry) { return entry.name == name; });
  return found == kFilters.end() ? nullptr : found->filter;
}

}  // namespace lmm::chat_template
