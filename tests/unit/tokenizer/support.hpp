#pragma once

#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/tokenizer/tokenizer.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace support {

using Ids = std::vector<std::int32_t>;

/// A checkpoint folder, removed at the end.
class Folder {
 public:
  Folder() {
    static std::atomic<int> count{0};
    path_ = std::filesystem::temp_directory_path() / fmt::format("lmm_tokenizer_{}_{}", ::getpid(), count++);
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  Folder& write(const std::string& name, std::string_view content) {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return *this;
  }
  Folder& write_json(const std::string& name, const lmm::Json& json) {
    return write(name, std::string_view(json.dump()));
  }
  const std::filesystem::path& path() const { return path_; }
  std::shared_ptr<const lmm::tokenizer::Tokenizer> load() const { return lmm::tokenizer::Tokenizer::load(path_); }

 private:
  std::filesystem::path path_;
};

/// A tokenizer.json with a BPE model of these tokens (ids in order) and merges.
inline lmm::Json tokenizer_json(const std::vector<std::string>& tokens, const std::vector<std::string>& merges = {}) {
  lmm::Json vocab = lmm::Json::object();
  for (std::size_t i = 0; i < tokens.size(); ++i) vocab[tokens[i]] = i;
  return {{"version", "1.0"},
          {"added_tokens", lmm::Json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", nullptr},
          {"post_processor", nullptr},
          {"decoder", {{"type", "Fuse"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}}};
}

inline lmm::Json added_token(std::int64_t id, const std::string& content, bool special, bool normalized = false) {
  return {{"id", id},        {"content", content},       {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", normalized}, {"special", special}};
}

/// Code and message of the Error that `call` throws; fails the test where it throws none.
struct Caught {
  lmm::ErrorCode code;
  std::string message;
};
template <typename Call>
Caught caught(const Call& call) {
  try {
    call();
  } catch (const lmm::Error& error) {
    CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
    return {error.code(), error.what()};
  }
  FAIL("no Error was thrown");
  return {lmm::ErrorCode::internal, ""};
}

inline bool has(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("\"", std::string(part), "\" is not in: ", text);
  return found;
}

}  // namespace support
