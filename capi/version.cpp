#include "capi/lmm.h"
#include "lib/models/registry.hpp"
#include "lib/nn/runtime.hpp"

#include <lmm/lmm.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace lmm;

static_assert(LMM_H_VERSION_MAJOR == LMM_VERSION_MAJOR && LMM_H_VERSION_MINOR == LMM_VERSION_MINOR &&
              LMM_H_VERSION_PATCH == LMM_VERSION_PATCH);

namespace {

std::vector<std::string> list_features() {
  std::vector<std::string> features;
  for (const models::FamilyEntry& entry : models::families()) {
    features.push_back("family:" + std::string(entry.model_type));
  }
  for (const char* format : {"jpeg", "png", "webp", "bmp", "gif"}) features.push_back(std::string("picture:") + format);
  for (const char* format : {"wav", "flac", "ogg", "mp3", "aiff", "au", "caf"}) {
    features.push_back(std::string("sound:") + format);
  }
  features.emplace_back("device:cpu");
  try {
    nn::find_device("cuda");
    features.emplace_back("device:cuda");
  } catch (...) {  // not there
  }
  for (const char* other : {"step", "taps", "log", "allocator"}) features.emplace_back(other);
  return features;
}

/// Empty where there is no memory for them.
const std::vector<std::string>& features() noexcept {
  static const std::vector<std::string> kNone;
  try {
    static const std::vector<std::string> kAll = list_features();
    return kAll;
  } catch (...) {
    return kNone;
  }
}

}  // namespace

const char* lmm_version(void) { return version(); }

uint32_t lmm_version_number(void) {
  return LMM_VERSION_MAJOR * 1000000u + LMM_VERSION_MINOR * 1000u + LMM_VERSION_PATCH;
}

const char* lmm_feature(size_t index) { return index < features().size() ? features()[index].c_str() : nullptr; }

lmm_bool lmm_has_feature(const char* name) {
  if (name == nullptr) return LMM_FALSE;
  for (const std::string& feature : features()) {
    if (feature == name) return LMM_TRUE;
  }
  return LMM_FALSE;
}
