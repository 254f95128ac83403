#include "lib/generate/candidates.hpp"

#include "lib/generate/vector_math.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

namespace lmm::generate {
namespace {

/// Unsigned integers that sort as the floats do.
std::uint32_t sortable(float x) { return static_cast<std::uint32_t>(ordered(x)) ^ 0x80000000u; }

}  // namespace

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

template <typename Key>
void Candidates::rank(const Key& key) {
  keys_.reserve(ids_.capacity());  // so that no later, longer list allocates
  keys_.resize(ids_.size());
  for (std::size_t i = 0; i < ids_.size(); ++i) keys_[i] = key(i);
}

void Candidates::weigh() {
  if (weighed_ || ids_.empty()) return;
  max_ = maximum(logits_).value;
  weights_.reserve(ids_.capacity());
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

Candidates::Reached Candidates::reach(double mass) const {
  // A radix selection by weight: each round finds the next bits of the key, in one pass over the list. Linear, without
  // sorting, and sums are taken in the order of the list, so that they round alike everywhere.
  constexpr std::array<int, 3> kBits{11, 11, 10};
  std::array<double, 1 << 11> weight_of;
  std::uint32_t prefix = 0;
  int shift = 32;
  for (const int bits : kBits) {
    const int known = shift;
    shift -= bits;
    const std::uint32_t mask = (1u << bits) - 1;
    weight_of.fill(-1);  // none there
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (known < 32 && keys_[i] >> known != prefix) continue;
      double& weight = weight_of[(keys_[i] >> shift) & mask];
      weight = std::max(weight, 0.0) + static_cast<double>(weights_[i]);
    }
    std::uint32_t chosen = 0;
    double before = 0;
    double sum = 0;
    for (std::uint32_t digit = 0; digit <= mask; ++digit) {
      if (weight_of[digit] < 0) continue;
      chosen = digit;
      before = sum;
      sum += weight_of[digit];
      if (sum >= mass) break;
    }
    mass -= before;
    prefix = (prefix << bits) | chosen;
  }
  std::size_t ties = 0;
  double sum = 0;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i] != prefix) continue;
    ++ties;
    sum += static_cast<double>(weights_[i]);
    if (sum >= mass) break;
  }
  return {prefix, ties};
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
  buffer_.assign(logits_.begin(), logits_.end());
  std::sort(buffer_.begin(), buffer_.end(), std::greater<>());
  buffer_.resize(std::min(buffer_.size(), kTop));  // ties with the last one
  weights_.reserve(ids_.capacity());
  weights_.resize(buffer_.size());
  const double total = exponentials(buffer_, buffer_.front(), weights_);
  const auto term = [&](std::size_t i) {  // -p log p
    const double p = static_cast<double>(weights_[i]) / total;
    return p > 0 ? -p * (static_cast<double>(buffer_[i]) - static_cast<double>(buffer_.front()) - std::log(total)) : 0;
  };
  double budget = 0;
  for (std::size_t i = 0; i < buffer_.size(); ++i) budget += term(i);
  budget *= top_h;
  std::size_t count = 0;
  for (double used = 0; count < buffer_.size(); ++count) {
    used += term(count);
    if (count > 0 && (used > budget || weights_[count] == 0)) break;
  }
  const float least = buffer_[count - 1];
  std::size_t ties =
      count - static_cast<std::size_t>(std::find(buffer_.begin(), buffer_.end(), least) - buffer_.begin());
  filter([&](std::size_t i) { return logits_[i] > least || (logits_[i] == least && ties > 0 && ties-- > 0); });
}

void Candidates::keep_top_p(double top_p) {
  weigh();
  if (ids_.size() < 2) return;
  // From the smallest up, tokens go while their sum is <= 1 - top_p (in fp32); of equal ones the smaller ids first.
  const double removed = static_cast<double>(static_cast<float>(1 - top_p)) * total_;
  rank([&](std::size_t i) { return sortable(logits_[i]); });
  const Reached first = reach(std::nextafter(removed, std::numeric_limits<double>::infinity()));
  std::size_t ties = first.ties - 1;  // to go
  filter([&](std::size_t i) { return keys_[i] > first.key || (keys_[i] == first.key && (ties == 0 || ties-- == 0)); });
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
  rank([&](std::size_t i) { return sortable(surprise(i)); });
  const std::uint32_t most = reach(static_cast<double>(static_cast<float>(mass)) * total_).key;
  filter([&](std::size_t i) { return keys_[i] <= most; });
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
