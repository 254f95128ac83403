#pragma once

#include "lib/models/family.hpp"

#include <ATen/core/Tensor.h>

namespace lmm::models {

/// The one kind of picture embeddings that families give: (rows, hidden) in the compute type.
struct TensorRows final : ImageRows {
  explicit TensorRows(at::Tensor rows_of_hidden) : tensor(std::move(rows_of_hidden)) {
    rows = tensor.size(0);
    bytes = tensor.nbytes();
  }
  at::Tensor tensor;
};

}  // namespace lmm::models
