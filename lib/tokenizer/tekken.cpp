#include "lib/tokenizer/tekken.hpp"

#include "lib/core/error.hpp"
#include "lib/tokenizer/byte_level.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

namespace lmm::tokenizer {
namespace {

constexpr std::array<std::string_view, 7> kVersions = {"v1", "v2", "v3", "v7", "v11", "v13", "v15"};
constexpr std::size_t kVersionsWithDefaults = 4;  // up to v7 a file may leave the special tokens out
constexpr std::int64_t kMostSpecials = 65536;
constexpr std::int64_t kMostTokens = 1 << 24;
constexpr std::size_t kLongestToken = 512;  // bytes; finding merges takes their square

/// What files of old versions that list no special tokens mean (DEPRECATED_SPECIAL_TOKENS).
constexpr std::string_view kDefaultSpecials[] = {"<unk>",
                                                 "<s>",
                                                 "</s>",
                                                 "[INST]",
                                                 "[/INST]",
                                                 "[AVAILABLE_TOOLS]",
                                                 "[/AVAILABLE_TOOLS]",
                                                 "[TOOL_RESULTS]",
                                                 "[/TOOL_RESULTS]",
                                                 "[TOOL_CALLS]",
                                                 "[IMG]",
                                                 "<pad>",
                                                 "[IMG_BREAK]",
                                                 "[IMG_END]",
                                                 "[PREFIX]",
                                                 "[MIDDLE]",
                                                 "[SUFFIX]",
                                                 "[SYSTEM_PROMPT]",
                                                 "[/SYSTEM_PROMPT]",
                                                 "[TOOL_CONTENT]"};

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

/// Nothing where the text is no base64.
std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

std::string spelled(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += byte_level_character(static_cast<unsigned char>(c));
  return out;
}

const SortedJson& member(const SortedJson& object, const char* name, const std::string& where) {
  const auto it = object.is_object() ? object.find(name) : object.end();
  if (it == object.end() || it->is_null()) fail(ErrorCode::bad_file, "{}: {} is missing", where, name);
  return *it;
}

const std::string& text_of(const SortedJson& object, const char* name, const std::string& where) {
  const SortedJson& value = member(object, name, where);
  if (!value.is_string())
    fail(ErrorCode::bad_file, "{}: {} is a JSON {}, expected a string", where, name, value.type_name());
  return value.get_ref<const std::string&>();
}

void check_rank(const SortedJson& entry, std::size_t index, const std::string& where) {
  const SortedJson& rank = member(entry, "rank", where);
  if (rank.is_number_integer() && rank == index) return;
  fail(ErrorCode::bad_file, "{}: rank is {}, expected {}, its place in the list", where,
       rank.is_number() ? rank.dump() : std::string("a JSON ") + rank.type_name(), index);
}

/// The bytes of the first `count` tokens.
std::vector<std::string> read_vocabulary(const SortedJson& list, std::size_t count, const std::string& file) {
  if (!list.is_array()) fail(ErrorCode::bad_file, "{}: vocab is no list", file);
  if (list.size() < count) {
    fail(ErrorCode::bad_file, "{}: vocab has {} tokens, default_vocab_size and default_num_special_tokens need {}",
         file, list.size(), count);
  }
  std::vector<std::string> tokens;
  tokens.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string where = fmt::format("{}: vocab[{}]", file, i);
    check_rank(list[i], i, where);
    auto bytes = from_base64(text_of(list[i], "token_bytes", where));
    if (!bytes || bytes->empty()) fail(ErrorCode::bad_file, "{}: token_bytes is no base64 of one byte or more", where);
    if (bytes->size() > kLongestToken) {
      fail(ErrorCode::unsupported, "{}: a token of {} bytes, expected at most {}", where, bytes->size(), kLongestToken);
    }
    if (i < 256 && *bytes != std::string(1, static_cast<char>(i))) {
      fail(ErrorCode::bad_file, "{}: the first 256 tokens are the bytes in order, this is another", where);
    }
    tokens.push_back(std::move(*bytes));
  }
  return tokens;
}

/// Each way to make a token of two others; that all ways to one token are alike is what "merge_rank" says.
std::vector<Merge> find_merges(const std::vector<std::string>& tokens, const std::string& file) {
  std::unordered_set<std::string_view> known;
  known.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!known.insert(tokens[i]).second) fail(ErrorCode::bad_file, "{}: vocab[{}] stands there twice", file, i);
  }
  std::vector<Merge> merges;
  for (const std::string_view token : tokens) {
    for (std::size_t at = 1; at < token.size(); ++at) {
      const std::string_view left = token.substr(0, at);
      const std::string_view right = token.substr(at);
      if (known.contains(left) && known.contains(right)) merges.emplace_back(spelled(left), spelled(right));
    }
  }
  return merges;
}

std::vector<std::string> read_specials(const SortedJson& json, std::size_t count, bool may_be_missing,
                                       const std::string& file) {
  std::vector<std::string> out;
  const auto it = json.find("special_tokens");
  if (it != json.end() && !it->is_null()) {
    if (!it->is_array()) fail(ErrorCode::bad_file, "{}: special_tokens is no list", file);
    for (std::size_t i = 0; i < it->size(); ++i) {
      const std::string where = fmt::format("{}: special_tokens[{}]", file, i);
      check_rank((*it)[i], i, where);
      out.push_back(text_of((*it)[i], "token_str", where));
    }
  } else if (may_be_missing) {
    out.assign(std::begin(kDefaultSpecials), std::end(kDefaultSpecials));
  } else {
    fail(ErrorCode::bad_file, "{}: special_tokens is missing, which files of this version have", file);
  }
  if (out.size() > count) {
    fail(ErrorCode::bad_file, "{}: {} special tokens, but default_num_special_tokens is {}", file, out.size(), count);
  }
  while (out.size() < count) out.push_back(fmt::format("<SPECIAL_{}>", out.size()));
  std::unordered_set<std::string_view> known;
  for (const std::string& token : out) {
    if (token.empty()) fail(ErrorCode::bad_file, "{}: a special token is empty", file);
    if (!known.insert(token).second)
      fail(ErrorCode::bad_file, "{}: the special token \"{}\" stands there twice", file, token);
  }
  return out;
}

Json pre_tokenizer(const std::string& pattern) {
  return {
      {"type", "Sequence"},
      {"pretokenizers", Json::array({{{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}},
                                     {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}})}};
}

}  // namespace

Blueprint read_tekken(const std::filesystem::path& path) {
  const std::string file = path.string();
  const SortedJson json = read_sorted_json_file(path);
  if (!json.is_object()) fail(ErrorCode::bad_file, "{}: is no JSON object", file);
  const Json settings = member(json, "config", file);
  const Fields config(settings, file + ": config");
  const std::string version = config.string("version");
  const auto known = std::find(kVersions.begin(), kVersions.end(), version);
  if (known == kVersions.end()) {
    fail(ErrorCode::unsupported, "{}: version is \"{}\", known are {}", config.where(), version,
         fmt::join(kVersions, ", "));
  }
  const std::int64_t specials = config.integer_in("default_num_special_tokens", 1, kMostSpecials);
  const std::int64_t size = config.integer_in("default_vocab_size", specials + 256, kMostTokens);

  Blueprint out;
  out.file = file;
  const std::vector<std::string> tokens =
      read_vocabulary(member(json, "vocab", file), static_cast<std::size_t>(size - specials), file);
  out.merges = find_merges(tokens, file);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    out.vocabulary.emplace_back(spelled(tokens[i]), specials + static_cast<std::int64_t>(i));
  }
  out.model = {{"type", "BPE"}, {"ignore_merges", true}, {"merge_rank", "token"}};
  out.pre_tokenizer = pre_tokenizer(config.string("pattern"));
  out.decoder = {{"type", "ByteLevel"}};
  out.specials_apart = true;
  const bool may_be_missing = known - kVersions.begin() < static_cast<std::ptrdiff_t>(kVersionsWithDefaults);
  std::int32_t id = 0;
  for (std::string& text : read_specials(json, static_cast<std::size_t>(specials), may_be_missing, file)) {
    for (const auto& [name, token] :
         {std::pair{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}}) {
      if (text == token) out.named.emplace_back(name, text);
    }
    AddedToken token;
    token.content = std::move(text);
    token.normalized = false;
    token.special = true;
    out.placed.emplace_back(id++, std::move(token));
  }
  for (const char* name : {"bos_token", "eos_token"}) {
    const auto has = [&](const auto& entry) { return entry.first == name; };
    if (!std::any_of(out.named.begin(), out.named.end(), has)) {
      fail(ErrorCode::bad_file, "{}: special_tokens has no {} (<s>, </s>)", file, name);
    }
  }
  out.bos_and_eos_only = true;
  out.add_bos = true;
  return out;
}

}  // namespace lmm::tokenizer
