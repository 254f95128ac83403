#pragma once

#include "lib/answer/grounding.hpp"
#include "lib/chat_template/chat_template.hpp"
#include "lib/core/log.hpp"
#include "lib/generate/config.hpp"
#include "lib/models/family.hpp"
#include "lib/session/media_cache.hpp"
#include "lib/session/worker.hpp"
#include "lib/tokenizer/tokenizer.hpp"
#include "lib/weights/weights.hpp"

#include <lmm/model.hpp>

#include <filesystem>
#include <memory>
#include <optional>

namespace lmm::session {

/// Tokenizer and chat template of a checkpoint folder.
struct TextTools {
  std::string folder;
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer;
  std::optional<chat_template::ChatTemplate> chat_template;

  static std::shared_ptr<const TextTools> load(const std::filesystem::path& folder);
};

/// Everything that a loaded model holds; what lmm::Model is a handle of. Const after load() but for its worker and
/// its cache of embedding rows, which are thread-safe.
class Engine {
 public:
  static std::shared_ptr<Engine> load(const std::filesystem::path& folder, const LoadOptions& options);
  static ModelInfo describe(const std::filesystem::path& folder);

  /// Finds out which form of contents the template takes; part of load().
  void probe_template();

  /// How the template wants contents: as a list of parts, or as a string.
  bool content_lists() const noexcept { return content_lists_; }
  bool multimodal() const noexcept;

  ModelInfo info;
  std::shared_ptr<const TextTools> text;
  generate::GenerationConfig generation;
  std::optional<answer::Format> grounding;  ///< how the model writes boxes and points: as its family says, or by its tokens
  std::shared_ptr<const models::Family> family;
  double load_seconds = 0;
  Log log;
  MediaCache media;
  std::unique_ptr<Worker> worker;

 private:
  void log_load(const weights::Weights& weights, const LoadOptions& options, int threads) const;

  bool content_lists_ = false;
};

}  // namespace lmm::session
