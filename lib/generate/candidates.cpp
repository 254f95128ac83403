#include "lib/generate/candidates.hpp"

#include "lib/generate/vector_math.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lmm::generate {

void Candidates::take(std::span<const float> logits, float least) {
  ids_.resize(logits.size());
  logits_.resize(logits.size());
  const float floor = std::max(least, std::numeric_limits<float>::lowest());
  std::size_t count = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {  // branch-free: written always, counted where it stays
    ids_[count] = static_cast<std::int32_t>(i);
    logits_[count] = logits[i];
    count += logits[i] >= floor;
  }
  ids_.resize(count);
  logits_.resize(count);
  weighed_ = false;
}

template <typename Keep>
void Candidates::filter(const Keep& keep) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    const bool stays = keep(i);
    ids_[count] = ids_[i];
    logits_[count] = logits_[i];
    count += stays;
  }
  ids_.resize(count);
  logits_.resize(count);
  weighed_ = false;
}

void Candidates::weigh() {
  if (weighed_ || ids_.empty()) return;
  max_ = maximum(logits_).value;
  weights_.resize(logits_.size());
  total_ = exponentials(logits_, max_, weights_);
  weighed_ = true;
}

float Candidates::probability(std::size_t i) const { return weights_[i] / static_cast<float>(total_); }

double Candidates::entropy() const {
  // -sum p log p, where log p = logit - max - log(total)
  double sum = 0;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    sum += static_cast<double>(weights_[i]) * (static_cast<double>(logits_[i]) - static_cast<double>(max_));
  }
  return std::log(total_) - sum / total_;
}

Candidates::Ranked Candidates::reach(double mass) {
  // Halves the range that holds the entry, without sorting it: linear time.
  auto low = ranked_.begin();
  auto high = ranked_.end();
  while (high - low > 1) {
    const auto middle = low + (high - low) / 2;
    std::nth_element(low, middle, high);
    double below = 0;
    for (auto it = low; it != middle; ++it) below += static_cast<double>(it->weight);
    if (below >= mass) {
      high = middle;
    } else {
      mass -= below;
      low = middle;
    }
  }
  return *low;
}

void Candidates::keep_top_k(std::size_t k) {
  if (k >= ids_.size()) return;
  const float least = kth_largest(logits_, k, buffer_);
  filter([&](std::size_t i) { return logits_[i] >= least; });
}

void Candidates::keep_top_h(double top_h) {
  constexpr std::size_t kTop = 100;  // the reference's top_n
  keep_top_k(kTop);
  if (ids_.empty()) return;
  ranked_.clear();
  for (std::size_t i = 0; i < ids_.size(); ++i) ranked_.push_back({-logits_[i], ids_[i], 0});
  std::sort(ranked_.begin(), ranked_.end());
  if (ranked_.size() > kTop) ranked_.resize(kTop);  // ties with the last one
  buffer_.clear();
  for (const Ranked& token : ranked_) buffer_.push_back(-token.key);
  weights_.resize(buffer_.size());
  const double total = exponentials(buffer_, buffer_.front(), weights_);
  const auto term = [&](std::size_t i) {  // -p log p
    const double p = static_cast<double>(weights_[i]) / total;
    return p > 0 ? -p * (static_cast<double>(buffer_[i]) - static_cast<double>(buffer_.front()) - std::log(total)) : 0;
  };
  double budget = 0;
  for (std::size_t i = 0; i < ranked_.size(); ++i) budget += term(i);
  budget *= top_h;
  std::size_t count = 0;
  for (double used = 0; count < ranked_.size(); ++count) {
    used += term(count);
    if (count > 0 && (used > budget || weights_[count] == 0)) break;
  }
  const Ranked last = ranked_[count - 1];
  filter([&](std::size_t i) { return !(last < Ranked{-logits_[i], ids_[i], 0}); });
}

void Candidates::keep_top_p(double top_p) {
  weigh();
  if (ids_.size() < 2) return;
  // The reference removes, from the smallest up, tokens while their sum is <= 1 - top_p (in fp32). From the largest down
  // that keeps tokens up to the one that brings the sum to the rest.
  const double removed = static_cast<double>(static_cast<float>(1 - top_p)) * total_;
  // What is below removed / n is removed for sure: all of it together is below `removed`. (A little less than that, so
  // that rounding never makes the largest negligible.)
  const double negligible = 0.999 * removed / static_cast<double>(ids_.size());
  ranked_.clear();
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    if (static_cast<double>(weights_[i]) >= negligible) ranked_.push_back({-logits_[i], -ids_[i], weights_[i]});
  }
  const Ranked last = reach(total_ - removed);
  filter([&](std::size_t i) { return !(last < Ranked{-logits_[i], -ids_[i], 0}); });
}

void Candidates::keep_min_p(double min_p) {
  weigh();
  if (ids_.empty()) return;
  const float least = static_cast<float>(min_p) * (1 / static_cast<float>(total_));  // the top token weighs 1
  filter([&](std::size_t i) { return probability(i) >= least || logits_[i] == max_; });
}

void Candidates::keep_typical(double mass) {
  weigh();
  if (ids_.size() < 2) return;
  const double log_total = std::log(total_);
  const double expected = entropy();
  const auto surprise = [&](std::size_t i) {  // | -log p - entropy |
    const double log_p = static_cast<double>(logits_[i]) - static_cast<double>(max_) - log_total;
    return static_cast<float>(std::fabs(-log_p - expected));
  };
  ranked_.clear();
  for (std::size_t i = 0; i < ids_.size(); ++i) ranked_.push_back({surprise(i), ids_[i], weights_[i]});
  const float most = reach(static_cast<double>(static_cast<float>(mass)) * total_).key;
  filter([&](std::size_t i) { return surprise(i) <= most; });
}

void Candidates::keep_epsilon(double epsilon) {
  weigh();
  const float least = static_cast<float>(epsilon);
  filter([&](std::size_t i) { return probability(i) >= least || logits_[i] == max_; });
}

void Candidates::keep_eta(double epsilon) {
  weigh();
  if (ids_.empty()) return;
  const float limit = static_cast<float>(epsilon);
  const float least = std::min(limit, std::sqrt(limit) * static_cast<float>(std::exp(-entropy())));
  filter([&](std::size_t i) { return probability(i) >= least || logits_[i] == max_; });
}

std::int32_t Candidates::draw(double u) {
  weigh();
  const double target = u * total_;
  double sum = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    if (weights_[i] == 0) continue;
    last = i;
    sum += static_cast<double>(weights_[i]);
    if (sum > target) break;
  }
  return ids_[last];
}

}  // namespace lmm::generate
