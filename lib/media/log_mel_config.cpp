#include "lib/core/error.hpp"
#include "lib/media/log_mel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

namespace lmm::media {
namespace {

constexpr double kMaxFrequency = 8000.0;  // whatever the rate is: feature_extraction_whisper.py

constexpr std::array<std::string_view, 9> kRead = {
    "feature_extractor_type", "feature_size", "sampling_rate", "hop_length", "chunk_length",
    "n_fft",                  "padding_value", "padding_side",  "dither"};

/// n_samples, nb_max_frames, mel_filters: the reference computes them anew, whatever the file says. The others say how
/// the processor is called, or what it returns beside the features.
constexpr std::array<std::string_view, 6> kIgnored = {"n_samples",       "nb_max_frames", "mel_filters",
                                                      "processor_class", "do_normalize",  "return_attention_mask"};

void check_fields(const Fields& fields, std::span<const std::string_view> others) {
  const auto among = [](const auto& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (const auto& [name, value] : fields.json().items()) {
    if (among(kRead, name)) {
      if (value.is_null()) fail(ErrorCode::bad_file, "{}: {} is null, but used", fields.where(), name);
    } else if (!value.is_null() && !among(kIgnored, name) && !among(others, name)) {
      fail(ErrorCode::unsupported, "{}: {} is not a field of WhisperFeatureExtractor", fields.where(), name);
    }
  }
  const std::string type = fields.string("feature_extractor_type", "WhisperFeatureExtractor");
  if (type != "WhisperFeatureExtractor") {
    fail(ErrorCode::unsupported, "{}: feature_extractor_type is {}, expected WhisperFeatureExtractor", fields.where(), type);
  }
  if (const double dither = fields.number("dither", 0.0); dither != 0.0) {
    fail(ErrorCode::unsupported, "{}: dither is {}, expected 0: noise is not added to recordings", fields.where(), dither);
  }
  if (const std::string side = fields.string("padding_side", "right"); side != "right") {
    fail(ErrorCode::unsupported, "{}: padding_side is {}, expected right", fields.where(), side);
  }
}

std::optional<Json> read_if_there(const std::filesystem::path& path) {
  try {
    return read_json_file(path);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    return std::nullopt;
  }
}

/// Slaney's scale: linear below 1000 Hz, logarithmic above.
double mel_of(double hertz) {
  return hertz < 1000.0 ? 3.0 * hertz / 200.0 : 15.0 + std::log(hertz / 1000.0) * (27.0 / std::log(6.4));
}

double hertz_of(double mel) {
  return mel < 15.0 ? 200.0 * mel / 3.0 : 1000.0 * std::exp((std::log(6.4) / 27.0) * (mel - 15.0));
}

}  // namespace

LogMelConfig LogMelConfig::load(const std::filesystem::path& folder, std::span<const std::string_view> others) {
  const std::filesystem::path path = folder / "processor_config.json";
  if (const std::optional<Json> processor = read_if_there(path)) {
    const Fields fields(*processor, path.string());
    for (const char* part : {"feature_extractor", "audio_processor"}) {
      if (fields.has(part)) return read(fields.object(part), others);
    }
  }
  const std::filesystem::path own = folder / "preprocessor_config.json";
  const Json settings = read_json_file(own);
  return read(Fields(settings, own.string()), others);
}

LogMelConfig LogMelConfig::read(const Fields& fields, std::span<const std::string_view> others) {
  check_fields(fields, others);
  LogMelConfig config;
  config.mels = fields.integer_in("feature_size", 1, 1024, config.mels);
  config.rate = fields.integer_in("sampling_rate", 1000, 768'000, config.rate);
  config.hop = fields.integer_in("hop_length", 1, 65536, config.hop);
  config.window = fields.integer_in("n_fft", 2, 8192, config.window);  // some lengths take time by their square
  if (config.window % 2 != 0) fields.wrong("n_fft", "an even number");
  config.chunk = fields.integer_in("chunk_length", 1, 3600, config.chunk);
  const double padding = fields.number("padding_value", 0.0);
  if (!(std::abs(padding) <= 1e6)) fields.wrong("padding_value", "-1e6 to 1e6");
  config.padding_value = static_cast<float>(padding);
  return config;
}

std::int64_t frames_of_one_chunk(const Sound& sound, const LogMelConfig& config, std::int64_t least) {
  const std::int64_t length = sound.length(config.rate);
  if (length > config.chunk_samples()) {
    fail(ErrorCode::invalid_argument, "recording of {:.7g} seconds, this model hears at most {}: give a part of it",
         sound.seconds(), config.chunk);
  }
  const std::int64_t frames = std::min((length + config.hop - 1) / config.hop, config.chunk_frames());
  if (frames < least) {
    fail(ErrorCode::invalid_argument, "recording of {} samples at {} Hz, expected at least {}", length, config.rate,
         (least - 1) * config.hop + 1);
  }
  return frames;
}

std::vector<float> mel_filters(const LogMelConfig& config) {
  const std::int64_t bins = config.window / 2 + 1;
  const double top = mel_of(kMaxFrequency);
  std::vector<double> edges(static_cast<std::size_t>(config.mels) + 2);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    edges[i] = hertz_of(top * static_cast<double>(i) / static_cast<double>(edges.size() - 1));
  }
  std::vector<float> filters(static_cast<std::size_t>(config.mels * bins));
  for (std::size_t mel = 0; mel + 2 < edges.size(); ++mel) {
    const double left = edges[mel];
    const double peak = edges[mel + 1];
    const double right = edges[mel + 2];
    for (std::int64_t bin = 0; bin < bins; ++bin) {
      const double hertz = static_cast<double>(config.rate / 2) * static_cast<double>(bin) / static_cast<double>(bins - 1);
      const double height = std::min((hertz - left) / (peak - left), (right - hertz) / (right - peak));
      filters[mel * static_cast<std::size_t>(bins) + static_cast<std::size_t>(bin)] =
          static_cast<float>(std::max(0.0, height) * 2.0 / (right - left));
    }
  }
  return filters;
}

}  // namespace lmm::media
