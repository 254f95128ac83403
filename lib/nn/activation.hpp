#pragma once

#include "lib/nn/kernels/views.hpp"

#include <ATen/core/Tensor.h>

#include <string_view>

namespace lmm::nn {

/// An activation by its name in `hidden_act` (transformers/activations.py). Error unsupported for an unknown name.
class Activation {
 public:
  explicit Activation(std::string_view name);
  at::Tensor operator()(const at::Tensor& x) const;

  /// The same for lmm's own kernels, which compute it behind a product.
  kernels::Nonlinearity kind() const noexcept { return kind_; }

 private:
  kernels::Nonlinearity kind_;
};

}  // namespace lmm::nn
