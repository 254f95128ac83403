#include "lib/models/llama/model.hpp"

#include "lib/models/text_family.hpp"

namespace lmm::models::llama {
namespace {

towers::DecoderConfig parse(const Checkpoint& checkpoint) {
  return towers::DecoderConfig::parse_llama(checkpoint.fields(), 1e-6);
}

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) { return describe_text(parse(checkpoint)); }

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return load_text(checkpoint, parse(checkpoint), placement, run);
}

}  // namespace lmm::models::llama
