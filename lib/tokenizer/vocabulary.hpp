#pragma once

#include "lib/core/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lmm::tokenizer {

/// Tokens of the model and their ids, added tokens aside. Immutable.
class Vocabulary {
 public:
  using Entries = std::vector<std::pair<std::string, std::int64_t>>;

  Vocabulary() = default;
  /// Throws Error bad_file: an id that is negative, absurdly high for the number of tokens, or given twice.
  Vocabulary(Entries entries, const std::string& where);
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  std::optional<std::int32_t> find(std::string_view token) const {
    const auto it = ids_.find(token);
    return it == ids_.end() ? std::nullopt : std::optional(it->second);
  }
  /// nullptr where no token has that id.
  const std::string* token(std::int32_t id) const {
    return id >= 0 && static_cast<std::size_t>(id) < present_.size() && present_[id] ? &tokens_[id] : nullptr;
  }
  std::size_t size() const { return ids_.size(); }

 private:
  std::vector<std::string> tokens_;  // by id; never changed after construction, ids_ looks into it
  std::vector<bool> present_;
  std::unordered_map<std::string_view, std::int32_t> ids_;
};

/// A pair of tokens to merge, the earlier in the list the sooner.
using Merge = std::pair<std::string, std::string>;

/// {"token": id, ...}. Throws Error bad_file.
Vocabulary::Entries parse_vocabulary(const SortedJson& json, const std::string& where);

/// ["a b", ...] or [["a", "b"], ...]. Throws Error bad_file.
std::vector<Merge> parse_merges(const SortedJson& json, const std::string& where);

/// Lines "a b" of a merges.txt. Throws Error bad_file.
std::vector<Merge> parse_merges_text(std::string_view text, const std::string& where);

}  // namespace lmm::tokenizer
