#include "lib/chat_template/filters.hpp"

#include <algorithm>
#include <memory>

namespace lmm::chat_template {
namespace {

class Lazy : public Iterator {
 public:
  explicit Lazy(std::function<bool(Evaluator&, Value&)> next) : next_(std::move(next)) {}
  bool next(Evaluator& evaluator, Value& out) override {
    const Evaluator::Nested nested(evaluator);
    evaluator.step();
    return next_(evaluator, out);
  }

 private:
  std::function<bool(Evaluator&, Value&)> next_;
};

int depth_of(const Arguments& arguments) {
  int depth = 0;
  for (const Value& value : arguments.positional) depth = std::max(depth, value.depth());
  for (const auto& [name, value] : arguments.named) depth = std::max(depth, value.depth());
  return depth;
}

}  // namespace

Builtin find_filter(std::string_view name) {
  for (const auto find : {find_text_filter, find_number_filter, find_sequence_filter, find_sorting_filter, find_lazy_filter}) {
    if (const Builtin found = find(name)) return found;
  }
  return nullptr;
}

Value lazily(const Arguments& arguments, std::function<bool(Evaluator&, Value&)> next) {
  return generator(std::make_shared<Lazy>(std::move(next)), depth_of(arguments) + 1);
}

Value deferred(const Arguments& arguments, std::function<Values(Evaluator&)> make) {
  struct State {
    Values items;
    std::size_t at = 0;
    bool made = false;
  };
  return lazily(arguments, [make = std::move(make), state = std::make_shared<State>()](Evaluator& evaluator, Value& out) {
    if (!state->made) {
      state->made = true;
      state->items = make(evaluator);
    }
    if (state->at == state->items.size()) return false;
    out = state->items[state->at++];
    return true;
  });
}

}  // namespace lmm::chat_template
