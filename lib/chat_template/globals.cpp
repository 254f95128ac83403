#include "lib/chat_template/evaluator.hpp"
#include "lib/chat_template/namespace.hpp"
#include "lib/chat_template/range.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace lmm::chat_template {

Value Namespace::attribute(Evaluator&, std::string_view name) {
  const Value* found = attributes.find(name);
  return found == nullptr ? Value() : *found;
}

void Namespace::set(std::string_view name, Value value) {
  if (name.starts_with("_")) {
    raise("Chat templates cannot store underscore-prefixed attributes on a namespace, but got '{}'. Please rename the attribute.", name);
  }
  attributes.set(Value::text(name), std::move(value));
}

Text Namespace::repr(Evaluator& evaluator) {
  Text text("<Namespace {");
  bool first = true;
  for (const auto& [name, value] : attributes.items) {
    if (!first) text.append(", ");
    first = false;
    text.append(chat_template::repr(evaluator, name));
    text.append(": ");
    text.append(chat_template::repr(evaluator, value));
  }
  text.append("}>");
  return text;
}

Range::Range(std::int64_t start, std::int64_t stop, std::int64_t step) : start_(start), stop_(stop), step_(step) {
  if (step == 0) raise("range() arg 3 must not be zero");
  if (step > 0 ? start >= stop : start <= stop) return;
  const auto low = static_cast<std::uint64_t>(step > 0 ? start : stop);
  const auto high = static_cast<std::uint64_t>(step > 0 ? stop : start);
  const std::uint64_t width = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::uint64_t count = (high - low - 1) / width + 1;
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  count_ = static_cast<std::int64_t>(std::min(count, most));
}

Value Range::attribute(Evaluator&, std::string_view name) {
  if (name == "start") return Value(start_);
  if (name == "stop") return Value(stop_);
  if (name == "step") return Value(step_);
  if (name == "count" || name == "index") raise("the method 'range.{}' is not supported", name);
  return {};
}

Value Range::item(Evaluator&, const Value& key) {
  const auto index = key.integer();
  if (!index) return {};
  const std::int64_t position = *index < 0 ? *index + count_ : *index;
  if (position < 0 || position >= count_) return {};
  return Value(at(position));
}

Value Range::slice(std::int64_t first, std::int64_t last, std::int64_t step) const {
  std::int64_t stride = 0;
  if (__builtin_mul_overflow(step_, step, &stride)) raise("integer overflow in the slice of a range");
  return Value(std::shared_ptr<Object>(std::make_shared<Range>(at(first), at(last), stride)));
}

Text Range::repr(Evaluator&) {
  return Text(step_ == 1 ? fmt::format("range({}, {})", start_, stop_) : fmt::format("range({}, {}, {})", start_, stop_, step_));
}

IteratorPtr Range::iterate(Evaluator&) {
  class Numbers : public Iterator {
   public:
    explicit Numbers(const Range& range) : range_(range) {}
    bool next(Evaluator& evaluator, Value& out) override {
      if (at_ == range_.count()) return false;
      evaluator.step();
      out = Value(range_.at(at_++));
      return true;
    }

   private:
    Range range_;
    std::int64_t at_ = 0;
  };
  return std::make_shared<Numbers>(*this);
}

namespace {

class Function : public Object {
 public:
  Function(const char* name, Builtin function) : name_(name), function_(function) {}
  std::string type_name() const override { return "function"; }
  bool callable() const override { return true; }
  Value call(Evaluator& evaluator, Arguments& arguments) override { return function_(evaluator, arguments); }
  Value attribute(Evaluator&, std::string_view name) override;

 private:
  std::string_view name_;
  Builtin function_;
};

/// cycler(...)
class Cycler : public Object {
 public:
  explicit Cycler(Value items) : items_(std::move(items)) {}
  std::string type_name() const override { return "Cycler"; }
  int depth() const override { return items_.depth(); }
  Value attribute(Evaluator& evaluator, std::string_view name) override;

 private:
  class Method : public Object {
   public:
    Method(std::shared_ptr<Object> cycler, bool next) : cycler_(std::move(cycler)), next_(next) {}
    std::string type_name() const override { return "method"; }
    bool callable() const override { return true; }
    Value call(Evaluator&, Arguments& arguments) override {
      bind(next_ ? "next" : "reset", arguments, {}, 0);
      auto& cycler = static_cast<Cycler&>(*cycler_);
      if (!next_) {
        cycler.at_ = 0;
        return Value(None{});
      }
      const Values& items = cycler.items_.sequence()->items;
      const Value& item = items[cycler.at_];
      cycler.at_ = (cycler.at_ + 1) % items.size();
      return item;
    }

   private:
    std::shared_ptr<Object> cycler_;
    bool next_;
  };
  friend Value make_cycler(Evaluator&, Arguments&);
  std::weak_ptr<Object> self_;
  Value items_;
  std::size_t at_ = 0;
};

Value Cycler::attribute(Evaluator&, std::string_view name) {
  if (name == "current") return items_.sequence()->items[at_];
  if (name == "items") return items_;
  if (name == "pos") return Value(static_cast<std::int64_t>(at_));
  if (name != "next" && name != "reset") return {};
  return Value(std::shared_ptr<Object>(std::make_shared<Method>(self_.lock(), name == "next")));
}

Value make_cycler(Evaluator& evaluator, Arguments& arguments) {
  if (!arguments.named.empty()) raise("cycler() takes no keyword arguments");
  if (arguments.positional.empty()) raise("at least one item has to be provided");
  const auto cycler = std::make_shared<Cycler>(evaluator.make_list(std::move(arguments.positional), true));
  cycler->self_ = cycler;
  return Value(std::shared_ptr<Object>(cycler));
}

/// joiner(...): nothing at its first call, the separator from then on.
class Joiner : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  std::string type_name() const override { return "Joiner"; }
  int depth() const override { return separator_.depth(); }
  bool callable() const override { return true; }
  Value call(Evaluator&, Arguments& arguments) override {
    bind("joiner", arguments, {}, 0);
    return std::exchange(used_, true) ? separator_ : Value::text("");
  }
  Value attribute(Evaluator&, std::string_view name) override {
    return name == "sep" ? separator_ : name == "used" ? Value(used_) : Value();
  }

 private:
  Value separator_;
  bool used_ = false;
};

Value make_joiner(Evaluator&, Arguments& arguments) {
  Value separator = bind("joiner", arguments, {"sep"}, 0)[0];
  return Value(std::shared_ptr<Object>(std::make_shared<Joiner>(separator.is_missing() ? Value::text(", ") : std::move(separator))));
}

/// dict(mapping or pairs, **named)
Dict dict_of(Evaluator& evaluator, Arguments& arguments, std::string_view function) {
  if (arguments.positional.size() > 1) raise("{} expected at most 1 argument, got {}", function, arguments.positional.size());
  Dict dict;
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (source.dict() != nullptr) {
      evaluator.step(source.dict()->items.size());
      dict = *source.dict();
    } else {
      for (const Value& pair : to_values(evaluator, source)) {
        const Values parts = to_values(evaluator, pair);
        if (parts.size() != 2) raise("dictionary update sequence element has length {}; 2 is required", parts.size());
        dict.set(parts[0], parts[1]);
      }
    }
  }
  for (auto& [name, value] : arguments.named) dict.set(Value::text(name), std::move(value));
  return dict;
}

Value make_dict(Evaluator& evaluator, Arguments& arguments) { return evaluator.make_dict(dict_of(evaluator, arguments, "dict")); }

Value from_keys(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("fromkeys", arguments, {"iterable", "value"}, 1, 2);
  Dict dict;
  for (const Value& key : to_values(evaluator, values[0])) dict.set(key, values[1].is_missing() ? Value(None{}) : values[1]);
  return evaluator.make_dict(std::move(dict));
}

Value make_namespace(Evaluator& evaluator, Arguments& arguments) {
  const auto created = std::make_shared<Namespace>();
  evaluator.step();
  for (auto& [key, value] : dict_of(evaluator, arguments, "namespace").items) {
    if (key.string() == nullptr) {
      created->attributes.set(key, std::move(value));
    } else {
      created->set(key.string()->bytes(), std::move(value));
    }
  }
  Value value{std::shared_ptr<Object>(created)};
  evaluator.own(value);
  return value;
}

Value make_range(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("range", arguments, {"start", "stop", "step"}, 1, 3);
  const std::int64_t first = to_integer(values[0], "range()");
  const bool one = values[1].is_missing();
  const auto range = std::make_shared<Range>(one ? 0 : first, one ? first : to_integer(values[1], "range()"),
                                             values[2].is_missing() ? 1 : to_integer(values[2], "range()"));
  if (range->count() > evaluator.limits().range_items) {
    raise("range of {} items, the limit is {}", range->count(), evaluator.limits().range_items);
  }
  return Value(std::shared_ptr<Object>(range));
}

Value raise_exception(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("raise_exception", arguments, {"message"}, 1);
  raise("{}", to_text(evaluator, values[0]).bytes());
}

Value strftime_now(Evaluator& evaluator, Arguments& arguments) {
  const Values values = bind("strftime_now", arguments, {"format"}, 1);
  return evaluator.make(Text(strftime(to_string(values[0], "strftime_now()").bytes(), evaluator.clock()())));
}

/// `self`: blocks of a template, of which there are none here.
class TemplateReference : public Object {
 public:
  std::string type_name() const override { return "TemplateReference"; }
  Text repr(Evaluator&) override { return Text("<TemplateReference None>"); }
};

Value lipsum(Evaluator&, Arguments&) { raise("the function 'lipsum' is not supported"); }

struct Global {
  const char* name;
  Builtin function;
};
constexpr std::array<Global, 8> kGlobals = {{{"range", make_range},
                                             {"dict", make_dict},
                                             {"namespace", make_namespace},
                                             {"cycler", make_cycler},
                                             {"joiner", make_joiner},
                                             {"raise_exception", raise_exception},
                                             {"strftime_now", strftime_now},
                                             {"lipsum", lipsum}}};

Value Function::attribute(Evaluator&, std::string_view name) {
  if (name_ != "dict" || name != "fromkeys") return {};
  return Value(std::shared_ptr<Object>(std::make_shared<Function>("fromkeys", from_keys)));
}

}  // namespace

Value global(std::string_view name) {
  if (name == "self") return Value(std::shared_ptr<Object>(std::make_shared<TemplateReference>()));
  for (const auto& [known, function] : kGlobals) {
    if (name == known) return Value(std::shared_ptr<Object>(std::make_shared<Function>(known, function)));
  }
  return {};
}

}  // namespace lmm::chat_template
