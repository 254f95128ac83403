#include <lmm/model.hpp>

#include "lib/core/error.hpp"
#include "lib/session/engine.hpp"
#include "lib/session/prompt.hpp"

namespace lmm {
inline namespace v0 {
namespace {

std::vector<Token> with_pieces(const session::Engine& engine, const std::vector<std::int32_t>& ids) {
  std::vector<Token> tokens;
  tokens.reserve(ids.size());
  for (const std::int32_t id : ids) tokens.push_back({id, std::string(engine.tokenizer->piece(id))});
  return tokens;
}

}  // namespace

Model Model::load(const std::filesystem::path& folder, const LoadOptions& options) {
  return Model(session::Engine::load(folder, options));
}

ModelInfo Model::info(const std::filesystem::path& folder) { return session::Engine::describe(folder); }

const ModelInfo& Model::info() const noexcept { return engine_->info; }

std::vector<Token> Model::tokenize(std::string_view text, bool add_special_tokens, bool parse_special) const {
  tokenizer::EncodeOptions options;
  options.add_special_tokens = add_special_tokens;
  options.parse_special = parse_special;
  return with_pieces(*engine_, engine_->tokenizer->encode(text, options));
}

std::string Model::detokenize(const std::vector<std::int32_t>& ids, bool skip_special_tokens) const {
  return engine_->tokenizer->decode(ids, skip_special_tokens);
}

Rendered Model::render(std::string_view messages_json) const {
  if (!engine_->chat_template) {
    fail(ErrorCode::unsupported, "{}: the checkpoint has no chat template", engine_->info.folder);
  }
  chat_template::Rendered rendered = engine_->chat_template->render(session::template_variables(*engine_, messages_json));
  std::vector<tokenizer::TextSpan> literal;
  for (const chat_template::Span& span : rendered.user) literal.push_back({span.begin, span.end});
  tokenizer::EncodeOptions options;
  options.add_special_tokens = false;
  options.literal = literal;
  Rendered out;
  out.tokens = with_pieces(*engine_, engine_->tokenizer->encode(rendered.text, options));
  out.text = std::move(rendered.text);
  return out;
}

}  // namespace v0
}  // namespace lmm
