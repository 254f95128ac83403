#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include <lmm/export.hpp>

namespace lmm {
inline namespace v0 {

/// Why a call failed. The numbers are frozen: codes are added at the end, never renumbered.
enum class ErrorCode : std::int32_t {
  invalid_argument = 1,   ///< an argument or option is out of range, contradictory, or not supported by this model
  not_found = 2,          ///< a file or folder does not exist
  io = 3,                 ///< reading or writing failed: permissions, a broken or full disk
  bad_file = 4,           ///< a file is truncated, malformed or inconsistent (JSON, safetensors, pictures)
  unsupported = 5,        ///< the checkpoint, or the process after a fork, asks for what lmm does not do
  out_of_memory = 6,      ///< an allocation failed, or would exceed LoadOptions::max_memory
  context_overflow = 7,   ///< the prompt does not fit into the model's context
  cancelled = 8,          ///< the caller, or one of its callbacks, cancelled
  busy = 9,               ///< the session is used by another call, or the call is not for this thread
  no_device = 10,         ///< the device asked for is not there
  bad_template = 11,      ///< the chat template is malformed, raised an exception, or exceeded its limits
  internal = 12,          ///< a defect of lmm; please report
};

/// Name of a code as it is spelled above, e.g. "bad_file". Static storage.
LMM_API const char* error_name(ErrorCode code) noexcept;

/// The one exception type of lmm. what() is one line: what, expected, actual, where.
/// After any Error the object that was called is as it was before the call.
class LMM_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace v0
}  // namespace lmm
