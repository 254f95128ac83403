#include "lib/models/qwen2_audio/config.hpp"

#include "lib/core/error.hpp"
#include "lib/models/nested_config.hpp"

namespace lmm::models::qwen2_audio {

Fields audio_fields(const Fields& fields) { return nested_config(fields, "audio_config", {"qwen2_audio_encoder"}); }

std::string audio_token(const std::filesystem::path& folder) {
  const std::filesystem::path tokenizer = folder / "tokenizer_config.json";
  if (std::filesystem::exists(tokenizer)) {
    const Json json = read_json_file(tokenizer);
    const Fields fields(json, tokenizer.string());
    std::string text = token_text(fields, "audio_token");
    const Json* more = fields.find("extra_special_tokens");
    if (text.empty() && more != nullptr && more->is_object())
      text = token_text(fields.object("extra_special_tokens"), "audio_token");
    if (!text.empty()) return text;
  }
  const std::filesystem::path processor = folder / "processor_config.json";
  if (!std::filesystem::exists(processor)) return "<|AUDIO|>";
  const Json json = read_json_file(processor);
  return Fields(json, processor.string()).string("audio_token", "<|AUDIO|>");
}

Config Config::parse(const Fields& fields) {
  towers::DecoderDefaults defaults;  // configuration_qwen2.py
  defaults.vocab_size = 151936;
  defaults.intermediate_size = 22016;
  defaults.kv_heads = 32;
  defaults.context_length = 32768;
  defaults.windows = towers::DecoderDefaults::Windows::by_layer;
  Config config;
  config.text = towers::DecoderConfig::parse_qwen2(nested_config(fields, "text_config", {"qwen2"}), defaults);
  // audio_token_id is what all configs call audio_token_index, and wins where both are there (attribute_map).
  const char* name = fields.has("audio_token_id") ? "audio_token_id" : "audio_token_index";
  config.audio_token_id = fields.integer(name, 151646);
  if (config.audio_token_id < 0 || config.audio_token_id >= config.text.vocab_size) {
    fail(ErrorCode::bad_file, "{}: {} is {}, the vocabulary has {} entries", fields.where(), name,
         config.audio_token_id, config.text.vocab_size);
  }
  return config;
}

}  // namespace lmm::models::qwen2_audio
