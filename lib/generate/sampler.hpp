#pragma once

#include "lib/generate/candidates.hpp"
#include "lib/generate/processors.hpp"
#include "lib/generate/settings.hpp"

#include <cstdint>
#include <span>

namespace lmm::generate {

/// Chooses the tokens of one reply. Used by one thread at a time. After the first token nothing is allocated.
///
/// Order: apply_processors(), then for sampling temperature, top_h, top_k, top_p, min_p, typical_p, epsilon_cutoff,
/// eta_cutoff, then renormalize_logits, as GenerationMixin._get_logits_processor of transformers 5.23 lists them.
///
/// Greedy takes the first largest logit, as torch.argmax on a CPU. Sampling draws with the seed and the number of
/// tokens so far (uniform() of random.hpp), so the same seed and logits give the same tokens on every machine.
///
/// Errors of next() and process(), after which the sampler is as before: bad_file where logits are NaN, or +inf where
/// probabilities are made of them (remove_invalid_values, where the checkpoint sets it, takes them away first; plain
/// greedy takes +inf as the reference does); invalid_argument where no token is left or a tiny temperature makes logits
/// overflow; internal where `logits` has not vocab_size entries.
class Sampler {
 public:
  /// `prompt`: all tokens before the reply, placeholders of pictures included.
  Sampler(Settings settings, std::int64_t vocab_size, std::span<const std::int32_t> prompt);

  /// Chooses the next token from `logits`, (vocab_size), and takes it into the history. The logits are used up.
  std::int32_t next(std::span<float> logits);

  /// Writes into `logits` what next() would choose from: masked tokens are -inf. The history stays as it is.
  void process(std::span<float> logits);

  /// Takes a token into the history that was chosen elsewhere.
  void accept(std::int32_t token) { history_.add(token); }

  const Settings& settings() const noexcept { return settings_; }
  const History& history() const noexcept { return history_; }

 private:
  std::size_t prepare(std::span<float> logits);  // processors and checks; gives the place of the largest logit
  void warp(std::span<float> logits);            // fills candidates_
  std::int32_t choose_greedily(std::span<float> logits, std::size_t largest);

  Settings settings_;
  std::size_t vocab_size_;
  History history_;
  Candidates candidates_;
  std::vector<float> buffer_;
};

}  // namespace lmm::generate
