#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace capi_test {

/// A copy of the model that ships with lmm, to be damaged; removed at the end.
class ModelCopy {
 public:
  ModelCopy() {
    static int number = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("lmm-capi-" + std::to_string(::getpid()) + "-" + std::to_string(number++));
    std::filesystem::copy(LMM_POCKET_MODEL, folder_, std::filesystem::copy_options::recursive);
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      std::filesystem::permissions(entry.path(), std::filesystem::perms::owner_all);
    }
  }
  ~ModelCopy() { std::filesystem::remove_all(folder_); }
  ModelCopy(const ModelCopy&) = delete;
  ModelCopy& operator=(const ModelCopy&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary | std::ios::trunc) << text;
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace capi_test
