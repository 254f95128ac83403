#pragma once

#include "lib/chat_template/ast.hpp"
#include "lib/chat_template/lexer.hpp"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lmm::chat_template {

/// Builds a Program from a template's text, by the grammar of jinja2.parser. Error bad_template.
class Parser {
 public:
  Parser(std::string source, std::string where);
  std::shared_ptr<const Program> parse();

 private:
  static constexpr int kMaxDepth = 250;   ///< of nested expressions and of nested blocks

  /// Counts nested parsing, so that a hostile template cannot overflow the stack.
  class Deeper {
   public:
    explicit Deeper(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxDepth) parser_.error("nested deeper than {} levels", kMaxDepth);
    }
    ~Deeper() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  struct Pending {
    Place place;
    std::string message;
  };

  const Token& current() const { return tokens_[at_]; }
  const Token& look() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  Token advance();
  bool skip_op(std::string_view op);
  bool skip_name(std::string_view name);
  void expect_op(std::string_view op);
  void expect_name(std::string_view name);
  std::string expect_identifier();
  void expect(Token::Kind kind, std::string_view what);
  template <typename... Args>
  [[noreturn]] void error(fmt::format_string<Args...> format, Args&&... args) const {
    syntax_error(program_->where, current().place, format, std::forward<Args>(args)...);
  }
  int name_number(std::string_view name);

  // parser.cpp
  Body parse_body(std::initializer_list<std::string_view> ends);
  Body parse_block(std::initializer_list<std::string_view> ends);   ///< from behind a tag's head; stops at an end's name
  Body parse_hard_block(std::string_view end);                      ///< a scope of its own, up to and with its end
  bool at_end(std::initializer_list<std::string_view> ends) const;
  StatementPtr parse_statement();
  StatementPtr parse_print();
  StatementPtr parse_if();
  StatementPtr parse_for();
  StatementPtr parse_set();
  StatementPtr parse_with();
  StatementPtr parse_filter_block();
  StatementPtr parse_macro();
  StatementPtr parse_call_block();
  StatementPtr parse_generation();
  StatementPtr parse_loop_control();
  void parse_signature(MacroDefinition& macro);
  void parse_macro_body(MacroDefinition& macro, std::string_view end);
  [[noreturn]] void unknown_tag();
  Target parse_target(bool with_namespace);
  Target parse_target_item(bool with_namespace);
  int parse_target_name();

  // parse_expressions.cpp
  ExprPtr parse_tuple(bool with_conditional = true, bool parentheses = false);
  ExprPtr parse_expression(bool with_conditional = true);
  ExprPtr parse_or();
  ExprPtr parse_and();
  ExprPtr parse_not();
  ExprPtr parse_compare();
  ExprPtr parse_sum();
  ExprPtr parse_concat();
  ExprPtr parse_product();
  ExprPtr parse_power();
  ExprPtr parse_unary(bool with_filter = true);
  ExprPtr parse_primary();
  ExprPtr parse_name();
  ExprPtr parse_list();
  ExprPtr parse_dict();
  ExprPtr parse_postfix(ExprPtr node);
  ExprPtr parse_subscript(ExprPtr node);
  ExprPtr parse_subscribed(ExprPtr object);
  ExprPtr parse_filter_expression(ExprPtr node);
  std::unique_ptr<Apply> parse_filter(ExprPtr value);
  std::vector<std::unique_ptr<Apply>> parse_filters();   ///< of a block: a chain that begins with its text
  ExprPtr parse_test(ExprPtr node);
  std::unique_ptr<Call> parse_call(ExprPtr function);
  CallArguments parse_arguments();
  void parse_argument(CallArguments& arguments, const Place& place);
  void resolve(Apply& apply, Place place);
  bool at_tuple_end() const;

  template <typename T>
  std::unique_ptr<T> make(int line) {
    auto node = std::make_unique<T>();
    node->line = line;
    return node;
  }
  /// Sets the node's depth from its children's; an error where it is too deep.
  void deepen(Expr& node, const Expr* child) const;
  void deepen(Expr& node, const CallArguments& arguments) const;

  std::shared_ptr<Program> program_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::unordered_map<std::string, int> numbers_;
  std::vector<MacroDefinition*> macros_;   ///< being parsed
  int loops_ = 0;                          ///< `for` bodies around, within the same macro
  int loop_targets_ = 0;                   ///< `for` statements around
  bool soft_ = false;                      ///< in an `if`: an unknown filter fails only when it runs
  std::vector<Pending> pending_;           ///< unknown filters seen in the expression
};

}  // namespace lmm::chat_template
