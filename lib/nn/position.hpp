#pragma once

#include <array>
#include <cstdint>

namespace lmm::nn {

/// Where a token stands on the axes of multimodal rotary positions (M-RoPE, Wang et al. 2024, arXiv 2409.12191):
/// time, height, width. Text stands at the same place on all three, which is then a plain position.
using Position = std::array<std::int64_t, 3>;

}  // namespace lmm::nn
