#include "lib/core/error.hpp"
#include "lib/models/qwen2_vl/preprocess.hpp"

#include <algorithm>
#include <set>

namespace lmm::models::qwen2_vl {
namespace {

constexpr std::int64_t kMaxSide = 4096;              // of a patch or a merge block
constexpr std::int64_t kMaxPixels = INT64_C(1) << 40;  // of a limit; the resized picture itself is checked

/// Fields that change nothing of the pixels, and why.
constexpr std::string_view kIgnored[] = {
    "processor_class", "feature_extractor_type", "auto_map", "_processor_class",  // which class reads the file
    "_valid_processor_keys", "_valid_kwargs_names",                               // bookkeeping of older versions
    "do_center_crop", "crop_size", "do_pad", "pad_size",  // this processor neither crops nor pads
    "return_tensors", "data_format", "input_data_format",  // the form of the result and of arrays given
    "device", "disable_grouping", "backend",              // of the torchvision processor
    "image_seq_length", "default_to_square",              // of other processors; size counts pixels here
    "video_processor_type", "fps", "min_frames", "max_frames", "num_frames", "do_sample_frames",  // videos
    "return_metadata", "video_metadata",
    "feature_size", "sampling_rate", "hop_length", "n_fft", "chunk_length", "n_samples", "nb_max_frames", "padding_side",
    "padding_value", "dither", "return_attention_mask",  // of the feature extractor that shares Qwen2.5-Omni's file
};

constexpr std::string_view kRead[] = {
    "image_processor_type", "do_convert_rgb", "do_resize", "size", "min_pixels", "max_pixels", "patch_size",
    "temporal_patch_size", "merge_size", "resample", "do_rescale", "rescale_factor", "do_normalize", "image_mean",
    "image_std",
};

/// {"shortest_edge", "longest_edge"}; min_pixels and max_pixels of the file go before it, and a size that has names of
/// its own for them is taken only where the file has them too.
void read_pixel_limits(const Fields& fields, ImageProcessorConfig& config) {
  std::set<std::string> names;
  bool given = false;
  if (const Json* size = fields.find("size")) {
    if (!size->is_object()) fields.wrong("size", "an object with shortest_edge and longest_edge");
    given = true;
    for (const auto& [name, value] : size->items()) names.insert(name);
  }
  const auto limit = [&](const char* own, const char* edge, std::int64_t& pixels) {
    if (fields.has(own)) {
      pixels = fields.integer_in(own, 1, kMaxPixels);
      names.erase(own);
      names.insert(edge);
    } else if (given && names.contains(edge)) {
      pixels = fields.object("size").integer_in(edge, 1, kMaxPixels);
    }
  };
  limit("min_pixels", "shortest_edge", config.min_pixels);
  limit("max_pixels", "longest_edge", config.max_pixels);
  if (given && config.do_resize && names != std::set<std::string>{"longest_edge", "shortest_edge"}) {
    fail(ErrorCode::unsupported, "{}: size is {}, expected shortest_edge and longest_edge", fields.where(),
         fields.at("size").dump());
  }
  if (config.do_resize) check_pixel_limits(fields.where(), config.min_pixels, config.max_pixels);
}

}  // namespace

ImageProcessorConfig ImageProcessorConfig::parse(const Json& object, std::string where) {
  const Fields fields(object, std::move(where));
  media::check_processor_fields(fields, kRead, kIgnored, {"Qwen2VLImageProcessor"});
  ImageProcessorConfig config;
  config.do_convert_rgb = media::processor_flag(fields, "do_convert_rgb", config.do_convert_rgb);
  config.do_resize = media::processor_flag(fields, "do_resize", config.do_resize);
  config.scale.read(fields);
  media::require_set(fields, "resample", config.do_resize);
  for (const char* name : {"patch_size", "temporal_patch_size", "merge_size"}) media::require_set(fields, name, true);
  read_pixel_limits(fields, config);
  config.patch_size = fields.integer_in("patch_size", 1, kMaxSide, config.patch_size);
  config.temporal_patch_size = fields.integer_in("temporal_patch_size", 1, 64, config.temporal_patch_size);
  config.merge_size = fields.integer_in("merge_size", 1, 64, config.merge_size);
  config.resample = static_cast<media::Resample>(
      fields.integer_in("resample", 0, 7, static_cast<std::int64_t>(config.resample)));
  if (config.do_resize && !media::torch_has(config.resample)) {
    fail(ErrorCode::unsupported, "{}: resample is {}, known are 1 (lanczos), 2 (bilinear) and 3 (bicubic)", fields.where(),
         static_cast<int>(config.resample));
  }
  return config;
}

ImageProcessorConfig ImageProcessorConfig::load(const std::filesystem::path& folder) {
  const media::ProcessorFile file = media::read_image_processor(folder);
  return parse(file.settings, file.where);
}

}  // namespace lmm::models::qwen2_vl
