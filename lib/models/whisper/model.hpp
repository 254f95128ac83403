#pragma once

#include "lib/models/registry.hpp"
#include "lib/models/transcriber.hpp"
#include "lib/models/whisper/transcription.hpp"

#include <memory>

/// Whisper: speech into text (Radford et al. 2022, arXiv 2212.04356; transformers/models/whisper).
namespace lmm::models::whisper {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

/// As Transcriber::transcribe, with features made elsewhere. `family` is one that load() gave.
std::unique_ptr<Transcription> transcribe_features(const Family& family, OpenFeatures features,
                                                   const GenerateOptions& options,
                                                   std::shared_ptr<const tokenizer::Tokenizer> tokenizer);

}  // namespace lmm::models::whisper
