#pragma once

#include "lib/models/qwen2_vl/config.hpp"
#include "lib/models/qwen2_vl/preprocess_video.hpp"
#include "lib/models/registry.hpp"
#include "lib/nn/weight_scope.hpp"
#include "lib/towers/vision/qwen2_vl_parts.hpp"

#include <functional>
#include <memory>

/// Qwen2-VL: pictures and videos of any size, a tower over all their patches, positions on three axes (Wang et al. 2024, arXiv
/// 2409.12191; transformers/models/qwen2_vl). Qwen2.5-VL and Qwen3-VL are this with another tower and text config.
namespace lmm::models::qwen2_vl {

FamilyInfo describe(const Checkpoint& checkpoint);
std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run);

/// How prompts and positions tell when frames of a video were taken.
enum class VideoTimes {
  steps,    ///< not at all: a temporal patch is one step (Qwen2-VL)
  seconds,  ///< a temporal patch is as many steps as its seconds times tokens_per_second (Qwen2.5-VL)
  stamps,   ///< in words before each temporal patch, which has a grid of its own (Qwen3-VL)
  clock,    ///< as `seconds`; the text behind goes on after the last of them (Qwen2.5-Omni)
};

/// What makes a family of these. `vision` is the shape of the tower that make_tower builds from the weights below
/// "visual".
struct Variant {
  Config config;
  towers::QwenVisionConfig vision;
  answer::Format grounding = answer::Format::qwen2_vl;
  VideoClass videos = VideoClass::qwen2_vl;
  VideoTimes times = VideoTimes::steps;
  double tokens_per_second = 1.0;      ///< of VideoTimes::seconds and clock
  std::string prefix = {};             ///< what the names of its weights begin with, such as "thinker"
  std::function<void(VideoProcessorConfig&)> set_videos = {};  ///< what the family's processor sets, whatever the file says
  std::function<std::unique_ptr<const towers::QwenVisionTower>(const nn::WeightScope&)> make_tower;
};

/// Errors: bad_file where the parts do not fit each other.
FamilyInfo describe(const Checkpoint& checkpoint, const Variant& variant);

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const Variant& variant, const nn::Placement& placement,
                                   Run& run);

}  // namespace lmm::models::qwen2_vl
