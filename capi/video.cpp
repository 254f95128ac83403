// Videos.
#include "capi/objects.hpp"

using namespace lmm;
using namespace lmm::capi;

namespace {

constexpr std::size_t kMostFrames = std::size_t{1} << 24;

/// The frames, after a look at each pointer.
std::vector<Image> frames_argument(const lmm_image* const* frames, size_t count) {
  if (count > kMostFrames) fail(ErrorCode::invalid_argument, "count is {} frames, expected at most {}", count, kMostFrames);
  std::vector<Image> images;
  images.reserve(count);
  for (std::size_t i = 0; i < count; ++i) images.push_back(checked(frames[i], fmt::format("frames[{}]", i).c_str()).image);
  return images;
}

}  // namespace

lmm_code lmm_video_from_frames(const lmm_allocator* allocator, const lmm_image* const* frames, const double* seconds,
                               size_t count, lmm_video** video, lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(video, "video");
    const lmm_allocator& memory = allocator_or_default(allocator);
    if (count != 0) {
      require(frames, "frames");
      require(seconds, "seconds");
    }
    std::vector<Image> images = frames_argument(frames, count);
    *video = make<lmm_video>(memory, Video::from_frames(std::move(images), std::vector<double>(seconds, seconds + count)));
  });
}

lmm_code lmm_video_from_sample(const lmm_allocator* allocator, const lmm_image* const* frames, const int64_t* indices,
                               size_t count, int64_t total, double fps, lmm_video** video, lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(video, "video");
    const lmm_allocator& memory = allocator_or_default(allocator);
    if (count != 0) {
      require(frames, "frames");
      require(indices, "indices");
    }
    std::vector<Image> images = frames_argument(frames, count);
    std::vector<std::int64_t> chosen(indices, indices + count);
    *video = make<lmm_video>(memory, Video::from_sample(std::move(images), std::move(chosen), total, fps));
  });
}

size_t lmm_video_frame_count(const lmm_video* video) { return alive(video) ? video->video.frames() : 0; }

double lmm_video_seconds(const lmm_video* video) { return alive(video) ? video->video.seconds() : 0; }

void lmm_video_free(lmm_video* video) { destroy(video); }
