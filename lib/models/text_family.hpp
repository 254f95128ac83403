#pragma once

#include "lib/models/registry.hpp"
#include "lib/towers/text/decoder_config.hpp"

#include <memory>

namespace lmm::models {

// A family that is a decoder alone differs from another by its config only.

FamilyInfo describe_text(const towers::DecoderConfig& config);

/// Layers below "model", output matrix "lm_head", tied where config.json says `tie_word_embeddings`.
/// Runs on the worker thread. Errors: bad_file, unsupported.
std::unique_ptr<const Family> load_text(const Checkpoint& checkpoint, const towers::DecoderConfig& config,
                                        const nn::Placement& placement, Run& run);

}  // namespace lmm::models
