#pragma once

#include "lib/core/json.hpp"
#include "lib/media/image_processor.hpp"
#include "lib/media/picture.hpp"
#include "lib/media/resample.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace lmm::models::qwen2_vl {

/// Settings of Qwen2VLImageProcessor (transformers/models/qwen2_vl/image_processing_qwen2_vl.py), which Qwen2-VL, Qwen2.5-VL,
/// Qwen2.5-Omni and Qwen3-VL share, with its defaults. It resizes by torchvision, which their processors cannot do without.
struct ImageProcessorConfig {
  bool do_convert_rgb = true;        ///< what the file declares transparent by colour turns white
  bool do_resize = true;
  std::int64_t min_pixels = 56 * 56;         ///< size["shortest_edge"] in newer files
  std::int64_t max_pixels = 28 * 28 * 1280;  ///< size["longest_edge"] in newer files
  std::int64_t patch_size = 14;              ///< pixels a side
  std::int64_t temporal_patch_size = 2;      ///< frames a patch; a picture is repeated
  std::int64_t merge_size = 2;               ///< merge_size^2 neighbouring patches become one token
  media::Resample resample = media::Resample::bicubic;
  media::PixelScale scale{true, 1.0 / 255.0, true,
                          {0.48145466, 0.4578275, 0.40821073},     // OPENAI_CLIP_MEAN
                          {0.26862954, 0.26130258, 0.27577711}};  // OPENAI_CLIP_STD

  /// Reads a checkpoint folder. Throws Error: not_found, bad_file (malformed), unsupported (a field or value that is
  /// not implemented, by name).
  static ImageProcessorConfig load(const std::filesystem::path& folder);

  /// The settings in one JSON object; `where` is what errors begin with. Throws Error as load.
  static ImageProcessorConfig parse(const Json& object, std::string where);
};

/// Throws Error: bad_file where the limits leave no size. The reference takes them as they come and makes pictures of
/// either size.
void check_pixel_limits(const std::string& where, std::int64_t min_pixels, std::int64_t max_pixels);

/// Pixels.
struct Size {
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// smart_resize: multiples of `factor`, the shape kept as far as they allow, between the limits.
Size smart_resize(Size size, std::int64_t factor, std::int64_t min_pixels, std::int64_t max_pixels);

/// Throws Error: invalid_argument where one side is more than 200 times the other; `what` ("picture") names it.
void check_ratio(Size size, std::string_view what);

/// A picture's size in patches. Both are multiples of merge_size.
struct PatchGrid {
  std::int64_t rows = 0;
  std::int64_t columns = 0;

  std::int64_t patches() const { return rows * columns; }
};

/// smart_resize: the picture's shape, kept as far as whole merged patches allow, between min_pixels and max_pixels.
/// Of a picture of (width, height) pixels, without its pixels. Throws Error: invalid_argument (one side more than 200
/// times the other; without do_resize, sides that are not whole merged patches; more than media::kMaxPixels pixels).
PatchGrid patch_grid(std::int64_t width, std::int64_t height, const ImageProcessorConfig& config);

/// One picture as the tower sees it, not yet cut into patches: rows * patch_size x columns * patch_size pixels.
struct ResizedPicture {
  PatchGrid grid;
  media::Picture picture;
};

/// Paints what is transparent and resizes. Runs on the caller's thread unless `parallel_for` is given.
/// Throws Error: as patch_grid, out_of_memory.
ResizedPicture preprocess(const media::Picture& picture, const ImageProcessorConfig& config,
                          const media::ParallelFor& parallel_for = {});

/// Floats of one patch: (3, temporal_patch_size, patch_size, patch_size).
std::int64_t patch_values(const ImageProcessorConfig& config);

/// How a resized picture is cut into patches.
struct PatchLayout {
  PatchGrid grid;
  std::int64_t patch_size = 0;
  std::int64_t merge_size = 0;
};

/// Writes patches [first, first + count) of one temporal patch as the reference's pixel_values has them, bit for bit:
/// (count, 3, frames, patch_size, patch_size) floats. `frames` are as many pictures as a patch is deep, of the layout's
/// size; one may stand several times. Patches come merge block by merge block, row by row, and within a block row by row.
void write_patches(std::span<const media::Picture* const> frames, const PatchLayout& layout,
                   const media::PixelScale::Table& table, std::int64_t first, std::int64_t count, std::span<float> out);

/// Of a picture, which is repeated.
void write_patches(const ResizedPicture& picture, const ImageProcessorConfig& config,
                   const media::PixelScale::Table& table, std::int64_t first, std::int64_t count, std::span<float> out);

}  // namespace lmm::models::qwen2_vl
