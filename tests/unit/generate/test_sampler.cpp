#include "lib/generate/sampler.hpp"

#include "lib/generate/random.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <lmm/error.hpp>

using lmm::ErrorCode;
using lmm::generate::Sampler;
using lmm::generate::Settings;
using lmm::generate::TokenIds;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

template <typename Set>
Settings with(Set set) {
  Settings settings;
  settings.top_k = 0;
  set(settings);
  return settings;
}

Settings sampling(const std::function<void(Settings&)>& set = [](Settings&) {}) {
  return with([&](Settings& s) {
    s.sample = true;
    set(s);
  });
}

/// What would be chosen from, after the prompt and the tokens accepted.
std::vector<float> processed(const Settings& settings, std::vector<float> logits, const TokenIds& prompt = {},
                             const TokenIds& reply = {}) {
  Sampler sampler(settings, static_cast<std::int64_t>(logits.size()), prompt);
  for (const std::int32_t token : reply) sampler.accept(token);
  sampler.process(logits);
  return logits;
}

/// Which tokens are left.
TokenIds kept(const Settings& settings, std::vector<float> logits, const TokenIds& prompt = {},
              const TokenIds& reply = {}) {
  TokenIds out;
  logits = processed(settings, std::move(logits), prompt, reply);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] != -kInf) out.push_back(static_cast<std::int32_t>(i));
  }
  return out;
}

std::int32_t greedy(std::vector<float> logits, const Settings& settings = {}) {
  Sampler sampler(settings, static_cast<std::int64_t>(logits.size()), {});
  return sampler.next(logits);
}

/// Logits of given probabilities.
std::vector<float> logs(std::vector<double> probabilities) {
  std::vector<float> out;
  for (const double p : probabilities) out.push_back(static_cast<float>(std::log(p)));
  return out;
}

void check_refused(const Settings& settings, std::vector<float> logits, ErrorCode code, const std::string& part) {
  Sampler sampler(settings, static_cast<std::int64_t>(logits.size()), {});
  try {
    std::vector<float> scratch = logits;
    sampler.next(scratch);
    FAIL_CHECK("nothing was thrown, expected: " << part);
  } catch (const lmm::Error& error) {
    CHECK_MESSAGE(error.code() == code, error.what());
    CHECK_MESSAGE(std::string(error.what()).find(part) != std::string::npos, error.what());
  }
  CHECK(sampler.history().new_length() == 0);  // as before the call
}

}  // namespace

TEST_CASE("greedy takes the first of the largest") {
  CHECK(greedy({0, 3, 3, 1}) == 1);
  CHECK(greedy({-5, -5, -5}) == 0);
  CHECK(greedy({-kInf, -kInf, -1}) == 2);
  CHECK(greedy({1, kInf, kInf}) == 1);
  CHECK(greedy({7}) == 0);
  std::vector<float> many(150000, 1.0f);
  many[149999] = 2;
  CHECK(greedy(many) == 149999);
}

TEST_CASE("logits that cannot be used are errors, and the sampler stays as it was") {
  check_refused({}, {1, kNaN, 2}, ErrorCode::bad_file, "NaN");
  check_refused({}, std::vector<float>(40, kNaN), ErrorCode::bad_file, "NaN");
  check_refused(sampling(), {1, kNaN, 2}, ErrorCode::bad_file, "NaN");
  check_refused(sampling(), {1, kInf, 2}, ErrorCode::bad_file, "infinite");
  check_refused(with([](Settings& s) { s.renormalize_logits = true; }), {1, kInf}, ErrorCode::bad_file, "infinite");
  check_refused({}, {-kInf, -kInf}, ErrorCode::invalid_argument, "no token is left");
  check_refused(with([](Settings& s) { s.bad_words = {{0}, {1}}; }), {1, 2}, ErrorCode::invalid_argument,
                "no token is left");
  check_refused(sampling([](Settings& s) { s.temperature = 1e-38; }), {5, 2}, ErrorCode::invalid_argument,
                "temperature");
  check_refused(sampling([](Settings& s) { s.temperature = 1e-60; }), {-5, -2}, ErrorCode::invalid_argument,
                "temperature");
  Sampler sampler({}, 5, {});
  std::vector<float> short_row(4);
  CHECK_THROWS_AS(sampler.next(short_row), lmm::Error);
  // The checkpoint may ask to mend them instead.
  const Settings mend = with([](Settings& s) { s.remove_invalid_values = true; });
  CHECK(processed(mend, {kNaN, kInf, -kInf, 1}) ==
        std::vector<float>{0, std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest(), 1});
}

TEST_CASE("filters keep what their definition says") {
  const std::vector<float> logits = logs({0.1, 0.4, 0.05, 0.3, 0.15});
  CHECK(kept(sampling([](Settings& s) { s.top_k = 2; }), logits) == TokenIds{1, 3});
  CHECK(kept(sampling([](Settings& s) { s.top_k = 99; }), logits) == TokenIds{0, 1, 2, 3, 4});
  CHECK(kept(sampling([](Settings& s) { s.top_p = 0.6; }), logits) == TokenIds{1, 3});
  CHECK(kept(sampling([](Settings& s) { s.top_p = 0.8; }), logits) == TokenIds{1, 3, 4});
  CHECK(kept(sampling([](Settings& s) { s.top_p = 0; }), logits) == TokenIds{1});
  CHECK(kept(sampling([](Settings& s) { s.min_p = 0.3; }), logits) == TokenIds{1, 3, 4});
  CHECK(kept(sampling([](Settings& s) { s.min_p = 1; }), logits) == TokenIds{1});
  CHECK(kept(sampling([](Settings& s) { s.epsilon_cutoff = 0.12; }), logits) == TokenIds{1, 3, 4});
  CHECK(kept(sampling([](Settings& s) { s.epsilon_cutoff = 0.9; }), logits) == TokenIds{1});
  // Entropy 1.39: the surprises are 2.30, 0.92, 3.00, 1.20, 1.90; nearest to it 3, then 1 and 4.
  CHECK(kept(sampling([](Settings& s) { s.typical_p = 0.25; }), logits) == TokenIds{3});
  CHECK(kept(sampling([](Settings& s) { s.typical_p = 0.6; }), logits) == TokenIds{1, 3});
  // eta = min(0.3, sqrt(0.3) * exp(-1.39)) = 0.136
  CHECK(kept(sampling([](Settings& s) { s.eta_cutoff = 0.3; }), logits) == TokenIds{1, 3, 4});
  CHECK(kept(sampling([](Settings& s) { s.top_h = 0.6; }), logits) == TokenIds{1, 3});
  CHECK(kept(sampling([](Settings& s) { s.top_h = 0.01; }), logits) == TokenIds{1});
  // One after the other: top-p 0.6 of what top-k 3 leaves (0.47, 0.35, 0.18).
  CHECK(kept(sampling([](Settings& s) {
               s.top_k = 3;
               s.top_p = 0.4;
             }),
             logits) == TokenIds{1});
}

TEST_CASE("equal logits") {
  const std::vector<float> equal(6, 1.0f);
  CHECK(kept(sampling([](Settings& s) { s.top_k = 2; }), equal).size() == 6);  // all equal the second
  CHECK(kept(sampling([](Settings& s) { s.top_p = 0.5; }), equal) == TokenIds{3, 4, 5});
  CHECK(kept(sampling([](Settings& s) { s.top_p = 0; }), equal) == TokenIds{5});
  CHECK(kept(sampling([](Settings& s) { s.top_h = 0.55; }), equal) == TokenIds{0, 1, 2});
  CHECK(kept(sampling([](Settings& s) { s.typical_p = 0.1; }), equal).size() == 6);
  CHECK(kept(sampling([](Settings& s) { s.min_p = 1; }), equal).size() == 6);
  const std::size_t many = kept(sampling([](Settings& s) { s.top_p = 0.3; }), std::vector<float>(150000, 0.0f)).size();
  CHECK((many >= 45000 && many <= 45001));  // 0.3 in binary lies between two tokens
}

TEST_CASE("one token, and masked tokens") {
  for (const auto& settings :
       {sampling([](Settings& s) { s.top_p = 0.5; }), sampling([](Settings& s) { s.typical_p = 0.5; }),
        sampling([](Settings& s) { s.top_h = 0.5; }), sampling([](Settings& s) { s.eta_cutoff = 0.5; }),
        sampling([](Settings& s) { s.top_k = 1; })}) {
    CHECK(kept(settings, {3}) == TokenIds{0});
    CHECK(kept(settings, {-kInf, 3, -kInf}) == TokenIds{1});
  }
  CHECK(kept(sampling([](Settings& s) { s.top_k = 3; }), {-kInf, 3, 2, -kInf}) == TokenIds{1, 2});
}

TEST_CASE("temperature scales, greedy ignores it") {
  CHECK(processed(sampling([](Settings& s) { s.temperature = 0.5; }), {1, -2, 3}) == std::vector<float>{2, -4, 6});
  CHECK(processed(with([](Settings& s) {
                    s.temperature = 0.5;
                    s.top_p = 0.1;
                    s.top_k = 1;
                  }),
                  {1, -2, 3}) == std::vector<float>{1, -2, 3});
}

TEST_CASE("renormalised logits are log probabilities") {
  const std::vector<float> out = processed(sampling([](Settings& s) {
                                             s.renormalize_logits = true;
                                             s.top_k = 2;
                                           }),
                                           {1, 2, 3});
  CHECK(out[0] == -kInf);
  CHECK(std::exp(out[1]) + std::exp(out[2]) == doctest::Approx(1).epsilon(1e-6));
  CHECK(out[2] - out[1] == doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("repetition, presence and frequency") {
  const std::vector<float> logits{2, -2, 2, 2};
  CHECK(processed(with([](Settings& s) { s.repetition_penalty = 2; }), logits, {0, 1, 0}, {2}) ==
        std::vector<float>{1, -4, 1, 2});
  CHECK(processed(with([](Settings& s) { s.encoder_repetition_penalty = 2; }), logits, {0, 1}, {2}) ==
        std::vector<float>{4, -1, 2, 2});
  CHECK(processed(with([](Settings& s) { s.presence_penalty = 0.5; }), logits, {0}, {2, 2, 3}) ==
        std::vector<float>{2, -2, 1.5, 1.5});
  CHECK(processed(with([](Settings& s) { s.frequency_penalty = 0.5; }), logits, {0}, {2, 2, 3}) ==
        std::vector<float>{2, -2, 1, 1.5});
  CHECK(processed(with([](Settings& s) { s.logit_bias = {{1, 3.0f}, {2, -kInf}}; }), logits) ==
        std::vector<float>{2, 1, -kInf, 2});
  // Ids without a logit count in the sequence only.
  CHECK(processed(with([](Settings& s) {
                    s.repetition_penalty = 2;
                    s.presence_penalty = 1;
                  }),
                  logits, {900, -1, 4}, {77}) == logits);
}

TEST_CASE("n-grams") {
  const std::vector<float> logits(5, 0.0f);
  CHECK(kept(with([](Settings& s) { s.no_repeat_ngram = 1; }), logits, {0, 1}, {3}) == TokenIds{2, 4});
  CHECK(kept(with([](Settings& s) { s.no_repeat_ngram = 2; }), logits, {0, 1, 2}, {0}) == TokenIds{0, 2, 3, 4});
  CHECK(kept(with([](Settings& s) { s.no_repeat_ngram = 3; }), logits, {0, 1, 2}, {0, 1}) == TokenIds{0, 1, 3, 4});
  CHECK(kept(with([](Settings& s) { s.no_repeat_ngram = 3; }), logits, {0}).size() == 5);
  CHECK(kept(with([](Settings& s) { s.no_repeat_ngram = 2; }), logits, {}).size() == 5);
  CHECK(kept(with([](Settings& s) { s.encoder_no_repeat_ngram = 2; }), logits, {0, 1}, {2, 3, 2, 0}) ==
        TokenIds{0, 2, 3, 4});
  CHECK(kept(with([](Settings& s) { s.encoder_no_repeat_ngram = 2; }), logits, {0, 1}, {2, 3, 2}).size() == 5);
}

TEST_CASE("bad words and biased sequences act where they would be completed") {
  const std::vector<float> logits(4, 0.0f);
  const Settings words = with([](Settings& s) { s.bad_words = {{3}, {0, 1}, {0, 1, 2}}; });
  CHECK(kept(words, logits, {}) == TokenIds{0, 1, 2});
  CHECK(kept(words, logits, {0}) == TokenIds{0, 2});
  CHECK(kept(words, logits, {2, 0}, {1}) == TokenIds{0, 1});
  const Settings bias = with([](Settings& s) { s.sequence_bias = {{{1}, 2.0}, {{0, 2}, -3.0}, {{0, 1}, 5.0}}; });
  CHECK(processed(bias, logits, {1}) == std::vector<float>{0, 2, 0, 0});
  CHECK(processed(bias, logits, {1, 0}) == std::vector<float>{0, 7, -3, 0});
}

TEST_CASE("lengths, forced and suppressed tokens") {
  const std::vector<float> logits(4, 1.0f);
  const Settings least = with([](Settings& s) {
    s.eos = {2, 900};
    s.min_new_tokens = 2;
  });
  CHECK(kept(least, logits, {0}, {0}) == TokenIds{0, 1, 3});
  CHECK(kept(least, logits, {0}, {0, 0}).size() == 4);
  const Settings length = with([](Settings& s) {
    s.eos = {2};
    s.min_length = 3;
  });
  CHECK(kept(length, logits, {0}, {0}) == TokenIds{0, 1, 3});
  CHECK(kept(length, logits, {0, 0, 0}).size() == 4);
  const Settings bos = with([](Settings& s) {
    s.forced_bos = 1;
    s.begin_suppress_tokens = {3};
  });
  CHECK(kept(bos, logits, {0}) == TokenIds{1});
  CHECK(kept(bos, logits, {0}, {1}) == TokenIds{0, 1, 2});  // the reply begins after the forced token
  CHECK(kept(bos, logits, {0, 0}) == TokenIds{0, 1, 2});
  const Settings eos = with([](Settings& s) {
    s.forced_eos = {0, 2};
    s.max_new_tokens = 3;
  });
  CHECK(kept(eos, logits, {1}, {1}).size() == 4);
  CHECK(kept(eos, logits, {1}, {1, 1}) == TokenIds{0, 2});
  CHECK(kept(with([](Settings& s) { s.suppress_tokens = {1, 900}; }), logits) == TokenIds{0, 2, 3});
  const Settings decay = with([](Settings& s) {
    s.eos = {1};
    s.exponential_decay_length_penalty = {{1, 2.0}};
  });
  CHECK(processed(decay, logits, {0}, {0})[1] == 1);
  CHECK(processed(decay, logits, {0}, {0, 0})[1] == 2);
  CHECK(processed(decay, {1, -1, 1, 1}, {0}, {0, 0, 0})[1] == 2);
  const Settings steep = with([](Settings& s) {
    s.eos = {1};
    s.exponential_decay_length_penalty = {{0, 1e30}};
  });
  CHECK(processed(steep, {1, 0, 1, 1}, {}, TokenIds(20, 0))[1] == 0);  // the power overflows; 0 stays 0, no NaN
}

TEST_CASE("the same seed gives the same tokens, another seed others") {
  std::vector<float> row(1000);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(4 * lmm::generate::uniform(3, i));
  const auto draw = [&](std::uint64_t seed, bool through_process) {
    Sampler sampler(sampling([&](Settings& s) {
                      s.seed = seed;
                      s.top_k = 200;
                      s.top_p = 0.95;
                      s.min_p = 0.01;
                      s.typical_p = 0.9;
                    }),
                    1000, {});
    TokenIds tokens;
    for (int step = 0; step < 50; ++step) {
      std::vector<float> scratch = row;
      if (through_process) {  // looking does not change what comes
        sampler.process(scratch);
        scratch = row;
      }
      tokens.push_back(sampler.next(scratch));
    }
    return tokens;
  };
  CHECK(draw(7, false) == draw(7, true));
  CHECK(draw(7, false) != draw(8, false));
  // Written down, so that another compiler or machine that draws others is found out.
  const TokenIds first = draw(7, false);
  std::string written;
  for (std::size_t i = 0; i < 8; ++i) written += std::to_string(first[i]) + " ";
  CHECK(written == "763 806 14 250 990 331 453 453 ");
}

TEST_CASE("history keeps its space") {
  const lmm::generate::TokenIds prompt{5, 6, 5};
  lmm::generate::History history(prompt, 10, 100);
  const auto* tokens = history.tokens().data();
  const auto* distinct = history.distinct().data();
  for (int i = 0; i < 100; ++i) history.add(i % 10);
  CHECK(history.tokens().data() == tokens);
  CHECK(history.distinct().data() == distinct);
  CHECK(history.new_length() == 100);
  CHECK(history.distinct().size() == 10);
  CHECK(history.distinct_in_prompt().size() == 2);
  CHECK(history.count_new(3) == 10);
}
