#include "capi/handle.hpp"
#include "lib/core/utf8.hpp"
#include "lib/nn/runtime.hpp"

#include <lmm/error.hpp>

#include <algorithm>
#include <array>
#include <cstring>

using namespace lmm;

/// One block: this and, behind it, the message. Those for when there is no memory are static.
struct lmm_error {
  static constexpr capi::Kind kind = capi::Kind::error;
  lmm_allocator allocator;  ///< null functions: static
  volatile capi::Kind mark;
  lmm_code code;
  std::size_t length;
  const char* message;
};

namespace {

constexpr std::size_t kMaxMessage = 4000;

#define LMM_STATIC_ERROR(code, text) \
  lmm_error { {}, capi::Kind::error, code, sizeof(text) - 1, text }

/// By code. Only read; their addresses go out as any error's.
constinit std::array kStatic = {
    LMM_STATIC_ERROR(LMM_ERROR_INTERNAL, "internal (no memory for the message)"),
    LMM_STATIC_ERROR(LMM_ERROR_INVALID_ARGUMENT, "invalid argument (no memory for the message)"),
    LMM_STATIC_ERROR(LMM_ERROR_NOT_FOUND, "not found (no memory for the message)"),
    LMM_STATIC_ERROR(LMM_ERROR_IO, "reading failed (no memory for the message)"),
    LMM_STATIC_ERROR(LMM_ERROR_BAD_FILE, "bad file (no memory for the message)"),
    LMM_STATIC_ERROR(LMM_ERROR_UNSUPPORTED, "unsupported (no memory for the message)"),
    LMM_STATIC_ERROR(LMM_ERROR_OUT_OF_MEMORY, "out of memory"),
    LMM_STATIC_ERROR(LMM_ERROR_CONTEXT_OVERFLOW, "context overflow (no memory for the message)"),
    LMM_STATIC_ERROR(LMM_ERROR_CANCELLED, "cancelled (no memory for the message)"),
    LMM_STATIC_ERROR(LMM_ERROR_BUSY, "busy (no memory for the message)"),
    LMM_STATIC_ERROR(LMM_ERROR_NO_DEVICE, "no such device (no memory for the message)"),
    LMM_STATIC_ERROR(LMM_ERROR_BAD_TEMPLATE, "bad chat template (no memory for the message)"),
    LMM_STATIC_ERROR(LMM_ERROR_INTERNAL, "internal (no memory for the message)"),
};
static_assert(kStatic.size() == LMM_ERROR_INTERNAL + 1);

lmm_error* static_error(lmm_code code) noexcept {
  return &kStatic[code > 0 && code <= LMM_ERROR_INTERNAL ? static_cast<std::size_t>(code) : 0];
}

/// One line of UTF-8, whatever file names are in it.
std::string one_line(std::string_view what) {
  if (what.size() > kMaxMessage) what = what.substr(0, utf8::complete_prefix(what.substr(0, kMaxMessage)));
  std::string line = utf8::sanitize(what);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return line;
}

lmm_error* make_error(const lmm_allocator& allocator, lmm_code code, std::string_view what) noexcept {
  try {
    const std::string line = one_line(what);
    auto* block = static_cast<char*>(capi::allocate(allocator, sizeof(lmm_error) + line.size() + 1));
    char* message = block + sizeof(lmm_error);
    std::memcpy(message, line.c_str(), line.size() + 1);
    return new (block) lmm_error{allocator, capi::Kind::error, code, line.size(), message};
  } catch (...) {
    return static_error(code);
  }
}

}  // namespace

lmm_code capi::report(const lmm_allocator& allocator, lmm_error** error) noexcept {
  const auto tell = [&](lmm_code code, std::string_view what) {
    if (error != nullptr) *error = make_error(allocator, code, what);
    return code;
  };
  try {
    try {
      throw;
    } catch (const Error&) {
      throw;
    } catch (const std::bad_alloc&) {
      if (error != nullptr) *error = static_error(LMM_ERROR_OUT_OF_MEMORY);
      return LMM_ERROR_OUT_OF_MEMORY;
    } catch (...) {
      nn::rethrow_as_error();
    }
  } catch (const Error& reason) {
    return tell(static_cast<lmm_code>(reason.code()), reason.what());
  } catch (...) {  // no memory to translate it
  }
  return tell(LMM_ERROR_INTERNAL, "an exception that could not be translated");
}

const char* lmm_code_name(lmm_code code) { return code == LMM_OK ? "ok" : error_name(static_cast<ErrorCode>(code)); }

lmm_code lmm_error_code(const lmm_error* error) { return capi::alive(error) ? error->code : LMM_OK; }

const char* lmm_error_message(const lmm_error* error, size_t* length) {
  if (!capi::alive(error)) return capi::give_nothing("", length);
  if (length != nullptr) *length = error->length;
  return error->message;
}

void lmm_error_free(lmm_error* error) {
  if (!capi::alive(error) || error->allocator.deallocate == nullptr) return;
  const lmm_allocator allocator = error->allocator;
  error->mark = capi::Kind::freed;
  allocator.deallocate(allocator.user, error);
}
