#pragma once

#include "lib/core/json.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lmm::tokenizer {

/// The tokenizer class that transformers' AutoTokenizer takes, "TokenizersBackend" for the one that uses tokenizer.json
/// as it stands (models/auto/tokenization_auto.py, from_pretrained).
/// model_type, config_class: of config.json. byte_level: whether tokenizer.json has a component "ByteLevel".
std::string auto_class(std::string_view model_type, std::string_view config_class,
                       std::string_view tokenizer_config_class, bool byte_level);

/// Whether AutoTokenizer reads tekken.json, where it is there, whatever else is: the model types of
/// MistralCommonBackend.
bool reads_tekken_first(std::string_view model_type);

/// A tokenizer class that builds its own pipeline and takes but vocabulary, merges and post-processor from the files.
struct ClassParts {
  Json model;       ///< options of the model
  Json normalizer;  ///< null: none; the same for the others
  Json pre_tokenizer;
  Json decoder;
  std::vector<std::pair<std::string, Json>> defaults;  ///< special tokens where tokenizer_config.json says nothing
  bool vocab_files = false;                            ///< whether it can be built from vocab.json and merges.txt
  bool adds_specials_again = false;                    ///< all special tokens anew, as plain ones
  bool post_init = false;                              ///< all special tokens once more, as they are
  bool own_post_processor = false;                     ///< only add_bos_token and add_eos_token count
};

/// The parts of class `name` with the options of tokenizer_config.json.
/// Throws Error unsupported for a class that is not implemented.
ClassParts class_parts(std::string_view name, const Fields& tokenizer_config);

}  // namespace lmm::tokenizer
