#include <lmm/model.hpp>

#include "lib/session/engine.hpp"

namespace lmm {
inline namespace v0 {

Model Model::load(const std::filesystem::path& folder, const LoadOptions& options) {
  return Model(session::Engine::load(folder, options));
}

ModelInfo Model::info(const std::filesystem::path& folder) { return session::Engine::describe(folder); }

const ModelInfo& Model::info() const noexcept { return engine_->info; }

Tokenizer Model::tokenizer() const { return Tokenizer(engine_->text); }

}  // namespace v0
}  // namespace lmm
