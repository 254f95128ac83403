// A sliding window against the formula, over the shapes of a prompt in pieces.

#include "lib/nn/attention.hpp"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cmath>

using namespace lmm;

namespace {

/// Softmax over the keys that query i, which stands at key i + keys - tokens, sees.
at::Tensor formula(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t window) {
  const auto tokens = q.size(2), keys = k.size(2), group = q.size(1) / k.size(1);
  const at::Tensor wide_k = k.repeat_interleave(group, 1), wide_v = v.repeat_interleave(group, 1);
  at::Tensor scores = at::matmul(q, wide_k.transpose(2, 3)) / std::sqrt(static_cast<double>(q.size(3)));
  for (std::int64_t i = 0; i < tokens; ++i) {
    for (std::int64_t j = 0; j < keys; ++j) {
      const std::int64_t own = i + keys - tokens;
      if (j > own || (window > 0 && j <= own - window)) scores.select(2, i).select(2, j).fill_(-INFINITY);
    }
  }
  return at::matmul(scores.softmax(-1), wide_v).transpose(1, 2).reshape({1, tokens, -1});
}

}  // namespace

TEST_CASE("a sliding window sees the last keys alone") {
  nn::Attention attention;
  for (const auto& [tokens, keys] : {std::pair(9, 9), std::pair(4, 11), std::pair(1, 7), std::pair(12, 12)}) {
    at::manual_seed(tokens);
    const at::Tensor q = at::randn({1, 4, tokens, 8}), k = at::randn({1, 2, keys, 8}), v = at::randn({1, 2, keys, 8});
    for (const std::int64_t window : {0, 1, 2, 5, 7, 11, 12, 100}) {
      CAPTURE(tokens);
      CAPTURE(window);
      CHECK(at::allclose(attention.sliding(q, k, v, window), formula(q, k, v, window), 1e-5, 1e-6));
    }
  }
}
