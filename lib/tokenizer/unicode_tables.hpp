#pragma once

#include <cstdint>
#include <vector>

namespace lmm::tokenizer::unicode {

/// Code points first to last, both included; tables are sorted.
struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

struct StandIn {
  std::uint32_t first;
  std::uint32_t last;
  std::uint32_t value;
};

// The reference's character tables where no library at hand has them; see make_unicode_tables.py.
const std::vector<StandIn>& stand_ins();
const std::vector<Range>& numeric();
const std::vector<Range>& punctuation();
const std::vector<Range>& combining_marks();
const std::vector<Range>& reordered_marks();
const std::vector<Range>& decomposed();
const std::vector<StandIn>& late_lowercase();

}  // namespace lmm::tokenizer::unicode
