// Products over many rows, for every instruction set and kind of weight, against sums in double precision.

#include "lib/nn/kernels/matmul.hpp"

#include "lib/nn/kernels/linear.hpp"
#include "tests/unit/kernels/reference.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <string>

using namespace kernel_tests;
using lmm::WeightType;

namespace {

/// One product with its memory: rows of x and y stand further apart than they are long.
struct Problem {
  Problem(std::mt19937& random, std::int64_t m, std::int64_t n, std::int64_t k, DType dtype, WeightType packing)
      : weight(random, n, k, dtype, n % 2 == 1), x(random_numbers(random, m * (k + 3), dtype)) {
    product.w = weight.view();
    if (packing != WeightType::full) {
      packed = std::make_unique<PackedLinear>(weight, packing);
      weight.weight = packed->full.weight;
      product.w = packed->view;
    }
    y = Numbers(std::vector<float>(static_cast<std::size_t>(m * (n + 5)), 7.0F), dtype);
    product.dtype = dtype;
    product.x_stride = k + 3;
    product.y_stride = n + 5;
    product.rows = m;
    point();
  }
  void point() {
    product.x = x.data();
    product.y = y.data();
  }

  /// x as it is multiplied with packed weights.
  void round_rows(Isa isa) {
    if (packed == nullptr) return;
    const std::int64_t in = product.w.in;
    const Rounded rounded(packed_kernels(isa), x.data(), product.dtype, product.rows, in, product.x_stride);
    std::vector<float> values(x.size());
    for (std::int64_t r = 0; r < product.rows; ++r) {
      std::copy_n(rounded.values.begin() + r * in, in, values.begin() + r * product.x_stride);
    }
    x = Numbers(values, DType::fp32);
  }

  /// As so many threads would, in turn: chunks backwards, so that an order that matters shows.
  void run(Isa isa, int threads = 1) {
    MatmulPlan plan;
    plan.bind(isa, product, threads);
    for (int i = plan.prepare_chunks(); i-- > 0;) plan.prepare(i);
    for (int i = plan.multiply_chunks(); i-- > 0;) plan.multiply(i, i % threads);
  }

  /// The worst error relative to what rounding allows; what stands between the rows counts as an error where it changed.
  double worst() const {
    double worst = 0;
    const std::int64_t n = product.w.out, k = product.w.in;
    std::vector<float> row(static_cast<std::size_t>(k));
    // All terms are added in turn, up to two roundings each; 1e-6: the functions' own errors.
    const double sums = static_cast<double>(2 * k + 16) * std::ldexp(1.0, -24) + 1e-6;
    const double last = product.dtype == DType::bf16 ? std::ldexp(1.001, -8) : 0;
    for (std::int64_t j = 0; j < product.rows; ++j) {
      for (std::int64_t i = 0; i < k; ++i) {
        row[static_cast<std::size_t>(i)] = static_cast<float>(x[static_cast<std::size_t>(j * product.x_stride + i)]);
      }
      const Product expected = multiply(weight, row.data());
      for (std::int64_t r = 0; r < product.y_stride && j * product.y_stride + r < static_cast<std::int64_t>(y.size()); ++r) {
        const double got = y[static_cast<std::size_t>(j * product.y_stride + r)];
        if (r >= n) {
          if (got != 7.0) worst = 1e9;
          continue;
        }
        const auto at = static_cast<std::size_t>(r);
        const double want = activated(product.nonlinearity, expected.y[at]);
        const double allowed = 1.2 * sums * expected.magnitude[at] + last * std::abs(want) + 1e-30;
        const double error = std::abs(got - want);
        worst = std::isnan(error) ? 1e9 : std::max(worst, error / allowed);
      }
    }
    return worst;
  }

  RandomLinear weight;
  Numbers x, y;
  std::unique_ptr<PackedLinear> packed;
  Matmul product;
};

/// Products have a kernel of their own for avx512_bf16.
std::vector<Isa> isas_of_products() {
  std::vector<Isa> list = isas();
  if (isa_available(Isa::avx512_bf16)) list.push_back(Isa::avx512_bf16);
  return list;
}

struct Sizes {
  std::int64_t m, n, k;
};
// One row to several parts, one column to several panels, one number to several depths, and what is left over of each.
const Sizes kSizes[] = {{1, 1, 1},    {2, 3, 31},    {5, 64, 32},  {6, 65, 33},    {7, 16, 100},
                        {13, 129, 7}, {12, 40, 768}, {9, 70, 769}, {3, 17, 1601}, {200, 33, 48}, {13, 70, 3092}};

}  // namespace

TEST_CASE("products over odd shapes, in both types, with full and packed weights") {
  std::mt19937 random(5);
  for (const Isa isa : isas_of_products()) {
    for (const DType dtype : {DType::fp32, DType::bf16}) {
      for (const WeightType packing : {WeightType::full, WeightType::int8, WeightType::int4}) {
        for (const Sizes& size : kSizes) {
          CAPTURE(std::string(isa_name(isa)));
          CAPTURE(std::string(lmm::dtype_name(dtype)));
          CAPTURE(std::string(lmm::weight_type_name(packing)));
          CAPTURE(size.m);
          CAPTURE(size.n);
          CAPTURE(size.k);
          Problem problem(random, size.m, size.n, size.k, dtype, packing);
          problem.run(isa);
          problem.round_rows(isa);
          CHECK(problem.worst() <= 1);
        }
      }
    }
  }
}

TEST_CASE("an activation behind the product") {
  std::mt19937 random(6);
  for (const Isa isa : isas_of_products()) {
    for (const DType dtype : {DType::fp32, DType::bf16}) {
      for (const Nonlinearity f : kAllNonlinearities) {
        CAPTURE(std::string(isa_name(isa)));
        CAPTURE(static_cast<int>(f));
        Problem problem(random, 11, 67, 90, dtype, WeightType::full);
        problem.product.nonlinearity = f;
        problem.run(isa);
        CHECK(problem.worst() <= 1);
      }
    }
  }
}

TEST_CASE("a product has the same bits for any number of threads, and row by row") {
  std::mt19937 random(7);
  const auto check = [&random](Isa isa, WeightType packing) {
    CAPTURE(std::string(isa_name(isa)));
    CAPTURE(std::string(lmm::weight_type_name(packing)));
    Problem problem(random, 300, 70, 900, DType::bf16, packing);
    problem.run(isa);
    const auto bits = [&problem] {
      const auto* first = static_cast<const std::uint16_t*>(problem.y.data());
      return std::vector<std::uint16_t>(first, first + problem.y.size());
    };
    const std::vector<std::uint16_t> alone = bits();
    for (const int threads : {2, 5, 16}) {
      problem.run(isa, threads);
      CHECK(bits() == alone);
    }
    Matmul& product = problem.product;
    for (const std::int64_t rows : {1, 7}) {
      for (std::int64_t first = 0; first < 300; first += rows) {
        problem.point();
        product.rows = std::min<std::int64_t>(rows, 300 - first);
        product.x = static_cast<const std::uint16_t*>(product.x) + first * product.x_stride;
        product.y = static_cast<std::uint16_t*>(product.y) + first * product.y_stride;
        problem.run(isa, 2);
      }
      CHECK(bits() == alone);
    }
  };
  for (const Isa isa : isas_of_products()) {
    for (const WeightType packing : {WeightType::full, WeightType::int8, WeightType::int4}) check(isa, packing);
  }
}

TEST_CASE("activations over the whole range") {
  std::vector<float> x;
  for (float size = 1e-30F; size < 1e30F; size *= 1.17F) {
    x.push_back(size);
    x.push_back(-size);
  }
  for (const float one : {0.0F, -0.0F, -1e38F, 1e38F}) x.push_back(one);
  for (const Isa isa : isas()) {
    for (const Nonlinearity f : kAllNonlinearities) {
      CAPTURE(std::string(isa_name(isa)));
      CAPTURE(static_cast<int>(f));
      std::vector<float> y = x;
      activate(isa, f, y.data(), static_cast<std::int64_t>(y.size()));
      double worst = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double want = activated(f, static_cast<double>(x[i]));
        const double error = std::abs(static_cast<double>(y[i]) - want);
        // e^z is off by what its argument is, which is up to 88 here, with three roundings of 2^-24; erfc by 1.5e-7 of 1.
        const double size = std::abs(static_cast<double>(x[i]));
        const double allowed = 1.6e-5 * std::abs(want) + (f == Nonlinearity::gelu ? 1e-7 * std::min(size, 6.0) : 0) + 1e-37;
        worst = std::isnan(error) ? 1e9 : std::max(worst, error / allowed);
      }
      CHECK(worst <= 1);
    }
  }
}
