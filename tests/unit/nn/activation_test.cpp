#include "lib/nn/activation.hpp"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <string>

using lmm::nn::Activation;

TEST_CASE("activations, and gates, of every type and layout are torch's of the same numbers in fp32") {
  at::manual_seed(4);
  for (const char* name : {"silu", "gelu", "gelu_pytorch_tanh", "quick_gelu", "relu"}) {
    const Activation activation{std::string_view(name)};
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      for (const bool transposed : {false, true}) {
        if (transposed && std::string(name) == "quick_gelu") continue;  // torch's steps, each rounded
        CAPTURE(std::string(name));
        CAPTURE(static_cast<int>(type));
        CAPTURE(transposed);
        const auto numbers = [&](std::int64_t rows, std::int64_t columns) {
          const at::Tensor x = (at::randn({rows, columns}) * 3).to(type);
          return transposed ? x.t().contiguous().t() : x;
        };
        const at::Tensor gate = numbers(300, 257), up = numbers(300, 257);
        const at::Tensor wide = gate.to(at::kFloat);
        const std::string kind = name;
        const at::Tensor expected = kind == "silu"                ? at::silu(wide)
                                    : kind == "gelu"              ? at::gelu(wide)
                                    : kind == "gelu_pytorch_tanh" ? at::gelu(wide, "tanh")
                                    : kind == "quick_gelu"        ? wide * at::sigmoid(1.702 * wide)
                                                                  : at::relu(wide);
        // A gate may be rounded once more, before the product.
        const double allowed = type == at::kFloat ? 1e-6 : 2.02 / 256;
        const auto close = [&](const at::Tensor& y, const at::Tensor& want) {
          return ((y.to(at::kFloat) - want).abs() <= allowed * want.abs() + 2e-6).all().item<bool>();
        };
        CHECK(close(activation(gate.clone()), expected));
        CHECK(close(activation.gated(gate.clone(), up), expected * up.to(at::kFloat)));
      }
    }
  }
}
