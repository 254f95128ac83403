#pragma once

#include <lmm/export.hpp>

#define LMM_VERSION_MAJOR 0
#define LMM_VERSION_MINOR 1
#define LMM_VERSION_PATCH 0

namespace lmm {
inline namespace v0 {

/// Version of the library that is linked, "major.minor.patch". Static storage.
LMM_API const char* version() noexcept;

}  // namespace v0
}  // namespace lmm
