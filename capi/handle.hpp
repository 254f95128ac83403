#pragma once

#include "capi/lmm.h"
#include "lib/core/error.hpp"

#include <lmm/message.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <memory_resource>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace lmm::capi {

/// What a handle is; written into it, so that a wrong or freed one can be told (the latter as far as its memory was
/// not used for something else since).
enum class Kind : std::uint32_t {
  freed = 0,
  error = 0x6C6D6D01,
  text,
  image,
  message,
  history,
  load_options,
  info,
  model,
  tokenizer,
  tokens,
  session_options,
  generate_options,
  reply,
  session,
  pending,
  video,
  audio,
  listen_options,
  listener,
  utterance,
};

/// The host's memory behind the containers of a handle.
class HostMemory final : public std::pmr::memory_resource {
 public:
  explicit HostMemory(const lmm_allocator& allocator) : allocator_(allocator) {}
  const lmm_allocator& allocator() const noexcept { return allocator_; }

 private:
  void* do_allocate(std::size_t size, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  lmm_allocator allocator_;
};

/// malloc and free.
const lmm_allocator& default_allocator() noexcept;

/// The host's allocator, or malloc and free for null. Error invalid_argument where a function is missing.
const lmm_allocator& allocator_or_default(const lmm_allocator* allocator);

/// The same for where no error can be told: malloc and free stand for one that is not whole.
const lmm_allocator& usable_allocator(const lmm_allocator* allocator) noexcept;

void* allocate(const lmm_allocator& allocator, std::size_t size);  ///< throws std::bad_alloc

/// Base of the structs behind the handles. `memory` comes first: freed memory keeps its bytes longest further behind.
template <Kind kKind>
struct Handle {
  static constexpr Kind kind = kKind;

  explicit Handle(const lmm_allocator& allocator) : memory(allocator) {}
  ~Handle() { mark = Kind::freed; }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  HostMemory memory;
  volatile Kind mark = kKind;
};

bool has_mark(const volatile Kind& mark, Kind kind) noexcept;

/// Whether a handle is there, of its type and not freed as far as can be told.
template <typename T>
bool alive(const T* handle) noexcept {
  return handle != nullptr && has_mark(handle->mark, T::kind);
}

/// Makes a handle in the host's memory.
template <typename T, typename... Args>
T* make(const lmm_allocator& allocator, Args&&... args) {
  void* place = allocate(allocator, sizeof(T));
  try {
    return new (place) T(allocator, std::forward<Args>(args)...);
  } catch (...) {
    allocator.deallocate(allocator.user, place);
    throw;
  }
}

/// Frees a handle; null and what is told to be freed already are left alone.
template <typename T>
void destroy(T* handle) noexcept {
  if (!alive(handle)) return;
  const lmm_allocator allocator = handle->memory.allocator();
  handle->~T();
  allocator.deallocate(allocator.user, handle);
}

struct Destroy {
  template <typename T>
  void operator()(T* handle) const noexcept {
    destroy(handle);
  }
};
template <typename T>
using Owned = std::unique_ptr<T, Destroy>;

template <typename T, typename... Args>
Owned<T> make_owned(const lmm_allocator& allocator, Args&&... args) {
  return Owned<T>(make<T>(allocator, std::forward<Args>(args)...));
}

/// The handle; Error invalid_argument naming `name` where it is null, of another type or freed.
template <typename T>
T& checked(T* handle, const char* name) {
  if (handle == nullptr) fail(ErrorCode::invalid_argument, "{} is NULL", name);
  if (!alive(handle)) fail(ErrorCode::invalid_argument, "{} is an object of another type, or was freed", name);
  return *handle;
}

/// Error invalid_argument where a required out-parameter is null.
void require(const void* pointer, const char* name);

/// Binary data given by the host. Error invalid_argument: null with a size, or a size that no object has.
std::string_view data_argument(const void* data, std::size_t size, const char* name);

/// Samples given by the host. Error invalid_argument: null with a size, or another format; the rest is the callee's to check.
SampleView samples_argument(const void* data, std::size_t size, std::int64_t rate, std::int64_t channels,
                            lmm_sample_format format);

/// A text given by the host. Error invalid_argument: null with a length, more than 1 GiB, not UTF-8.
std::string_view text_argument(const char* data, std::size_t length, const char* name);

/// A path. Error invalid_argument: empty, or a zero byte in it.
std::filesystem::path path_argument(const char* data, std::size_t length, const char* name);

/// A string that goes out: its bytes, and its length where wanted.
template <typename String>
const char* give(const String& text, std::size_t* length) noexcept {
  if (length != nullptr) *length = text.size();
  return text.c_str();
}

/// What a getter gives where there is nothing.
inline const char* give_nothing(const char* text, std::size_t* length) noexcept {
  if (length != nullptr) *length = 0;
  return text;
}

/// The code of the exception being handled, which becomes an object where `error` is wanted.
lmm_code report(const lmm_allocator& allocator, lmm_error** error) noexcept;

/// Runs one call of the interface: no exception leaves it. `allocator` is for the error object.
template <typename Body>
lmm_code call(const lmm_allocator& allocator, lmm_error** error, Body&& body) noexcept {
  try {
    body();
    return LMM_OK;
  } catch (...) {
    return report(allocator, error);
  }
}

/// A call about a handle, whose allocator makes the error object.
template <typename T, typename Body>
lmm_code call_on(T* handle, const char* name, lmm_error** error, Body&& body) noexcept {
  const lmm_allocator allocator = alive(handle) ? handle->memory.allocator() : default_allocator();
  return call(allocator, error, [&] { body(checked(handle, name)); });
}

}  // namespace lmm::capi
