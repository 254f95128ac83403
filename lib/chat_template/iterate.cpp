#include "lib/chat_template/evaluator.hpp"
#include "lib/chat_template/value.hpp"

namespace lmm::chat_template {
namespace {

class Characters : public Iterator {
 public:
  explicit Characters(Value value) : value_(std::move(value)) {}
  bool next(Evaluator& evaluator, Value& out) override {
    const Text& text = *value_.string();
    if (at_ == text.size()) return false;
    evaluator.step();
    const std::size_t begin = at_;
    utf8::next(text.bytes(), at_);
    out = Value(text.part(begin, at_));
    return true;
  }

 private:
  Value value_;
  std::size_t at_ = 0;
};

class Items : public Iterator {
 public:
  explicit Items(Value value) : value_(std::move(value)) {}
  bool next(Evaluator& evaluator, Value& out) override {
    const Values& items = value_.sequence()->items;
    if (at_ == items.size()) return false;
    evaluator.step();
    out = items[at_++];
    return true;
  }

 private:
  Value value_;
  std::size_t at_ = 0;
};

class Keys : public Iterator {
 public:
  explicit Keys(Value value) : value_(std::move(value)) {}
  bool next(Evaluator& evaluator, Value& out) override {
    const auto& items = value_.dict()->items;
    if (at_ == items.size()) return false;
    evaluator.step();
    out = items[at_++].first;
    return true;
  }

 private:
  Value value_;
  std::size_t at_ = 0;
};

class Nothing : public Iterator {
 public:
  bool next(Evaluator&, Value&) override { return false; }
};

}  // namespace

bool iterable(const Value& value, Evaluator& evaluator) {
  if (value.string() != nullptr || value.sequence() != nullptr || value.dict() != nullptr || value.is_undefined()) return true;
  return value.object() != nullptr && value.object()->iterate(evaluator) != nullptr;
}

IteratorPtr iterate(Evaluator& evaluator, const Value& value) {
  if (value.string() != nullptr) return std::make_shared<Characters>(value);
  if (value.sequence() != nullptr) return std::make_shared<Items>(value);
  if (value.dict() != nullptr) return std::make_shared<Keys>(value);
  if (value.is_undefined()) return std::make_shared<Nothing>();
  if (Object* object = value.object()) {
    if (IteratorPtr iterator = object->iterate(evaluator)) return iterator;
  }
  raise("'{}' object is not iterable", value.type_name());
}

Values to_values(Evaluator& evaluator, const Value& value) {
  if (const List* list = value.sequence()) {
    evaluator.step(list->items.size());
    return list->items;
  }
  Values values;
  const IteratorPtr iterator = iterate(evaluator, value);
  for (Value item; iterator->next(evaluator, item);) values.push_back(item);
  return values;
}

}  // namespace lmm::chat_template
