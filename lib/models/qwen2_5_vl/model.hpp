#pragma once

#include "lib/models/registry.hpp"

/// Qwen2.5-VL: Qwen2-VL with a tower that mostly looks within windows (Bai et al. 2025, arXiv 2502.13923;
/// transformers/models/qwen2_5_vl).
namespace lmm::models::qwen2_5_vl {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

}  // namespace lmm::models::qwen2_5_vl
