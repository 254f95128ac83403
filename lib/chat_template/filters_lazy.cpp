#include "lib/chat_template/filters.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <unordered_set>

/// The filters of jinja2 that give generators: what fails in them fails when an item is asked for.
namespace lmm::chat_template {
namespace {

/// The iterator of the first argument, made when first asked for; null where the value is false, as jinja2 then
/// leaves it alone.
class Source {
 public:
  explicit Source(Value value) : value_(std::move(value)) {}
  bool next(Evaluator& evaluator, Value& out) {
    if (!begun_ && truth(evaluator, value_)) iterator_ = iterate(evaluator, value_);
    begun_ = true;
    return iterator_ != nullptr && iterator_->next(evaluator, out);
  }

 private:
  Value value_;
  IteratorPtr iterator_;
  bool begun_ = false;
};

Value filter_map(Evaluator&, Arguments& arguments) {
  if (arguments.positional.empty()) raise("map requires a value");
  return lazily(arguments, [source = std::make_shared<Source>(arguments.positional[0]), arguments](Evaluator& evaluator, Value& out) {
    Value item;
    if (!source->next(evaluator, item)) return false;
    if (arguments.positional.size() == 1 && !arguments.named.empty()) {
      Arguments named{{}, arguments.named};
      const Value attribute = named.take("attribute");
      const Value otherwise = named.take("default");
      if (attribute.is_missing()) raise("map requires a filter argument");
      if (!named.named.empty()) raise("Unexpected keyword argument '{}'", named.named[0].first);
      out = attribute_path(evaluator, item, attribute, otherwise);
      return true;
    }
    if (arguments.positional.size() == 1) raise("map requires a filter argument");
    const Text* name = arguments.positional[1].string();
    const Builtin filter = name == nullptr ? nullptr : find_filter(name->bytes());
    if (filter == nullptr) raise("no filter named {}", repr(evaluator, arguments.positional[1]).bytes());
    Arguments call{{arguments.positional.begin() + 1, arguments.positional.end()}, arguments.named};
    call.positional[0] = std::move(item);
    out = filter(evaluator, call);
    return true;
  });
}

/// select, reject, selectattr, rejectattr
template <bool wanted, bool by_attribute>
Value filter_select(Evaluator&, Arguments& arguments) {
  if (arguments.positional.empty()) raise("select requires a value");
  return lazily(arguments, [source = std::make_shared<Source>(arguments.positional[0]), arguments](Evaluator& evaluator, Value& out) {
    constexpr std::size_t kName = by_attribute ? 2 : 1;
    const Values& given = arguments.positional;
    while (source->next(evaluator, out)) {
      if (by_attribute && given.size() < 2) raise("Missing parameter for attribute name");
      Value tested = by_attribute ? attribute_path(evaluator, out, given[1]) : out;
      if (given.size() > kName) {
        const Text* name = given[kName].string();
        const Builtin test = name == nullptr ? nullptr : find_test(name->bytes());
        if (test == nullptr) raise("no test named {}", repr(evaluator, given[kName]).bytes());
        Arguments call{{given.begin() + kName, given.end()}, arguments.named};
        call.positional[0] = std::move(tested);
        tested = test(evaluator, call);
      }
      if (truth(evaluator, tested) == wanted) return true;
    }
    return false;
  });
}

Value filter_unique(Evaluator&, Arguments& arguments) {
  const Values values = bind("unique", arguments, {"value", "case_sensitive", "attribute"}, 1);
  struct State {
    IteratorPtr iterator;
    std::unordered_set<std::string> seen;
  };
  return lazily(arguments, [values, state = std::make_shared<State>()](Evaluator& evaluator, Value& out) {
    if (state->iterator == nullptr) state->iterator = iterate(evaluator, values[0]);
    while (state->iterator->next(evaluator, out)) {
      Value key = attribute_path(evaluator, out, values[2]);
      if (key.string() != nullptr && !truth(evaluator, values[1])) key = evaluator.make(lower(*key.string()));
      if (state->seen.insert(hash_key(key)).second) return true;
    }
    return false;
  });
}

constexpr std::array<FilterEntry, 6> kFilters = {{{"map", filter_map},
                                                  {"select", filter_select<true, false>},
                                                  {"reject", filter_select<false, false>},
                                                  {"selectattr", filter_select<true, true>},
                                                  {"rejectattr", filter_select<false, true>},
                                                  {"unique", filter_unique}}};

}  // namespace

Builtin find_lazy_filter(std::string_view name) {
  const auto* found = std::find_if(kFilters.begin(), kFilters.end(), [&](const FilterEntry& entry) { return entry.name == name; });
  return found == kFilters.end() ? nullptr : found->filter;
}

}  // namespace lmm::chat_template
