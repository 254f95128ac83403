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

std::string voxtral(Json messages, Json more = Json::object()) {
  more["messages"] = std::move(messages);
  return text_of(std::string(mistral_default("voxtral")), std::move(more));
}

std::string refused(Json messages, Json more = Json::object()) {
  more["messages"] = std::move(messages);
  return error_of(std::string(mistral_default("voxtral")), std::move(more));
}

/// What a folder's template makes of a turn "Hm?"; nothing where it has none.
std::string rendered(const support::Folder& folder) {
  const auto found = ChatTemplate::load(folder.path());
  if (!found) return {};
  return found->render({{"messages", Json::array({turn("user", "Hm?")})}, {"add_generation_prompt", true}}).text;
}

}  // namespace

TEST_CASE("families with a template of lmm's own") {
  CHECK(!processor_default("qwen2_audio").empty());
  CHECK(!mistral_default("voxtral").empty());
  CHECK(!video_default("smolvlm").empty());
  for (const char* type : {"", "whisper", "llama"}) {
    CHECK(processor_default(type).empty());
    CHECK(mistral_default(type).empty());
    CHECK(video_default(type).empty());
  }
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

TEST_CASE("Voxtral's: turns, paragraphs and recordings") {
  CHECK(voxtral({turn("user", {kSound, text("One?")})}) == "<s>[INST][BEGIN_AUDIO][AUDIO]One?[/INST]");
  CHECK(voxtral({turn("user", {text("a"), text("b"), kSound, text("c")}), turn("user", "d")}) ==
        "<s>[INST]a\n\nb[BEGIN_AUDIO][AUDIO]c\n\nd[/INST]");
  CHECK(voxtral({turn("system", "Be short."), turn("user", "Hi"), turn("assistant", "Yes. "), turn("user", "Bye")}) ==
        "<s>[SYSTEM_PROMPT]Be short.[/SYSTEM_PROMPT][INST]Hi[/INST]Yes.</s>[INST]Bye[/INST]");
  CHECK(refused({turn("system", "Be short."), turn("user", {kSound})}).find("System messages are not yet allowed") !=
        std::string::npos);
  CHECK(refused({turn("tool", "4")}).find("got tool") != std::string::npos);
  CHECK(refused({turn("user", Json::array({{{"type", "image"}}}))}).find("got image") != std::string::npos);
}

TEST_CASE("Voxtral's: a transcription") {
  const Json alone = {turn("user", Json::array({kSound}))};
  CHECK(voxtral(alone, {{"transcribe", true}}) == "<s>[INST][BEGIN_AUDIO][AUDIO][/INST][TRANSCRIBE]");
  CHECK(voxtral(alone, {{"transcribe", "de"}}) == "<s>[INST][BEGIN_AUDIO][AUDIO][/INST]lang:de[TRANSCRIBE]");
  CHECK(voxtral(alone, {{"transcribe", false}}) == "<s>[INST][BEGIN_AUDIO][AUDIO][/INST]");
  CHECK(refused({turn("user", {kSound, text("Hm?")})}, {{"transcribe", true}}).find("one recording alone") !=
        std::string::npos);
}

TEST_CASE("SmolVLM's, of conversations with a video") {
  support::Folder folder;
  folder.write_json("config.json", {{"model_type", "smolvlm"}});
  folder.write_json("chat_template.json", {{"chat_template", "the checkpoint's"}});
  const Json picture = {{"type", "image"}};
  const Json video = {{"type", "video"}};
  const auto text_of = [&](Json messages) {
    return ChatTemplate::load(folder.path())->render({{"messages", std::move(messages)}, {"add_generation_prompt", true}}).text;
  };
  CHECK(text_of({turn("user", {picture, text("Hm?")})}) == "the checkpoint's");
  CHECK(text_of({turn("user", "a video")}) == "the checkpoint's");
  CHECK(text_of({turn("user", {picture, text("One?")}), turn("assistant", {text("Yes.")}), turn("user", {video, text("Two?")})}) ==
        "<|im_start|>User:<image>One?<end_of_utterance>\nAssistant: Yes.<end_of_utterance>\nUser: <video>Two?<end_of_utterance>\nAssistant:");
  folder.write_json("config.json", {{"model_type", "idefics3"}});
  CHECK(text_of({turn("user", {video, text("Two?")})}) == "the checkpoint's");
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

  folder.write_json("config.json", {{"model_type", "voxtral"}});
  CHECK(rendered(folder) == "processor's");
  folder.write("tekken.json", "{}");  // beside it no template counts
  CHECK(rendered(folder) == "<s>[INST]Hm?[/INST]");
  folder.write_json("config.json", {{"model_type", "llama"}});
  CHECK(rendered(folder) == "processor's");

  support::Folder bare;
  bare.write_json("config.json", {{"model_type", "voxtral"}});
  CHECK(rendered(bare) == "<s>[INST]Hm?[/INST]");
}

}  // namespace lmm::chat_template
