#include "lib/chat_template/evaluator.hpp"

#include "lib/chat_template/namespace.hpp"
#include "lib/core/error.hpp"

#include <algorithm>

namespace lmm::chat_template {
namespace {

constexpr int kMaxValueDepth = 250;

}  // namespace

void Scope::set(int name, Value value) {
  for (auto& [other, old] : variables) {
    if (other != name) continue;
    old = std::move(value);
    return;
  }
  variables.emplace_back(name, std::move(value));
}

Evaluator::Evaluator(const Program& program, const Limits& limits, const Clock& clock)
    : program_(program), limits_(limits), clock_(clock), scope_(std::make_shared<Scope>(nullptr)) {}

Evaluator::~Evaluator() {
  for (const Value& value : namespaces_) value.as<Namespace>()->attributes = {};
  for (const auto& scope : scopes_) scope->variables.clear();
}

Rendered Evaluator::render(const Json& variables) {
  try {
    for (const std::string& name : program_.names) {
      const auto given = variables.find(name);
      context_.push_back(given != variables.end() && name != "self" ? from_json(name, *given) : global(name));
    }
    run(program_.body);
  } catch (const Failure& failure) {
    std::string message = failure.message;
    for (char& c : message) {
      if (c == '\n' || c == '\r') c = ' ';
    }
    fail(ErrorCode::bad_template, "{}: line {}: {}", program_.where, line_, message);
  }
  return {output_.bytes(), output_.input()};
}

Value Evaluator::limit_depth(Value value) const {
  if (value.depth() > kMaxValueDepth) raise("a value nested deeper than the limit of {} levels", kMaxValueDepth);
  return value;
}

Value Evaluator::make(Text text) {
  step(1 + text.size() / 16);
  return Value(std::move(text));
}

Value Evaluator::make_list(Values items, bool tuple) {
  step(1 + items.size());
  auto list = std::make_shared<List>();
  for (const Value& item : items) list->depth = std::max(list->depth, item.depth() + 1);
  list->items = std::move(items);
  list->tuple = tuple;
  return limit_depth(Value(std::shared_ptr<const List>(std::move(list))));
}

Value Evaluator::make_dict(Dict dict) {
  step(1 + dict.items.size());
  return limit_depth(Value(std::make_shared<const Dict>(std::move(dict))));
}

Value Evaluator::lookup(int name) const {
  const auto undefined = [&] { return Value::undefined(fmt::format("'{}' is undefined", program_.names[static_cast<std::size_t>(name)])); };
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    for (const auto& [other, value] : scope->variables) {
      if (other == name) return value.is_missing() ? undefined() : value;
    }
  }
  const Value& value = context_[static_cast<std::size_t>(name)];
  return value.is_missing() ? undefined() : value;
}

void Evaluator::assign(const Target& target, const Value& value) {
  step();
  if (!target.attribute.empty()) {
    const Value object = lookup(target.name);
    auto* name_space = object.as<Namespace>();
    if (name_space == nullptr) raise("cannot assign attribute on non-namespace object");
    name_space->set(target.attribute, value);
  } else if (target.name >= 0) {
    scope_->set(target.name, value);
  } else {
    const Values values = to_values(*this, value);
    const std::size_t expected = target.items.size();
    if (values.size() < expected) raise("not enough values to unpack (expected {}, got {})", expected, values.size());
    if (values.size() > expected) raise("too many values to unpack (expected {})", expected);
    for (std::size_t i = 0; i < expected; ++i) assign(target.items[i], values[i]);
  }
}

Flow Evaluator::run(const Body& body) {
  const Nested nested(*this);
  for (const StatementPtr& statement : body) {
    at(statement->line);
    step();
    const Flow flow = statement->run(*this);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

std::pair<Text, Flow> Evaluator::capture(const Body& body, std::shared_ptr<Scope> scope) {
  Text text;
  const Enter enter(*this, std::move(scope));
  struct Restore {
    Evaluator& evaluator;
    Text* out;
    ~Restore() { evaluator.redirect(out); }
  } const restore{*this, redirect(&text)};
  const Flow flow = run(body);
  return {std::move(text), flow};
}

void Evaluator::emit(const Text& text) {
  step(text.size() / 16);
  if (text.size() > limits_.output_bytes || out_->size() > limits_.output_bytes - text.size()) {
    raise("output longer than the limit of {} bytes", limits_.output_bytes);
  }
  out_->append(text);
}

Arguments Evaluator::evaluate(const CallArguments& arguments, Value first) {
  Arguments values;
  values.positional.reserve(arguments.positional.size() + 1);
  if (!first.is_missing()) values.positional.push_back(std::move(first));
  for (const ExprPtr& argument : arguments.positional) values.positional.push_back(argument->eval(*this));
  if (arguments.rest != nullptr) {
    for (Value& value : to_values(*this, arguments.rest->eval(*this))) values.positional.push_back(std::move(value));
  }
  for (const auto& [name, argument] : arguments.named) values.named.emplace_back(name, argument->eval(*this));
  if (arguments.named_rest == nullptr) return values;
  const Value rest = arguments.named_rest->eval(*this);
  if (rest.dict() == nullptr) raise("argument after ** must be a mapping, not {}", rest.type_name());
  step(rest.dict()->items.size() * (values.named.size() + 1));
  for (const auto& [key, value] : rest.dict()->items) {
    if (key.string() == nullptr) raise("keywords must be strings");
    const std::string& name = key.string()->bytes();
    for (const auto& [other, old] : values.named) {
      if (other == name) raise("got multiple values for keyword argument '{}'", name);
    }
    values.named.emplace_back(name, value);
  }
  return values;
}

Value Evaluator::call(const Value& function, Arguments& arguments) {
  const Nested nested(*this);
  if (function.is_undefined()) raise("{}", function.undefined().message);
  Object* object = function.object();
  if (object == nullptr || !object->callable()) raise("'{}' object is not callable", function.type_name());
  return object->call(*this, arguments);
}

Values bind(std::string_view function, const Arguments& arguments, std::initializer_list<std::string_view> parameters,
            std::size_t required, std::size_t positional_only) {
  if (arguments.positional.size() > parameters.size()) {
    raise("{}() takes at most {} arguments ({} given)", function, parameters.size(), arguments.positional.size());
  }
  Values values(arguments.positional);
  values.resize(parameters.size());
  for (const auto& [name, value] : arguments.named) {
    const auto* found = std::find(parameters.begin(), parameters.end(), name);
    const auto index = static_cast<std::size_t>(found - parameters.begin());
    if (index < positional_only || found == parameters.end()) {
      raise("{}() got an unexpected keyword argument '{}'", function, name);
    }
    if (!values[index].is_missing()) raise("{}() got multiple values for argument '{}'", function, name);
    values[index] = value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (values[i].is_missing()) raise("{}() missing required argument '{}'", function, parameters.begin()[i]);
  }
  return values;
}

std::int64_t to_integer(const Value& value, std::string_view what) {
  if (value.is_undefined()) raise("{}", value.undefined().message);
  const auto number = value.integer();
  if (!number) raise("{}: '{}' object cannot be interpreted as an integer", what, value.type_name());
  return *number;
}

const Text& to_string(const Value& value, std::string_view what) {
  if (value.is_undefined()) raise("{}", value.undefined().message);
  if (value.string() == nullptr) raise("{}: expected str, got {}", what, value.type_name());
  return *value.string();
}

}  // namespace lmm::chat_template
