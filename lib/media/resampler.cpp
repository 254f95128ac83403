#include "lib/media/resampler.hpp"

#include "lib/core/error.hpp"

#include <soxr.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace lmm::media {
namespace {

constexpr std::size_t kBlock = 4096;  // samples read from the source at a time

class ResampledReader final : public SoundReader {
 public:
  ResampledReader(std::unique_ptr<SoundReader> source, std::int64_t from, std::int64_t to, std::int64_t length)
      : source_(std::move(source)), resampler_(from, to), left_(length), block_(kBlock) {}

  std::size_t read(std::span<float> samples) override {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::int64_t>(left_, std::ssize(samples)));
    std::size_t done = 0;
    while (done < wanted) done += more(samples.subspan(done, wanted - done));
    left_ -= static_cast<std::int64_t>(done);
    return done;
  }

 private:
  std::size_t more(std::span<float> out) {
    if (begin_ == end_ && !source_ended_) {
      begin_ = 0;
      end_ = source_->read(block_);
      source_ended_ = end_ == 0;
    }
    if (!source_ended_) {
      const Resampler::Done done = resampler_.push(std::span(block_).subspan(begin_, end_ - begin_), out);
      begin_ += done.used;
      return done.made;
    }
    const std::size_t made = ended_ ? 0 : resampler_.finish(out);
    if (made > 0) return made;
    ended_ = true;
    std::fill(out.begin(), out.end(), 0.0f);
    return out.size();
  }

  std::unique_ptr<SoundReader> source_;
  Resampler resampler_;
  std::int64_t left_;
  std::vector<float> block_;
  std::size_t begin_ = 0;  // of what is left in the block
  std::size_t end_ = 0;
  bool source_ended_ = false;
  bool ended_ = false;
};

}  // namespace

Resampler::Resampler(std::int64_t from, std::int64_t to) {
  soxr_error_t error = nullptr;
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);  // no thread of its own
  state_.reset(soxr_create(static_cast<double>(from), static_cast<double>(to), 1, &error, nullptr, &quality, &runtime));
  if (state_ == nullptr || error != nullptr) {
    fail(ErrorCode::out_of_memory, "resampling from {} to {} Hz: {}", from, to, soxr_strerror(error));
  }
}

void Resampler::Delete::operator()(soxr* state) const noexcept { soxr_delete(state); }

Resampler::Done Resampler::push(std::span<const float> in, std::span<float> out) {
  Done done;
  if (in.empty()) return done;  // soxr takes an empty input for the end
  const soxr_error_t error =
      soxr_process(state_.get(), in.data(), in.size(), &done.used, out.data(), out.size(), &done.made);
  if (error != nullptr) fail(ErrorCode::internal, "resampling: {}", error);
  return done;
}

std::size_t Resampler::finish(std::span<float> out) {
  std::size_t made = 0;
  const soxr_error_t error = soxr_process(state_.get(), nullptr, 0, nullptr, out.data(), out.size(), &made);
  if (error != nullptr) fail(ErrorCode::internal, "resampling: {}", error);
  return made;
}

std::unique_ptr<SoundReader> resampled(std::unique_ptr<SoundReader> source, std::int64_t from, std::int64_t to,
                                       std::int64_t length) {
  return std::make_unique<ResampledReader>(std::move(source), from, to, length);
}

}  // namespace lmm::media
