#pragma once

#include "lib/models/registry.hpp"

/// Qwen2-Audio: Whisper's encoder with its positions pooled in pairs, a projection, and a Qwen2 decoder (Chu et al.
/// 2024, arXiv 2407.10759; transformers/models/qwen2_audio).
namespace lmm::models::qwen2_audio {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

}  // namespace lmm::models::qwen2_audio
