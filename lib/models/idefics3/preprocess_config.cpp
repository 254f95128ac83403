#include "lib/models/idefics3/preprocess.hpp"

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
    "video_sampling", "video_size", "num_frames", "fps",  // videos
    "default_to_square",                        // read with size
};

constexpr std::string_view kRead[] = {
    "image_processor_type", "do_convert_rgb", "do_resize", "size", "do_image_splitting", "max_image_size", "resample",
    "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std",
};

std::int64_t edge(const Fields& size, std::string_view name) { return size.integer_in(name, 1, kMaxEdge); }

/// get_size_dict: {"longest_edge"} (a shortest_edge beside it is not used), {"height", "width"}, one number for both,
/// or [height, width].
void read_size(const Fields& fields, ImageProcessorConfig& config) {
  const Json* size = fields.find("size");
  if (size == nullptr) return;
  if (size->is_object()) {
    const Fields object = fields.object("size");
    std::set<std::string> names;
    for (const auto& [name, value] : size->items()) names.insert(name);
    using Names = std::set<std::string>;
    if (names == Names{"longest_edge"} || names == Names{"longest_edge", "shortest_edge"}) {
      config.longest_edge = edge(object, "longest_edge");
      return;
    }
    if (names != Names{"height", "width"}) {
      fail(ErrorCode::unsupported, "{}: size is {}, expected longest_edge, or height and width", fields.where(),
           size->dump());
    }
    config.height = edge(object, "height");
    config.width = edge(object, "width");
  } else if (size->is_number_integer()) {
    if (!fields.boolean("default_to_square", true)) {
      fail(ErrorCode::unsupported, "{}: size is {} with default_to_square false, expected longest_edge, or height and "
           "width", fields.where(), size->dump());
    }
    config.height = config.width = edge(fields, "size");
  } else {
    const std::vector<std::int64_t> pair = fields.integers("size", {});
    const bool fits = pair.size() == 2 && std::all_of(pair.begin(), pair.end(), [](std::int64_t side) {
                        return side >= 1 && side <= kMaxEdge;
                      });
    if (!fits) fields.wrong("size", "longest_edge, or height and width, of 1 to 65535");
    config.height = pair[0];
    config.width = pair[1];
  }
  config.longest_edge = 0;
}

}  // namespace

ImageProcessorConfig ImageProcessorConfig::parse(const Json& object, std::string where) {
  const Fields fields(object, std::move(where));
  media::check_processor_fields(fields, kRead, kIgnored, {"Idefics3ImageProcessor", "SmolVLMImageProcessor"});
  ImageProcessorConfig config;
  config.do_convert_rgb = media::processor_flag(fields, "do_convert_rgb", config.do_convert_rgb);
  config.do_resize = media::processor_flag(fields, "do_resize", config.do_resize);
  config.do_image_splitting = media::processor_flag(fields, "do_image_splitting", config.do_image_splitting);
  config.scale.read(fields);
  media::require_set(fields, "size", config.do_resize);
  media::require_set(fields, "max_image_size", true);
  media::require_set(fields, "resample", true);

  read_size(fields, config);
  if (fields.has("max_image_size")) config.tile = edge(fields.object("max_image_size"), "longest_edge");
  config.resample = static_cast<media::Resample>(
      fields.integer_in("resample", 0, 7, static_cast<std::int64_t>(config.resample)));
  return config;
}

ImageProcessorConfig ImageProcessorConfig::load(const std::filesystem::path& folder) {
  const media::ProcessorFile file = media::read_image_processor(folder);
  const Fields processor(file.processor, (folder / "processor_config.json").string());
  const std::int64_t image_seq_len = processor.integer_in("image_seq_len", 1, 1 << 20, ImageProcessorConfig().image_seq_len);
  ImageProcessorConfig config = parse(file.settings, file.where);
  config.image_seq_len = image_seq_len;
  return config;
}

}  // namespace lmm::models::idefics3
