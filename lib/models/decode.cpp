#include "lib/models/decode.hpp"

#include "lib/models/image_rows.hpp"
#include "lib/nn/tap.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace lmm::models {
namespace {

/// Tokens that go through the layers at once: large enough for full matrix throughput, small enough that activations
/// stay a few tens of megabytes and cancelling is prompt.
constexpr std::int64_t kChunk = 1024;

/// Puts rows of pictures over their placeholders in embeddings (1, tokens, hidden) of tokens first .. first + tokens.
void splice(const Sequence& sequence, std::int64_t first, at::Tensor& embeddings) {
  const std::int64_t last = first + embeddings.size(1);
  for (const ImageSpan& span : sequence.spans) {
    const std::int64_t begin = std::max(first, span.position);
    const std::int64_t end = std::min(last, span.position + span.count);
    if (begin >= end) continue;
    const auto& rows = dynamic_cast<const TensorRows&>(*sequence.images[span.image]);
    const at::Tensor part = rows.tensor.narrow(0, span.first_row + begin - span.position, end - begin);
    embeddings.select(0, 0).narrow(0, begin - first, end - begin).copy_(part);
  }
}

at::Tensor embed(const towers::Decoder& decoder, const Sequence& sequence, std::int64_t first, std::int64_t tokens,
                 const Run& run) {
  at::Tensor embeddings =
      decoder.embed(std::span(sequence.ids).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(tokens)));
  splice(sequence, first, embeddings);
  nn::tap(run, "embeds", "", embeddings);
  return embeddings;
}

}  // namespace

void decode(const towers::Decoder& decoder, const Sequence& sequence, nn::KvCache& cache, std::span<float> logits,
            Run& run) {
  const auto total = static_cast<std::int64_t>(sequence.ids.size());
  const std::int64_t start = cache.length();
  try {
    while (total - cache.length() > 1) {
      const std::int64_t first = cache.length();
      // An observer sees each intermediate whole.
      const std::int64_t tokens = run.observed() ? total - first : std::min(kChunk, total - first);
      const at::Tensor hidden = decoder.forward(embed(decoder, sequence, first, tokens, run), cache, run);
      if (cache.length() < total) continue;
      const at::Tensor row = decoder.logits(hidden);
      nn::tap(run, "logits", "", row);
      std::copy_n(row.const_data_ptr<float>(), logits.size(), logits.begin());
      return;
    }
    decoder.step(embed(decoder, sequence, total - 1, 1, run), cache, logits, run);
  } catch (...) {
    cache.truncate(start);
    throw;
  }
}

}  // namespace lmm::models
