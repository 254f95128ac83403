#include "lib/weights/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace lmm::weights {
namespace {

constexpr std::size_t kProposed = 3;
constexpr std::size_t kLongest = 256;       // bounds the time for a hostile checkpoint
constexpr std::size_t kMostNames = 20'000;  // likewise

/// Levenshtein distance, or limit + 1 where it is larger.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    std::size_t least = row[0];
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
      least = std::min(least, row[j]);
    }
    if (least > limit) return limit + 1;
  }
  return row.back();
}

}  // namespace

std::vector<std::string_view> nearest(std::string_view name, const std::vector<std::string_view>& names) {
  if (name.size() > kLongest) return {};
  const std::size_t limit = std::max<std::size_t>(2, name.size() / 3);
  std::vector<std::pair<std::size_t, std::string_view>> found;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    const std::size_t far = distance(name, names[i], limit);
    if (far <= limit) found.emplace_back(far, names[i]);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < std::min(found.size(), kProposed); ++i) out.push_back(found[i].second);
  return out;
}

}  // namespace lmm::weights
