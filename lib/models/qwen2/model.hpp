#pragma once

#include "lib/models/registry.hpp"

/// Text-only Qwen2 and Qwen2.5 models (transformers/models/qwen2).
namespace lmm::models::qwen2 {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

}  // namespace lmm::models::qwen2
