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

}  // namespace

void decode(const towers::Decoder& decoder, const Sequence& sequence, nn::KvCache& cache, std::span<float> logits,
            Run& run) {
  const auto total = static_cast<std::int64_t>(sequence.ids.size());
  const std::int64_t start = cache.length();
  try {
    at::Tensor hidden;
    while (cache.length() < total) {
      const std::int64_t first = cache.length();
      const std::int64_t tokens = std::min(kChunk, total - first);
      at::Tensor embeddings = decoder.embed(std::span(sequence.ids).subspan(static_cast<std::size_t>(first),
                                                                            static_cast<std::size_t>(tokens)));
      splice(sequence, first, embeddings);
      nn::tap(run, "embeds", "", embeddings);
      hidden = decoder.forward(embeddings, cache, run);
    }
    const at::Tensor row = decoder.logits(hidden);
    nn::tap(run, "logits", "", row);
    std::copy_n(row.const_data_ptr<float>(), logits.size(), logits.begin());
  } catch (...) {
    cache.truncate(start);
    throw;
  }
}

}  // namespace lmm::models
