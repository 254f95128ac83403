#include "lib/models/qwen2_5_omni/config.hpp"

#include "lib/core/error.hpp"
#include "lib/models/nested_config.hpp"

namespace lmm::models::qwen2_5_omni {
namespace {

towers::DecoderDefaults text_defaults() {
  towers::DecoderDefaults defaults;
  defaults.vocab_size = 152064;
  defaults.hidden_size = 3584;
  defaults.intermediate_size = 18944;
  defaults.layers = 28;
  defaults.heads = 28;
  defaults.kv_heads = 4;
  defaults.context_length = 32768;
  defaults.windows = towers::DecoderDefaults::Windows::by_layer;
  defaults.rope = {1000000.0, nn::RopeConfig::Sections::contiguous, {16, 24, 24}};
  return defaults;
}

/// "image_token_index", which newer code calls "image_token_id" and takes by both names.
std::int64_t token_id(const Fields& thinker, const char* name, const char* own, std::int64_t published, std::int64_t vocab) {
  const char* spelling = thinker.has(name) ? name : own;
  const std::int64_t id = thinker.integer(spelling, published);
  if (id < 0 || id >= vocab) {
    fail(ErrorCode::bad_file, "{}: {} is {}, the vocabulary has {} entries", thinker.where(), spelling, id, vocab);
  }
  return id;
}

}  // namespace

Fields thinker_fields(const Fields& fields) {
  return fields.string("model_type") == "qwen2_5_omni" ? nested_config(fields, "thinker_config", {"qwen2_5_omni_thinker"}) : fields;
}

Fields audio_fields(const Fields& thinker) { return nested_config(thinker, "audio_config", {"qwen2_5_omni_audio_encoder"}); }
Fields vision_fields(const Fields& thinker) { return nested_config(thinker, "vision_config", {"qwen2_5_omni_vision_encoder"}); }

Config Config::parse(const Fields& thinker) {
  const Fields fields = nested_config(thinker, "text_config", {"qwen2_5_omni_text"});
  Config config;
  config.text = towers::DecoderConfig::parse_qwen2(fields, text_defaults());
  const std::int64_t vocab = config.text.vocab_size;
  config.audio_token_id = token_id(thinker, "audio_token_id", "audio_token_index", 151646, vocab);
  config.image_token_id = token_id(thinker, "image_token_id", "image_token_index", 151655, vocab);
  config.video_token_id = token_id(thinker, "video_token_id", "video_token_index", 151656, vocab);
  config.position_id_per_seconds = thinker.integer_in("position_id_per_seconds", 0, 1'000'000, 25);
  config.tie_word_embeddings = thinker.boolean("tie_word_embeddings", false);
  return config;
}

std::string audio_token(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer_config.json";
  const Json json = read_json_file(path);
  const Fields fields(json, path.string());
  const Json* more = fields.find("extra_special_tokens");
  const bool nested = !fields.has("audio_token") && more != nullptr && more->is_object();
  const Fields holder = nested ? fields.object("extra_special_tokens") : fields;
  const Json& token = holder.at("audio_token");
  return token.is_object() ? holder.object("audio_token").string("content") : holder.string("audio_token");
}

}  // namespace lmm::models::qwen2_5_omni
