#include "lib/models/qwen2/model.hpp"

#include "lib/models/text_family.hpp"

namespace lmm::models::qwen2 {
namespace {

/// configuration_qwen2.py
towers::DecoderConfig parse(const Checkpoint& checkpoint) {
  towers::DecoderDefaults defaults;
  defaults.vocab_size = 151936;
  defaults.intermediate_size = 22016;
  defaults.kv_heads = 32;
  defaults.context_length = 32768;
  defaults.windows = towers::DecoderDefaults::Windows::by_layer;
  return towers::DecoderConfig::parse_qwen2(checkpoint.fields(), defaults);
}

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) { return describe_text(parse(checkpoint)); }

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return load_text(checkpoint, parse(checkpoint), placement, run);
}

}  // namespace lmm::models::qwen2
