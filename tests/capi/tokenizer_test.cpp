#include "tests/capi/support.hpp"

using namespace capi_test;

namespace {

struct Fixture {
  Own<lmm_tokenizer> tokenizer;
  Fixture() {
    ok([&](lmm_error** e) { return lmm_tokenizer_load(nullptr, LMM_POCKET_MODEL, LMM_STRLEN, &tokenizer, e); });
  }

  Own<lmm_tokens> encode(const char* text, bool add_special = true, bool parse_special = true) const {
    Own<lmm_tokens> tokens;
    ok([&](lmm_error** e) {
      return lmm_tokenizer_encode(tokenizer, text, LMM_STRLEN, add_special, parse_special, &tokens, e);
    });
    return tokens;
  }

  std::string decode(const std::vector<int32_t>& ids, bool skip_special = true) const {
    Own<lmm_text> text;
    ok([&](lmm_error** e) { return lmm_tokenizer_decode(tokenizer, ids.data(), ids.size(), skip_special, &text, e); });
    std::size_t length = 0;
    const char* data = lmm_text_data(text, &length);
    CHECK(data[length] == '\0');
    return {data, length};
  }
};

std::vector<int32_t> ids_of(const lmm_tokens* tokens) {
  std::size_t count = 0;
  const int32_t* ids = lmm_tokens_ids(tokens, &count);
  CHECK(count == lmm_tokens_count(tokens));
  return {ids, ids + count};
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "text to tokens and back") {
  const std::string text = "a burger, and a ring";
  const Own<lmm_tokens> tokens = encode(text.c_str());
  REQUIRE(lmm_tokens_count(tokens) > 3);
  CHECK(decode(ids_of(tokens)) == text);
  std::size_t length = 0;
  const char* piece = lmm_tokens_piece(tokens, 0, &length);
  CHECK(std::strlen(piece) == length);
  CHECK(length > 0);
  CHECK(lmm_tokens_piece(tokens, lmm_tokens_count(tokens), &length) == nullptr);
  CHECK(length == 0);
  CHECK(lmm_tokens_count(encode("")) == ids_of(encode("")).size());
}

TEST_CASE_FIXTURE(Fixture, "special tokens are parsed where that is asked for") {
  const Own<lmm_tokens> special = encode("<image>", false, true);
  CHECK(lmm_tokens_count(special) == 1);
  CHECK(lmm_tokens_count(encode("x <image> y", false, true)) == 5);
  CHECK(lmm_tokens_count(encode("x <image> y", false, false)) > 5);  // spelled out
  CHECK(decode(ids_of(special), true).empty());
  CHECK(decode(ids_of(special), false) == "<image>");
}

TEST_CASE_FIXTURE(Fixture, "the model's own gives the same") {
  Own<lmm_tokenizer> own;
  ok([&](lmm_error** e) { return lmm_model_tokenizer(model(), &own, e); });
  Own<lmm_tokens> tokens;
  ok([&](lmm_error** e) { return lmm_tokenizer_encode(own, "a ring", 6, 1, 1, &tokens, e); });
  CHECK(ids_of(tokens) == ids_of(encode("a ring")));
}

TEST_CASE_FIXTURE(Fixture, "rendering messages") {
  CHECK(lmm_tokenizer_has_chat_template(tokenizer));
  const char* messages = R"([{"role": "user", "content": "Is this a burger?"}])";
  Own<lmm_text> text;
  Own<lmm_tokens> tokens;
  ok([&](lmm_error** e) { return lmm_tokenizer_render(tokenizer, messages, LMM_STRLEN, &text, &tokens, e); });
  const std::string prompt = lmm_text_data(text, nullptr);
  CHECK(prompt.find("Is this a burger?") != std::string::npos);
  CHECK(decode(ids_of(tokens), false) == prompt);
  Own<lmm_tokens> alone;
  ok([&](lmm_error** e) { return lmm_tokenizer_render(tokenizer, messages, LMM_STRLEN, nullptr, &alone, e); });
  CHECK(ids_of(alone) == ids_of(tokens));
  const auto refused = [&](lmm_code code, const char* json, bool wanted) {
    fails(code, {}, [&](lmm_error** e) {
      lmm_text* none = untouched<lmm_text>();
      const lmm_code got = lmm_tokenizer_render(tokenizer, json, LMM_STRLEN, wanted ? &none : nullptr, nullptr, e);
      CHECK(none == untouched<lmm_text>());
      return got;
    });
  };
  refused(LMM_ERROR_BAD_FILE, "{", true);
  refused(LMM_ERROR_BAD_FILE, "{}", true);
  refused(LMM_ERROR_BAD_FILE, std::string(100000, '[').c_str(), true);
  refused(LMM_ERROR_INVALID_ARGUMENT, "\xFF", true);
  refused(LMM_ERROR_INVALID_ARGUMENT, messages, false);
}

TEST_CASE_FIXTURE(Fixture, "ids and texts that are none") {
  const auto refused = [&](const int32_t* ids, std::size_t count) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {}, [&](lmm_error** e) {
      lmm_text* text = untouched<lmm_text>();
      const lmm_code code = lmm_tokenizer_decode(tokenizer, ids, count, 1, &text, e);
      CHECK(text == untouched<lmm_text>());
      return code;
    });
  };
  const int32_t ids[] = {5, 1000000};
  const int32_t negative[] = {-1};
  refused(ids, 2);
  refused(negative, 1);
  refused(nullptr, 3);
  refused(ids, SIZE_MAX);
  CHECK(decode({}).empty());
  for (const char* text : {"\xFF", "a\xC3"}) {
    fails(LMM_ERROR_INVALID_ARGUMENT, {"UTF-8"}, [&](lmm_error** e) {
      Own<lmm_tokens> tokens;
      return lmm_tokenizer_encode(tokenizer, text, LMM_STRLEN, 1, 1, &tokens, e);
    });
  }
  fails(LMM_ERROR_NOT_FOUND, {"/no/such"}, [](lmm_error** e) {
    Own<lmm_tokenizer> none;
    return lmm_tokenizer_load(nullptr, "/no/such", LMM_STRLEN, &none, e);
  });
}

TEST_CASE("no tokenizer, no tokens, no text") {
  std::size_t length = 1;
  CHECK(!lmm_tokenizer_has_chat_template(nullptr));
  CHECK(lmm_tokens_count(nullptr) == 0);
  CHECK(lmm_tokens_ids(nullptr, &length) == nullptr);
  CHECK(length == 0);
  CHECK(lmm_tokens_piece(nullptr, 0, nullptr) == nullptr);
  CHECK(std::string(lmm_text_data(nullptr, nullptr)).empty());
  lmm_tokenizer_free(nullptr);
  lmm_tokens_free(nullptr);
  lmm_text_free(nullptr);
}
