#include <lmm/model.hpp>

#include "lib/core/error.hpp"
#include "lib/core/no_waiting.hpp"
#include "lib/session/engine.hpp"

namespace lmm {
inline namespace v0 {

Model Model::load(const std::filesystem::path& folder, const LoadOptions& options) {
  check_may_wait("load");
  return Model(session::Engine::load(folder, options));
}

ModelInfo Model::info(const std::filesystem::path& folder) { return session::Engine::describe(folder); }

const ModelInfo& Model::info() const noexcept { return engine_->info; }

std::vector<std::int64_t> Model::sample_frames(std::int64_t total, double fps, double frames_per_second) const {
  if (frames_per_second != 0.0 && !(frames_per_second > 0.0 && frames_per_second <= 1e6)) {
    fail(ErrorCode::invalid_argument, "frames_per_second is {}, expected above 0, at most 1000000, or 0 for the checkpoint's",
         frames_per_second);
  }
  return engine_->family->sample_frames(total, fps, frames_per_second);
}

Tokenizer Model::tokenizer() const { return Tokenizer(engine_->text); }

}  // namespace v0
}  // namespace lmm
