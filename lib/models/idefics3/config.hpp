#pragma once

#include "lib/core/json.hpp"
#include "lib/towers/text/decoder_config.hpp"

#include <cstdint>

namespace lmm::models::idefics3 {

/// config.json of an `idefics3` or `smolvlm` checkpoint (transformers/models/idefics3/configuration_idefics3.py);
/// the vision tower's part is read by towers::SiglipConfig.
struct Config {
  towers::DecoderConfig text;
  std::int64_t scale_factor = 2;      ///< pixel shuffle: scale_factor^2 patches become one token
  std::int64_t image_token_id = 0;
  bool tie_word_embeddings = false;

  /// Errors: bad_file, unsupported.
  static Config parse(const Fields& fields);
};

}  // namespace lmm::models::idefics3
