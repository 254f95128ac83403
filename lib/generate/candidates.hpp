#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lmm::generate {

/// The tokens that may still be drawn, with their logits: what transformers calls warpers
/// (generation/logits_process.py) as filters over a list that only shrinks. Tokens masked with -inf are not in it;
/// they have no probability, so none of the filters can see them. Always in order of token id.
///
/// Ties: top-k keeps every token equal to the k-th, as the reference does. Where top-p or top-h must choose among equal
/// logits, the reference takes what its unstable sort brings; here top-p keeps the larger ids and top-h the smaller.
class Candidates {
 public:
  /// Takes every logit > -inf and >= `least`. None is NaN or +inf.
  void take(std::span<const float> logits, float least);

  void keep_top_h(double top_h);      ///< TopHLogitsWarper
  void keep_top_k(std::size_t k);     ///< TopKLogitsWarper
  void keep_top_p(double top_p);      ///< TopPLogitsWarper
  void keep_min_p(double min_p);      ///< MinPLogitsWarper
  void keep_typical(double mass);     ///< TypicalLogitsWarper
  void keep_epsilon(double epsilon);  ///< EpsilonLogitsWarper
  void keep_eta(double epsilon);      ///< EtaLogitsWarper

  /// The token at `u` in [0, 1) of the cumulated probabilities, in order of id.
  std::int32_t draw(double u);

  std::span<const std::int32_t> ids() const noexcept { return ids_; }
  std::span<const float> logits() const noexcept { return logits_; }

 private:
  void weigh();                            // makes weights_, max_ and total_ fit the list
  double entropy() const;                  // of the distribution; weighed
  float probability(std::size_t i) const;  // weighed

  /// Where, in ascending order of keys_, the running weight reaches `mass`: a key, and of the tokens with that key the
  /// first so many (counted from the front of the list). At the last token where it never does.
  struct Reached {
    std::uint32_t key;
    std::size_t ties;
  };
  Reached reach(double mass) const;

  template <typename Key>
  void rank(const Key& key);  // keys_[i] = key(i)

  template <typename Keep>
  void filter(const Keep& keep);  // keep(i); stable

  std::vector<std::int32_t> ids_;
  std::vector<float> logits_;
  std::vector<float> weights_;  // e^(logit - max_)
  float max_ = 0;
  double total_ = 0;  // sum of weights_
  bool weighed_ = false;
  std::vector<std::uint32_t> keys_;  // of a ranking, one a token
  std::vector<float> buffer_;
};

}  // namespace lmm::generate
