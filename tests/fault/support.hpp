#pragma once

#include <lmm/lmm.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

namespace lmm::test {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// A copy of the model that ships with lmm, to be damaged; removed at the end.
class ModelCopy {
 public:
  ModelCopy() : folder_(fs::temp_directory_path() / ("lmm-fault-" + std::to_string(::getpid()) + "-" + std::to_string(next()))) {
    fs::copy(LMM_POCKET_MODEL, folder_, fs::copy_options::recursive);
    for (const auto& entry : fs::directory_iterator(folder_)) fs::permissions(entry.path(), fs::perms::owner_all);
  }
  ~ModelCopy() { fs::remove_all(folder_); }
  ModelCopy(const ModelCopy&) = delete;
  ModelCopy& operator=(const ModelCopy&) = delete;

  const fs::path& folder() const { return folder_; }
  fs::path file(const std::string& name) const { return folder_ / name; }

  std::string read(const std::string& name) const {
    std::ifstream in(file(name), std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary | std::ios::trunc) << text;
  }
  void edit_json(const std::string& name, const std::function<void(Json&)>& edit) const {
    Json json = Json::parse(read(name));
    edit(json);
    write(name, json.dump(1));
  }

  /// Edits the header of model.safetensors; the data stays as it is.
  void edit_header(const std::function<void(Json&)>& edit) const {
    std::string bytes = read("model.safetensors");
    std::uint64_t size = 0;
    std::memcpy(&size, bytes.data(), 8);
    Json header = Json::parse(bytes.substr(8, size));
    edit(header);
    const std::string text = header.dump();
    const std::uint64_t new_size = text.size();
    std::string out(8, '\0');
    std::memcpy(out.data(), &new_size, 8);
    write("model.safetensors", out + text + bytes.substr(8 + size));
  }

 private:
  static int next() {
    static int number = 0;
    return number++;
  }
  fs::path folder_;
};

/// The Error that a call must give; its message is one line without control characters.
inline Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string text = error.what();
    CHECK(text.find('\n') == std::string::npos);
    CHECK(text.size() < 1000);
    return error;
  }
  FAIL("no error");
  return Error(ErrorCode::internal, "no error");
}

/// Checks the code, and that the message names each of `parts`.
inline void expect(const Error& error, ErrorCode code, const std::vector<std::string>& parts) {
  const std::string text = error.what();
  INFO(text);
  CHECK(std::string(error_name(error.code())) == error_name(code));
  for (const std::string& part : parts) {
    INFO(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

inline void expect_load(const ModelCopy& copy, ErrorCode code, const std::vector<std::string>& parts,
                        const LoadOptions& options = {}) {
  expect(error_of([&] { Model::load(copy.folder(), options); }), code, parts);
}

}  // namespace lmm::test
