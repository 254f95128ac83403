#pragma once

#include "lib/models/registry.hpp"

/// Text-only Qwen3 models with mixtures of experts (transformers/models/qwen3_moe).
namespace lmm::models::qwen3_moe {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

}  // namespace lmm::models::qwen3_moe
