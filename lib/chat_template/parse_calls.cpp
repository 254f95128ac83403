#include "lib/chat_template/parser.hpp"

#include <algorithm>
#include <array>

namespace lmm::chat_template {

using Kind = Token::Kind;

namespace {

/// Filters of jinja2 that are left out here.
constexpr std::array<std::string_view, 6> kRefusedFilters = {"pprint", "random", "striptags", "urlize", "wordwrap", "xmlattr"};

}  // namespace

void Parser::resolve(Apply& apply, Place place) {
  apply.function = apply.test ? find_test(apply.name) : find_filter(apply.name);
  if (apply.function != nullptr) return;
  if (!apply.test && std::find(kRefusedFilters.begin(), kRefusedFilters.end(), apply.name) != kRefusedFilters.end()) {
    syntax_error(program_->where, place, "the filter '{}' is not supported", apply.name);
  }
  // As jinja2: in an `if` or a conditional expression a template may name filters that only some engines have.
  if (!soft_) pending_.push_back({place, fmt::format("no {} named '{}'", apply.test ? "test" : "filter", apply.name)});
}

std::unique_ptr<Apply> Parser::parse_filter(ExprPtr value) {
  auto node = make<Apply>(current().place.line);
  const Place place = current().place;
  node->value = std::move(value);
  node->name = expect_identifier();
  while (skip_op(".")) node->name.append(".").append(expect_identifier());
  if (current().is_op("(")) node->arguments = parse_arguments();
  deepen(*node, node->value.get());
  deepen(*node, node->arguments);
  resolve(*node, place);
  return node;
}

std::vector<std::unique_ptr<Apply>> Parser::parse_filters() {
  std::vector<std::unique_ptr<Apply>> filters;
  do {
    filters.push_back(parse_filter(nullptr));
  } while (skip_op("|"));
  return filters;
}

ExprPtr Parser::parse_test(ExprPtr value) {
  auto node = make<Apply>(advance().place.line);
  node->test = true;
  node->value = std::move(value);
  const bool negated = skip_name("not");
  const Place place = current().place;
  node->name = expect_identifier();
  while (skip_op(".")) node->name.append(".").append(expect_identifier());
  const Token& token = current();
  const bool name = token.kind == Kind::name && token.text != "else" && token.text != "or" && token.text != "and";
  if (token.is_op("(")) {
    node->arguments = parse_arguments();
  } else if (name || token.kind == Kind::string || token.kind == Kind::integer || token.kind == Kind::number ||
             token.is_op("[") || token.is_op("{")) {
    if (token.is_name("is")) error("tests cannot be chained with 'is'");
    node->arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  deepen(*node, node->value.get());
  deepen(*node, node->arguments);
  resolve(*node, place);
  if (!negated) return node;
  auto negation = make<Unary>(node->line);
  negation->operand = std::move(node);
  deepen(*negation, negation->operand.get());
  return negation;
}

std::unique_ptr<Call> Parser::parse_call(ExprPtr function) {
  auto node = make<Call>(current().place.line);
  node->function = std::move(function);
  node->arguments = parse_arguments();
  deepen(*node, node->function.get());
  deepen(*node, node->arguments);
  return node;
}

CallArguments Parser::parse_arguments() {
  CallArguments arguments;
  const Place place = current().place;
  expect_op("(");
  bool comma = true;
  while (!current().is_op(")")) {
    if (!comma) {
      expect_op(",");
      if (current().is_op(")")) break;
    }
    comma = false;
    parse_argument(arguments, place);
  }
  advance();
  return arguments;
}

void Parser::parse_argument(CallArguments& arguments, const Place& place) {
  const auto ensure = [&](bool right) {
    if (!right) syntax_error(program_->where, place, "invalid order of the arguments of a call");
  };
  if (skip_op("*")) {
    ensure(arguments.rest == nullptr && arguments.named_rest == nullptr);
    arguments.rest = parse_expression();
  } else if (skip_op("**")) {
    ensure(arguments.named_rest == nullptr);
    arguments.named_rest = parse_expression();
  } else if (current().kind == Kind::name && look().is_op("=")) {
    ensure(arguments.named_rest == nullptr);
    const std::string name = advance().text;
    advance();
    for (const auto& [other, value] : arguments.named) {
      if (other == name) error("the argument '{}' stands twice", name);
    }
    arguments.named.emplace_back(name, parse_expression());
  } else {
    ensure(arguments.rest == nullptr && arguments.named_rest == nullptr && arguments.named.empty());
    arguments.positional.push_back(parse_expression());
  }
}

}  // namespace lmm::chat_template
