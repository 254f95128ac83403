#include <lmm/tokenizer.hpp>

#include "lib/core/error.hpp"
#include "lib/session/engine.hpp"
#include "lib/session/prompt.hpp"

namespace lmm {
inline namespace v0 {
namespace {

std::vector<Token> with_pieces(const tokenizer::Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  std::vector<Token> tokens;
  tokens.reserve(ids.size());
  for (const std::int32_t id : ids) tokens.push_back({id, std::string(tokenizer.piece(id))});
  return tokens;
}

}  // namespace

Tokenizer Tokenizer::load(const std::filesystem::path& folder) { return Tokenizer(session::TextTools::load(folder)); }

std::vector<Token> Tokenizer::encode(std::string_view text, bool add_special_tokens, bool parse_special) const {
  tokenizer::EncodeOptions options;
  options.add_special_tokens = add_special_tokens;
  options.parse_special = parse_special;
  return with_pieces(*tools_->tokenizer, tools_->tokenizer->encode(text, options));
}

std::string Tokenizer::decode(const std::vector<std::int32_t>& ids, bool skip_special_tokens) const {
  return tools_->tokenizer->decode(ids, skip_special_tokens);
}

Rendered Tokenizer::render(std::string_view messages_json) const {
  if (!tools_->chat_template) fail(ErrorCode::unsupported, "{}: the checkpoint has no chat template", tools_->folder);
  chat_template::Rendered rendered = tools_->chat_template->render(session::template_variables(*tools_, messages_json));
  std::vector<tokenizer::TextSpan> literal;
  for (const chat_template::Span& span : rendered.user) literal.push_back({span.begin, span.end});
  tokenizer::EncodeOptions options;
  options.add_special_tokens = false;  // the template has its own, as in tokenizer.apply_chat_template
  options.literal = literal;
  Rendered out;
  out.tokens = with_pieces(*tools_->tokenizer, tools_->tokenizer->encode(rendered.text, options));
  out.text = std::move(rendered.text);
  return out;
}

bool Tokenizer::has_chat_template() const noexcept { return tools_->chat_template.has_value(); }

}  // namespace v0
}  // namespace lmm
