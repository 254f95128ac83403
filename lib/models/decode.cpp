#include "lib/models/decode.hpp"

#include "lib/models/media_rows.hpp"
#include "lib/nn/tap.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace lmm::models {
namespace {

/// Tokens that go through the layers at once: large enough for full matrix throughput, small enough that activations
/// stay a few tens of megabytes and cancelling is prompt.
constexpr std::int64_t kChunk = 1024;

/// Calls visit(rows, first of the rows, first of the input's tokens, count) for each stretch of placeholders among the
/// tokens first .. first + tokens.
template <typename Visit>
void for_each_stretch(const Sequence& sequence, std::int64_t first, std::int64_t tokens, Visit visit) {
  for (const MediaSpan& span : sequence.spans) {
    const std::int64_t begin = std::max(first, span.position);
    const std::int64_t end = std::min(first + tokens, span.position + span.count);
    if (begin >= end) continue;
    const auto& rows = dynamic_cast<const TensorRows&>(*sequence.media[span.item]);
    visit(rows, span.first_row + begin - span.position, begin - first, end - begin);
  }
}

/// The tokens first .. first + tokens, with rows of pictures over their placeholders.
towers::DecoderInput input_of(const towers::Decoder& decoder, const Sequence& sequence, std::int64_t first,
                              std::int64_t tokens, const Run& run) {
  const auto part = [&](const auto& all) {
    return std::span(all).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(tokens));
  };
  towers::DecoderInput input{decoder.embed(part(sequence.ids))};
  if (!sequence.positions.empty()) input.positions = part(sequence.positions);
  const at::Tensor embeddings = input.embeddings.select(0, 0);  // (tokens, hidden)
  for_each_stretch(sequence, first, tokens, [&](const TensorRows& rows, std::int64_t row, std::int64_t to, std::int64_t count) {
    embeddings.narrow(0, to, count).copy_(rows.tensor.narrow(0, row, count));
    for (std::size_t layer = 0; layer < rows.deep_stack.size(); ++layer) {
      input.deep_stack.push_back({layer, to, rows.deep_stack[layer].narrow(0, row, count)});
    }
  });
  nn::tap(run, "embeds", "", input.embeddings);
  return input;
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
      const at::Tensor hidden = decoder.forward(input_of(decoder, sequence, first, tokens, run), cache, run);
      if (cache.length() < total) continue;
      const at::Tensor row = decoder.logits(hidden);
      nn::tap(run, "logits", "", row);
      std::copy_n(row.const_data_ptr<float>(), logits.size(), logits.begin());
      return;
    }
    decoder.step(input_of(decoder, sequence, total - 1, 1, run), cache, logits, run);
  } catch (...) {
    cache.truncate(start);
    throw;
  }
}

}  // namespace lmm::models
