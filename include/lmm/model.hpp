#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <lmm/export.hpp>
#include <lmm/options.hpp>

namespace lmm {
namespace session {
class Engine;
}
inline namespace v0 {

/// What a checkpoint is, read from its config files and weight headers alone.
struct ModelInfo {
  std::string folder;               ///< as given to load() or info()
  std::string family;               ///< model_type of config.json, e.g. "idefics3"
  std::string architecture;         ///< first entry of `architectures`, may be empty
  std::uint64_t parameters = 0;     ///< stored elements, tied ones once
  std::uint64_t weight_bytes = 0;   ///< bytes of all tensors as stored
  std::vector<std::string> towers;  ///< "vision", "text", ...
  std::int64_t context_length = 0;  ///< tokens
  std::int64_t vocab_size = 0;      ///< rows of the embedding
  DType stored_dtype = DType::automatic;  ///< that of most weights
  DType compute_dtype = DType::automatic; ///< that LoadOptions led to
  bool sees_images = false;
  bool has_chat_template = false;
  std::vector<std::string> weight_files;
};

/// A token and the text it stands for in the vocabulary (byte-level characters as the file spells them).
struct Token {
  std::int32_t id = 0;
  std::string piece;
};

/// A rendered conversation.
struct Rendered {
  std::string text;                 ///< the prompt as the template made it, one placeholder a picture
  std::vector<Token> tokens;        ///< of that text
};

/// Weights and tokenizer of one checkpoint: immutable, loaded once, shared by any number of sessions in any threads.
/// Copies share. One worker thread per model runs the arithmetic; the callers' threads never do.
class LMM_API Model {
 public:
  /// Loads a Hugging Face checkpoint folder as downloaded. Weights are memory-mapped where no conversion is needed.
  /// Throws Error: not_found, bad_file, unsupported, out_of_memory, no_device, invalid_argument, cancelled.
  static Model load(const std::filesystem::path& folder, const LoadOptions& options = {});

  /// What load() would load, without reading weights (their headers only). Throws as load().
  static ModelInfo info(const std::filesystem::path& folder);

  const ModelInfo& info() const noexcept;

  /// Ids of a text as the reference tokenizer gives them. parse_special: text that spells a special token becomes it.
  std::vector<Token> tokenize(std::string_view text, bool add_special_tokens = true, bool parse_special = true) const;

  /// Text of ids. Throws Error invalid_argument for an id outside the vocabulary.
  std::string detokenize(const std::vector<std::int32_t>& ids, bool skip_special_tokens = true) const;

  /// Renders an OpenAI-style JSON list of messages, or an object with "messages", "tools" and template variables,
  /// through the checkpoint's chat template, with the generation prompt.
  /// Throws Error: bad_file (JSON), bad_template, unsupported (no template).
  Rendered render(std::string_view messages_json) const;

  /// For lmm itself.
  const std::shared_ptr<session::Engine>& engine() const noexcept { return engine_; }

 private:
  explicit Model(std::shared_ptr<session::Engine> engine) : engine_(std::move(engine)) {}
  std::shared_ptr<session::Engine> engine_;
};

}  // namespace v0
}  // namespace lmm
