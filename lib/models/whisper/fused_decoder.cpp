#include "lib/models/whisper/fused_decoder.hpp"

#include "lib/core/error.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace lmm::models::whisper {
namespace {

namespace kernels = nn::kernels;

std::vector<float> floats(const at::Tensor& tensor) {
  const at::Tensor wide = tensor.to(at::kFloat).contiguous();
  return {wide.const_data_ptr<float>(), wide.const_data_ptr<float>() + wide.numel()};
}

}  // namespace

std::unique_ptr<FusedDecoder> FusedDecoder::make(const Decoder& decoder, std::shared_ptr<kernels::ThreadPool> pool) {
  const at::Tensor& weight = decoder.embed_tokens_;
  const bool known_type = weight.scalar_type() == at::kFloat || weight.scalar_type() == at::kBFloat16;
  if (pool == nullptr || !weight.device().is_cpu() || !known_type) return nullptr;
  return std::unique_ptr<FusedDecoder>(new FusedDecoder(decoder, std::move(pool)));
}

FusedDecoder::Norm FusedDecoder::norm_of(const nn::LayerNorm& norm) {
  return {floats(norm.weight()), floats(norm.bias()), norm.eps()};
}

FusedDecoder::FusedDecoder(const Decoder& decoder, std::shared_ptr<kernels::ThreadPool> pool)
    : decoder_(decoder),
      pool_(std::move(pool)),
      isa_(kernels::best_isa()),
      dtype_(nn::kernel_type(decoder.embed_tokens_.scalar_type())),
      norm_(norm_of(decoder.norm_)),
      head_(decoder.head_.view()) {
  const Config& config = decoder.config_;
  shape_.heads = shape_.kv_heads = config.heads;
  shape_.head_dim = config.head_dim();
  shape_.scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim()));
  for (const DecoderLayer& layer : decoder.layers_) {
    layers_.push_back({norm_of(layer.self_norm_), norm_of(layer.cross_norm_), norm_of(layer.final_norm_),
                       layer.self_.q.view(), layer.self_.k.view(), layer.self_.v.view(), layer.self_.out.view(),
                       layer.cross_.q.view(), layer.cross_.out.view(), layer.fc1_.view(), layer.fc2_.view()});
  }
}

void FusedDecoder::normalise(const Norm& norm, std::int64_t rows) {
  const std::size_t size = norm.weight.size();
  normed_.resize(static_cast<std::size_t>(rows) * size);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    const float* const x = x_.data() + row * size;
    float* const y = normed_.data() + row * size;
    double sum = 0, square = 0;
    for (std::size_t i = 0; i < size; ++i) sum += x[i];
    const double mean = sum / static_cast<double>(size);
    for (std::size_t i = 0; i < size; ++i) square += (x[i] - mean) * (x[i] - mean);
    const auto scale = static_cast<float>(1.0 / std::sqrt(square / static_cast<double>(size) + norm.eps));
    const auto centre = static_cast<float>(mean);
    for (std::size_t i = 0; i < size; ++i) y[i] = (x[i] - centre) * scale * norm.weight[i] + norm.bias[i];
  }
}

void FusedDecoder::linear(const kernels::LinearView& w, const std::vector<float>& x, std::int64_t rows,
                          std::vector<float>& y, bool accumulate) {
  y.resize(static_cast<std::size_t>(rows * w.out));
  kernels::linear(*pool_, isa_, w, x.data(), rows, y.data(), accumulate);
}

void FusedDecoder::embed(std::span<const std::int32_t> ids, std::int64_t position) {
  x_.clear();
  const at::Tensor place = decoder_.positions_.select(0, position).to(at::kFloat);
  for (const std::int32_t id : ids) {
    const at::Tensor row = (decoder_.embed_tokens_.select(0, id).to(at::kFloat) + place).contiguous();
    x_.insert(x_.end(), row.const_data_ptr<float>(), row.const_data_ptr<float>() + row.numel());
  }
}

void FusedDecoder::attend_self(const Layer& weights, std::size_t layer,
                               std::span<const std::unique_ptr<nn::KvCache>> caches) {
  const auto rows = static_cast<std::int64_t>(caches.size());
  const std::int64_t hidden = weights.q.out;
  normalise(weights.self_norm, rows);
  for (std::vector<float>* room : {&q_, &k_, &v_, &attended_}) room->resize(static_cast<std::size_t>(rows * hidden));
  const kernels::LinearTask tasks[] = {{weights.q, q_.data()}, {weights.k, k_.data()}, {weights.v, v_.data()}};
  kernels::linears(*pool_, isa_, tasks, normed_.data(), rows);
  for (std::size_t row = 0; row < caches.size(); ++row) {
    nn::LayerKv& own = caches[row]->layer(layer);
    const kernels::LayerCache cache{own.keys.mutable_data_ptr(), own.values.mutable_data_ptr(), dtype_,
                                    caches[row]->capacity()};
    const auto at = row * static_cast<std::size_t>(hidden);
    const std::int64_t position = caches[row]->length();
    kernels::append(isa_, shape_, cache, position, k_.data() + at, v_.data() + at);
    kernels::attention(*pool_, isa_, shape_, cache, 0, position + 1, q_.data() + at, attended_.data() + at, scratch_);
  }
  linear(weights.out, attended_, rows, x_, /*accumulate=*/true);
}

void FusedDecoder::attend_cross(const Layer& weights, const nn::LayerKv& crossing, std::int64_t rows) {
  normalise(weights.cross_norm, rows);
  linear(weights.cross_q, normed_, rows, q_);
  // Rows share keys and values: they are the query heads of a group, (heads, rows, head_dim).
  kernels::AttentionShape shape = shape_;
  shape.heads = shape_.heads * rows;
  const auto swap = [&](const std::vector<float>& from, std::vector<float>& to, std::int64_t outer, std::int64_t inner) {
    to.resize(from.size());
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i = 0; i < inner; ++i) {
        std::copy_n(from.data() + (o * inner + i) * shape.head_dim, shape.head_dim,
                    to.data() + (i * outer + o) * shape.head_dim);
      }
    }
  };
  swap(q_, grouped_, rows, shape_.heads);
  joined_.resize(grouped_.size());
  const std::int64_t positions = crossing.keys.size(2);
  const kernels::LayerCache cache{const_cast<void*>(crossing.keys.const_data_ptr()),
                                  const_cast<void*>(crossing.values.const_data_ptr()), dtype_, positions};
  kernels::attention(*pool_, isa_, shape, cache, 0, positions, grouped_.data(), joined_.data(), scratch_);
  swap(joined_, attended_, shape_.heads, rows);
  linear(weights.cross_out, attended_, rows, x_, /*accumulate=*/true);
}

void FusedDecoder::feed_forward(const Layer& weights, const nn::Activation& activation, std::int64_t rows) {
  normalise(weights.final_norm, rows);
  linear(weights.fc1, normed_, rows, inner_);
  kernels::activate(isa_, activation.kind(), inner_.data(), static_cast<std::int64_t>(inner_.size()));
  linear(weights.fc2, inner_, rows, x_, /*accumulate=*/true);
}

void FusedDecoder::step(std::span<const std::int32_t> ids, const Crossing& crossing,
                        std::span<const std::unique_ptr<nn::KvCache>> caches, std::span<float> logits, Run& run,
                        at::Tensor* weights) {
  const auto rows = static_cast<std::int64_t>(ids.size());
  if (caches.front()->length() >= decoder_.config_.positions) {
    fail(ErrorCode::internal, "the decoder has {} positions only", decoder_.config_.positions);
  }
  for (const auto& cache : caches) cache->reserve(1);
  embed(ids, caches.front()->length());
  std::vector<at::Tensor> aligned(weights != nullptr ? decoder_.aligned_.size() : 0);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    run.checkpoint();
    attend_self(layers_[i], i, caches);
    attend_cross(layers_[i], crossing[i], rows);
    if (weights != nullptr) {
      const at::Tensor queries = at::from_blob(q_.data(), {rows, shape_.heads, shape_.head_dim}, at::kFloat);
      decoder_.align(i, queries.to(crossing[i].keys.scalar_type()).transpose(0, 1).unsqueeze(0), crossing[i], aligned);
    }
    feed_forward(layers_[i], decoder_.layers_[i].activation_, rows);
  }
  normalise(norm_, rows);
  kernels::linear(*pool_, isa_, head_, normed_.data(), rows, logits.data());
  for (const auto& cache : caches) cache->commit(1);
  if (weights != nullptr) *weights = at::stack(aligned, 1);  // (rows, aligned, positions)
}

}  // namespace lmm::models::whisper
