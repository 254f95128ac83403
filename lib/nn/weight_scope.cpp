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

at::Tensor WeightScope::tensor(std::string_view name, const std::vector<std::int64_t>& shape) const {
  run_->checkpoint();
  const weights::TensorView& view = scope_.tensor(name, shape);
  const at::ScalarType stored = torch_type(view);
  if (const auto index = weights::first_non_finite(view)) {
    fail(ErrorCode::bad_file, "{}: tensor {} holds a value that is not finite at element {}, expected finite numbers",
         view.file->path().string(), view.name, *index);
  }
  const bool aligned = reinterpret_cast<std::uintptr_t>(view.data) % c10::elementSize(stored) == 0;
  // from_blob wants a mutable pointer; nothing writes through it, and the mapping is read-only.
  at::Tensor mapped = at::from_blob(const_cast<std::byte*>(view.data), shape,
                                    [file = view.file](void*) mutable { file.reset(); },
                                    at::TensorOptions().dtype(stored));
  if (!aligned) mapped = at::from_blob(mapped.data_ptr(), shape, at::TensorOptions().dtype(stored)).clone();
  run_->advance(static_cast<std::int64_t>(view.bytes));
  return mapped.to(placement_.device, placement_.dtype);
}

}  // namespace lmm::nn
