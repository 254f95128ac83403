#include "lib/models/qwen2_5_vl/model.hpp"

#include "lib/models/qwen2_vl/model.hpp"
#include "lib/towers/vision/qwen2_5_vl.hpp"

namespace lmm::models::qwen2_5_vl {
namespace {

qwen2_vl::Variant variant(const Checkpoint& checkpoint) {
  const Fields fields = checkpoint.fields();
  const auto vision = towers::Qwen25VisionConfig::parse(qwen2_vl::vision_fields(fields, "qwen2_5_vl"));
  qwen2_vl::Variant variant;
  variant.config = qwen2_vl::Config::parse(fields);
  variant.vision = vision;
  variant.grounding = answer::Format::qwen2_5_vl;
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
