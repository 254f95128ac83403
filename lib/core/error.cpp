#include "lib/core/error.hpp"

#include <lmm/version.hpp>

namespace lmm {
inline namespace v0 {

const char* error_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::io: return "io";
    case ErrorCode::bad_file: return "bad_file";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::out_of_memory: return "out_of_memory";
    case ErrorCode::context_overflow: return "context_overflow";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::busy: return "busy";
    case ErrorCode::no_device: return "no_device";
    case ErrorCode::bad_template: return "bad_template";
    case ErrorCode::internal: return "internal";
  }
  return "unknown";
}

#define LMM_STRINGIFY_(x) #x
#define LMM_STRINGIFY(x) LMM_STRINGIFY_(x)

const char* version() noexcept {
  return LMM_STRINGIFY(LMM_VERSION_MAJOR) "." LMM_STRINGIFY(LMM_VERSION_MINOR) "." LMM_STRINGIFY(LMM_VERSION_PATCH);
}

}  // namespace v0
}  // namespace lmm
