#include "lib/weights/shard_index.hpp"

#include "lib/core/error.hpp"
#include "lib/core/file.hpp"
#include "lib/core/json.hpp"
#include "lib/weights/tensor_view.hpp"

#include <algorithm>
#include <set>

namespace lmm::weights {
namespace {

constexpr std::uint64_t kMaxIndex = 100'000'000;

void check_file_name(const std::string& where, const std::string& name) {
  const bool plain =
      !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
  if (!plain) {
    fail(ErrorCode::bad_file, "{}: weight_map names the file \"{}\", expected a file of the same folder", where,
         printable(name));
  }
}

/// Parses, refusing a name that stands twice in weight_map: the parser would keep the last without a word.
SortedJson parse_unique(const std::string& text, const std::string& where) {
  std::set<std::string> seen;
  using Event = SortedJson::parse_event_t;
  bool within = false;
  const auto visit = [&](int depth, Event event, SortedJson& value) {
    if (event != Event::key) return true;
    const std::string& name = value.get_ref<const std::string&>();
    if (depth == 1) within = name == "weight_map";
    if (within && !seen.insert(name).second) {  // weight_map itself is in `seen` as well: it may not stand twice either
      fail(ErrorCode::bad_file, "{}: {} stands twice", where, printable(name));
    }
    return true;
  };
  return parse_sorted_json(text, where, visit);
}

}  // namespace

ShardIndex read_shard_index(const std::filesystem::path& path) {
  const std::string where = path.string();
  const SortedJson json = parse_unique(read_text_file(path, kMaxIndex), where);
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object() || map->empty()) {
    fail(ErrorCode::bad_file, "{}: weight_map is missing or empty, expected a JSON object from tensor names to files",
         where);
  }
  ShardIndex index;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string()) fail(ErrorCode::bad_file, "{}: weight_map: {} has no file name", where, printable(tensor));
    index.files.push_back(file.get<std::string>());
    check_file_name(where, index.files.back());
  }
  std::sort(index.files.begin(), index.files.end());
  index.files.erase(std::unique(index.files.begin(), index.files.end()), index.files.end());
  for (const auto& [tensor, file] : map->items()) {
    const auto it = std::lower_bound(index.files.begin(), index.files.end(), file.get_ref<const std::string&>());
    index.tensors.emplace_back(tensor, static_cast<std::size_t>(it - index.files.begin()));
  }
  return index;
}

}  // namespace lmm::weights
