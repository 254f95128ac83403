#include "lib/models/qwen3_moe/model.hpp"

#include "lib/models/text_family.hpp"

namespace lmm::models::qwen3_moe {
namespace {

/// configuration_qwen3_moe.py
towers::DecoderConfig parse(const Checkpoint& checkpoint) {
  const Fields fields = checkpoint.fields();
  towers::DecoderDefaults defaults;
  defaults.vocab_size = 151936;
  defaults.hidden_size = 2048;
  defaults.intermediate_size = 6144;
  defaults.layers = 24;
  defaults.kv_heads = 4;
  defaults.context_length = 32768;
  defaults.windows = towers::DecoderDefaults::Windows::everywhere;
  towers::DecoderConfig config = towers::DecoderConfig::parse_qwen3(fields, defaults);
  config.parse_mixture(fields, {128, 8, 768, false});
  return config;
}

}  // namespace

FamilyInfo describe(const Checkpoint& checkpoint) { return describe_text(parse(checkpoint)); }

std::unique_ptr<const Family> load(const Checkpoint& checkpoint, const nn::Placement& placement, Run& run) {
  return load_text(checkpoint, parse(checkpoint), placement, run);
}

}  // namespace lmm::models::qwen3_moe
