#include "lib/weights/tensor_view.hpp"

#include "lib/core/utf8.hpp"

#include <fmt/format.h>

#include <array>

namespace lmm::weights {
namespace {

struct Entry {
  std::string_view name;
  std::uint8_t size;
};

/// In the order of ScalarType.
constexpr std::array<Entry, 19> kTypes = {{
    {"BOOL", 1},        {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"F8_E8M0", 1}, {"F8_E4M3FNUZ", 1},
    {"F8_E5M2FNUZ", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},     {"BF16", 2},    {"I32", 4},     {"U32", 4},
    {"F32", 4},         {"C64", 8}, {"F64", 8}, {"I64", 8},     {"U64", 8},
}};
static_assert(kTypes[static_cast<std::size_t>(ScalarType::bf16)].name == "BF16");
static_assert(kTypes[static_cast<std::size_t>(ScalarType::u64)].name == "U64");

}  // namespace

std::string_view scalar_type_name(ScalarType type) noexcept { return kTypes[static_cast<std::size_t>(type)].name; }

std::optional<ScalarType> scalar_type_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i].name == name) return static_cast<ScalarType>(i);
  }
  return std::nullopt;
}

std::uint64_t scalar_size(ScalarType type) noexcept { return kTypes[static_cast<std::size_t>(type)].size; }

std::string shape_text(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

std::string printable(std::string_view name) {
  constexpr std::size_t kLimit = 200;
  const bool cut = name.size() > kLimit;
  std::string out = utf8::sanitize(cut ? name.substr(0, utf8::complete_prefix(name.substr(0, kLimit))) : name);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  if (cut) out += "...";
  return out;
}

}  // namespace lmm::weights
