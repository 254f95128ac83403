#pragma once

#include "lib/core/json.hpp"
#include "lib/tokenizer/added_vocabulary.hpp"
#include "lib/tokenizer/vocabulary.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lmm::tokenizer {

/// All that a checkpoint folder says about its tokenizer, put together as AutoTokenizer does.
struct Blueprint {
  std::string file;  ///< what errors name
  Json model;        ///< options, "type" among them
  Vocabulary::Entries vocabulary;
  std::vector<Merge> merges;
  Json normalizer;  ///< null: none; the same for the others
  Json pre_tokenizer;
  Json post_processor;
  Json decoder;
  std::vector<std::pair<std::int32_t, AddedToken>> placed;  ///< added tokens with the ids that the file gives them
  std::vector<std::vector<AddedToken>> added;               ///< one entry per call of add_tokens
  std::vector<std::pair<std::string, std::string>> named;   ///< "bos_token" and so on → its text
  std::vector<std::string> extra;                           ///< extra_special_tokens
  bool bos_and_eos_only = false;                            ///< instead of post_processor: the two flags below
  bool add_bos = false;
  bool add_eos = false;
  bool clean_up = false;              ///< clean_up_tokenization_spaces, where it has an effect
  bool specials_apart = false;        ///< texts between special tokens are decoded one by one
  bool split_special_tokens = false;  ///< special tokens in a text are text
};

/// Reads tokenizer.json, or vocab.json and merges.txt, with tokenizer_config.json, special_tokens_map.json,
/// added_tokens.json and the tokenizer class and model type of config.json; or tekken.json alone, in folders without
/// tokenizer.json and for model types that read it first (read_tekken). The sections truncation and padding of
/// tokenizer.json have no effect: a plain call of the reference's tokenizer switches both off.
/// Throws Error: not_found, io, bad_file, unsupported.
Blueprint read_checkpoint(const std::filesystem::path& folder);

}  // namespace lmm::tokenizer
