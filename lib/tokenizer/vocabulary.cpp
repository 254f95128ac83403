#include "lib/tokenizer/vocabulary.hpp"

#include "lib/core/error.hpp"

#include <algorithm>

namespace lmm::tokenizer {
namespace {

bool split_merge(std::string_view line, Merge& merge) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || line.find(' ', blank + 1) != std::string_view::npos) return false;
  merge = {std::string(line.substr(0, blank)), std::string(line.substr(blank + 1))};
  return true;
}

}  // namespace

Vocabulary::Vocabulary(Entries entries, const std::string& where) {
  // Real vocabularies have few holes; without a bound one absurd id would take gigabytes.
  const std::int64_t limit = static_cast<std::int64_t>(4 * entries.size()) + 65536;
  std::int64_t highest = -1;
  for (const auto& [token, id] : entries) {
    if (id < 0 || id >= limit) {
      fail(ErrorCode::bad_file, "{}: id of \"{}\" is {}, expected 0 to {} in a vocabulary of {} tokens", where, token,
           id, limit - 1, entries.size());
    }
    highest = std::max(highest, id);
  }
  tokens_.resize(static_cast<std::size_t>(highest + 1));
  present_.resize(tokens_.size());
  ids_.reserve(entries.size());
  for (auto& [token, id] : entries) {
    const auto index = static_cast<std::size_t>(id);
    if (present_[index])
      fail(ErrorCode::bad_file, "{}: both \"{}\" and \"{}\" have the id {}", where, tokens_[index], token, id);
    present_[index] = true;
    tokens_[index] = std::move(token);
    if (!ids_.emplace(tokens_[index], static_cast<std::int32_t>(id)).second) {
      fail(ErrorCode::bad_file, "{}: the token \"{}\" stands there twice", where, tokens_[index]);
    }
  }
}

Vocabulary::Entries parse_vocabulary(const SortedJson& json, const std::string& where) {
  if (!json.is_object()) fail(ErrorCode::bad_file, "{}: vocab is no JSON object of tokens and ids", where);
  Vocabulary::Entries out;
  out.reserve(json.size());
  for (const auto& [token, id] : json.items()) {
    if (!id.is_number_integer() || (id.is_number_unsigned() && id.get<std::uint64_t>() > INT32_MAX)) {
      fail(ErrorCode::bad_file, "{}: id of \"{}\" is {}, expected an integer of 31 bits", where, token,
           id.is_number() ? id.dump() : std::string(id.type_name()));
    }
    out.emplace_back(token, id.get<std::int64_t>());
  }
  return out;
}

std::vector<Merge> parse_merges(const SortedJson& json, const std::string& where) {
  if (!json.is_array()) fail(ErrorCode::bad_file, "{}: merges is no list", where);
  std::vector<Merge> out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const SortedJson& item = json[i];
    Merge merge;
    if (item.is_array() && item.size() == 2 && item[0].is_string() && item[1].is_string()) {
      merge = {item[0].get<std::string>(), item[1].get<std::string>()};
    } else if (item.is_string() && item.get_ref<const std::string&>().rfind("#version", 0) == 0) {
      continue;
    } else if (!item.is_string() || !split_merge(item.get_ref<const std::string&>(), merge)) {
      fail(ErrorCode::bad_file, "{}: merges[{}] is no pair of tokens", where, i);
    }
    out.push_back(std::move(merge));
  }
  return out;
}

std::vector<Merge> parse_merges_text(std::string_view text, const std::string& where) {
  std::vector<Merge> out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t newline = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(std::min(newline + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.substr(0, 8) == "#version") continue;
    Merge merge;
    if (!split_merge(line, merge)) fail(ErrorCode::bad_file, "{}: line {} is no pair of tokens", where, number);
    out.push_back(std::move(merge));
  }
  return out;
}

}  // namespace lmm::tokenizer
