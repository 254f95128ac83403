#pragma once

#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/media/sound.hpp"
#include "tests/unit/tokenizer/support.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

/// For tests of what models that hear make of recordings and configs before their weights.
namespace audio_lmm {

/// A recording of which nothing but its length is known.
struct Length final : lmm::media::Sound {
  explicit Length(std::int64_t frames_, std::int64_t rate_ = 16000) {
    rate = rate_;
    channels = 1;
    frames = frames_;
  }
  std::unique_ptr<lmm::media::SoundReader> read(std::int64_t) const override { return nullptr; }
};

/// What `parse` reads out of a config.
template <class Parse>
auto read(Parse parse, const char* json) {
  const lmm::Json object = lmm::parse_json(json, "test");
  return parse(lmm::Fields(object, "test"));
}

/// The message by which `parse` refuses a config.
template <class Parse>
std::string refusal(lmm::ErrorCode code, Parse parse, const char* json) {
  const auto error = support::caught([&] { read(parse, json); });
  CHECK(error.code == code);
  return error.message;
}

}  // namespace audio_lmm
