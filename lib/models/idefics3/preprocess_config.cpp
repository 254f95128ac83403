#include "lib/models/idefics3/preprocess.hpp"
#include "lib/models/idefics3/preprocess_video.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <set>

namespace lmm::models::idefics3 {
namespace {

constexpr std::int64_t kMaxEdge = 65535;

/// Fields that change nothing of the pixels, and why.
constexpr std::string_view kIgnored[] = {
    "processor_class", "feature_extractor_type", "auto_map", "_processor_class",  // which class reads the file
    "_valid_processor_keys", "_valid_kwargs_names",                               // bookkeeping of older versions
    "do_pad", "pad_size",                       // every tile has the same size; see ImageProcessorConfig
    "do_center_crop", "crop_size",              // this processor never crops
    "return_row_col_info", "return_tensors",    // the form of the result
    "data_format", "input_data_format",         // pictures from files are always (height, width, channel)
    "device", "disable_grouping", "backend",    // of the torchvision processor
    "image_seq_length",                         // of other processors; this one reads processor_config.json
    "video_size",                               // read by nothing where it is no part of video_sampling
    "default_to_square",                        // read with size
};

/// Of videos, in the same file.
constexpr std::string_view kOfVideos[] = {"video_sampling", "num_frames", "fps"};

/// Fields of a video processor's own file that change nothing of a video's pixels, and why.
constexpr std::string_view kIgnoredOfVideos[] = {
    "do_sample_frames",                            // apply_chat_template sets it where there is a number of frames
    "return_metadata", "video_metadata",           // the form of the result
};

constexpr std::string_view kRead[] = {
    "image_processor_type", "do_convert_rgb", "do_resize", "size", "do_image_splitting", "max_image_size", "resample",
    "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std",
};

std::int64_t edge(const Fields& size, std::string_view name) { return size.integer_in(name, 1, kMaxEdge); }

/// get_size_dict: {"longest_edge"} (a shortest_edge beside it is not used), {"height", "width"}, one number for both,
/// or [height, width].
void read_size(const Fields& fields, std::string_view name, ImageProcessorConfig& config) {
  const Json* size = fields.find(name);
  if (size == nullptr) return;
  if (size->is_object()) {
    const Fields object = fields.object(name);
    std::set<std::string> names;
    for (const auto& [side, value] : size->items()) names.insert(side);
    using Names = std::set<std::string>;
    if (names == Names{"longest_edge"} || names == Names{"longest_edge", "shortest_edge"}) {
      config.longest_edge = edge(object, "longest_edge");
      return;
    }
    if (names != Names{"height", "width"}) {
      fail(ErrorCode::unsupported, "{}: {} is {}, expected longest_edge, or height and width", fields.where(), name,
           size->dump());
    }
    config.height = edge(object, "height");
    config.width = edge(object, "width");
  } else if (size->is_number_integer()) {
    if (!fields.boolean("default_to_square", true)) {
      fail(ErrorCode::unsupported, "{}: {} is {} with default_to_square false, expected longest_edge, or height and "
           "width", fields.where(), name, size->dump());
    }
    config.height = config.width = edge(fields, name);
  } else {
    const std::vector<std::int64_t> pair = fields.integers(name, {});
    const bool fits = pair.size() == 2 && std::all_of(pair.begin(), pair.end(), [](std::int64_t side) {
                        return side >= 1 && side <= kMaxEdge;
                      });
    if (!fits) fields.wrong(name, "longest_edge, or height and width, of 1 to 65535");
    config.height = pair[0];
    config.width = pair[1];
  }
  config.longest_edge = 0;
}

/// What pictures and frames have in common.
void read_pixels(const Fields& fields, ImageProcessorConfig& config) {
  config.do_resize = media::processor_flag(fields, "do_resize", config.do_resize);
  config.scale.read(fields);
  media::require_set(fields, "size", config.do_resize);
  media::require_set(fields, "max_image_size", true);
  media::require_set(fields, "resample", true);

  read_size(fields, "size", config);
  if (fields.has("max_image_size")) config.tile = edge(fields.object("max_image_size"), "longest_edge");
  config.resample = static_cast<media::Resample>(
      fields.integer_in("resample", 0, 7, static_cast<std::int64_t>(config.resample)));
  if (config.as_torch && !media::torch_has(config.resample)) {  // tiles are resized whatever do_resize says
    fail(ErrorCode::unsupported, "{}: resample is {}, known are 1 (lanczos), 2 (bilinear) and 3 (bicubic)", fields.where(),
         static_cast<int>(config.resample));
  }
}

std::vector<std::string_view> joined(std::initializer_list<std::span<const std::string_view>> lists) {
  std::vector<std::string_view> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

/// It stands beside the settings of both processors.
std::int64_t read_image_seq_len(const media::ProcessorFile& file, const std::filesystem::path& folder) {
  const Fields processor(file.processor, (folder / "processor_config.json").string());
  return processor.integer_in("image_seq_len", 1, 1 << 20, ImageProcessorConfig().image_seq_len);
}

/// How many frames: of video_sampling, whose video_size is the size where there is no other, else of fields of their own.
void read_sampling(const Fields& fields, VideoProcessorConfig& config) {
  if (fields.has("video_sampling")) {
    const Fields sampling = fields.object("video_sampling");
    config.num_frames = sampling.integer_in("max_frames", 1, media::kMostFrames);
    config.fps = media::processor_fps(sampling);
    if (!fields.has("size")) {
      sampling.at("video_size");
      read_size(sampling, "video_size", config.frame);
    }
    return;
  }
  if (fields.has("num_frames") != fields.has("fps")) {
    fail(ErrorCode::unsupported, "{}: num_frames is {} and fps is {}, expected both or neither: the reference samples by both", fields.where(),
         fields.has("num_frames") ? fields.at("num_frames").dump() : "not there", fields.has("fps") ? fields.at("fps").dump() : "not there");
  }
  if (!fields.has("fps")) return;
  config.num_frames = fields.integer_in("num_frames", 1, media::kMostFrames);
  config.fps = media::processor_fps(fields);
}

}  // namespace

ImageProcessorConfig ImageProcessorConfig::parse(const Json& object, std::string where, bool torchvision) {
  const Fields fields(object, std::move(where));
  media::check_processor_fields(fields, kRead, joined({kIgnored, kOfVideos}), {"Idefics3ImageProcessor", "SmolVLMImageProcessor"});
  ImageProcessorConfig config;
  config.do_convert_rgb = media::processor_flag(fields, "do_convert_rgb", config.do_convert_rgb);
  config.do_image_splitting = media::processor_flag(fields, "do_image_splitting", config.do_image_splitting);
  config.as_torch = torchvision && !fields.string("image_processor_type", "").ends_with("Pil");
  read_pixels(fields, config);
  if (config.as_torch) config.scale.table_as_torch("picture");  // refuses a deviation of 0
  return config;
}

ImageProcessorConfig ImageProcessorConfig::load(const std::filesystem::path& folder, bool torchvision) {
  const media::ProcessorFile file = media::read_image_processor(folder);
  ImageProcessorConfig config = parse(file.settings, file.where, torchvision);
  config.image_seq_len = read_image_seq_len(file, folder);
  return config;
}

VideoProcessorConfig VideoProcessorConfig::parse(const Json& object, std::string where) {
  const Fields fields(object, std::move(where));
  constexpr std::string_view kType[] = {"video_processor_type"};
  media::check_processor_fields(fields, joined({kRead, kOfVideos, kType}), joined({kIgnored, kIgnoredOfVideos}), {"SmolVLMImageProcessor"});
  if (const std::string type = fields.string("video_processor_type", "SmolVLMVideoProcessor"); type != "SmolVLMVideoProcessor") {
    fail(ErrorCode::unsupported, "{}: video_processor_type is {}, expected SmolVLMVideoProcessor", fields.where(), type);
  }
  VideoProcessorConfig config;
  config.frame.do_convert_rgb = false;  // frames are RGB
  config.frame.do_image_splitting = false;
  config.frame.as_torch = true;
  read_pixels(fields, config.frame);
  config.frame.scale.table_as_torch("video");
  read_sampling(fields, config);
  config.frame.longest_edge = std::min(config.frame.longest_edge, kMaxSide);
  return config;
}

VideoProcessorConfig VideoProcessorConfig::load(const std::filesystem::path& folder) {
  const media::ProcessorFile file = media::read_video_processor(folder);
  VideoProcessorConfig config = parse(file.settings, file.where);
  config.frame.image_seq_len = read_image_seq_len(file, folder);
  return config;
}

}  // namespace lmm::models::idefics3
