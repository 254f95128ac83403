#include "lib/chat_template/ast.hpp"
#include "lib/chat_template/evaluator.hpp"

#include <limits>

namespace lmm::chat_template {

Value Name::eval(Evaluator& evaluator) const {
  evaluator.step();
  return evaluator.lookup(name);
}

Value Sequence::eval(Evaluator& evaluator) const {
  const Evaluator::Nested nested(evaluator);
  Values values;
  values.reserve(items.size());
  for (const ExprPtr& item : items) values.push_back(item->eval(evaluator));
  return evaluator.make_list(std::move(values), tuple);
}

Value DictLiteral::eval(Evaluator& evaluator) const {
  const Evaluator::Nested nested(evaluator);
  Dict dict;
  for (const auto& [key, value] : items) {
    const Value key_value = key->eval(evaluator);
    Value item = value->eval(evaluator);
    evaluator.at(line);
    dict.set(key_value, std::move(item));
  }
  return evaluator.make_dict(std::move(dict));
}

Value GetAttribute::eval(Evaluator& evaluator) const {
  const Evaluator::Nested nested(evaluator);
  const Value value = object->eval(evaluator);
  evaluator.step();
  evaluator.at(line);
  return evaluator.get_attribute(value, attribute);
}

Value GetItem::eval(Evaluator& evaluator) const {
  const Evaluator::Nested nested(evaluator);
  const Value value = object->eval(evaluator);
  const Value key = item->eval(evaluator);
  evaluator.step();
  evaluator.at(line);
  return evaluator.get_item(value, key);
}

Value Call::eval(Evaluator& evaluator) const { return call(evaluator, {}); }

Value Call::call(Evaluator& evaluator, Value caller) const {
  const Evaluator::Nested nested(evaluator);
  const Value callee = function->eval(evaluator);
  Arguments values = evaluator.evaluate(arguments);
  if (!caller.is_missing()) values.named.emplace_back("caller", std::move(caller));
  evaluator.step();
  evaluator.at(line);
  return evaluator.call(callee, values);
}

Value Apply::eval(Evaluator& evaluator) const { return apply(evaluator, value->eval(evaluator)); }

Value Apply::apply(Evaluator& evaluator, Value first) const {
  const Evaluator::Nested nested(evaluator);
  if (function == nullptr) raise("no {} named '{}'", test ? "test" : "filter", name);
  Arguments values = evaluator.evaluate(arguments, std::move(first));
  evaluator.step();
  evaluator.at(line);
  return function(evaluator, values);
}

Value Conditional::eval(Evaluator& evaluator) const {
  const Evaluator::Nested nested(evaluator);
  if (truth(evaluator, condition->eval(evaluator))) return then->eval(evaluator);
  if (otherwise != nullptr) return otherwise->eval(evaluator);
  return Value::undefined(fmt::format(
      "the inline if-expression on line {} evaluated to false and no else section was defined.", line));
}

Value Concat::eval(Evaluator& evaluator) const {
  const Evaluator::Nested nested(evaluator);
  Text text;
  for (const ExprPtr& item : items) text.append(to_text(evaluator, item->eval(evaluator)));
  return evaluator.make(std::move(text));
}

namespace {

bool compare(Evaluator& evaluator, Comparison kind, const Value& left, const Value& right) {
  switch (kind) {
    case Comparison::equal: return equal(evaluator, left, right);
    case Comparison::not_equal: return !equal(evaluator, left, right);
    case Comparison::less: return less(evaluator, left, right);
    case Comparison::greater: return less(evaluator, right, left);
    case Comparison::in: return contains(evaluator, right, left);
    case Comparison::not_in: return !contains(evaluator, right, left);
    default: break;
  }
  // <= and >= differ from "not greater" and "not less" for NaN only
  const bool smaller = kind == Comparison::less_equal ? less(evaluator, left, right) : less(evaluator, right, left);
  return smaller || equal(evaluator, left, right);
}

}  // namespace

Value Compare::eval(Evaluator& evaluator) const {
  const Evaluator::Nested nested(evaluator);
  Value left = first->eval(evaluator);
  for (const auto& [kind, operand] : rest) {
    Value right = operand->eval(evaluator);
    evaluator.at(line);
    if (!compare(evaluator, kind, left, right)) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Binary::eval(Evaluator& evaluator) const {
  const Evaluator::Nested nested(evaluator);
  const Value first = left->eval(evaluator);
  const Value second = right->eval(evaluator);
  evaluator.step();
  evaluator.at(line);
  return binary(evaluator, op, first, second);
}

Value Logical::eval(Evaluator& evaluator) const {
  const Evaluator::Nested nested(evaluator);
  Value first = left->eval(evaluator);
  return truth(evaluator, first) == conjunction ? right->eval(evaluator) : first;
}

Value Unary::eval(Evaluator& evaluator) const {
  const Evaluator::Nested nested(evaluator);
  const Value value = operand->eval(evaluator);
  evaluator.at(line);
  if (op == '!') return Value(!truth(evaluator, value));
  if (value.is_undefined()) raise("{}", value.undefined().message);
  if (value.is_float()) return Value(op == '-' ? -*value.number() : *value.number());
  const auto number = value.integer();
  if (!number) raise("bad operand type for unary {}: '{}'", op, value.type_name());
  if (op == '-' && *number == std::numeric_limits<std::int64_t>::min()) raise("integer overflow");
  return Value(op == '-' ? -*number : *number);
}

}  // namespace lmm::chat_template
