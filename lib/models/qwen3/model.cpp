#include "lib/models/qwen3/model.hpp"

#include "lib/models/text_family.hpp"

namespace lmm::models::qwen3 {
namespace {

/// configuration_qwen3.py
towers::DecoderConfig parse(const Checkpoint& checkpoint) {
  towers::DecoderDefaults defaults;
  defaults.vocab_size = 151936;
  defaults.intermediate_size = 22016;
  defaults.kv_heads = 32;
  defaults.head_dim = 128;
  defaults.context_length = 32768;
  defaults.windows = towers::DecoderDefaults::Windows::by_layer;
  return towers::DecoderConfig::parse_qwen3(checkpoint.fields(), defaults);
}

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) { return describe_text(parse(checkpoint)); }

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return load_text(checkpoint, parse(checkpoint), placement, run);
}

}  // namespace lmm::models::qwen3
