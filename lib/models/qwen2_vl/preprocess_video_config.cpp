#include "lib/core/error.hpp"
#include "lib/models/qwen2_vl/preprocess_video.hpp"

#include <set>

namespace lmm::models::qwen2_vl {
namespace {

constexpr std::int64_t kMaxSide = 4096;                // of a patch or a merge block
constexpr std::int64_t kMaxPixels = INT64_C(1) << 40;  // of a limit; resized frames themselves are checked

/// Fields that change nothing of a video's pixels, and why.
constexpr std::string_view kIgnored[] = {
    "processor_class", "feature_extractor_type", "auto_map", "_processor_class",  // which class reads the file
    "_valid_processor_keys", "_valid_kwargs_names",                               // bookkeeping of older versions
    "do_convert_rgb",                                                             // frames are RGB
    "do_center_crop", "crop_size", "do_pad", "pad_size",   // these processors neither crop nor pad
    "return_tensors", "data_format", "input_data_format",  // the form of the result and of arrays given
    "return_metadata", "video_metadata", "device", "backend", "disable_grouping", "default_to_square",
    "image_seq_length", "max_image_size", "max_duration", "use_token_compression",  // read by nothing
    "feature_size", "sampling_rate", "hop_length", "n_fft", "chunk_length", "n_samples", "nb_max_frames", "padding_side",
    "padding_value", "dither", "return_attention_mask",  // of the feature extractor that shares Qwen2.5-Omni's file
};

constexpr std::string_view kRead[] = {
    "video_processor_type", "image_processor_type", "do_resize", "size", "min_pixels", "max_pixels", "patch_size",
    "temporal_patch_size", "merge_size", "resample", "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std",
    "do_sample_frames", "fps", "num_frames", "min_frames", "max_frames", "cap_pixels_per_frame", "max_video_tokens",
};

/// As AutoVideoProcessor: the class named, else that of the image processor named, else the family's.
VideoClass class_of(const Fields& fields, VideoClass family) {
  const std::string type = fields.string("video_processor_type", "");
  if (type == "Qwen2VLVideoProcessor") return VideoClass::qwen2_vl;
  if (type == "Qwen3VLVideoProcessor") return VideoClass::qwen3_vl;
  if (!type.empty()) {
    fail(ErrorCode::unsupported, "{}: video_processor_type is {}, expected Qwen2VLVideoProcessor or Qwen3VLVideoProcessor",
         fields.where(), type);
  }
  return fields.string("image_processor_type", "") == "Qwen2VLImageProcessor" ? VideoClass::qwen2_vl : family;
}

/// {"shortest_edge", "longest_edge"}; Qwen2VLVideoProcessor alone takes min_pixels and max_pixels, and before it.
void read_pixel_limits(const Fields& fields, VideoProcessorConfig& config) {
  media::require_set(fields, "size", config.do_resize && config.kind == VideoClass::qwen3_vl);
  std::set<std::string> names{"longest_edge", "shortest_edge"};
  if (const Json* size = fields.find("size")) {
    if (!size->is_object()) fields.wrong("size", "an object with shortest_edge and longest_edge");
    names.clear();
    for (const auto& [name, value] : size->items()) names.insert(name);
  }
  const auto limit = [&](const char* own, const char* edge, std::int64_t& pixels) {
    if (config.kind == VideoClass::qwen2_vl && fields.has(own)) {
      pixels = fields.integer_in(own, 1, kMaxPixels);
      names.erase(own);
      names.insert(edge);
    } else if (fields.has("size") && names.contains(edge)) {
      pixels = fields.object("size").integer_in(edge, 1, kMaxPixels);
    }
  };
  limit("min_pixels", "shortest_edge", config.min_pixels);
  limit("max_pixels", "longest_edge", config.max_pixels);
  if (!config.do_resize) return;
  if (names != std::set<std::string>{"longest_edge", "shortest_edge"}) {
    fail(ErrorCode::unsupported, "{}: size is {}, expected shortest_edge and longest_edge", fields.where(),
         fields.at("size").dump());
  }
  check_pixel_limits(fields.where(), config.min_pixels, config.max_pixels);
}

void read_sampling(const Fields& fields, VideoProcessorConfig& config) {
  config.do_sample_frames = media::processor_flag(fields, "do_sample_frames", config.do_sample_frames);
  if (fields.has("fps")) {
    config.fps = media::processor_fps(fields);
  } else if (fields.json().contains("fps")) {
    config.fps.reset();
  }
  if (fields.has("num_frames")) config.num_frames = fields.integer_in("num_frames", 1, 1 << 24);
  for (const char* name : {"min_frames", "max_frames"}) media::require_set(fields, name, config.do_sample_frames);
  config.min_frames = fields.integer_in("min_frames", 1, 1 << 24, config.min_frames);
  config.max_frames = fields.integer_in("max_frames", 1, 1 << 24, config.max_frames);
  config.cap_pixels_per_frame = media::processor_flag(fields, "cap_pixels_per_frame", config.cap_pixels_per_frame);
  media::require_set(fields, "max_video_tokens", config.cap_pixels_per_frame);
  config.max_video_tokens = fields.integer_in("max_video_tokens", 1, 1 << 24, config.max_video_tokens);
  if (!config.do_sample_frames || !config.num_frames) return;
  if (config.fps) {
    fail(ErrorCode::bad_file, "{}: num_frames is {} and fps is {}, expected one of them", fields.where(), *config.num_frames,
         *config.fps);
  }
}

}  // namespace

VideoProcessorConfig VideoProcessorConfig::defaults(VideoClass kind) {
  VideoProcessorConfig config;
  config.kind = kind;
  config.scale = ImageProcessorConfig().scale;
  config.min_pixels = 128 * 28 * 28;
  config.max_pixels = 28 * 28 * 768;
  config.max_video_tokens = 128000;
  if (kind == VideoClass::qwen2_vl) return config;
  config.do_sample_frames = true;
  config.fps = 2.0;
  config.min_pixels = 128 * 32 * 32;
  config.max_pixels = 32 * 32 * 768;
  config.max_video_tokens = 768;
  config.patch_size = 16;
  config.scale.mean.fill(0.5);
  config.scale.deviation.fill(0.5);
  return config;
}

VideoProcessorConfig VideoProcessorConfig::parse(const Json& object, std::string where, VideoClass family) {
  const Fields fields(object, std::move(where));
  media::check_processor_fields(fields, kRead, kIgnored, {"Qwen2VLImageProcessor"});
  VideoProcessorConfig config = defaults(class_of(fields, family));
  config.do_resize = media::processor_flag(fields, "do_resize", config.do_resize);
  config.scale.read(fields);
  media::require_set(fields, "resample", config.do_resize);
  for (const char* name : {"patch_size", "temporal_patch_size", "merge_size"}) media::require_set(fields, name, true);
  config.patch_size = fields.integer_in("patch_size", 1, kMaxSide, config.patch_size);
  config.temporal_patch_size = fields.integer_in("temporal_patch_size", 1, 64, config.temporal_patch_size);
  config.merge_size = fields.integer_in("merge_size", 1, 64, config.merge_size);
  read_pixel_limits(fields, config);
  read_sampling(fields, config);
  constexpr auto kBicubic = static_cast<std::int64_t>(media::Resample::bicubic);
  if (config.do_resize && fields.integer("resample", kBicubic) != kBicubic) {
    fail(ErrorCode::unsupported, "{}: resample is {}, of videos only {} (bicubic) is supported", fields.where(),
         fields.integer("resample"), kBicubic);
  }
  return config;
}

VideoProcessorConfig VideoProcessorConfig::load(const std::filesystem::path& folder, VideoClass kind) {
  const media::ProcessorFile file = media::read_video_processor(folder);
  return parse(file.settings, file.where, kind);
}

}  // namespace lmm::models::qwen2_vl
