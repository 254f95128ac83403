#include "lib/chat_template/loop.hpp"

#include <memory>

namespace lmm::chat_template {
namespace {

/// The items for which the loop's condition holds, found as the loop asks for them.
class Selected : public Iterator {
 public:
  Selected(const For& node, IteratorPtr source, std::shared_ptr<Scope> scope)
      : node_(node), source_(std::move(source)), scope_(std::move(scope)) {}

  bool next(Evaluator& evaluator, Value& out) override {
    while (source_->next(evaluator, out)) {
      const Evaluator::Enter enter(evaluator, std::make_shared<Scope>(scope_));
      evaluator.assign(node_.target, out);
      if (truth(evaluator, node_.condition->eval(evaluator))) return true;
    }
    return false;
  }

 private:
  const For& node_;
  IteratorPtr source_;
  std::shared_ptr<Scope> scope_;
};

/// The `loop` variable: jinja2.runtime.LoopContext.
class Loop : public Object, public std::enable_shared_from_this<Loop> {
 public:
  Loop(const For& node, Value over, IteratorPtr iterator, bool sized, std::shared_ptr<Scope> scope, std::int64_t depth)
      : node_(node), over_(std::move(over)), iterator_(std::move(iterator)), scope_(std::move(scope)), depth_(depth), sized_(sized) {}

  bool next(Evaluator& evaluator, Value& out) {
    Value value = std::exchange(after_, {});
    if (value.is_missing() && !iterator_->next(evaluator, value)) return false;
    ++index_;
    before_ = std::move(current_);
    current_ = value;
    out = std::move(value);
    return true;
  }

  std::string type_name() const override { return "LoopContext"; }
  bool callable() const override { return true; }
  Value call(Evaluator& evaluator, Arguments& arguments) override {
    const Values values = bind("loop", arguments, {"iterable"}, 1);
    if (!node_.recursive) raise("The loop must have the 'recursive' marker to be called recursively.");
    return evaluator.make(run_recursive(evaluator, node_, values[0], scope_, depth_ + 1));
  }
  Value attribute(Evaluator& evaluator, std::string_view name) override;
  std::optional<std::int64_t> length(Evaluator& evaluator) override;
  Text repr(Evaluator& evaluator) override {
    return Text(fmt::format("<LoopContext {}/{}>", index_ + 1, *length(evaluator)));
  }
  bool changed(Evaluator& evaluator, const Value& value) {
    if (!last_changed_.is_missing() && equal(evaluator, last_changed_, value)) return false;
    last_changed_ = value;
    return true;
  }
  std::int64_t index() const { return index_; }

 private:
  const Value& peek(Evaluator& evaluator) {
    Value value;
    if (after_.is_missing() && iterator_->next(evaluator, value)) after_ = std::move(value);
    return after_;
  }

  const For& node_;
  Value over_;
  IteratorPtr iterator_;
  std::shared_ptr<Scope> scope_;   ///< around the loop
  std::int64_t depth_;
  bool sized_;                     ///< over_ has a length
  std::int64_t index_ = -1;
  std::int64_t length_ = -1;
  Value current_, before_, after_, last_changed_;
};

class ListIterator : public Iterator {
 public:
  explicit ListIterator(Values items) : items_(std::move(items)) {}
  bool next(Evaluator&, Value& out) override {
    if (at_ == items_.size()) return false;
    out = items_[at_++];
    return true;
  }

 private:
  Values items_;
  std::size_t at_ = 0;
};

std::optional<std::int64_t> Loop::length(Evaluator& evaluator) {
  if (length_ >= 0) return length_;
  if (sized_) {
    length_ = *chat_template::length(evaluator, over_);
  } else {
    Values rest;
    for (Value value; iterator_->next(evaluator, value);) rest.push_back(value);
    length_ = static_cast<std::int64_t>(rest.size()) + index_ + 1 + (after_.is_missing() ? 0 : 1);
    iterator_ = std::make_shared<ListIterator>(std::move(rest));
  }
  return length_;
}

/// loop.cycle and loop.changed.
class LoopMethod : public Object {
 public:
  LoopMethod(std::shared_ptr<Loop> loop, bool cycle) : loop_(std::move(loop)), cycle_(cycle) {}
  std::string type_name() const override { return "method"; }
  bool callable() const override { return true; }
  Value call(Evaluator& evaluator, Arguments& arguments) override {
    if (!arguments.named.empty()) raise("loop.{}() takes no keyword arguments", cycle_ ? "cycle" : "changed");
    if (!cycle_) return Value(loop_->changed(evaluator, evaluator.make_list(arguments.positional, true)));
    if (arguments.positional.empty()) raise("no items for cycling given");
    return arguments.positional[static_cast<std::size_t>(loop_->index()) % arguments.positional.size()];
  }

 private:
  std::shared_ptr<Loop> loop_;
  bool cycle_;
};

Value Loop::attribute(Evaluator& evaluator, std::string_view name) {
  if (name == "index") return Value(index_ + 1);
  if (name == "index0") return Value(index_);
  if (name == "first") return Value(index_ == 0);
  if (name == "last") return Value(peek(evaluator).is_missing());
  if (name == "length") return Value(*length(evaluator));
  if (name == "revindex") return Value(*length(evaluator) - index_);
  if (name == "revindex0") return Value(*length(evaluator) - index_ - 1);
  if (name == "depth") return Value(depth_ + 1);
  if (name == "depth0") return Value(depth_);
  if (name == "previtem") return index_ == 0 ? Value::undefined("there is no previous item") : before_;
  if (name == "nextitem") {
    const Value& next = peek(evaluator);
    return next.is_missing() ? Value::undefined("there is no next item") : next;
  }
  if (name != "cycle" && name != "changed") return {};
  return Value(std::shared_ptr<Object>(std::make_shared<LoopMethod>(shared_from_this(), name == "cycle")));
}

}  // namespace

Flow run_loop(Evaluator& evaluator, const For& node, const Value& over, std::int64_t depth) {
  const Evaluator::Nested nested(evaluator);
  IteratorPtr iterator = iterate(evaluator, over);
  const bool sized = node.condition == nullptr && length(evaluator, over).has_value();
  if (node.condition != nullptr) iterator = std::make_shared<Selected>(node, std::move(iterator), evaluator.scope());
  const auto loop = std::make_shared<Loop>(node, over, std::move(iterator), sized, evaluator.scope(), depth);
  const Value loop_value{std::shared_ptr<Object>(loop)};
  bool untouched = true;  // as jinja2: a body left by `continue` or `break` does not count for the `else`
  for (Value item; loop->next(evaluator, item);) {
    const Evaluator::Enter enter(evaluator, evaluator.inner_scope());
    evaluator.scope()->set(kLoop, loop_value);
    evaluator.assign(node.target, item);
    const Flow flow = evaluator.run(node.body);
    if (flow == Flow::leave) break;
    if (flow == Flow::next) untouched = false;
  }
  if (untouched && !node.otherwise.empty()) {
    const Evaluator::Enter enter(evaluator, evaluator.inner_scope());
    return evaluator.run(node.otherwise);
  }
  return Flow::next;
}

Text run_recursive(Evaluator& evaluator, const For& node, const Value& over, const std::shared_ptr<Scope>& scope,
                   std::int64_t depth) {
  Text text;
  const Evaluator::Enter enter(evaluator, scope);
  struct Restore {
    Evaluator& evaluator;
    Text* out;
    ~Restore() { evaluator.redirect(out); }
  } const restore{evaluator, evaluator.redirect(&text)};
  run_loop(evaluator, node, over, depth);
  return text;
}

}  // namespace lmm::chat_template
