#pragma once

#include "lib/chat_template/evaluator.hpp"

#include <functional>

namespace lmm::chat_template {

struct FilterEntry {
  std::string_view name;
  Builtin filter;
};

// Each group looks a name up: null where it has none of that name.
Builtin find_text_filter(std::string_view name);
Builtin find_number_filter(std::string_view name);
Builtin find_sequence_filter(std::string_view name);
Builtin find_sorting_filter(std::string_view name);
Builtin find_lazy_filter(std::string_view name);

/// The items of an iterator, found one by one by `next`, or all at once when the first is asked for.
Value lazily(const Arguments& arguments, std::function<bool(Evaluator&, Value&)> next);
Value deferred(const Arguments& arguments, std::function<Values(Evaluator&)> make);

}  // namespace lmm::chat_template
