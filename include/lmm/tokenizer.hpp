#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <lmm/export.hpp>

namespace lmm {
namespace session {
struct TextTools;
}
inline namespace v0 {

/// A token and the text it stands for in the vocabulary (byte-level characters as the file spells them).
struct Token {
  std::int32_t id = 0;
  std::string piece;
};

/// A rendered conversation.
struct Rendered {
  std::string text;           ///< the prompt as the template made it, one placeholder a picture
  std::vector<Token> tokens;  ///< of that text
};

/// Tokenizer and chat template of a checkpoint. Immutable, cheap to copy, usable from any thread.
class LMM_API Tokenizer {
 public:
  /// Loads them from a Hugging Face folder; its weights need not be there.
  /// Throws Error: not_found, bad_file, bad_template, unsupported.
  static Tokenizer load(const std::filesystem::path& folder);

  /// Ids of a text as the reference tokenizer gives them; ill-formed UTF-8 is read as U+FFFD. add_special_tokens: with
  /// what the checkpoint puts around a text. parse_special: text that spells a special token becomes that token.
  std::vector<Token> encode(std::string_view text, bool add_special_tokens = true, bool parse_special = true) const;

  /// Text of ids. Throws Error invalid_argument for an id outside the vocabulary.
  std::string decode(const std::vector<std::int32_t>& ids, bool skip_special_tokens = true) const;

  /// Renders an OpenAI-style JSON list of messages, or an object with "messages", "tools" and template variables,
  /// through the chat template, with the generation prompt. Text in it that spells a special token stays text.
  /// Throws Error: bad_file (JSON), bad_template, unsupported (no template).
  Rendered render(std::string_view messages_json) const;

  bool has_chat_template() const noexcept;

 private:
  friend class Model;
  explicit Tokenizer(std::shared_ptr<const session::TextTools> tools) : tools_(std::move(tools)) {}
  std::shared_ptr<const session::TextTools> tools_;
};

}  // namespace v0
}  // namespace lmm
