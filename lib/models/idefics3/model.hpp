#pragma once

#include "lib/models/registry.hpp"

/// Idefics3 and SmolVLM: SigLIP tower over tiles, pixel shuffle, Llama decoder (Laurençon et al. 2024, arXiv
/// 2408.12637; Marafioti et al. 2025, arXiv 2504.05299; transformers/models/idefics3 and smolvlm).
namespace lmm::models::idefics3 {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

}  // namespace lmm::models::idefics3
