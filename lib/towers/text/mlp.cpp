#include "lib/towers/text/mlp.hpp"

#include <ATen/ATen.h>

#include <string>

namespace lmm::towers {

GatedMlp::GatedMlp(const nn::WeightScope& weights, const DecoderConfig& config)
    : gate_(weights.scope("gate_proj"), config.hidden_size, config.intermediate_size, config.mlp_bias),
      up_(weights.scope("up_proj"), config.hidden_size, config.intermediate_size, config.mlp_bias),
      down_(weights.scope("down_proj"), config.intermediate_size, config.hidden_size, config.mlp_bias),
      activation_(config.activation) {}

at::Tensor GatedMlp::operator()(const at::Tensor& x) const { return down_(activation_.gated(gate_(x), up_(x))); }

MixtureMlp::MixtureMlp(const nn::WeightScope& weights, const DecoderConfig& config)
    : config_(config.mixture),
      router_(weights.scope("gate").tensor("weight", {config.mixture.experts, config.hidden_size})),
      experts_(experts_of(weights.scope("experts"), config)),
      activation_(config.activation) {}

std::vector<MixtureMlp::Expert> MixtureMlp::experts_of(const nn::WeightScope& weights, const DecoderConfig& config) {
  const MixtureConfig& mixture = config.mixture;
  const auto inner = mixture.intermediate_size;
  std::vector<Expert> experts;
  if (weights.has("gate_up_proj")) {
    const at::Tensor gate_up = weights.stacked("gate_up_proj", mixture.experts, 2 * inner, config.hidden_size);
    const at::Tensor down = weights.stacked("down_proj", mixture.experts, config.hidden_size, inner);
    for (std::int64_t i = 0; i < mixture.experts; ++i) {
      const at::Tensor both = gate_up.select(0, i);
      experts.push_back({both.narrow(0, 0, inner), both.narrow(0, inner, inner), down.select(0, i)});
    }
    return experts;
  }
  for (std::int64_t i = 0; i < mixture.experts; ++i) {
    const nn::WeightScope one = weights.scope(std::to_string(i));
    experts.push_back({one.scope("gate_proj").tensor("weight", {inner, config.hidden_size}),
                       one.scope("up_proj").tensor("weight", {inner, config.hidden_size}),
                       one.scope("down_proj").tensor("weight", {config.hidden_size, inner})});
  }
  return experts;
}

at::Tensor MixtureMlp::operator()(const at::Tensor& x) const {
  const at::Tensor rows = x.view({-1, x.size(-1)});  // (tokens, hidden)
  const at::Tensor shares = at::linear(rows, router_).softmax(-1, at::kFloat);
  auto [share, index] = shares.topk(config_.chosen, -1);  // (tokens, chosen)
  if (config_.normalise) share = share / share.sum(-1, true);
  share = share.to(x.scalar_type());

  // Pairs of token and choice, sorted by expert: each expert's rows go through it at once.
  const at::Tensor flat = index.flatten().to(at::kCPU);
  const at::Tensor order = at::argsort(flat, /*stable=*/true, 0, false);
  const at::Tensor counts = at::bincount(flat, {}, config_.experts);
  const std::int64_t* count = counts.const_data_ptr<std::int64_t>();
  at::Tensor out = at::zeros(rows.sizes(), rows.options().dtype(at::kFloat));  // the sum is rounded once
  std::int64_t first = 0;
  for (std::int64_t i = 0; i < config_.experts; first += count[i++]) {
    if (count[i] == 0) continue;
    const at::Tensor pairs = order.narrow(0, first, count[i]).to(x.device());
    const at::Tensor tokens = at::floor_divide(pairs, config_.chosen);
    const Expert& expert = experts_[static_cast<std::size_t>(i)];
    const at::Tensor some = rows.index_select(0, tokens);
    const at::Tensor inner = activation_.gated(at::linear(some, expert.gate), at::linear(some, expert.up));
    const at::Tensor weight = share.flatten().index_select(0, pairs).unsqueeze(1).to(at::kFloat);
    out.index_add_(0, tokens, at::linear(inner, expert.down).to(at::kFloat).mul_(weight));
  }
  return out.to(x.scalar_type()).view(x.sizes());
}

}  // namespace lmm::towers
