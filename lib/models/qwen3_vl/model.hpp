#pragma once

#include "lib/models/registry.hpp"

/// Qwen3-VL, dense and with mixtures of experts: learned positions in the tower, features from its middle layers added
/// in the first layers of the text model (Bai et al. 2025, arXiv 2511.21631; transformers/models/qwen3_vl, qwen3_vl_moe).
namespace lmm::models::qwen3_vl {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

}  // namespace lmm::models::qwen3_vl
