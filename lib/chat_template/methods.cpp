#include "lib/chat_template/methods.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace lmm::chat_template {
namespace {

/// dict.items(), dict.keys(), dict.values().
class DictView : public Object {
 public:
  enum class Kind { items, keys, values };
  DictView(Value dict, Kind kind) : dict_(std::move(dict)), kind_(kind) {}

  std::string type_name() const override {
    return kind_ == Kind::items ? "dict_items" : kind_ == Kind::keys ? "dict_keys" : "dict_values";
  }
  int depth() const override { return dict_.depth(); }
  bool reversible() const override { return true; }
  std::optional<std::int64_t> length(Evaluator&) override { return static_cast<std::int64_t>(dict_.dict()->items.size()); }
  IteratorPtr iterate(Evaluator&) override { return std::make_shared<Entries>(dict_, kind_); }
  Text repr(Evaluator& evaluator) override {
    Text text(type_name() + "(");
    text.append(chat_template::repr(evaluator, evaluator.make_list(to_values(evaluator, Value(dict_view())))));
    text.append(")");
    return text;
  }

 private:
  class Entries : public Iterator {
   public:
    Entries(Value dict, Kind kind) : dict_(std::move(dict)), kind_(kind) {}
    bool next(Evaluator& evaluator, Value& out) override {
      const auto& items = dict_.dict()->items;
      if (at_ == items.size()) return false;
      evaluator.step();
      const auto& [key, value] = items[at_++];
      out = kind_ == Kind::keys ? key : kind_ == Kind::values ? value : evaluator.make_list({key, value}, true);
      return true;
    }

   private:
    Value dict_;
    Kind kind_;
    std::size_t at_ = 0;
  };
  std::shared_ptr<Object> dict_view() const { return std::make_shared<DictView>(dict_, kind_); }

  Value dict_;
  Kind kind_;
};

template <DictView::Kind kind>
Value view(Evaluator&, const Value& self, Arguments& arguments) {
  bind("dict view", arguments, {}, 0);
  return Value(std::shared_ptr<Object>(std::make_shared<DictView>(self, kind)));
}

Value dict_get(Evaluator&, const Value& self, Arguments& arguments) {
  const Values values = bind("get", arguments, {"key", "default"}, 1, 2);
  const Value* found = self.dict()->find(values[0]);
  if (found != nullptr) return *found;
  return values[1].is_missing() ? Value(None{}) : values[1];
}

Value copy(Evaluator&, const Value& self, Arguments& arguments) {
  bind("copy", arguments, {}, 0);
  return self;  // values never change
}

Value sequence_count(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("count", arguments, {"value"}, 1, 1);
  std::int64_t count = 0;
  for (const Value& item : self.sequence()->items) {
    if (item.same(values[0]) || equal(evaluator, item, values[0])) ++count;
  }
  return Value(count);
}

Value sequence_index(Evaluator& evaluator, const Value& self, Arguments& arguments) {
  const Values values = bind("index", arguments, {"value", "start", "stop"}, 1, 3);
  const Values& items = self.sequence()->items;
  const auto size = static_cast<std::int64_t>(items.size());
  const auto bound = [&](const Value& value, std::int64_t otherwise) {
    if (value.is_missing()) return otherwise;
    const std::int64_t at = to_integer(value, "index()");
    return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
  };
  const std::int64_t stop = bound(values[2], size);
  for (std::int64_t i = bound(values[1], 0); i < stop; ++i) {
    const Value& item = items[static_cast<std::size_t>(i)];
    if (item.same(values[0]) || equal(evaluator, item, values[0])) return Value(i);
  }
  raise("{} is not in {}", repr(evaluator, values[0]).bytes(), self.type_name());
}

Value is_integer(Evaluator&, const Value& self, Arguments& arguments) {
  bind("is_integer", arguments, {}, 0);
  const double number = *self.number();
  return Value(std::isfinite(number) && std::floor(number) == number);
}

struct Entry {
  std::string_view name;
  MethodFunction function;
};
constexpr std::array<Entry, 5> kDictMethods = {{{"get", dict_get},
                                                {"items", view<DictView::Kind::items>},
                                                {"keys", view<DictView::Kind::keys>},
                                                {"values", view<DictView::Kind::values>},
                                                {"copy", copy}}};
constexpr std::array<Entry, 2> kSequenceMethods = {{{"index", sequence_index}, {"count", sequence_count}}};
constexpr std::array<std::string_view, 5> kDictMutators = {"clear", "pop", "popitem", "setdefault", "update"};
constexpr std::array<std::string_view, 8> kListMutators = {"append", "clear", "pop",    "reverse",
                                                           "insert", "sort",  "extend", "remove"};

template <typename Table>
MethodFunction find(const Table& table, std::string_view name) {
  const auto* found = std::find_if(table.begin(), table.end(), [&](const Entry& entry) { return entry.name == name; });
  return found == table.end() ? nullptr : found->function;
}

class Method : public Object {
 public:
  Method(Value self, MethodFunction function) : self_(std::move(self)), function_(function) {}
  std::string type_name() const override { return "builtin_function_or_method"; }
  int depth() const override { return self_.depth(); }
  bool callable() const override { return true; }
  Value call(Evaluator& evaluator, Arguments& arguments) override { return function_(evaluator, self_, arguments); }

 private:
  Value self_;
  MethodFunction function_;
};

class TextTest : public Object {
 public:
  TextTest(Value self, std::string_view name) : self_(std::move(self)), name_(name) {}
  std::string type_name() const override { return "builtin_function_or_method"; }
  bool callable() const override { return true; }
  Value call(Evaluator& evaluator, Arguments& arguments) override {
    bind(name_, arguments, {}, 0);
    return text_test(evaluator, name_, *self_.string());
  }

 private:
  Value self_;
  std::string name_;
};

Value hidden(const Value& self, std::string_view name) {
  return Value::undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe.", name, self.type_name()));
}

Value number_attribute(const Value& self, std::string_view name) {
  if (name == "real") return self.is_bool() ? Value(*self.integer()) : self;
  if (name == "imag") return self.is_float() ? Value(0.0) : Value(std::int64_t{0});
  if (self.is_float()) return {};
  if (name == "numerator") return Value(*self.integer());
  return name == "denominator" ? Value(std::int64_t{1}) : Value();
}

}  // namespace

Value method(const Value& self, std::string_view name) {
  MethodFunction function = nullptr;
  if (self.string() != nullptr) {
    if (is_text_test(name)) return Value(std::shared_ptr<Object>(std::make_shared<TextTest>(self, name)));
    function = find_text_method(name);
  } else if (self.dict() != nullptr) {
    if (std::find(kDictMutators.begin(), kDictMutators.end(), name) != kDictMutators.end()) return hidden(self, name);
    if (name == "fromkeys") return Value::undefined("the method 'dict.fromkeys' is supported on the global dict only");
    function = find(kDictMethods, name);
  } else if (const List* list = self.sequence()) {
    const bool mutator = std::find(kListMutators.begin(), kListMutators.end(), name) != kListMutators.end();
    if (!list->tuple && mutator) return hidden(self, name);
    function = !list->tuple && name == "copy" ? copy : find(kSequenceMethods, name);
  } else if (self.number()) {
    if (!self.is_float() || name != "is_integer") return number_attribute(self, name);
    function = is_integer;
  }
  return function == nullptr ? Value() : Value(std::shared_ptr<Object>(std::make_shared<Method>(self, function)));
}

Value generator(IteratorPtr iterator, int depth, std::string type_name) {
  class Generator : public Object {
   public:
    Generator(IteratorPtr source, int levels, std::string type) : source_(std::move(source)), type_(std::move(type)), depth_(levels) {}
    std::string type_name() const override { return type_; }
    int depth() const override { return depth_; }
    IteratorPtr iterate(Evaluator&) override { return source_; }

   private:
    IteratorPtr source_;
    std::string type_;
    int depth_;
  };
  if (depth > 200) raise("filters chained deeper than the limit of 200 levels");
  return Value(std::shared_ptr<Object>(std::make_shared<Generator>(std::move(iterator), depth, std::move(type_name))));
}

}  // namespace lmm::chat_template
