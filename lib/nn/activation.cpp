#include "lib/nn/activation.hpp"

#include "lib/core/error.hpp"
#include "lib/nn/kernels/bf16_rows.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace lmm::nn {

using kernels::Nonlinearity;

namespace {

// x = f(x), or f(x) * up where there is one, in place, on torch's threads.
void by_kernel(Nonlinearity f, const at::Tensor& x, const at::Tensor* up = nullptr) {
  constexpr std::int64_t kGrain = 32768;  // numbers that are worth a thread
  auto* const out = static_cast<std::uint16_t*>(x.mutable_data_ptr());
  const auto* const by = up != nullptr ? static_cast<const std::uint16_t*>(up->const_data_ptr()) : nullptr;
  at::parallel_for(0, x.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    kernels::activate(kernels::best_isa(), f, out + begin, by != nullptr ? by + begin : nullptr, end - begin);
  });
}

}  // namespace

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

// torch takes the tanh of a large vision tower as long as a fourth of its attention.
bool Activation::has_kernel(const at::Tensor& x) const {
  return kind_ != Nonlinearity::none && x.device().is_cpu() && x.scalar_type() == at::kBFloat16 && x.is_contiguous();
}

at::Tensor Activation::gated(const at::Tensor& gate, const at::Tensor& up) const {
  if (!has_kernel(gate) || !has_kernel(up)) return (*this)(gate).mul_(up);
  by_kernel(kind_, gate, &up);
  return gate;
}

at::Tensor Activation::operator()(const at::Tensor& x) const {
  if (has_kernel(x)) {
    by_kernel(kind_, x);
    return x;
  }
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
