#pragma once

#include "lib/core/json.hpp"
#include "lib/media/image_processor.hpp"
#include "lib/media/picture.hpp"
#include "lib/media/resample.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::models::idefics3 {

inline constexpr std::int64_t kMaxSide = 4096;  ///< MAX_IMAGE_SIZE of the reference: the longest edge never exceeds it

/// Settings of Idefics3ImageProcessor and SmolVLMImageProcessor (the same code in transformers 5.23, once for Pillow and
/// once for torchvision, models/idefics3/image_processing_pil_idefics3.py and image_processing_idefics3.py), with their
/// defaults.
/// do_pad has no field: every tile is tile x tile pixels, so that within one message there is nothing to pad and the
/// pixel_attention_mask is 1 everywhere, whatever it says.
struct ImageProcessorConfig {
  bool do_convert_rgb = true;        ///< what the file declares transparent by colour turns white
  bool do_resize = true;
  std::int64_t longest_edge = 1456;  ///< size: the longer side becomes this (at most 4096); 0: height and width count
  std::int64_t height = 0;
  std::int64_t width = 0;
  bool do_image_splitting = true;
  std::int64_t tile = 364;           ///< max_image_size["longest_edge"]: height and width of every tile
  media::Resample resample = media::Resample::lanczos;
  media::PixelScale scale;
  bool as_torch = false;             ///< resized and scaled as torchvision does it, not as Pillow
  std::int64_t image_seq_len = 169;  ///< placeholder tokens a tile (processor_config.json)

  /// Reads a checkpoint folder as AutoProcessor does: "image_processor" of processor_config.json where it is there,
  /// else preprocessor_config.json; image_seq_len from processor_config.json. Throws Error: not_found (neither file),
  /// bad_file (malformed), unsupported (a field or value that is not implemented, by name).
  /// `torchvision`: it is there, so that its arithmetic is taken unless the file names the class for Pillow.
  static ImageProcessorConfig load(const std::filesystem::path& folder, bool torchvision = false);

  /// The settings in one JSON object; `where` is what errors begin with. Throws Error as load.
  static ImageProcessorConfig parse(const Json& object, std::string where, bool torchvision = false);
};

/// How a picture is split: rows x cols tiles, then the whole picture as one; 0 x 0 where it is one tile only.
struct TileGrid {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
};

/// The grid of a picture of some size, without its pixels. Throws Error: invalid_argument (it would have more than
/// media::kMaxPixels pixels).
TileGrid tile_grid(std::int64_t width, std::int64_t height, const ImageProcessorConfig& config);

/// Pixels of one picture. Tiles come row by row and then, if the picture was split, the whole picture once more.
struct ImageTiles {
  std::int64_t tiles = 0;
  std::int64_t rows = 0;             ///< of the split; 0 where the picture is one tile
  std::int64_t cols = 0;
  std::int64_t height = 0;           ///< of a tile
  std::int64_t width = 0;
  std::vector<float> pixel_values;   ///< (tiles, 3, height, width), RGB

  /// Room for the pixel_values of all tiles. Throws Error: out_of_memory.
  void allocate();
};

/// Equals the reference's pixel_values bit for bit. Runs on the caller's thread unless `parallel_for` is given.
/// Throws Error: invalid_argument (the sizes asked for exceed media::kMaxPixels), out_of_memory.
ImageTiles preprocess(const media::Picture& picture, const ImageProcessorConfig& config,
                      const media::ParallelFor& parallel_for = {});

/// Spellings of the placeholder tokens; Idefics3Processor's, and SmolVLMProcessor's unless its tokenizer has others.
struct ImageTokens {
  std::string_view fake = "<fake_token_around_image>";
  std::string_view image = "<image>";
  std::string_view global = "<global-img>";
};

/// Text that stands for one picture in the prompt: replace_image_token of processing_idefics3.py and
/// processing_smolvlm.py, which give the same text.
std::string image_prompt(std::int64_t rows, std::int64_t cols, std::int64_t image_seq_len,
                         const ImageTokens& tokens = {});

}  // namespace lmm::models::idefics3
