// Times one-token decoding of a Llama-shaped model with random weights, and the memory bandwidth that bounds it.
// A timing program, never a test. Prints one JSON object. Usage:
//   kernels_bench [--threads N] [--context N] [--steps N] [--dtype bf16|fp32] [--isa portable|avx2|avx512]
//                 [--shape smolvlm-256m|qwen2-vl-2b] [--regions]
#include "lib/nn/kernels/decode.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace lmm;
using namespace lmm::nn::kernels;
using Clock = std::chrono::steady_clock;

struct Shape {
  std::int64_t layers, hidden, heads, kv_heads, head_dim, intermediate, vocab;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

class Weights {
 public:
  explicit Weights(DType dtype) : dtype_(dtype) {}
  const void* make(std::int64_t count, bool ones = false) {
    const std::size_t size = dtype_ == DType::bf16 ? 2 : 4;
    auto block = std::make_unique<char[]>(static_cast<std::size_t>(count) * size);
    for (std::int64_t i = 0; i < count; ++i) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      const float value = ones ? 1.0F : (static_cast<float>(state_ >> 40) / 16777216.0F - 0.5F) * 0.1F;
      std::uint32_t bits;
      std::memcpy(&bits, &value, 4);
      const std::uint16_t half = static_cast<std::uint16_t>(bits >> 16);
      std::memcpy(block.get() + static_cast<std::size_t>(i) * size,
                  size == 2 ? static_cast<const void*>(&half) : &value, size);
    }
    bytes_ += static_cast<double>(count) * static_cast<double>(size);
    blocks_.push_back(std::move(block));
    return blocks_.back().get();
  }
  LinearView linear(std::int64_t out, std::int64_t in) { return {make(out * in), dtype_, out, in, nullptr}; }
  VectorView norm(std::int64_t n) { return {make(n, true), dtype_, n}; }
  double bytes() const { return bytes_; }
  const std::vector<std::unique_ptr<char[]>>& blocks() const { return blocks_; }

 private:
  DType dtype_;
  std::uint64_t state_ = 1;
  double bytes_ = 0;
  std::vector<std::unique_ptr<char[]>> blocks_;
};

// Bytes a second that the team reads from a buffer well beyond the caches.
double read_bandwidth(ThreadPool& pool) {
  const std::size_t words = (256u << 20) / 8, chunk_words = 1u << 15;
  std::vector<std::uint64_t> buffer(words, 1);
  std::vector<std::uint64_t> sums(words / chunk_words);
  std::vector<double> times;
  for (int i = 0; i < 7; ++i) {
    const auto start = Clock::now();
    pool.parallel_for(static_cast<int>(sums.size()), [&](int chunk) noexcept {
      const std::uint64_t* p = buffer.data() + static_cast<std::size_t>(chunk) * chunk_words;
      std::uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
      for (std::size_t j = 0; j < chunk_words; j += 8) {
        a += p[j], b += p[j + 1], c += p[j + 2], d += p[j + 3], e += p[j + 4], f += p[j + 5], g += p[j + 6];
        h += p[j + 7];
      }
      sums[static_cast<std::size_t>(chunk)] = a ^ b ^ c ^ d ^ e ^ f ^ g ^ h;
    });
    times.push_back(seconds_since(start));
  }
  return static_cast<double>(words) * 8 / *std::min_element(times.begin(), times.end());
}

// Seconds that an empty parallel region of 64 chunks takes.
double region_cost(ThreadPool& pool) {
  std::vector<double> times;
  for (int i = 0; i < 21; ++i) {
    const auto start = Clock::now();
    for (int j = 0; j < 1000; ++j) pool.parallel_for(64, [](int) noexcept {});
    times.push_back(seconds_since(start) / 1000);
  }
  return median(times);
}

const char* option(int argc, char** argv, const char* name, const char* otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], name) == 0) return argv[i + 1];
  }
  return otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = bounded_threads(std::atoi(option(argc, argv, "--threads", "0")));
  const std::int64_t context = std::max(1L, std::atol(option(argc, argv, "--context", "128")));
  const int steps = std::max(1, std::atoi(option(argc, argv, "--steps", "40")));
  const DType dtype = std::string(option(argc, argv, "--dtype", "bf16")) == "fp32" ? DType::fp32 : DType::bf16;
  const std::string isa_wanted = option(argc, argv, "--isa", "");
  const bool large = std::string(option(argc, argv, "--shape", "smolvlm-256m")) == "qwen2-vl-2b";
  const Shape s = large ? Shape{28, 1536, 12, 2, 128, 8960, 151936} : Shape{30, 576, 9, 3, 64, 1536, 49280};
  Isa isa = best_isa();
  for (const Isa one : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (isa_wanted == isa_name(one)) isa = one;
  }

  Weights weights(dtype);
  DecoderWeights decoder;
  decoder.shape = {s.hidden,
                   s.intermediate,
                   {s.heads, s.kv_heads, s.head_dim, 1.0F / std::sqrt(static_cast<float>(s.head_dim))},
                   1e-5};
  for (std::int64_t i = 0; i < s.layers; ++i) {
    LayerWeights layer;
    layer.input_norm = weights.norm(s.hidden);
    layer.q = weights.linear(s.heads * s.head_dim, s.hidden);
    layer.k = weights.linear(s.kv_heads * s.head_dim, s.hidden);
    layer.v = weights.linear(s.kv_heads * s.head_dim, s.hidden);
    layer.o = weights.linear(s.hidden, s.heads * s.head_dim);
    layer.post_norm = weights.norm(s.hidden);
    layer.gate = weights.linear(s.intermediate, s.hidden);
    layer.up = weights.linear(s.intermediate, s.hidden);
    layer.down = weights.linear(s.hidden, s.intermediate);
    decoder.layers.push_back(layer);
  }
  decoder.final_norm = weights.norm(s.hidden);
  decoder.head = weights.linear(s.vocab, s.hidden);
  check_shapes(decoder);
  const double weight_bytes = weights.bytes();

  const std::int64_t capacity = context + steps + 8;
  Weights cache_memory(dtype);
  std::vector<LayerCache> caches;
  for (std::int64_t i = 0; i < s.layers; ++i) {
    const std::int64_t count = s.kv_heads * capacity * s.head_dim;
    caches.push_back(
        {const_cast<void*>(cache_memory.make(count)), const_cast<void*>(cache_memory.make(count)), dtype, capacity});
  }
  const double cache_bytes = cache_memory.bytes() * static_cast<double>(context) / static_cast<double>(capacity);

  ThreadPool pool(threads);
  const double bandwidth = read_bandwidth(pool);
  const double region = region_cost(pool);
  std::vector<float> x(static_cast<std::size_t>(s.hidden)), logits(static_cast<std::size_t>(s.vocab));
  std::vector<float> cos(static_cast<std::size_t>(s.head_dim / 2), 0.8F), sin(cos.size(), 0.6F);
  DecodeScratch scratch;
  std::vector<double> times;
  for (int i = 0; i < steps + 3; ++i) {
    for (std::size_t j = 0; j < x.size(); ++j) x[j] = static_cast<float>(j % 7) - 3.0F;
    const auto start = Clock::now();
    decode_step(pool, isa, decoder, caches, {cos.data(), sin.data()}, context + i, x.data(), logits.data(), scratch);
    if (i >= 3) times.push_back(seconds_since(start));
  }
  const double middle = median(times), least = *std::min_element(times.begin(), times.end());
  std::printf(
      "{\"isa\": \"%s\", \"threads\": %d, \"context\": %ld, \"dtype\": \"%s\", \"tokens_per_s\": %.1f, "
      "\"best_tokens_per_s\": %.1f, \"gb_per_s\": %.1f, \"read_gb_per_s\": %.1f, \"share_of_limit\": %.2f, "
      "\"region_us\": %.2f}\n",
      isa_name(isa), pool.size(), static_cast<long>(context), dtype_name(dtype), 1 / middle, 1 / least,
      (weight_bytes + cache_bytes) / middle / 1e9, bandwidth / 1e9, (weight_bytes + cache_bytes) / middle / bandwidth,
      region * 1e6);
  return 0;
}
