#include "lib/nn/weight_scope.hpp"

#include "lib/core/error.hpp"
#include "lib/weights/convert.hpp"

#include <ATen/ATen.h>

namespace lmm::nn {
namespace {

at::ScalarType torch_type(const weights::TensorView& view) {
  switch (view.dtype) {
    case weights::ScalarType::f32: return at::kFloat;
    case weights::ScalarType::f16: return at::kHalf;
    case weights::ScalarType::bf16: return at::kBFloat16;
    case weights::ScalarType::f64: return at::kDouble;
    default: break;
  }
  fail(ErrorCode::unsupported, "{}: tensor {} is {}, expected F32, F16, BF16 or F64", view.file->path().string(), view.name,
       weights::scalar_type_name(view.dtype));
}

}  // namespace

/// The tensor as it stands in the mapped file, which it keeps alive.
at::Tensor WeightScope::mapped(const weights::TensorView& view) const {
  const at::ScalarType stored = torch_type(view);
  if (const auto index = weights::first_non_finite(view)) {
    fail(ErrorCode::bad_file, "{}: tensor {} holds a value that is not finite at element {}, expected finite numbers",
         view.file->path().string(), view.name, *index);
  }
  const bool aligned = reinterpret_cast<std::uintptr_t>(view.data) % c10::elementSize(stored) == 0;
  // from_blob wants a mutable pointer; nothing writes through it, and the mapping is read-only.
  const at::Tensor mapped = at::from_blob(const_cast<std::byte*>(view.data), view.shape,
                                          [file = view.file](void*) mutable { file.reset(); },
                                          at::TensorOptions().dtype(stored));
  return aligned ? mapped : at::from_blob(mapped.data_ptr(), view.shape, at::TensorOptions().dtype(stored)).clone();
}

/// In the compute type on the device. The file's pages were looked at, and are given back: of what was converted or copied no
/// second copy is kept in memory, and of what stays in the file (a tower, an expert) only what is used.
at::Tensor WeightScope::placed(const at::Tensor& mapped, const weights::TensorView& view) const {
  run_->advance(static_cast<std::int64_t>(view.bytes));
  at::Tensor out = mapped.to(placement_.device, placement_.dtype).contiguous();
  view.not_needed();
  return out;
}

at::Tensor WeightScope::tensor(std::string_view name, const std::vector<std::int64_t>& shape) const {
  run_->checkpoint();
  const weights::TensorView& view = scope_.tensor(name, shape);
  return placed(mapped(view), view);
}

WeightScope WeightScope::below(weights::Scope scope) const {
  WeightScope out(std::move(scope), placement_, *run_);
  out.packing_ = packing_;
  return out;
}

WeightScope WeightScope::packable() const {
  WeightScope out = *this;
  out.packing_ = placement_.weights;
  return out;
}

WeightScope WeightScope::packable_tower() const {
  WeightScope out = *this;
  out.packing_ = placement_.tower_weights;
  return out;
}

Matrix WeightScope::matrix(std::string_view name, const std::vector<std::int64_t>& shape) const {
  Matrix out(tensor(name, shape), packing_, placement_);
  if (packing_ != WeightType::full) scope_.tensor(name, shape).not_needed();
  return out;
}

at::Tensor WeightScope::joined(std::span<const std::string> names, const std::vector<std::int64_t>& shape) const {
  std::vector<at::Tensor> parts;
  for (const std::string& name : names) parts.push_back(tensor(name, shape));
  at::Tensor out = at::cat(parts);
  for (const std::string& name : names) scope_.tensor(name, shape).not_needed();
  return out;
}

at::Tensor WeightScope::stacked(std::string_view name, std::int64_t count, std::int64_t out, std::int64_t in) const {
  const std::vector<std::int64_t> turned = {count, in, out};
  if (out == in || !scope_.has(name, turned)) return tensor(name, {count, out, in});
  run_->checkpoint();
  const weights::TensorView& view = scope_.tensor(name, turned);
  return placed(mapped(view).transpose(1, 2), view);
}

}  // namespace lmm::nn
