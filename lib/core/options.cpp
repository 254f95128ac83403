#include <lmm/options.hpp>
#include <lmm/reply.hpp>

namespace lmm {
inline namespace v0 {

const char* dtype_name(DType dtype) noexcept {
  switch (dtype) {
    case DType::automatic: return "auto";
    case DType::fp32: return "fp32";
    case DType::bf16: return "bf16";
    case DType::fp16: return "fp16";
  }
  return "unknown";
}

const char* weight_type_name(WeightType type) noexcept {
  switch (type) {
    case WeightType::full: return "full";
    case WeightType::int8: return "int8";
    case WeightType::int4: return "int4";
  }
  return "unknown";
}

const char* finish_reason_name(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::eos: return "eos";
    case FinishReason::stop: return "stop";
    case FinishReason::length: return "length";
    case FinishReason::cancelled: return "cancelled";
  }
  return "unknown";
}

}  // namespace v0
}  // namespace lmm
