#pragma once

#include "lib/chat_template/value.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lmm::chat_template {

class Evaluator;

/// A node of an expression. Immutable once parsed.
struct Expr {
  virtual ~Expr() = default;
  virtual Value eval(Evaluator& evaluator) const = 0;
  int line = 0;
  int depth = 1;  ///< levels of expressions within
};
using ExprPtr = std::unique_ptr<Expr>;

enum class Flow { next, leave, again };  ///< how a body ended: by its end, by `break`, by `continue`

struct Statement {
  virtual ~Statement() = default;
  virtual Flow run(Evaluator& evaluator) const = 0;
  int line = 0;
};
using StatementPtr = std::unique_ptr<Statement>;
using Body = std::vector<StatementPtr>;

/// A filter, a test or a global function; for filters and tests the value is the first argument.
using Builtin = Value (*)(Evaluator&, Arguments&);

/// What a name, an attribute of a namespace or a tuple of such is assigned to.
struct Target {
  int name = -1;                ///< number of the name; -1 for a tuple
  std::string attribute;        ///< of the namespace `name`, where not empty
  std::vector<Target> items;
};

struct CallArguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr rest;                 ///< *rest
  ExprPtr named_rest;           ///< **named_rest
};

struct Constant : Expr {
  Value value;
  Value eval(Evaluator&) const override { return value; }
};

struct Name : Expr {
  int name = 0;
  Value eval(Evaluator&) const override;
};

struct Sequence : Expr {
  std::vector<ExprPtr> items;
  bool tuple = false;
  Value eval(Evaluator&) const override;
};

struct DictLiteral : Expr {
  std::vector<std::pair<ExprPtr, ExprPtr>> items;
  Value eval(Evaluator&) const override;
};

struct GetAttribute : Expr {
  ExprPtr object;
  std::string attribute;
  Value eval(Evaluator&) const override;
};

struct GetItem : Expr {
  ExprPtr object;
  ExprPtr item;
  Value eval(Evaluator&) const override;
};

struct GetSlice : Expr {
  ExprPtr object;
  ExprPtr start, stop, step;    ///< null where left out
  Value eval(Evaluator&) const override;
};

struct Call : Expr {
  ExprPtr function;
  CallArguments arguments;
  Value eval(Evaluator&) const override;
  Value call(Evaluator&, Value caller) const;   ///< caller: missing, or the macro of a call block
};

/// value|filter, or value is test.
struct Apply : Expr {
  ExprPtr value;                ///< null in a filter block: the block's text
  std::string name;
  bool test = false;
  Builtin function = nullptr;   ///< null where there is none of that name
  CallArguments arguments;
  Value eval(Evaluator&) const override;
  Value apply(Evaluator&, Value first) const;
};

struct Conditional : Expr {
  ExprPtr condition, then, otherwise;   ///< otherwise may be null
  Value eval(Evaluator&) const override;
};

struct Concat : Expr {
  std::vector<ExprPtr> items;
  Value eval(Evaluator&) const override;
};

enum class Comparison { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };

struct Compare : Expr {
  ExprPtr first;
  std::vector<std::pair<Comparison, ExprPtr>> rest;
  Value eval(Evaluator&) const override;
};

enum class Arithmetic { add, subtract, multiply, divide, floor_divide, modulo, power };

struct Binary : Expr {
  Arithmetic op = Arithmetic::add;
  ExprPtr left, right;
  Value eval(Evaluator&) const override;
};

struct Logical : Expr {
  bool conjunction = false;     ///< and; or otherwise
  ExprPtr left, right;
  Value eval(Evaluator&) const override;
};

struct Unary : Expr {
  char op = '!';                ///< '!' not, '-', '+'
  ExprPtr operand;
  Value eval(Evaluator&) const override;
};

struct Data : Statement {
  Text text;
  Flow run(Evaluator&) const override;
};

struct Output : Statement {
  std::vector<ExprPtr> items;
  Flow run(Evaluator&) const override;
};

struct If : Statement {
  std::vector<std::pair<ExprPtr, Body>> branches;
  Body otherwise;
  Flow run(Evaluator&) const override;
};

struct For : Statement {
  Target target;
  ExprPtr iterable;
  ExprPtr condition;            ///< may be null
  Body body, otherwise;
  bool recursive = false;
  Flow run(Evaluator&) const override;
};

struct Set : Statement {
  Target target;
  ExprPtr value;
  Flow run(Evaluator&) const override;
};

struct SetBlock : Statement {
  Target target;
  std::vector<std::unique_ptr<Apply>> filters;
  Body body;
  Flow run(Evaluator&) const override;
};

struct FilterBlock : Statement {
  std::vector<std::unique_ptr<Apply>> filters;
  Body body;
  Flow run(Evaluator&) const override;
};

struct With : Statement {
  std::vector<std::pair<Target, ExprPtr>> items;
  Body body;
  Flow run(Evaluator&) const override;
};

/// What a macro and the body of a call block share.
struct MacroDefinition {
  std::string name;             ///< empty for a call block
  std::vector<std::pair<int, ExprPtr>> parameters;   ///< name, default or null
  Body body;
  int line = 0;
  bool uses_caller = false, uses_kwargs = false, uses_varargs = false;
};

struct MacroStatement : Statement {
  int name = 0;
  MacroDefinition macro;
  Flow run(Evaluator&) const override;
};

struct CallBlock : Statement {
  std::unique_ptr<Call> call;
  MacroDefinition macro;
  Flow run(Evaluator&) const override;
};

/// `generation`: marks what the assistant wrote; here only a scope of its own.
struct Generation : Statement {
  Body body;
  Flow run(Evaluator&) const override;
};

struct LoopControl : Statement {
  Flow flow = Flow::leave;
  Flow run(Evaluator&) const override { return flow; }
};

/// A parsed template. Names are numbered; the first ones are those below.
struct Program {
  std::string source;
  std::string where;
  std::vector<std::string> names;
  Body body;
};

enum WellKnownName { kLoop = 0, kCaller, kKwargs, kVarargs, kWellKnownNames };

Builtin find_filter(std::string_view name);
Builtin find_test(std::string_view name);

}  // namespace lmm::chat_template
