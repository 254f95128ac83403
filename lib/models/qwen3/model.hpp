#pragma once

#include "lib/models/registry.hpp"

/// Text-only Qwen3 models, dense (transformers/models/qwen3).
namespace lmm::models::qwen3 {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

}  // namespace lmm::models::qwen3
