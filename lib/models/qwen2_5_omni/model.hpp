#pragma once

#include "lib/models/registry.hpp"

/// The thinker of Qwen2.5-Omni: Qwen2.5-VL, which sees, with an encoder that hears (Xu et al. 2025, arXiv 2503.20215;
/// transformers/models/qwen2_5_omni, Qwen2_5OmniThinkerForConditionalGeneration). It answers in text; the talker's weights
/// are left where they are.
namespace lmm::models::qwen2_5_omni {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

}  // namespace lmm::models::qwen2_5_omni
