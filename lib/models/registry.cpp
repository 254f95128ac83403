#include "lib/models/registry.hpp"

#include "lib/core/error.hpp"
#include "lib/models/idefics3/model.hpp"
#include "lib/models/llama/model.hpp"
#include "lib/models/qwen2/model.hpp"
#include "lib/models/qwen2_5_omni/model.hpp"
#include "lib/models/qwen2_5_vl/model.hpp"
#include "lib/models/qwen2_audio/model.hpp"
#include "lib/models/qwen2_vl/model.hpp"
#include "lib/models/qwen3/model.hpp"
#include "lib/models/qwen3_moe/model.hpp"
#include "lib/models/qwen3_vl/model.hpp"
#include "lib/models/voxtral/model.hpp"
#include "lib/models/whisper/model.hpp"

#include <array>
#include <string>
#include <vector>

namespace lmm::models {
namespace {

constexpr std::array kFamilies = {
    FamilyEntry{"idefics3", idefics3::describe, idefics3::load},
    FamilyEntry{"llama", llama::describe, llama::load},
    FamilyEntry{"qwen2", qwen2::describe, qwen2::load},
    FamilyEntry{"qwen2_5_omni", qwen2_5_omni::describe, qwen2_5_omni::load, "thinker"},
    FamilyEntry{"qwen2_5_omni_thinker", qwen2_5_omni::describe, qwen2_5_omni::load},
    FamilyEntry{"qwen2_5_vl", qwen2_5_vl::describe, qwen2_5_vl::load},
    FamilyEntry{"qwen2_audio", qwen2_audio::describe, qwen2_audio::load},
    FamilyEntry{"qwen2_vl", qwen2_vl::describe, qwen2_vl::load},
    FamilyEntry{"qwen3", qwen3::describe, qwen3::load},
    FamilyEntry{"qwen3_moe", qwen3_moe::describe, qwen3_moe::load},
    FamilyEntry{"qwen3_vl", qwen3_vl::describe, qwen3_vl::load},
    FamilyEntry{"qwen3_vl_moe", qwen3_vl::describe, qwen3_vl::load},
    FamilyEntry{"smolvlm", idefics3::describe, idefics3::load},
    FamilyEntry{"voxtral", voxtral::describe, voxtral::load},
    FamilyEntry{"whisper", whisper::describe, whisper::load},
};

}  // namespace

std::span<const FamilyEntry> families() { return kFamilies; }

const FamilyEntry& family_of(const Checkpoint& checkpoint) {
  const std::string type = checkpoint.fields().string("model_type");
  std::vector<std::string_view> known;
  for (const FamilyEntry& entry : kFamilies) {
    if (entry.model_type == type) return entry;
    known.push_back(entry.model_type);
  }
  fail(ErrorCode::unsupported, "{}: model_type is \"{}\", known are {}", (checkpoint.folder / "config.json").string(),
       type, fmt::join(known, ", "));
}

}  // namespace lmm::models
