#include "lib/chat_template/macro.hpp"

#include "lib/chat_template/evaluator.hpp"

#include <algorithm>

namespace lmm::chat_template {
namespace {

class Macro : public Object {
 public:
  Macro(const MacroDefinition& definition, std::shared_ptr<Scope> scope) : definition_(definition), scope_(std::move(scope)) {}

  std::string type_name() const override { return "Macro"; }
  bool callable() const override { return true; }
  Value call(Evaluator& evaluator, Arguments& arguments) override;
  Value attribute(Evaluator& evaluator, std::string_view name) override;
  Text repr(Evaluator&) override {
    return Text(definition_.name.empty() ? "<Macro anonymous>" : fmt::format("<Macro '{}'>", definition_.name));
  }

 private:
  void bind_special(Evaluator& evaluator, Scope& scope, Arguments& arguments) const;

  const MacroDefinition& definition_;
  std::shared_ptr<Scope> scope_;
};

Value Macro::attribute(Evaluator& evaluator, std::string_view name) {
  if (name == "name") return definition_.name.empty() ? Value(None{}) : Value::text(definition_.name);
  if (name == "caller") return Value(definition_.uses_caller);
  if (name == "catch_kwargs") return Value(definition_.uses_kwargs);
  if (name == "catch_varargs") return Value(definition_.uses_varargs);
  if (name != "arguments") return {};
  Values names;
  for (const auto& [parameter, otherwise] : definition_.parameters) {
    names.push_back(Value::text(evaluator.program().names[static_cast<std::size_t>(parameter)]));
  }
  return evaluator.make_list(std::move(names), true);
}

/// caller, kwargs and varargs, as jinja2.runtime.Macro.__call__ hands them over.
void Macro::bind_special(Evaluator& evaluator, Scope& scope, Arguments& arguments) const {
  if (definition_.uses_caller) {
    Value caller = arguments.take("caller");
    scope.set(kCaller, caller.is_missing() || caller.is_none() ? Value::undefined("No caller defined") : std::move(caller));
  }
  if (definition_.uses_kwargs) {
    Dict rest;
    for (auto& [name, value] : arguments.named) rest.set(Value::text(name), std::move(value));
    scope.set(kKwargs, evaluator.make_dict(std::move(rest)));
  } else if (!arguments.named.empty()) {
    raise("macro '{}' takes no keyword argument '{}'", definition_.name, arguments.named[0].first);
  }
  const std::size_t count = std::min(arguments.positional.size(), definition_.parameters.size());
  if (definition_.uses_varargs) {
    const auto begin = arguments.positional.begin() + static_cast<std::ptrdiff_t>(count);
    scope.set(kVarargs, evaluator.make_list(Values(begin, arguments.positional.end()), true));
  } else if (arguments.positional.size() > count) {
    raise("macro '{}' takes not more than {} argument(s)", definition_.name, definition_.parameters.size());
  }
}

Value Macro::call(Evaluator& evaluator, Arguments& arguments) {
  auto scope = std::make_shared<Scope>(scope_);
  const std::vector<std::string>& names = evaluator.program().names;
  const auto& parameters = definition_.parameters;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const int name = parameters[i].first;
    scope->set(name, i < arguments.positional.size() ? arguments.positional[i]
                                                     : arguments.take(names[static_cast<std::size_t>(name)]));
  }
  bind_special(evaluator, *scope, arguments);
  {
    const Evaluator::Enter enter(evaluator, scope);
    for (const auto& [name, otherwise] : parameters) {
      const auto variable = std::find_if(scope->variables.begin(), scope->variables.end(),
                                         [wanted = name](const auto& v) { return v.first == wanted; });
      if (!variable->second.is_missing()) continue;
      Value value = otherwise != nullptr
                        ? otherwise->eval(evaluator)
                        : Value::undefined(fmt::format("parameter '{}' was not provided", names[static_cast<std::size_t>(name)]));
      scope->set(name, std::move(value));
    }
  }
  return evaluator.make(evaluator.capture(definition_.body, std::move(scope)).first);
}

}  // namespace

Value make_macro(Evaluator& evaluator, const MacroDefinition& definition) {
  evaluator.step();
  evaluator.own(evaluator.scope());
  return Value(std::shared_ptr<Object>(std::make_shared<Macro>(definition, evaluator.scope())));
}

}  // namespace lmm::chat_template
