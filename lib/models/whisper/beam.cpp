#include "lib/core/error.hpp"
#include "lib/generate/vector_math.hpp"
#include "lib/models/whisper/search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lmm::models::whisper {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr float kOut = -1e9f;  // the reference's mark of what must not be taken

/// A beam, or one of the continuations of beams.
struct Hypothesis {
  Text text;
  float score = 0;  // sum of log probabilities; of finished ones divided by the length penalty
  std::int32_t row = 0;
  bool finished = false;
};

/// The best `count` by score, equal ones in their order.
void keep_best(std::vector<Hypothesis>& all, std::size_t count) {
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  if (all.size() > count) all.resize(count);
}

struct Candidate {
  float score;
  std::size_t row;
  std::int32_t token;
  float log_probability;
};

/// One beam search (GenerationMixin._beam_search with one input and one result).
class BeamSearch {
 public:
  BeamSearch(const GenerationRules& rules, TokenRules& tokens, const SearchOptions& options, std::size_t prompt)
      : rules_(rules), tokens_(tokens), options_(options), beams_(static_cast<std::size_t>(options.beams)), prompt_(prompt) {
    running_.resize(beams_);
    for (std::size_t i = 1; i < beams_; ++i) running_[i].score = kOut;  // at first all beams are the same
    finished_.resize(beams_);
    for (Hypothesis& one : finished_) one.score = kOut;
  }

  /// logits (rows, vocab), or one row for all; false when the search is over.
  bool advance(std::span<float> logits, std::size_t vocab);

  const std::vector<Hypothesis>& running() const { return running_; }
  Text result() && { return std::move(finished_.front().text); }

 private:
  std::vector<Candidate> candidates(std::span<float> logits, std::size_t vocab);
  void take_finished(const std::vector<Hypothesis>& next, const std::vector<bool>& hits);
  bool can_improve() const;

  const GenerationRules& rules_;
  TokenRules& tokens_;
  const SearchOptions& options_;
  std::size_t beams_, prompt_;
  std::size_t length_ = 0;  // new tokens of the running ones
  std::vector<Hypothesis> running_, finished_;
  bool improving_ = true;
  std::vector<float> room_;
};

/// The best 2 * beams continuations of all beams.
std::vector<Candidate> BeamSearch::candidates(std::span<float> logits, std::size_t vocab) {
  const std::size_t keep = 2 * beams_;
  std::vector<Candidate> all;
  for (std::size_t i = 0; i < running_.size(); ++i) {
    const bool shared = logits.size() == vocab;
    const std::span<float> row = logits.subspan(shared ? 0 : i * vocab, vocab);
    if (!shared || i == 0) {
      const auto total = static_cast<float>(log_sum_exp(row, room_));
      if (!std::isfinite(total)) fail(ErrorCode::bad_file, "the logits are no numbers: the weights are damaged");
      for (float& logit : row) logit -= total;
      tokens_.apply(running_[i].text.tokens, row);
    }
    const double allowed = log_sum_exp(row, room_);
    const float least = generate::kth_largest(row, std::min(keep, vocab), room_);
    for (std::size_t id = 0; id < vocab; ++id) {
      if (row[id] == kNever || row[id] < least) continue;
      all.push_back({row[id] + running_[i].score, i, static_cast<std::int32_t>(id),
                     static_cast<float>(static_cast<double>(row[id]) - allowed)});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  if (all.size() > keep) all.resize(keep);
  return all;
}

void BeamSearch::take_finished(const std::vector<Hypothesis>& next, const std::vector<bool>& hits) {
  const bool full = std::all_of(finished_.begin(), finished_.end(), [](const auto& one) { return one.finished; });
  const bool closed = full && rules_.early_stopping == GenerationRules::EarlyStopping::yes;
  const auto penalty = static_cast<float>(std::pow(static_cast<double>(length_ + 1), rules_.length_penalty));
  for (std::size_t i = 0; i < next.size(); ++i) {
    const bool taken = hits[i] && i < beams_ && !closed && improving_;
    if (!taken) continue;  // the reference adds it with a score of -1e9, below which no place is free
    finished_.push_back(next[i]);
    finished_.back().score /= penalty;
    finished_.back().finished = true;
  }
  keep_best(finished_, beams_);
}

bool BeamSearch::can_improve() const {
  const bool longest = rules_.early_stopping == GenerationRules::EarlyStopping::never && rules_.length_penalty > 0;
  const auto length = static_cast<double>(longest ? static_cast<std::size_t>(options_.max_length) - prompt_ : length_);
  const float possible = running_.front().score / static_cast<float>(std::pow(length, rules_.length_penalty));
  const float worst = finished_.back().score;
  return std::any_of(finished_.begin(), finished_.end(),
                     [&](const auto& one) { return possible > (one.finished ? worst : kOut); });
}

bool BeamSearch::advance(std::span<float> logits, std::size_t vocab) {
  std::vector<Hypothesis> next;
  std::vector<bool> hits;
  for (const Candidate& candidate : candidates(logits, vocab)) {
    Hypothesis one = running_[candidate.row];
    one.text.tokens.push_back(candidate.token);
    one.text.log_probabilities.push_back(candidate.log_probability);
    if (length_ > 0) one.text.rows.push_back(static_cast<std::int32_t>(candidate.row));
    one.row = static_cast<std::int32_t>(candidate.row);
    one.score = candidate.score;
    next.push_back(std::move(one));
    const std::size_t length = prompt_ + length_ + 1;
    hits.push_back(candidate.token == rules_.end || length >= static_cast<std::size_t>(options_.max_length));
  }
  take_finished(next, hits);
  for (std::size_t i = 0; i < next.size(); ++i) {
    if (hits[i]) next[i].score += kOut;
  }
  const bool over = std::all_of(hits.begin(), hits.end(), [](bool hit) { return hit; });
  keep_best(next, beams_);
  running_ = std::move(next);
  ++length_;
  improving_ = improving_ && can_improve();
  const bool full = std::all_of(finished_.begin(), finished_.end(), [](const auto& one) { return one.finished; });
  return improving_ && !(full && rules_.early_stopping == GenerationRules::EarlyStopping::yes) && !over;
}

}  // namespace

Text Search::beam(std::span<const std::int32_t> prompt, const SearchOptions& options, Run& run) {
  TokenRules rules(rules_, options.timestamps);
  const auto vocab = static_cast<std::size_t>(ear_.vocab_size());
  BeamSearch search(rules_, rules, options, prompt.size());
  while (search.advance(logits_, vocab)) {
    ++new_tokens_;
    run.advance(1);
    std::vector<std::int32_t> parents, tokens;
    for (const Hypothesis& one : search.running()) {
      parents.push_back(one.row);
      tokens.push_back(one.text.tokens.back());
    }
    if (search.running().front().text.rows.empty()) std::fill(parents.begin(), parents.end(), 0);  // all follow the prompt
    logits_.resize(parents.size() * vocab);
    ear_.next(parents, tokens, logits_, run);
  }
  ++new_tokens_;
  logits_.resize(vocab);
  return std::move(search).result();
}

}  // namespace lmm::models::whisper
