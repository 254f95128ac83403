// Products with full weights beside torch's in fp32, whichever of the two multiplies.

#include "lib/nn/matrix.hpp"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

using lmm::nn::Activation;
using lmm::nn::Matrix;

namespace {

// The largest error in units of what rounding allows: once to bf16, sums in fp32.
double worst(const at::Tensor& y, const at::Tensor& expected, const at::Tensor& magnitude) {
  const at::Tensor allowed = expected.abs() * (1.01 / 256) + magnitude * 1e-5 + 1e-30;
  return ((y.to(at::kFloat) - expected).abs() / allowed).max().item<double>();
}

}  // namespace

TEST_CASE("bf16 rows through a matrix: few and many, few and many weights, an odd number of inputs") {
  at::manual_seed(3);
  struct Sizes {
    std::int64_t rows, in, out;
  };
  // The weights of the last two are more than are multiplied at a time.
  for (const auto& [rows, in, out] : {Sizes{1, 64, 70}, {20, 64, 70}, {300, 64, 70}, {257, 63, 33}, {256, 2050, 2100}, {256, 8192, 600}}) {
    CAPTURE(rows);
    CAPTURE(in);
    CAPTURE(out);
    const at::Tensor weight = at::randn({out, in}).to(at::kBFloat16), bias = at::randn({out}).to(at::kBFloat16);
    const at::Tensor x = at::randn({1, rows, in}).to(at::kBFloat16);
    const at::Tensor wide = x.to(at::kFloat), wide_weight = weight.to(at::kFloat), wide_bias = bias.to(at::kFloat);
    const at::Tensor expected = at::linear(wide, wide_weight, wide_bias);
    const at::Tensor magnitude = at::linear(wide.abs(), wide_weight.abs(), wide_bias.abs());
    const Matrix matrix(weight);
    const at::Tensor y = matrix.linear(x, bias);
    CHECK(y.sizes() == expected.sizes());
    CHECK(worst(y, expected, magnitude) <= 1);
    // Without bias; the activation is of what was rounded, or of the sum before that.
    const Activation relu("relu");
    CHECK(worst(matrix.linear(x, {}, &relu), at::relu(expected - wide_bias), magnitude) <= 1);
  }
}
