#include "lib/models/family.hpp"

#include "lib/core/error.hpp"

namespace lmm::models {

std::vector<std::int64_t> Family::sample_frames(std::int64_t, double, double) const {
  fail(ErrorCode::unsupported, "the model takes no videos, so there are no frames to choose");
}

}  // namespace lmm::models
