#pragma once

#include "lib/core/json.hpp"
#include "lib/media/picture.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace lmm::media {

/// The part that the image processors of transformers have in common: reading their settings, painting what is
/// transparent, and turning bytes into numbers (image_processing_backends.py, image_transforms.py).

/// Settings of an image processor, and what errors about them begin with.
struct ProcessorFile {
  Json settings;
  std::string where;
  Json processor = Json::object();  ///< processor_config.json, where it is there
};

/// Reads a checkpoint folder as AutoProcessor does: "image_processor" of processor_config.json where it is there, else
/// preprocessor_config.json. Throws Error: not_found (neither file), bad_file (malformed).
ProcessorFile read_image_processor(const std::filesystem::path& folder);

/// The same of a video processor, as AutoVideoProcessor does: "video_processor" of processor_config.json, else
/// video_preprocessor_config.json, else preprocessor_config.json.
ProcessorFile read_video_processor(const std::filesystem::path& folder);

/// Refuses what an image processor does not know. `read` and `ignored` are the fields that may be there, `classes` the
/// values of image_processor_type, without the suffix of a backend. Error unsupported.
void check_processor_fields(const Fields& fields, std::span<const std::string_view> read,
                            std::span<const std::string_view> ignored, std::initializer_list<std::string_view> classes);

/// A flag: an explicit null is false (the reference keeps it as None), an absent one has the default.
bool processor_flag(const Fields& fields, std::string_view name, bool otherwise);

/// The field "fps": frames a second, above 0 and at most 1e6. Error bad_file.
double processor_fps(const Fields& fields);

/// Error bad_file where a field that is used is null: the reference keeps None and raises later.
void require_set(const Fields& fields, std::string_view name, bool used);

/// What a byte of a channel becomes.
struct PixelScale {
  bool do_rescale = true;
  double rescale_factor = 1.0 / 255.0;
  bool do_normalize = true;
  std::array<double, 3> mean{0.5, 0.5, 0.5};
  std::array<double, 3> deviation{0.5, 0.5, 0.5};

  /// Reads do_rescale, rescale_factor, do_normalize, image_mean and image_std over the defaults that stand in it.
  /// Throws Error: bad_file.
  void read(const Fields& fields);

  /// By channel and byte, as rescale and normalize of image_transforms.py: rescaled in double and rounded to float,
  /// normalised in float with mean and deviation rounded to float.
  using Table = std::array<std::array<float, 256>, 3>;
  Table table() const;

  /// The same as rescale_and_normalize of image_processing_backends.py's TorchvisionBackend: one subtraction and one division by
  /// mean and deviation that were scaled themselves, in float. Throws Error: bad_file (a deviation of 0; `what`, "picture" or
  /// "video", names the processor).
  Table table_as_torch(std::string_view what) const;
};

/// convert_to_rgb of image_transforms.py on what load_image gives: alpha is gone, a transparent colour turns white.
/// Throws Error: invalid_argument where the picture has no transparent colour.
Picture paint_transparent_white(const Picture& picture);

}  // namespace lmm::media
