#include "lib/media/image_processor.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace lmm::media {
namespace {

std::optional<Json> read_if_there(const std::filesystem::path& path) {
  try {
    return read_json_file(path);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    return std::nullopt;
  }
}

/// `part` of processor_config.json, else the first of `files` that is there.
ProcessorFile read_processor(const std::filesystem::path& folder, const char* part, std::vector<const char*> files) {
  const std::filesystem::path path = folder / "processor_config.json";
  ProcessorFile file;
  if (std::optional<Json> processor = read_if_there(path)) {
    const Fields fields(*processor, path.string());  // refuses what is no object
    if (fields.has(part)) {
      file.settings = fields.at(part);
      file.where = path.string() + ": " + part;
    }
    file.processor = std::move(*processor);
  }
  for (std::size_t i = 0; file.where.empty(); ++i) {
    const std::filesystem::path own = folder / files[i];
    if (i + 1 < files.size() && !std::filesystem::exists(own)) continue;
    file.settings = read_json_file(own);
    file.where = own.string();
  }
  return file;
}

void read_color(const Fields& fields, std::string_view name, std::array<double, 3>& color) {
  const Json* value = fields.find(name);
  if (value == nullptr) return;
  if (value->is_number()) {
    color.fill(fields.number(name));
    return;
  }
  const std::vector<double> numbers = fields.numbers(name, {});
  if (numbers.size() != 3) fields.wrong(name, "a number or 3 of them");
  std::copy(numbers.begin(), numbers.end(), color.begin());
}

}  // namespace

ProcessorFile read_image_processor(const std::filesystem::path& folder) {
  return read_processor(folder, "image_processor", {"preprocessor_config.json"});
}

ProcessorFile read_video_processor(const std::filesystem::path& folder) {
  return read_processor(folder, "video_processor", {"video_preprocessor_config.json", "preprocessor_config.json"});
}

void check_processor_fields(const Fields& fields, std::span<const std::string_view> read,
                            std::span<const std::string_view> ignored,
                            std::initializer_list<std::string_view> classes) {
  const auto among = [](const auto& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (const auto& [name, value] : fields.json().items()) {
    if (value.is_null() || among(read, name) || among(ignored, name)) continue;
    fail(ErrorCode::unsupported, "{}: {} is not a field of this image processor", fields.where(), name);
  }
  std::string type = fields.string("image_processor_type", "");
  for (const std::string_view suffix : {"Fast", "Pil"}) {
    if (type.ends_with(suffix)) type.resize(type.size() - suffix.size());
  }
  if (!type.empty() && !among(classes, type)) {
    fail(ErrorCode::unsupported, "{}: image_processor_type is {}, expected {}", fields.where(), type,
         fmt::join(classes, " or "));
  }
}

bool processor_flag(const Fields& fields, std::string_view name, bool otherwise) {
  if (fields.json().contains(std::string(name)) && !fields.has(name)) return false;
  return fields.boolean(name, otherwise);
}

double processor_fps(const Fields& fields) {
  const double fps = fields.number("fps");
  if (!(fps > 0.0 && fps <= 1e6)) fields.wrong("fps", "a number above 0, at most 1000000");
  return fps;
}

void require_set(const Fields& fields, std::string_view name, bool used) {
  if (used && fields.json().contains(std::string(name)) && !fields.has(name)) {
    fail(ErrorCode::bad_file, "{}: {} is null, but used", fields.where(), name);
  }
}

void PixelScale::read(const Fields& fields) {
  do_rescale = processor_flag(fields, "do_rescale", do_rescale);
  do_normalize = processor_flag(fields, "do_normalize", do_normalize);
  require_set(fields, "rescale_factor", do_rescale);
  require_set(fields, "image_mean", do_normalize);
  require_set(fields, "image_std", do_normalize);
  rescale_factor = fields.number("rescale_factor", rescale_factor);
  read_color(fields, "image_mean", mean);
  read_color(fields, "image_std", deviation);
}

PixelScale::Table PixelScale::table() const {
  Table values{};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const float center = static_cast<float>(mean[channel]);
    const float unit = static_cast<float>(deviation[channel]);
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const double pixel = static_cast<double>(byte);
      float value = static_cast<float>(do_rescale ? pixel * rescale_factor : pixel);
      if (do_normalize) value = (value - center) / unit;
      values[channel][byte] = value;
    }
  }
  return values;
}

PixelScale::Table PixelScale::table_as_torch(std::string_view what) const {
  Table table{};
  const bool both = do_rescale && do_normalize;
  const float unit = both ? static_cast<float>(1.0 / rescale_factor) : 1.0f;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const float center = static_cast<float>(mean[channel]) * unit;
    const float spread = static_cast<float>(deviation[channel]) * unit;
    if (do_normalize && spread == 0.0f) {
      fail(ErrorCode::bad_file, "image_std of the {} processor is {}, expected a number other than 0", what, deviation[channel]);
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
      float value = static_cast<float>(byte);
      if (do_normalize) {
        value = (value - center) / spread;
      } else if (do_rescale) {
        value *= static_cast<float>(rescale_factor);
      }
      table[channel][byte] = value;
    }
  }
  return table;
}

Picture paint_transparent_white(const Picture& picture) {
  if (!picture.transparent) fail(ErrorCode::invalid_argument, "the picture has no transparent colour");
  Picture out = make_picture(picture.width, picture.height, "picture");
  const auto& color = *picture.transparent;
  const std::uint8_t* in = picture.rgb.get();
  std::uint8_t* target = out.rgb.get();
  for (std::size_t at = 0; at < picture.bytes(); at += 3) {
    const bool transparent = in[at] == color[0] && in[at + 1] == color[1] && in[at + 2] == color[2];
    for (std::size_t c = 0; c < 3; ++c) target[at + c] = transparent ? std::uint8_t{255} : in[at + c];
  }
  return out;
}

}  // namespace lmm::media
