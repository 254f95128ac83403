#pragma once

#include "lib/models/family.hpp"
#include "lib/nn/kv_cache.hpp"
#include "lib/towers/text/decoder.hpp"

#include <span>

namespace lmm::models {

/// Family::forward() for a decoder: embeds the tokens that the cache does not hold yet, puts picture rows over their
/// placeholders (and adds their deep-stack features in the first layers), and runs them in chunks, at the sequence's
/// positions. `logits`: (vocab_size) of the last token.
void decode(const towers::Decoder& decoder, const Sequence& sequence, nn::KvCache& cache, std::span<float> logits,
            Run& run);

}  // namespace lmm::models
