#pragma once

#include <string_view>
#include <vector>

namespace lmm::weights {

/// Up to three of `names` that are spelled most like `name` (edit distance of at most a third of its length), nearest
/// first: for errors.
std::vector<std::string_view> nearest(std::string_view name, const std::vector<std::string_view>& names);

}  // namespace lmm::weights
