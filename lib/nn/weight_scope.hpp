#pragma once

#include "lib/core/run.hpp"
#include "lib/nn/matrix.hpp"
#include "lib/nn/placement.hpp"
#include "lib/weights/weights.hpp"

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::nn {

/// Named tensors below a prefix, placed on a device in the compute type: what a layer is constructed from.
/// A tensor stored in the compute type stays in the mapped file, which it keeps alive; others are converted once.
class WeightScope {
 public:
  /// `run` gets progress in bytes and is asked for cancellation at every tensor.
  WeightScope(weights::Scope scope, Placement placement, Run& run)
      : scope_(std::move(scope)), placement_(placement), run_(&run) {}

  WeightScope scope(std::string_view name) const { return below(scope_.scope(name)); }
  /// The first of these scopes that a tensor lies in, as weights::Weights::first_of.
  WeightScope first_of(std::initializer_list<std::string_view> names) const {
    return below(scope_.first_of(names));
  }
  /// The same tensors in another type.
  WeightScope in(at::ScalarType dtype) const {
    WeightScope other = *this;
    other.placement_.dtype = dtype;
    return other;
  }
  bool has(std::string_view name) const { return scope_.has(name); }

  /// Errors: bad_file for a missing tensor, another shape, or a value that is not finite.
  at::Tensor tensor(std::string_view name, const std::vector<std::int64_t>& shape) const;

  /// A stack (count, out, in), stored so or as (count, in, out), which their shapes tell; where both are one shape it is
  /// the first (Transpose with check_dims in transformers' conversion_mapping.py). As tensor().
  at::Tensor stacked(std::string_view name, std::int64_t count, std::int64_t out, std::int64_t in) const;

  /// Tensors of one shape, one behind the other along their first axis. A copy. As tensor().
  at::Tensor joined(std::span<const std::string> names, const std::vector<std::int64_t>& shape) const;

  /// The same scope for layers whose matrices may be packed: matrix() does as the placement says.
  WeightScope packable() const;
  WeightScope packable_tower() const;  ///< likewise, for the layers of a vision or audio tower

  /// A matrix (out, in), packed where this scope is packable. As tensor().
  Matrix matrix(std::string_view name, const std::vector<std::int64_t>& shape) const;

  /// An output layer likewise, but in 8 bits at least: its errors go straight into the logits.
  Matrix packed_output(const at::Tensor& dense) const {
    return Matrix(dense, packing_ == WeightType::int4 ? WeightType::int8 : packing_, placement_);
  }

  const Placement& placement() const noexcept { return placement_; }
  WeightType packing() const noexcept { return packing_; }

 private:
  WeightScope below(weights::Scope scope) const;
  at::Tensor mapped(const weights::TensorView& view) const;
  at::Tensor placed(const at::Tensor& mapped, const weights::TensorView& view) const;

  weights::Scope scope_;
  Placement placement_;
  Run* run_;
  WeightType packing_ = WeightType::full;
};

}  // namespace lmm::nn
