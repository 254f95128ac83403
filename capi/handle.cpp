#include "capi/handle.hpp"

#include "lib/core/utf8.hpp"

#include <cstdlib>
#include <cstring>

namespace lmm::capi {
namespace {

constexpr std::size_t kMaxText = std::size_t{1} << 30;

void* allocate_default(void*, std::size_t size) { return std::malloc(size); }
void deallocate_default(void*, void* memory) { std::free(memory); }

constexpr lmm_allocator kDefault{nullptr, allocate_default, deallocate_default};

/// Bytes that end with LMM_STRLEN, or are counted.
std::string_view string_argument(const char* data, std::size_t length, const char* name) {
  if (data == nullptr) {
    if (length != 0) fail(ErrorCode::invalid_argument, "{} is NULL, expected bytes, or length 0", name);
    return {};
  }
  const std::size_t size = length == LMM_STRLEN ? std::strlen(data) : length;
  if (size > kMaxText) fail(ErrorCode::invalid_argument, "{} has {} bytes, expected at most {}", name, size, kMaxText);
  return {data, size};
}

bool whole(const lmm_allocator& allocator) { return allocator.allocate != nullptr && allocator.deallocate != nullptr; }

}  // namespace

const lmm_allocator& default_allocator() noexcept { return kDefault; }

const lmm_allocator& allocator_or_default(const lmm_allocator* allocator) {
  if (allocator == nullptr) return kDefault;
  if (!whole(*allocator)) fail(ErrorCode::invalid_argument, "allocator lacks allocate or deallocate, expected both");
  return *allocator;
}

const lmm_allocator& usable_allocator(const lmm_allocator* allocator) noexcept {
  return allocator != nullptr && whole(*allocator) ? *allocator : kDefault;
}

void* allocate(const lmm_allocator& allocator, std::size_t size) {
  void* memory = nullptr;
  try {
    memory = allocator.allocate(allocator.user, size == 0 ? 1 : size);
  } catch (...) {  // a C++ host's own
  }
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* HostMemory::do_allocate(std::size_t size, std::size_t) { return capi::allocate(allocator_, size); }

void HostMemory::do_deallocate(void* memory, std::size_t, std::size_t) {
  allocator_.deallocate(allocator_.user, memory);
}

// Looks into memory that may be freed, where the address sanitizer would end the process.
#if defined(__GNUC__)
__attribute__((no_sanitize("address"), noinline))
#endif
bool has_mark(const volatile Kind& mark, Kind kind) noexcept {
  return mark == kind;
}

void require(const void* pointer, const char* name) {
  if (pointer == nullptr) fail(ErrorCode::invalid_argument, "{} is NULL, expected a place for the result", name);
}

std::string_view data_argument(const void* data, std::size_t size, const char* name) {
  if (data == nullptr && size != 0) fail(ErrorCode::invalid_argument, "{} is NULL, expected {} bytes", name, size);
  if (size > PTRDIFF_MAX) fail(ErrorCode::invalid_argument, "{} has {} bytes, expected fewer", name, size);
  return {static_cast<const char*>(data), size};
}

SampleView samples_argument(const void* data, std::size_t size, std::int64_t rate, std::int64_t channels,
                            lmm_sample_format format) {
  if (format < LMM_SAMPLE_F32 || format > LMM_SAMPLE_S16) {
    fail(ErrorCode::invalid_argument, "format is {}, expected 0 (f32) or 1 (s16)", format);
  }
  const std::string_view bytes = data_argument(data, size, "data");
  return {bytes.data(), bytes.size(), rate, channels, static_cast<SampleFormat>(format)};
}

std::string_view text_argument(const char* data, std::size_t length, const char* name) {
  const std::string_view text = string_argument(data, length, name);
  if (!utf8::valid(text)) fail(ErrorCode::invalid_argument, "{} is not UTF-8", name);
  return text;
}

std::filesystem::path path_argument(const char* data, std::size_t length, const char* name) {
  const std::string_view path = string_argument(data, length, name);
  if (path.empty()) fail(ErrorCode::invalid_argument, "{} is empty, expected a path", name);
  if (path.find('\0') != std::string_view::npos) {
    fail(ErrorCode::invalid_argument, "{} holds a zero byte, expected a path", name);
  }
  return path;
}

}  // namespace lmm::capi
