#pragma once

#include "lib/models/registry.hpp"

/// Text-only Llama models: SmolLM2, Llama 3 and their like (transformers/models/llama).
namespace lmm::models::llama {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

}  // namespace lmm::models::llama
