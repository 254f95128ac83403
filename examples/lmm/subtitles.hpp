#pragma once

#include <lmm/reply.hpp>

#include <string>
#include <vector>

namespace command {

/// SubRip: a cue a segment; with `words` a cue a word.
std::string to_srt(const std::vector<lmm::Segment>& segments, bool words);

/// WebVTT: a cue a segment; with `words` the words' times within it.
std::string to_vtt(const std::vector<lmm::Segment>& segments, bool words);

}  // namespace command
