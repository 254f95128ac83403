#include "lib/chat_template/parser.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace lmm::chat_template {

using Kind = Token::Kind;

void Parser::deepen(Expr& node, const Expr* child) const {
  if (child == nullptr) return;
  node.depth = std::max(node.depth, child->depth + 1);
  if (node.depth > kMaxDepth) error("nested deeper than {} levels", kMaxDepth);
}

void Parser::deepen(Expr& node, const CallArguments& arguments) const {
  for (const ExprPtr& argument : arguments.positional) deepen(node, argument.get());
  for (const auto& [name, argument] : arguments.named) deepen(node, argument.get());
  deepen(node, arguments.rest.get());
  deepen(node, arguments.named_rest.get());
}

bool Parser::at_tuple_end() const {
  const Token& token = current();
  return token.kind == Kind::variable_end || token.kind == Kind::block_end || token.is_op(")");
}

ExprPtr Parser::parse_tuple(bool with_conditional, bool parentheses) {
  auto tuple = make<Sequence>(current().place.line);
  tuple->tuple = true;
  bool is_tuple = false;
  while (true) {
    if (!tuple->items.empty()) expect_op(",");
    if (at_tuple_end()) break;
    tuple->items.push_back(parse_expression(with_conditional));
    deepen(*tuple, tuple->items.back().get());
    if (!current().is_op(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !tuple->items.empty()) return std::move(tuple->items[0]);
  if (!is_tuple && !parentheses) error("expected an expression, got '{}'", current().described());
  return tuple;
}

ExprPtr Parser::parse_expression(bool with_conditional) {
  const Deeper deeper(*this);
  const int line = current().place.line;
  const std::size_t pending = pending_.size();
  ExprPtr node = parse_or();
  while (with_conditional && skip_name("if")) {
    auto conditional = make<Conditional>(line);
    conditional->then = std::move(node);
    conditional->condition = parse_or();
    if (skip_name("else")) conditional->otherwise = parse_expression();
    deepen(*conditional, conditional->then.get());
    deepen(*conditional, conditional->condition.get());
    deepen(*conditional, conditional->otherwise.get());
    pending_.resize(pending);  // in a conditional, an unknown filter fails only when it runs
    node = std::move(conditional);
  }
  return node;
}

ExprPtr Parser::parse_or() {
  ExprPtr left = parse_and();
  while (current().is_name("or")) {
    auto node = make<Logical>(advance().place.line);
    node->left = std::move(left);
    node->right = parse_and();
    deepen(*node, node->left.get());
    deepen(*node, node->right.get());
    left = std::move(node);
  }
  return left;
}

ExprPtr Parser::parse_and() {
  ExprPtr left = parse_not();
  while (current().is_name("and")) {
    auto node = make<Logical>(advance().place.line);
    node->conjunction = true;
    node->left = std::move(left);
    node->right = parse_not();
    deepen(*node, node->left.get());
    deepen(*node, node->right.get());
    left = std::move(node);
  }
  return left;
}

ExprPtr Parser::parse_not() {
  if (!current().is_name("not")) return parse_compare();
  const Deeper deeper(*this);
  auto node = make<Unary>(advance().place.line);
  node->operand = parse_not();
  deepen(*node, node->operand.get());
  return node;
}

ExprPtr Parser::parse_compare() {
  static constexpr std::array<std::pair<std::string_view, Comparison>, 6> kOperators = {{
      {"==", Comparison::equal},
      {"!=", Comparison::not_equal},
      {"<", Comparison::less},
      {"<=", Comparison::less_equal},
      {">", Comparison::greater},
      {">=", Comparison::greater_equal},
  }};
  const auto comparison = [&]() -> std::optional<Comparison> {
    for (const auto& [op, kind] : kOperators) {
      if (skip_op(op)) return kind;
    }
    if (skip_name("in")) return Comparison::in;
    if (!current().is_name("not") || !look().is_name("in")) return std::nullopt;
    advance();
    advance();
    return Comparison::not_in;
  };
  auto node = make<Compare>(current().place.line);
  node->first = parse_sum();
  while (const auto kind = comparison()) {
    node->rest.emplace_back(*kind, parse_sum());
    deepen(*node, node->rest.back().second.get());
  }
  if (node->rest.empty()) return std::move(node->first);
  deepen(*node, node->first.get());
  return node;
}

ExprPtr Parser::parse_sum() {
  ExprPtr left = parse_concat();
  while (current().is_op("+") || current().is_op("-")) {
    auto node = make<Binary>(current().place.line);
    node->op = advance().text == "+" ? Arithmetic::add : Arithmetic::subtract;
    node->left = std::move(left);
    node->right = parse_concat();
    deepen(*node, node->left.get());
    deepen(*node, node->right.get());
    left = std::move(node);
  }
  return left;
}

ExprPtr Parser::parse_concat() {
  auto node = make<Concat>(current().place.line);
  do {
    node->items.push_back(parse_product());
    deepen(*node, node->items.back().get());
  } while (skip_op("~"));
  if (node->items.size() == 1) return std::move(node->items[0]);
  return node;
}

ExprPtr Parser::parse_product() {
  static constexpr std::array<std::pair<std::string_view, Arithmetic>, 4> kOperators = {{
      {"*", Arithmetic::multiply},
      {"/", Arithmetic::divide},
      {"//", Arithmetic::floor_divide},
      {"%", Arithmetic::modulo},
  }};
  ExprPtr left = parse_power();
  while (true) {
    const auto* found = std::find_if(kOperators.begin(), kOperators.end(), [&](const auto& o) { return current().is_op(o.first); });
    if (found == kOperators.end()) return left;
    auto node = make<Binary>(advance().place.line);
    node->op = found->second;
    node->left = std::move(left);
    node->right = parse_power();
    deepen(*node, node->left.get());
    deepen(*node, node->right.get());
    left = std::move(node);
  }
}

ExprPtr Parser::parse_power() {
  ExprPtr left = parse_unary();
  while (current().is_op("**")) {
    auto node = make<Binary>(advance().place.line);
    node->op = Arithmetic::power;
    node->left = std::move(left);
    node->right = parse_unary();
    deepen(*node, node->left.get());
    deepen(*node, node->right.get());
    left = std::move(node);
  }
  return left;
}

ExprPtr Parser::parse_unary(bool with_filter) {
  const Deeper deeper(*this);
  ExprPtr node;
  if (current().is_op("-") || current().is_op("+")) {
    auto unary = make<Unary>(current().place.line);
    unary->op = advance().text[0];
    unary->operand = parse_unary(false);
    deepen(*unary, unary->operand.get());
    node = std::move(unary);
  } else {
    node = parse_primary();
  }
  node = parse_postfix(std::move(node));
  return with_filter ? parse_filter_expression(std::move(node)) : std::move(node);
}

ExprPtr Parser::parse_name() {
  const Token token = advance();
  const std::string& text = token.text;
  if (text == "true" || text == "True" || text == "false" || text == "False" || text == "none" || text == "None") {
    auto node = make<Constant>(token.place.line);
    node->value = text[0] == 'n' || text[0] == 'N' ? Value(None{}) : Value(text[0] == 't' || text[0] == 'T');
    return node;
  }
  auto node = make<Name>(token.place.line);
  node->name = name_number(text);
  for (MacroDefinition* macro : macros_) {
    macro->uses_caller = macro->uses_caller || node->name == kCaller;
    macro->uses_kwargs = macro->uses_kwargs || node->name == kKwargs;
    macro->uses_varargs = macro->uses_varargs || node->name == kVarargs;
  }
  return node;
}

ExprPtr Parser::parse_primary() {
  const Token& token = current();
  if (token.kind == Kind::name) return parse_name();
  if (token.is_op("[")) return parse_list();
  if (token.is_op("{")) return parse_dict();
  if (skip_op("(")) {
    ExprPtr node = parse_tuple(true, true);
    expect_op(")");
    return node;
  }
  auto node = make<Constant>(token.place.line);
  if (token.kind == Kind::string) {
    std::string text;
    while (current().kind == Kind::string) text += advance().text;
    node->value = Value::text(text);
  } else if (token.kind == Kind::integer) {
    node->value = Value(advance().integer);
  } else if (token.kind == Kind::number) {
    node->value = Value(advance().number);
  } else {
    error("unexpected '{}'", token.described());
  }
  return node;
}

ExprPtr Parser::parse_list() {
  auto node = make<Sequence>(advance().place.line);
  while (!current().is_op("]")) {
    if (!node->items.empty()) expect_op(",");
    if (current().is_op("]")) break;
    node->items.push_back(parse_expression());
    deepen(*node, node->items.back().get());
  }
  advance();
  return node;
}

ExprPtr Parser::parse_dict() {
  auto node = make<DictLiteral>(advance().place.line);
  while (!current().is_op("}")) {
    if (!node->items.empty()) expect_op(",");
    if (current().is_op("}")) break;
    ExprPtr key = parse_expression();
    expect_op(":");
    node->items.emplace_back(std::move(key), parse_expression());
    deepen(*node, node->items.back().first.get());
    deepen(*node, node->items.back().second.get());
  }
  advance();
  return node;
}

ExprPtr Parser::parse_postfix(ExprPtr node) {
  while (true) {
    if (current().is_op(".") || current().is_op("[")) {
      node = parse_subscript(std::move(node));
    } else if (current().is_op("(")) {
      node = parse_call(std::move(node));
    } else {
      return node;
    }
  }
}

ExprPtr Parser::parse_filter_expression(ExprPtr node) {
  while (true) {
    if (skip_op("|")) {
      node = parse_filter(std::move(node));
    } else if (current().is_name("is")) {
      node = parse_test(std::move(node));
    } else if (current().is_op("(")) {
      node = parse_call(std::move(node));
    } else {
      return node;
    }
  }
}

ExprPtr Parser::parse_subscript(ExprPtr object) {
  const Token token = advance();
  if (token.text == "[") return parse_subscribed(std::move(object));
  if (current().kind == Kind::name) {
    auto node = make<GetAttribute>(token.place.line);
    node->object = std::move(object);
    node->attribute = advance().text;
    deepen(*node, node->object.get());
    return node;
  }
  if (current().kind != Kind::integer) error("expected a name or a number, got '{}'", current().described());
  auto node = make<GetItem>(token.place.line);
  auto item = make<Constant>(token.place.line);
  item->value = Value(advance().integer);
  node->object = std::move(object);
  node->item = std::move(item);
  deepen(*node, node->object.get());
  return node;
}

ExprPtr Parser::parse_subscribed(ExprPtr object) {
  const int line = current().place.line;
  auto tuple = make<Sequence>(line);  // of x[a, b]
  tuple->tuple = true;
  auto slice = make<GetSlice>(line);
  bool sliced = false;
  while (!current().is_op("]")) {
    if (!tuple->items.empty() || sliced) expect_op(",");
    if (!current().is_op(":")) tuple->items.push_back(parse_expression());
    if (!skip_op(":")) continue;
    if (sliced || tuple->items.size() > 1) error("a slice among several subscripts is not supported");
    sliced = true;
    if (!tuple->items.empty()) slice->start = std::move(tuple->items[0]);
    const auto bound = [&] { return current().is_op(":") || current().is_op("]") || current().is_op(",") ? nullptr : parse_expression(); };
    slice->stop = bound();
    if (skip_op(":")) slice->step = bound();
  }
  advance();
  if (sliced) {
    slice->object = std::move(object);
    for (const ExprPtr* part : {&slice->object, &slice->start, &slice->stop, &slice->step}) deepen(*slice, part->get());
    return slice;
  }
  auto node = make<GetItem>(line);
  node->object = std::move(object);
  for (const ExprPtr& item : tuple->items) deepen(*tuple, item.get());
  node->item = tuple->items.size() == 1 ? std::move(tuple->items[0]) : std::move(tuple);
  deepen(*node, node->object.get());
  deepen(*node, node->item.get());
  return node;
}

}  // namespace lmm::chat_template
