#include "lib/chat_template/ast.hpp"
#include "lib/chat_template/evaluator.hpp"
#include "lib/chat_template/loop.hpp"
#include "lib/chat_template/macro.hpp"

namespace lmm::chat_template {

Flow Data::run(Evaluator& evaluator) const {
  evaluator.emit(text);
  return Flow::next;
}

Flow Output::run(Evaluator& evaluator) const {
  for (const ExprPtr& item : items) {
    const Value value = item->eval(evaluator);
    if (const Text* text = value.string()) {
      evaluator.emit(*text);
    } else {
      evaluator.emit(to_text(evaluator, value));
    }
  }
  return Flow::next;
}

Flow If::run(Evaluator& evaluator) const {
  for (const auto& [condition, body] : branches) {
    if (truth(evaluator, condition->eval(evaluator))) return evaluator.run(body);
  }
  return evaluator.run(otherwise);
}

Flow For::run(Evaluator& evaluator) const {
  const Value over = iterable->eval(evaluator);
  evaluator.at(line);
  if (recursive) {
    evaluator.emit(run_recursive(evaluator, *this, over, evaluator.scope(), 0));
  } else {
    return run_loop(evaluator, *this, over, 0);
  }
  return Flow::next;
}

Flow Set::run(Evaluator& evaluator) const {
  const Value result = value->eval(evaluator);
  evaluator.at(line);
  evaluator.assign(target, result);
  return Flow::next;
}

namespace {

/// What a body printed, filtered; nothing where `break` or `continue` left it.
std::pair<Value, Flow> filtered(Evaluator& evaluator, const std::vector<std::unique_ptr<Apply>>& filters, const Body& body) {
  const auto scope = evaluator.inner_scope();
  auto [text, flow] = evaluator.capture(body, scope);
  if (flow != Flow::next) return {Value(), flow};
  Value value = evaluator.make(std::move(text));
  const Evaluator::Enter enter(evaluator, scope);
  for (const auto& filter : filters) value = filter->apply(evaluator, std::move(value));
  return {std::move(value), flow};
}

}  // namespace

Flow SetBlock::run(Evaluator& evaluator) const {
  const auto [value, flow] = filtered(evaluator, filters, body);
  if (flow != Flow::next) return flow;
  evaluator.at(line);
  evaluator.assign(target, value);
  return Flow::next;
}

Flow FilterBlock::run(Evaluator& evaluator) const {
  const auto [value, flow] = filtered(evaluator, filters, body);
  if (flow == Flow::next) evaluator.emit(to_text(evaluator, value));
  return flow;
}

Flow With::run(Evaluator& evaluator) const {
  Values values;
  for (const auto& [target, value] : items) values.push_back(value->eval(evaluator));
  const Evaluator::Enter enter(evaluator, evaluator.inner_scope());
  for (std::size_t i = 0; i < items.size(); ++i) evaluator.assign(items[i].first, values[i]);
  return evaluator.run(body);
}

Flow MacroStatement::run(Evaluator& evaluator) const {
  evaluator.scope()->set(name, make_macro(evaluator, macro));
  return Flow::next;
}

Flow CallBlock::run(Evaluator& evaluator) const {
  const Value result = call->call(evaluator, make_macro(evaluator, macro));
  evaluator.emit(to_text(evaluator, result));
  return Flow::next;
}

Flow Generation::run(Evaluator& evaluator) const {
  const Evaluator::Enter enter(evaluator, evaluator.inner_scope());
  return evaluator.run(body);
}

}  // namespace lmm::chat_template
