#pragma once

#include "lib/media/sound.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

namespace lmm::media {

inline constexpr std::int64_t kMinSoundRate = 1'000;       ///< frames a second
inline constexpr std::int64_t kMaxSoundRate = 768'000;
inline constexpr std::int64_t kMaxSoundChannels = 32;
inline constexpr std::int64_t kMaxSoundHours = 100;

/// A recording in a file: WAV (RIFX, RF64, Wave64 too), AIFF, AU, CAF, FLAC, OGG (Vorbis, Opus, FLAC), MP3.
/// Decoded as it is read; what is added to the file after this call is not heard. Errors: not_found, io, bad_file.
std::shared_ptr<const Sound> open_sound(const std::filesystem::path& path);

/// The same of a file held in memory; its bytes are copied. Errors: bad_file.
std::shared_ptr<const Sound> decode_sound(std::span<const std::byte> file, std::string_view where);

/// Interleaved samples to one channel by their mean, as librosa.to_mono: out.size() frames.
void mix_down(std::span<const float> interleaved, std::int64_t channels, std::span<float> out);

/// Where `samples` has one that is no number or is beyond any loudness, its index; else samples.size().
std::size_t find_not_finite(std::span<const float> samples);

}  // namespace lmm::media
