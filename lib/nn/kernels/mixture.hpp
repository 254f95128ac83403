#pragma once

#include "lib/nn/kernels/linear.hpp"

#include <cstdint>
#include <vector>

namespace lmm::nn::kernels {

/// One gated silu MLP of a mixture.
struct ExpertWeights {
  LinearView gate;  ///< (intermediate, hidden)
  LinearView up;    ///< (intermediate, hidden)
  LinearView down;  ///< (hidden, intermediate)
};

/// A sparse mixture of experts (Shazeer et al. 2017, arXiv 1701.06538), as transformers/models/qwen3_moe has it: the
/// softmax over all experts' scores, its largest taken. No experts: none.
struct MixtureWeights {
  LinearView router;                   ///< (experts, hidden)
  std::vector<ExpertWeights> experts;  ///< of one shape
  std::int64_t chosen = 0;             ///< experts a token, at least 1, at most all
  bool normalise = false;              ///< the chosen experts' weights add up to 1
};

/// Room for intermediates; grows to what it is used with.
struct MixtureScratch {
  std::vector<float> scores, activated;
  std::vector<std::int32_t> order;
  std::vector<GatedTask> gated;
  std::vector<SumTask> sums;
};

/// y (hidden) += the mixture of x (hidden), for one token: only the chosen experts' weights are read. std::bad_alloc,
/// before y is written.
void add_mixture(ThreadPool& pool, Isa isa, const MixtureWeights& mixture, const float* x, float* y,
                 MixtureScratch& scratch);

}  // namespace lmm::nn::kernels
