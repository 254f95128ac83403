#include "lib/models/idefics3/config.hpp"

#include "lib/core/error.hpp"

namespace lmm::models::idefics3 {

Config Config::parse(const Fields& fields) {
  const Fields text = fields.object("text_config");
  const std::string type = text.string("model_type", "llama");
  if (type != "llama") {
    fail(ErrorCode::unsupported, "{}: model_type is \"{}\", only \"llama\" is supported as text model", text.where(), type);
  }
  Config config;
  config.text = towers::DecoderConfig::parse_llama(text, 1e-5);
  config.scale_factor = fields.integer_in("scale_factor", 1, 64, 2);
  config.image_token_id = fields.integer_in("image_token_id", 0, config.text.vocab_size - 1, 128257);
  config.tie_word_embeddings = fields.boolean("tie_word_embeddings", false);
  return config;
}

}  // namespace lmm::models::idefics3
