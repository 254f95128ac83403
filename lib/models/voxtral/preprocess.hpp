#pragma once

#include "lib/media/log_mel.hpp"
#include "lib/media/sound.hpp"

#include <cstdint>

namespace lmm::models::voxtral {

/// Windows of 30 s that VoxtralProcessor cuts a recording into, the last one padded: at least one.
/// Errors: invalid_argument for one with more than 2^20 windows.
std::int64_t windows_of(const media::Sound& sound, const media::LogMelConfig& config);

}  // namespace lmm::models::voxtral
