#include "lib/models/qwen2_5_vl/model.hpp"

#include "lib/models/qwen2_vl/model.hpp"
#include "lib/towers/vision/qwen2_5_vl.hpp"

namespace lmm::models::qwen2_5_vl {
namespace {

qwen2_vl::Variant variant(const Checkpoint& checkpoint) {
  const Fields fields = checkpoint.fields();
  const Fields vision_fields = qwen2_vl::vision_fields(fields, "qwen2_5_vl");
  const auto vision = towers::Qwen25VisionConfig::parse(vision_fields);
  qwen2_vl::Variant variant;
  variant.config = qwen2_vl::Config::parse(fields);
  variant.vision = vision;
  variant.grounding = answer::Format::qwen2_5_vl;
  variant.times = qwen2_vl::VideoTimes::seconds;
  variant.tokens_per_second = vision_fields.number("tokens_per_second", 4);
  if (!(variant.tokens_per_second >= 0.0 && variant.tokens_per_second <= 1e6)) {
    vision_fields.wrong("tokens_per_second", "a number of 0 to 1000000");
  }
  variant.make_tower = [vision](const nn::WeightScope& weights) {
    return std::make_unique<const towers::Qwen25VlTower>(weights, vision);
  };
  return variant;
}

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) { return qwen2_vl::describe(checkpoint, variant(checkpoint)); }

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return qwen2_vl::load(checkpoint, variant(checkpoint), placement, run);
}

}  // namespace lmm::models::qwen2_5_vl
