#pragma once

#include "lib/core/json.hpp"
#include "lib/towers/text/decoder_config.hpp"

#include <cstdint>
#include <string>

namespace lmm::models::voxtral {

/// config.json of Voxtral but for its tower (transformers/models/voxtral/configuration_voxtral.py). The output matrix
/// is never tied to the embeddings, whatever tie_word_embeddings says: the reference's class ties none.
struct Config {
  towers::DecoderConfig text;
  std::int64_t audio_token_id = 0;
  std::string projector_activation;  ///< projector_hidden_act

  /// Errors: bad_file, unsupported.
  static Config parse(const Fields& fields);
};

/// audio_config; absent: empty. Errors: unsupported for another model_type.
Fields audio_fields(const Fields& fields);

}  // namespace lmm::models::voxtral
