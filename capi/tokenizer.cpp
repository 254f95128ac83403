// Texts, tokens and tokenizers.
#include "capi/objects.hpp"

using namespace lmm;
using namespace lmm::capi;

const char* lmm_text_data(const lmm_text* text, size_t* length) {
  return alive(text) ? give(text->text, length) : give_nothing("", length);
}

void lmm_text_free(lmm_text* text) { destroy(text); }

lmm_tokens::lmm_tokens(const lmm_allocator& allocator, const std::vector<Token>& from)
    : Handle(allocator), ids(&memory), pieces(&memory) {
  ids.reserve(from.size());
  pieces.reserve(from.size());
  for (const Token& token : from) {
    ids.push_back(token.id);
    pieces.emplace_back(token.piece);
  }
}

lmm_code lmm_tokenizer_load(const lmm_allocator* allocator, const char* folder, size_t folder_length,
                            lmm_tokenizer** tokenizer, lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(tokenizer, "tokenizer");
    const lmm_allocator& memory = allocator_or_default(allocator);
    *tokenizer = make<lmm_tokenizer>(memory, Tokenizer::load(path_argument(folder, folder_length, "folder")));
  });
}

lmm_code lmm_model_tokenizer(const lmm_model* model, lmm_tokenizer** tokenizer, lmm_error** error) {
  return call_on(model, "model", error, [&](const lmm_model& self) {
    require(tokenizer, "tokenizer");
    *tokenizer = make<lmm_tokenizer>(self.memory.allocator(), self.model.tokenizer());
  });
}

lmm_code lmm_tokenizer_encode(const lmm_tokenizer* tokenizer, const char* text, size_t length,
                              lmm_bool add_special_tokens, lmm_bool parse_special, lmm_tokens** tokens,
                              lmm_error** error) {
  return call_on(tokenizer, "tokenizer", error, [&](const lmm_tokenizer& self) {
    require(tokens, "tokens");
    const std::string_view given = text_argument(text, length, "text");
    *tokens = make<lmm_tokens>(self.memory.allocator(), self.tokenizer.encode(given, add_special_tokens != LMM_FALSE,
                                                                              parse_special != LMM_FALSE));
  });
}

lmm_code lmm_tokenizer_decode(const lmm_tokenizer* tokenizer, const int32_t* ids, size_t count,
                              lmm_bool skip_special_tokens, lmm_text** text, lmm_error** error) {
  return call_on(tokenizer, "tokenizer", error, [&](const lmm_tokenizer& self) {
    require(text, "text");
    constexpr size_t kMaxIds = size_t{1} << 28;
    if (count > kMaxIds) fail(ErrorCode::invalid_argument, "count is {}, expected at most {}", count, kMaxIds);
    if (ids == nullptr && count != 0) fail(ErrorCode::invalid_argument, "ids is NULL, expected {} of them", count);
    const std::vector<std::int32_t> list(ids, ids + count);
    *text = make<lmm_text>(self.memory.allocator(), self.tokenizer.decode(list, skip_special_tokens != LMM_FALSE));
  });
}

lmm_code lmm_tokenizer_render(const lmm_tokenizer* tokenizer, const char* messages_json, size_t length, lmm_text** text,
                              lmm_tokens** tokens, lmm_error** error) {
  return call_on(tokenizer, "tokenizer", error, [&](const lmm_tokenizer& self) {
    if (text == nullptr) require(tokens, "text and tokens");
    const Rendered rendered = self.tokenizer.render(text_argument(messages_json, length, "messages_json"));
    const lmm_allocator& memory = self.memory.allocator();
    Owned<lmm_text> own_text = text != nullptr ? make_owned<lmm_text>(memory, rendered.text) : nullptr;
    Owned<lmm_tokens> own_tokens = tokens != nullptr ? make_owned<lmm_tokens>(memory, rendered.tokens) : nullptr;
    if (text != nullptr) *text = own_text.release();
    if (tokens != nullptr) *tokens = own_tokens.release();
  });
}

lmm_bool lmm_tokenizer_has_chat_template(const lmm_tokenizer* tokenizer) {
  return alive(tokenizer) && tokenizer->tokenizer.has_chat_template() ? LMM_TRUE : LMM_FALSE;
}

void lmm_tokenizer_free(lmm_tokenizer* tokenizer) { destroy(tokenizer); }

size_t lmm_tokens_count(const lmm_tokens* tokens) { return alive(tokens) ? tokens->ids.size() : 0; }

const int32_t* lmm_tokens_ids(const lmm_tokens* tokens, size_t* count) {
  const size_t size = lmm_tokens_count(tokens);
  if (count != nullptr) *count = size;
  return size > 0 ? tokens->ids.data() : nullptr;
}

const char* lmm_tokens_piece(const lmm_tokens* tokens, size_t index, size_t* length) {
  if (index >= lmm_tokens_count(tokens)) return give_nothing(nullptr, length);
  return give(tokens->pieces[index], length);
}

void lmm_tokens_free(lmm_tokens* tokens) { destroy(tokens); }
