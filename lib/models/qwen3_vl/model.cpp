#include "lib/models/qwen3_vl/model.hpp"

#include "lib/models/qwen2_vl/model.hpp"
#include "lib/models/qwen3_vl/config.hpp"
#include "lib/towers/vision/qwen3_vl.hpp"

namespace lmm::models::qwen3_vl {
namespace {

qwen2_vl::Variant variant(const Checkpoint& checkpoint) {
  const Fields fields = checkpoint.fields();
  const auto vision =
      towers::Qwen3VisionConfig::parse(qwen2_vl::vision_fields(fields, fields.string("model_type")));
  qwen2_vl::Variant variant;
  variant.config = parse(fields);
  variant.vision = vision;
  variant.grounding = answer::Format::qwen3_vl;
  variant.videos = qwen2_vl::VideoClass::qwen3_vl;
  variant.times = qwen2_vl::VideoTimes::stamps;
  variant.make_tower = [vision](const nn::WeightScope& weights) {
    return std::make_unique<const towers::Qwen3VlTower>(weights, vision);
  };
  return variant;
}

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) { return qwen2_vl::describe(checkpoint, variant(checkpoint)); }

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return qwen2_vl::load(checkpoint, variant(checkpoint), placement, run);
}

}  // namespace lmm::models::qwen3_vl
