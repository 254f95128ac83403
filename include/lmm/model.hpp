#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <lmm/export.hpp>
#include <lmm/options.hpp>
#include <lmm/tokenizer.hpp>

namespace lmm {
namespace session {
class Engine;
}
inline namespace v0 {

/// What a checkpoint is, read from its config files and weight headers alone.
struct ModelInfo {
  std::string folder = {};               ///< as given to load() or info()
  std::string family = {};               ///< model_type of config.json, e.g. "idefics3"
  std::string architecture = {};         ///< first entry of `architectures`, may be empty
  std::uint64_t parameters = 0;     ///< stored elements, tied ones once
  std::uint64_t weight_bytes = 0;   ///< bytes of all tensors as stored
  std::vector<std::string> towers = {};  ///< "vision", "text", ...
  std::int64_t context_length = 0;  ///< tokens
  std::int64_t vocab_size = 0;      ///< rows of the embedding
  DType stored_dtype = DType::automatic;  ///< that of most weights
  DType compute_dtype = DType::automatic; ///< that LoadOptions led to
  bool sees_images = false;
  bool sees_videos = false;
  bool hears = false;               ///< takes recordings: to answer, or to write them down
  bool transcribes = false;         ///< writes down recordings, and does nothing else (Whisper)
  bool has_chat_template = false;
  std::vector<std::string> weight_files = {};
};

/// Weights and tokenizer of one checkpoint: immutable, loaded once, shared by any number of sessions in any threads.
/// Copies share. One worker thread per model runs the arithmetic; the callers' threads never do.
class LMM_API Model {
 public:
  /// Loads a Hugging Face checkpoint folder as downloaded. Weights are memory-mapped where no conversion is needed.
  /// The environment variable LMM_MAX_ISA (portable, avx2, avx512, avx512_bf16) bounds the instructions of lmm's kernels; any
  /// other value is an invalid_argument. Throws Error: not_found, io, bad_file, unsupported, bad_template, out_of_memory,
  /// no_device, invalid_argument, cancelled (by on_progress).
  static Model load(const std::filesystem::path& folder, const LoadOptions& options = {});

  /// What load() would load, without reading weights (their headers only). Throws as load().
  static ModelInfo info(const std::filesystem::path& folder);

  const ModelInfo& info() const noexcept;

  /// Which frames of a video of `total` frames, `fps` a second, the model would be shown: their indices, rising. A host
  /// that decodes only these gives them with Video::from_sample, and has the answers of one that gave all frames.
  /// frames_per_second: how many to choose, as far as the model's limits on their number allow; 0: as many as the
  /// checkpoint says, which may be all. Throws Error: unsupported (takes no videos), invalid_argument.
  std::vector<std::int64_t> sample_frames(std::int64_t total, double fps, double frames_per_second = 0) const;

  /// Its tokenizer and chat template.
  Tokenizer tokenizer() const;

  /// For lmm itself.
  explicit Model(std::shared_ptr<session::Engine> engine) : engine_(std::move(engine)) {}
  const std::shared_ptr<session::Engine>& engine() const noexcept { return engine_; }

 private:
  std::shared_ptr<session::Engine> engine_;
};

}  // namespace v0
}  // namespace lmm
