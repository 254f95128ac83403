#pragma once

#include "lib/models/family.hpp"

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

namespace lmm::models {

/// The one kind of picture embeddings that families give: (rows, hidden) in the compute type.
struct TensorRows final : MediaRows {
  /// `more`: deep-stack features, (rows, hidden) for each of the first decoder layers, added to what it gives.
  explicit TensorRows(at::Tensor rows_of_hidden, std::vector<at::Tensor> more = {})
      : tensor(std::move(rows_of_hidden)), deep_stack(std::move(more)) {
    rows = tensor.size(0);
    bytes = tensor.nbytes();
    for (const at::Tensor& layer : deep_stack) bytes += layer.nbytes();
  }
  at::Tensor tensor;
  std::vector<at::Tensor> deep_stack;
};

}  // namespace lmm::models
