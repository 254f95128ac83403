#pragma once

#include "lib/chat_template/ast.hpp"
#include "lib/chat_template/chat_template.hpp"
#include "lib/chat_template/value.hpp"

#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace lmm::chat_template {

/// Variables of a block. A missing value hides outer ones and reads as undefined.
struct Scope {
  explicit Scope(std::shared_ptr<Scope> outer) : parent(std::move(outer)) {}
  std::shared_ptr<Scope> parent;
  std::vector<std::pair<int, Value>> variables;
  void set(int name, Value value);
};

/// One rendering of one template. Failures carry no place; render() adds it.
class Evaluator {
 public:
  Evaluator(const Program& program, const Limits& limits, const Clock& clock);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  Rendered render(const Json& variables);

  /// Counts nested evaluations.
  class Nested {
   public:
    explicit Nested(Evaluator& evaluator) : evaluator_(evaluator) {
      if (++evaluator_.depth_ > evaluator_.limits_.depth) {
        --evaluator_.depth_;
        raise("nested deeper than the limit of {} evaluations", evaluator_.limits_.depth);
      }
    }
    ~Nested() { --evaluator_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Evaluator& evaluator_;
  };

  /// Makes a scope the current one for as long as it lives.
  class Enter {
   public:
    Enter(Evaluator& evaluator, std::shared_ptr<Scope> scope)
        : evaluator_(evaluator), outer_(std::exchange(evaluator.scope_, std::move(scope))) {}
    ~Enter() { evaluator_.scope_ = std::move(outer_); }
    Enter(const Enter&) = delete;
    Enter& operator=(const Enter&) = delete;

   private:
    Evaluator& evaluator_;
    std::shared_ptr<Scope> outer_;
  };

  void step(std::size_t count = 1) {
    steps_ += count;
    if (steps_ > limits_.steps) raise("more than the limit of {} steps", limits_.steps);
  }
  void at(int line) noexcept { line_ = line; }
  const Limits& limits() const noexcept { return limits_; }
  const Clock& clock() const noexcept { return clock_; }
  const Program& program() const noexcept { return program_; }

  /// Values of any size are made through these, which count them against the limits.
  Value make(Text text);
  Value make_list(Values items, bool tuple = false);
  Value make_dict(Dict dict);

  Value lookup(int name) const;
  void assign(const Target& target, const Value& value);
  const std::shared_ptr<Scope>& scope() const noexcept { return scope_; }
  std::shared_ptr<Scope> inner_scope() const { return std::make_shared<Scope>(scope_); }

  Flow run(const Body& body);
  /// Runs the body in `scope` and gives what it printed, and how it ended.
  std::pair<Text, Flow> capture(const Body& body, std::shared_ptr<Scope> scope);
  void emit(const Text& text);
  Text* redirect(Text* out) noexcept { return std::exchange(out_, out); }

  Arguments evaluate(const CallArguments& arguments, Value first = {});
  Value call(const Value& function, Arguments& arguments);
  Value get_attribute(const Value& object, std::string_view name);   ///< object.name
  Value get_item(const Value& object, const Value& key);             ///< object[key]

  /// What may take part in a cycle of owners: kept and emptied at the end.
  void own(std::shared_ptr<Scope> scope) { scopes_.push_back(std::move(scope)); }
  void own(const Value& name_space) { namespaces_.push_back(name_space); }

 private:
  Value limit_depth(Value value) const;

  const Program& program_;
  const Limits& limits_;
  const Clock& clock_;
  std::vector<Value> context_;                 ///< by name: variables given, globals
  std::shared_ptr<Scope> scope_;
  std::vector<std::shared_ptr<Scope>> scopes_;
  Values namespaces_;
  Text output_;
  Text* out_ = &output_;
  std::uint64_t steps_ = 0;
  int depth_ = 0;
  int line_ = 1;
};

/// Binds a call's arguments to parameters as Python does: one value a parameter, missing where not given.
/// The first `positional_only` cannot be named. Failure as Python's TypeError.
Values bind(std::string_view function, const Arguments& arguments, std::initializer_list<std::string_view> parameters,
            std::size_t required, std::size_t positional_only = 0);

/// An argument that must be an integer. Failure otherwise.
std::int64_t to_integer(const Value& value, std::string_view what);
/// An argument that must be a str. Failure otherwise.
const Text& to_string(const Value& value, std::string_view what);

Value binary(Evaluator& evaluator, Arithmetic op, const Value& left, const Value& right);
/// str % value
Text printf_format(Evaluator& evaluator, const Text& format, const Value& value);
/// str.format
Text str_format(Evaluator& evaluator, const Text& format, const Arguments& arguments);
/// One value in a format specification of str.format.
Text format_value(Evaluator& evaluator, const Value& value, std::string_view specification);

Value global(std::string_view name);           ///< missing where jinja2 has no such global
/// A variable given by the host, `name` being its own at the top; strings are marked as input.
Value from_json(std::string_view name, const Json& json);
Text to_json(Evaluator& evaluator, const Value& value, Arguments& arguments);
std::string strftime(std::string_view format, const std::tm& time);

/// A method of str, list, tuple, dict, int or float; missing where the type has none of that name; undefined where
/// the sandbox hides it.
Value method(const Value& self, std::string_view name);

/// An iterator as a value: jinja2's lazy filters give such.
Value generator(IteratorPtr iterator, int depth, std::string type_name = "generator");

/// object.name without a look at items; missing where there is none.
Value attribute_only(Evaluator& evaluator, const Value& object, std::string_view name);

/// Attribute path of map, sort and the like: dots go deeper, digits are indices.
Value attribute_path(Evaluator& evaluator, const Value& object, const Value& path, const Value& otherwise = {});

}  // namespace lmm::chat_template
