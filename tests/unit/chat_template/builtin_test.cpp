// The chat templates that lmm brings along: which folder gets one, and what they render. That they render what the
// reference's code does is shown in tests/parity.

#include "lib/chat_template/builtin.hpp"
#include "tests/unit/chat_template/helpers.hpp"
#include "tests/unit/tokenizer/support.hpp"

#include <doctest/doctest.h>

namespace lmm::chat_template {
namespace {

const Json kSound = {{"type", "audio"}};

Json text(const char* words) { return {{"type", "text"}, {"text", words}}; }

Json turn(const char* role, Json content) { return {{"role", role}, {"content", std::move(content)}}; }

/// What a folder's template makes of a turn "Hm?"; nothing where it has none.
std::string rendered(const support::Folder& folder) {
  const auto found = ChatTemplate::load(folder.path());
  if (!found) return {};
  return found->render({{"messages", Json::array({turn("user", "Hm?")})}, {"add_generation_prompt", true}}).text;
}

}  // namespace

TEST_CASE("families with a template of lmm's own") {
  CHECK(!processor_default("qwen2_audio").empty());
  for (const char* type : {"", "whisper", "llama"}) CHECK(processor_default(type).empty());
}

TEST_CASE("Qwen2-Audio's: a system turn of its own, recordings counted over all turns") {
  const std::string source(processor_default("qwen2_audio"));
  const Json messages = {turn("user", {kSound, text("One?")}), turn("assistant", {text("Yes.")}),
                         turn("user", {text("And "), kSound})};
  CHECK(text_of(source, {{"messages", messages}, {"add_generation_prompt", true}}) ==
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\nAudio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\nOne?<|im_end|>\n"
        "<|im_start|>assistant\nYes.<|im_end|>\n"
        "<|im_start|>user\nAnd Audio 2: <|audio_bos|><|AUDIO|><|audio_eos|>\n<|im_end|>\n"
        "<|im_start|>assistant\n");
  CHECK(text_of(source, {{"messages", {turn("system", "Be short."), turn("user", "Hm?")}}}) ==
        "<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user\nHm?<|im_end|>\n");
}

TEST_CASE("which template a folder has") {
  support::Folder folder;
  CHECK(rendered(folder).empty());
  folder.write_json("config.json", {{"model_type", "qwen2_audio"}});
  CHECK(rendered(folder).empty());  // a tokenizer alone
  folder.write_json("tokenizer_config.json", {{"chat_template", "tokenizer's"}});
  CHECK(rendered(folder) == "tokenizer's");
  folder.write_json("preprocessor_config.json", {{"processor_class", "Qwen2AudioProcessor"}});
  CHECK(rendered(folder).starts_with("<|im_start|>system\nYou are"));
  folder.write_json("chat_template.json", {{"chat_template", "processor's"}});
  CHECK(rendered(folder) == "processor's");
}

}  // namespace lmm::chat_template
