#include "lib/models/qwen3_vl/config.hpp"

namespace lmm::models::qwen3_vl {
namespace {

towers::DecoderDefaults dense_defaults() {
  towers::DecoderDefaults defaults;
  defaults.vocab_size = 151936;
  defaults.hidden_size = 4096;
  defaults.intermediate_size = 22016;
  defaults.layers = 32;
  defaults.heads = 32;
  defaults.kv_heads = 32;
  defaults.head_dim = 128;
  defaults.context_length = 128000;
  defaults.rope = {500000.0, nn::RopeConfig::Sections::interleaved, {24, 20, 20}};
  return defaults;
}

towers::DecoderDefaults mixture_defaults() {
  towers::DecoderDefaults defaults = dense_defaults();
  defaults.hidden_size = 2048;
  defaults.intermediate_size = 5632;
  defaults.layers = 24;
  defaults.heads = 16;
  defaults.kv_heads = 16;
  defaults.head_dim = 0;
  return defaults;
}

}  // namespace

qwen2_vl::Config parse(const Fields& fields) {
  const std::string family = fields.string("model_type");
  const bool mixture = family == "qwen3_vl_moe";
  const Fields text = qwen2_vl::text_fields(fields, family);
  qwen2_vl::Config config;
  config.text = towers::DecoderConfig::parse_qwen3(text, mixture ? mixture_defaults() : dense_defaults());
  if (mixture) {
    towers::MixtureConfig defaults;
    defaults.experts = 60;
    defaults.chosen = 4;
    defaults.intermediate_size = 1408;
    config.text.parse_mixture(text, defaults);
    config.text.mixture.normalise = true;  // Qwen3VLMoeTextTopKRouter has no switch for it
  }
  config.image_token_id = qwen2_vl::parse_image_token_id(fields, config.text.vocab_size);
  config.video_token_id = qwen2_vl::parse_video_token_id(fields, config.text.vocab_size);
  config.tie_word_embeddings = fields.boolean("tie_word_embeddings", false);
  return config;
}

}  // namespace lmm::models::qwen3_vl
