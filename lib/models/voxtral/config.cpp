#include "lib/models/voxtral/config.hpp"

#include "lib/models/nested_config.hpp"

namespace lmm::models::voxtral {
namespace {

/// What the reference puts below the file's text_config.
Json text_defaults() {
  return {{"vocab_size", 131072},    {"hidden_size", 3072},      {"intermediate_size", 8192},
          {"num_hidden_layers", 30}, {"num_key_value_heads", 8}, {"max_position_embeddings", 131072},
          {"rms_norm_eps", 1e-5},    {"rope_theta", 1e8},        {"head_dim", 128}};
}

}  // namespace

Fields audio_fields(const Fields& fields) { return nested_config(fields, "audio_config", {"voxtral_encoder"}); }

Config Config::parse(const Fields& fields) {
  const Fields given = nested_config(fields, "text_config", {"llama"});
  Json text = text_defaults();
  for (const auto& [name, value] : given.json().items()) text[name] = value;
  Config config;
  config.text = towers::DecoderConfig::parse_llama(Fields(text, given.where()), 1e-6);
  config.projector_activation = fields.string("projector_hidden_act", "gelu");
  config.audio_token_id = fields.integer_in("audio_token_id", 0, config.text.vocab_size - 1);
  return config;
}

}  // namespace lmm::models::voxtral
