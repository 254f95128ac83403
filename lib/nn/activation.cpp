#include "lib/nn/activation.hpp"

#include "lib/core/error.hpp"

#include <ATen/ATen.h>

namespace lmm::nn {

using kernels::Nonlinearity;

Activation::Activation(std::string_view name) {
  if (name == "silu" || name == "swish") {
    kind_ = Nonlinearity::silu;
  } else if (name == "gelu") {
    kind_ = Nonlinearity::gelu;
  } else if (name == "gelu_pytorch_tanh" || name == "gelu_new") {
    kind_ = Nonlinearity::gelu_tanh;
  } else if (name == "quick_gelu") {
    kind_ = Nonlinearity::quick_gelu;
  } else if (name == "relu") {
    kind_ = Nonlinearity::relu;
  } else {
    fail(ErrorCode::unsupported,
         "hidden_act is \"{}\", known are silu, swish, gelu, gelu_pytorch_tanh, gelu_new, quick_gelu, relu", name);
  }
}

at::Tensor Activation::operator()(const at::Tensor& x) const {
  switch (kind_) {
    case Nonlinearity::none: return x;
    case Nonlinearity::silu: return at::silu(x);
    case Nonlinearity::gelu: return at::gelu(x);
    case Nonlinearity::gelu_tanh: return at::gelu(x, "tanh");
    case Nonlinearity::quick_gelu: return x * at::sigmoid(1.702 * x);
    case Nonlinearity::relu: return at::relu(x);
  }
  fail(ErrorCode::internal, "unreachable activation");
}

}  // namespace lmm::nn
