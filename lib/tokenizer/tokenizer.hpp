#pragma once

#include "lib/tokenizer/text.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lmm::tokenizer {

class StreamDecoder;

struct EncodeOptions {
  bool add_special_tokens = true;  ///< what the post-processor puts around a text (bos, eos)
  bool parse_special = true;  ///< false: special tokens in the text are text (the reference's split_special_tokens)
  /// Bytes of the text that come from a user: sorted, not overlapping. No added token is recognised where it shares a
  /// byte with one of them, and the model gives no special token for the text around. Read during the call only.
  std::span<const TextSpan> literal = {};
};

/// Text ↔ ids, as transformers' AutoTokenizer gives them for the same folder. Immutable, usable from any number of
/// threads at once.
class Tokenizer {
 public:
  /// Reads a checkpoint folder: tokenizer.json, tekken.json, or vocab.json with merges.txt; tokenizer_config.json,
  /// special_tokens_map.json, added_tokens.json; the tokenizer class and model type of config.json.
  /// Throws Error: not_found, io, bad_file, unsupported (a component that is not implemented, by name).
  static std::shared_ptr<const Tokenizer> load(const std::filesystem::path& folder);

  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// Ill-formed UTF-8 reads as U+FFFD. Throws Error: invalid_argument (literal spans), bad_file (a regular expression
  /// that gives up on this text, an unknown token that is not in the vocabulary).
  std::vector<std::int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const;

  /// Throws Error invalid_argument for an id that names no token.
  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const;

  /// How the vocabulary spells a token. Throws Error invalid_argument for an id that names none.
  const std::string& piece(std::int32_t id) const;
  bool has_token(std::int32_t id) const noexcept;
  std::optional<std::int32_t> id_of(std::string_view token) const;
  /// Tokens, added ones included: the reference's len(tokenizer). Ids may have holes, so this is no bound of theirs.
  std::size_t vocab_size() const noexcept;
  /// Whether decode(skip_special_tokens) leaves the token out.
  bool is_special(std::int32_t id) const noexcept;

  /// Named special tokens, e.g. {"bos_token", "<s>"}, in the reference's order: special_tokens_map, which chat
  /// templates get as variables.
  const std::vector<std::pair<std::string, std::string>>& special_tokens() const noexcept;
  /// Text of a named special token, nothing where there is none of that name.
  std::optional<std::string> special_token(std::string_view name) const;
  std::optional<std::int32_t> bos_id() const;
  std::optional<std::int32_t> eos_id() const;
  std::optional<std::int32_t> pad_id() const;
  std::optional<std::int32_t> unk_id() const;

 private:
  friend class StreamDecoder;
  struct Parts;
  explicit Tokenizer(std::unique_ptr<const Parts> parts);

  std::unique_ptr<const Parts> parts_;
};

/// Decodes ids one at a time. The pieces joined are what decode() gives for all ids; each is whole UTF-8 characters.
/// The cost of a token does not grow with the number of tokens before it. Text is held back while it is not settled:
/// bytes of an unfinished character; a run of <0xNN> tokens up to its end; the last token where a decoder treats it
/// differently; everything where one needs the whole text. For one thread.
class StreamDecoder {
 public:
  StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special_tokens);
  ~StreamDecoder();
  StreamDecoder(StreamDecoder&&) noexcept;
  StreamDecoder& operator=(StreamDecoder&&) noexcept;

  /// Text that is settled by this token, may be empty. An id without token gives nothing, as in the reference's decode:
  /// embeddings often have more rows than the vocabulary tokens.
  std::string push(std::int32_t id);
  /// What is held back: what finish() would give now. Costs as much as there is.
  std::string pending() const;
  /// What was held back. Call once, at the end.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lmm::tokenizer
