#pragma once

#include "lib/models/registry.hpp"

/// Voxtral: Whisper's encoder over windows of 30 s, four of its positions a row of a two-layer projection, and a Llama
/// decoder (Liu et al. 2025, arXiv 2507.13264; transformers/models/voxtral).
namespace lmm::models::voxtral {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

}  // namespace lmm::models::voxtral
