// After its first token a sampler allocates nothing. Counts through replaced operator new, hence a file of its own.

#include "lib/generate/random.hpp"
#include "lib/generate/sampler.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

namespace {
std::atomic<long> allocations{0};

void* counted(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

using lmm::generate::Sampler;
using lmm::generate::Settings;

TEST_CASE("no allocation after the first token") {
  constexpr std::size_t kVocab = 3000;
  Settings penalties;
  penalties.repetition_penalty = 1.2;
  penalties.presence_penalty = 0.5;
  penalties.frequency_penalty = 0.5;
  penalties.no_repeat_ngram = 3;
  penalties.bad_words = {{4}, {5, 6}};
  penalties.eos = {2};
  penalties.min_new_tokens = 10;
  penalties.renormalize_logits = true;
  Settings all = penalties;
  all.sample = true;
  all.temperature = 0.8;
  all.top_k = 300;
  all.top_p = 0.95;
  all.min_p = 0.001;
  all.typical_p = 0.9;
  all.epsilon_cutoff = 1e-4;
  all.eta_cutoff = 1e-4;
  Settings no_top_k = all;
  no_top_k.top_k = 0;
  Settings top_h = all;
  top_h.top_h = 0.9;
  for (const Settings& settings : {Settings{}, penalties, all, no_top_k, top_h}) {
    Sampler sampler(settings, kVocab, std::vector<std::int32_t>{1, 2, 3});
    std::vector<float> logits(kVocab);
    for (std::uint64_t step = 0; step < 60; ++step) {
      const double spread =
          0.5 + static_cast<double>(step % 7);  // from flat to peaked, so that the lists differ in length
      for (std::size_t i = 0; i < kVocab; ++i) {
        logits[i] = static_cast<float>(spread * lmm::generate::uniform(step, i));
        if (step < 5 && i > 40) logits[i] -= 60;  // short lists first, the longer ones must still find room
      }
      const long before = allocations;
      sampler.next(logits);
      const long during = allocations - before;
      if (step > 0) CHECK(during == 0);
    }
  }
}
