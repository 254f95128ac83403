#include "lib/chat_template/parser.hpp"

#include <algorithm>
#include <array>

namespace lmm::chat_template {

using Kind = Token::Kind;

Parser::Parser(std::string source, std::string where) : program_(std::make_shared<Program>()) {
  program_->where = std::move(where);
  tokens_ = tokenize(source, program_->where);
  program_->source = std::move(source);
  for (const char* name : {"loop", "caller", "kwargs", "varargs"}) name_number(name);
}

std::shared_ptr<const Program> Parser::parse() {
  program_->body = parse_body({});
  return program_;
}

Token Parser::advance() {
  Token token = current();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Parser::skip_op(std::string_view op) {
  const bool found = current().is_op(op);
  if (found) advance();
  return found;
}

bool Parser::skip_name(std::string_view name) {
  const bool found = current().is_name(name);
  if (found) advance();
  return found;
}

void Parser::expect_op(std::string_view op) {
  if (!skip_op(op)) error("expected '{}', got '{}'", op, current().described());
}

void Parser::expect_name(std::string_view name) {
  if (!skip_name(name)) error("expected '{}', got '{}'", name, current().described());
}

std::string Parser::expect_identifier() {
  if (current().kind != Kind::name) error("expected a name, got '{}'", current().described());
  return advance().text;
}

void Parser::expect(Kind kind, std::string_view what) {
  if (current().kind != kind) error("expected '{}', got '{}'", what, current().described());
  advance();
}

int Parser::name_number(std::string_view name) {
  const auto [found, added] = numbers_.emplace(name, static_cast<int>(program_->names.size()));
  if (added) program_->names.emplace_back(name);
  return found->second;
}

bool Parser::at_end(std::initializer_list<std::string_view> ends) const {
  return current().kind == Kind::name && std::find(ends.begin(), ends.end(), current().text) != ends.end();
}

Body Parser::parse_body(std::initializer_list<std::string_view> ends) {
  Body body;
  while (current().kind != Kind::end) {
    const int line = current().place.line;
    if (current().kind == Kind::data) {
      auto data = make<Data>(line);
      data->text = Text(advance().text);
      body.push_back(std::move(data));
    } else if (current().kind == Kind::variable_begin) {
      advance();
      auto output = make<Output>(line);
      output->items.push_back(parse_tuple());
      expect(Kind::variable_end, "end of print statement");
      body.push_back(std::move(output));
    } else {
      advance();
      if (ends.size() > 0 && at_end(ends)) return body;
      body.push_back(parse_statement());
      expect(Kind::block_end, "end of statement block");
    }
    if (!pending_.empty()) syntax_error(program_->where, pending_[0].place, "{}", pending_[0].message);
  }
  if (ends.size() > 0) error("unexpected end of template, expected '{}'", fmt::join(ends, "' or '"));
  return body;
}

Body Parser::parse_block(std::initializer_list<std::string_view> ends) {
  const Deeper deeper(*this);
  skip_op(":");
  expect(Kind::block_end, "end of statement block");
  if (!pending_.empty()) syntax_error(program_->where, pending_[0].place, "{}", pending_[0].message);
  return parse_body(ends);
}

Body Parser::parse_hard_block(std::string_view end) {
  const bool soft = std::exchange(soft_, false);
  Body body = parse_block({end});
  soft_ = soft;
  advance();
  return body;
}

void Parser::unknown_tag() {
  static constexpr std::array<std::string_view, 9> kRefused = {"include", "import", "from",       "extends", "block",
                                                               "trans",   "do",     "autoescape", "debug"};
  const std::string& name = current().text;
  if (std::find(kRefused.begin(), kRefused.end(), name) != kRefused.end()) error("the tag '{}' is not supported", name);
  error("unknown tag '{}'", name);
}

StatementPtr Parser::parse_statement() {
  if (current().kind != Kind::name) error("expected the name of a tag, got '{}'", current().described());
  using Parse = StatementPtr (Parser::*)();
  static constexpr std::array<std::pair<std::string_view, Parse>, 11> kTags = {{
      {"if", &Parser::parse_if},
      {"for", &Parser::parse_for},
      {"set", &Parser::parse_set},
      {"with", &Parser::parse_with},
      {"macro", &Parser::parse_macro},
      {"call", &Parser::parse_call_block},
      {"filter", &Parser::parse_filter_block},
      {"print", &Parser::parse_print},
      {"generation", &Parser::parse_generation},
      {"break", &Parser::parse_loop_control},
      {"continue", &Parser::parse_loop_control},
  }};
  const auto* tag = std::find_if(kTags.begin(), kTags.end(), [&](const auto& entry) { return entry.first == current().text; });
  if (tag == kTags.end()) unknown_tag();
  return (this->*tag->second)();
}

StatementPtr Parser::parse_print() {
  auto output = make<Output>(advance().place.line);
  while (current().kind != Kind::block_end) {
    if (!output->items.empty()) expect_op(",");
    output->items.push_back(parse_expression());
  }
  return output;
}

StatementPtr Parser::parse_if() {
  auto node = make<If>(current().place.line);
  const bool soft = std::exchange(soft_, true);
  do {
    advance();  // if, elif
    ExprPtr condition = parse_tuple(false);
    Body body = parse_block({"elif", "else", "endif"});
    node->branches.emplace_back(std::move(condition), std::move(body));
  } while (current().is_name("elif"));
  if (skip_name("else")) node->otherwise = parse_block({"endif"});
  advance();
  soft_ = soft;
  return node;
}

StatementPtr Parser::parse_for() {
  auto node = make<For>(advance().place.line);
  ++loop_targets_;
  node->target = parse_target(false);
  expect_name("in");
  node->iterable = parse_tuple(false);
  const bool soft = std::exchange(soft_, false);
  if (skip_name("if")) node->condition = parse_expression();
  node->recursive = skip_name("recursive");
  ++loops_;
  node->body = parse_block({"endfor", "else"});
  --loops_;
  if (advance().text == "else") {
    node->otherwise = parse_block({"endfor"});
    advance();
  }
  soft_ = soft;
  --loop_targets_;
  return node;
}

StatementPtr Parser::parse_set() {
  const int line = advance().place.line;
  Target target = parse_target(true);
  if (skip_op("=")) {
    auto node = make<Set>(line);
    node->target = std::move(target);
    node->value = parse_tuple();
    return node;
  }
  auto node = make<SetBlock>(line);
  node->target = std::move(target);
  if (current().is_op("|")) {
    advance();
    node->filters = parse_filters();
  }
  node->body = parse_hard_block("endset");
  return node;
}

StatementPtr Parser::parse_with() {
  auto node = make<With>(advance().place.line);
  while (current().kind != Kind::block_end) {
    if (!node->items.empty()) expect_op(",");
    Target target = parse_target(false);
    expect_op("=");
    node->items.emplace_back(std::move(target), parse_expression());
  }
  node->body = parse_hard_block("endwith");
  return node;
}

StatementPtr Parser::parse_filter_block() {
  auto node = make<FilterBlock>(advance().place.line);
  node->filters = parse_filters();
  node->body = parse_hard_block("endfilter");
  return node;
}

StatementPtr Parser::parse_macro() {
  auto node = make<MacroStatement>(advance().place.line);
  node->macro.line = node->line;
  node->name = parse_target_name();
  node->macro.name = program_->names[static_cast<std::size_t>(node->name)];
  parse_signature(node->macro);
  parse_macro_body(node->macro, "endmacro");
  return node;
}

StatementPtr Parser::parse_call_block() {
  auto node = make<CallBlock>(advance().place.line);
  node->macro.line = node->line;
  if (current().is_op("(")) parse_signature(node->macro);
  ExprPtr call = parse_expression();
  if (dynamic_cast<Call*>(call.get()) == nullptr) error("expected a call");
  node->call.reset(static_cast<Call*>(call.release()));
  parse_macro_body(node->macro, "endcall");
  return node;
}

void Parser::parse_signature(MacroDefinition& macro) {
  expect_op("(");
  while (!current().is_op(")")) {
    if (!macro.parameters.empty()) expect_op(",");
    const int name = parse_target_name();
    for (const auto& [other, value] : macro.parameters) {
      if (other == name) error("the parameter '{}' stands twice", program_->names[static_cast<std::size_t>(name)]);
    }
    ExprPtr otherwise;
    if (skip_op("=")) {
      otherwise = parse_expression();
    } else if (!macro.parameters.empty() && macro.parameters.back().second != nullptr) {
      error("a parameter without default follows one with a default");
    }
    macro.parameters.emplace_back(name, std::move(otherwise));
  }
  advance();
}

void Parser::parse_macro_body(MacroDefinition& macro, std::string_view end) {
  macros_.push_back(&macro);
  const int loops = std::exchange(loops_, 0);
  macro.body = parse_hard_block(end);
  loops_ = loops;
  macros_.pop_back();
  const auto has = [&](int name) {
    return std::any_of(macro.parameters.begin(), macro.parameters.end(), [&](const auto& p) { return p.first == name; });
  };
  for (const auto& [name, otherwise] : macro.parameters) {
    if (name == kCaller && otherwise == nullptr && macro.uses_caller) {
      error("the parameter 'caller' of a macro must have a default");
    }
  }
  macro.uses_caller = macro.uses_caller && !has(kCaller);
  macro.uses_kwargs = macro.uses_kwargs && !has(kKwargs);
  macro.uses_varargs = macro.uses_varargs && !has(kVarargs);
}

StatementPtr Parser::parse_generation() {
  auto node = make<Generation>(advance().place.line);
  const int loops = std::exchange(loops_, 0);
  node->body = parse_hard_block("endgeneration");
  loops_ = loops;
  return node;
}

StatementPtr Parser::parse_loop_control() {
  auto node = make<LoopControl>(current().place.line);
  if (loops_ == 0) error("'{}' outside of a loop", current().text);
  node->flow = advance().text == "break" ? Flow::leave : Flow::again;
  return node;
}

int Parser::parse_target_name() {
  const std::string name = expect_identifier();
  static constexpr std::array<std::string_view, 6> kConstants = {"true", "false", "none", "True", "False", "None"};
  if (std::find(kConstants.begin(), kConstants.end(), name) != kConstants.end()) error("cannot assign to '{}'", name);
  if (name == "loop" && loop_targets_ > 0) error("cannot assign to 'loop' within a for loop");
  return name_number(name);
}

Target Parser::parse_target_item(bool with_namespace) {
  const Deeper deeper(*this);
  Target target;
  if (skip_op("(")) {
    bool comma = false;
    while (!current().is_op(")")) {
      target.items.push_back(parse_target_item(false));
      comma = skip_op(",");
      if (!comma) break;
    }
    expect_op(")");
    if (target.items.size() == 1 && !comma) return Target(target.items[0]);
    return target;
  }
  if (current().kind != Kind::name) error("cannot assign to '{}'", current().described());
  if (with_namespace && look().is_op(".")) {
    target.name = name_number(advance().text);
    advance();
    target.attribute = expect_identifier();
    return target;
  }
  target.name = parse_target_name();
  return target;
}

Target Parser::parse_target(bool with_namespace) {
  Target target;
  bool tuple = false;
  while (true) {
    if (!target.items.empty()) expect_op(",");
    if (at_tuple_end()) break;
    target.items.push_back(parse_target_item(with_namespace));
    if (!current().is_op(",")) break;
    tuple = true;
  }
  if (tuple) return target;
  if (target.items.empty()) error("expected a name, got '{}'", current().described());
  return Target(target.items[0]);
}

}  // namespace lmm::chat_template
