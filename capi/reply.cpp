#include "capi/objects.hpp"

#include <algorithm>

using namespace lmm;
using namespace lmm::capi;

lmm_reply::lmm_reply(const lmm_allocator& allocator, const Reply& from)
    : Handle(allocator),
      text(from.text, &memory),
      token_ids(from.token_ids.begin(), from.token_ids.end(), &memory),
      finish_reason(from.finish_reason),
      boxes(&memory),
      points(&memory),
      segments(&memory),
      usage(from.usage),
      timings(from.timings) {
  for (const Box& box : from.boxes) {
    boxes.push_back({{box.x0, box.y0, box.x1, box.y1}, box.image, std::pmr::string(box.label, &memory)});
  }
  for (const Point& point : from.points) {
    points.push_back({{point.x, point.y, 0, 0}, point.image, std::pmr::string(point.label, &memory)});
  }
  for (const lmm::Segment& segment : from.segments) {
    std::pmr::vector<Word> words(&memory);
    for (const lmm::Word& word : segment.words) {
      words.push_back({{word.begin, word.end}, word.probability, std::pmr::string(word.text, &memory)});
    }
    segments.push_back({{segment.begin, segment.end},
                        segment.mean_log_probability,
                        segment.no_speech_probability,
                        segment.temperature,
                        std::pmr::string(segment.text, &memory),
                        std::pmr::string(segment.language, &memory),
                        std::move(words)});
  }
}

namespace {

/// What stands in for an object that is not there.
constexpr Usage kNoUsage;
constexpr Timings kNoTimings;

const Usage& usage(const lmm_reply* reply) { return alive(reply) ? reply->usage : kNoUsage; }
const Timings& timings(const lmm_reply* reply) { return alive(reply) ? reply->timings : kNoTimings; }

using Places = std::pmr::vector<lmm_reply::Place>;

const lmm_reply::Place* place(const lmm_reply* reply, Places lmm_reply::*list, size_t index) {
  return alive(reply) && index < (reply->*list).size() ? &(reply->*list)[index] : nullptr;
}

lmm_bool give_place(const lmm_reply::Place* place, double* numbers, size_t count, size_t* image) {
  if (place == nullptr) return LMM_FALSE;
  if (numbers != nullptr) std::copy_n(place->numbers, count, numbers);
  if (image != nullptr) *image = place->image;
  return LMM_TRUE;
}

const lmm_reply::Segment* segment_of(const lmm_reply* reply, size_t index) {
  return alive(reply) && index < reply->segments.size() ? &reply->segments[index] : nullptr;
}

const lmm_reply::Word* word_of(const lmm_reply* reply, size_t segment, size_t index) {
  const lmm_reply::Segment* whole = segment_of(reply, segment);
  return whole != nullptr && index < whole->words.size() ? &whole->words[index] : nullptr;
}

const char* give_label(const lmm_reply::Place* place, size_t* length) {
  return place != nullptr ? give(place->label, length) : give_nothing(nullptr, length);
}

}  // namespace

const char* lmm_finish_reason_name(lmm_finish_reason reason) {
  return finish_reason_name(static_cast<FinishReason>(reason));
}

const char* lmm_reply_text(const lmm_reply* reply, size_t* length) {
  return alive(reply) ? give(reply->text, length) : give_nothing(nullptr, length);
}

const int32_t* lmm_reply_token_ids(const lmm_reply* reply, size_t* count) {
  const size_t size = alive(reply) ? reply->token_ids.size() : 0;
  if (count != nullptr) *count = size;
  return size > 0 ? reply->token_ids.data() : nullptr;
}

lmm_finish_reason lmm_reply_finish_reason(const lmm_reply* reply) {
  return alive(reply) ? static_cast<lmm_finish_reason>(reply->finish_reason) : LMM_FINISH_EOS;
}

int64_t lmm_reply_prompt_tokens(const lmm_reply* reply) { return usage(reply).prompt_tokens; }
int64_t lmm_reply_image_tokens(const lmm_reply* reply) { return usage(reply).image_tokens; }
int64_t lmm_reply_audio_tokens(const lmm_reply* reply) { return usage(reply).audio_tokens; }
int64_t lmm_reply_image_tiles(const lmm_reply* reply) { return usage(reply).image_tiles; }
int64_t lmm_reply_reused_tokens(const lmm_reply* reply) { return usage(reply).reused_tokens; }
int64_t lmm_reply_new_tokens(const lmm_reply* reply) { return usage(reply).new_tokens; }

double lmm_reply_load_seconds(const lmm_reply* reply) { return timings(reply).load; }
double lmm_reply_preprocess_seconds(const lmm_reply* reply) { return timings(reply).preprocess; }
double lmm_reply_encode_seconds(const lmm_reply* reply) { return timings(reply).encode; }
double lmm_reply_prefill_seconds(const lmm_reply* reply) { return timings(reply).prefill; }
double lmm_reply_decode_seconds(const lmm_reply* reply) { return timings(reply).decode; }
double lmm_reply_seconds_per_token(const lmm_reply* reply) { return timings(reply).per_token; }

size_t lmm_reply_box_count(const lmm_reply* reply) { return alive(reply) ? reply->boxes.size() : 0; }
size_t lmm_reply_point_count(const lmm_reply* reply) { return alive(reply) ? reply->points.size() : 0; }

lmm_bool lmm_reply_box(const lmm_reply* reply, size_t index, double corners[4], size_t* image) {
  return give_place(place(reply, &lmm_reply::boxes, index), corners, 4, image);
}

lmm_bool lmm_reply_point(const lmm_reply* reply, size_t index, double place_out[2], size_t* image) {
  return give_place(place(reply, &lmm_reply::points, index), place_out, 2, image);
}

const char* lmm_reply_box_label(const lmm_reply* reply, size_t index, size_t* length) {
  return give_label(place(reply, &lmm_reply::boxes, index), length);
}

const char* lmm_reply_point_label(const lmm_reply* reply, size_t index, size_t* length) {
  return give_label(place(reply, &lmm_reply::points, index), length);
}

size_t lmm_reply_segment_count(const lmm_reply* reply) { return alive(reply) ? reply->segments.size() : 0; }

lmm_bool lmm_reply_segment(const lmm_reply* reply, size_t index, double seconds[2]) {
  const lmm_reply::Segment* segment = segment_of(reply, index);
  if (segment == nullptr) return LMM_FALSE;
  if (seconds != nullptr) std::copy_n(segment->seconds, 2, seconds);
  return LMM_TRUE;
}

const char* lmm_reply_segment_text(const lmm_reply* reply, size_t index, size_t* length) {
  const lmm_reply::Segment* segment = segment_of(reply, index);
  return segment != nullptr ? give(segment->text, length) : give_nothing(nullptr, length);
}

const char* lmm_reply_segment_language(const lmm_reply* reply, size_t index, size_t* length) {
  const lmm_reply::Segment* segment = segment_of(reply, index);
  return segment != nullptr ? give(segment->language, length) : give_nothing(nullptr, length);
}

double lmm_reply_segment_mean_log_probability(const lmm_reply* reply, size_t index) {
  const lmm_reply::Segment* segment = segment_of(reply, index);
  return segment != nullptr ? segment->mean_log_probability : 0;
}

double lmm_reply_segment_no_speech_probability(const lmm_reply* reply, size_t index) {
  const lmm_reply::Segment* segment = segment_of(reply, index);
  return segment != nullptr ? segment->no_speech_probability : 0;
}

double lmm_reply_segment_temperature(const lmm_reply* reply, size_t index) {
  const lmm_reply::Segment* segment = segment_of(reply, index);
  return segment != nullptr ? segment->temperature : 0;
}

size_t lmm_reply_word_count(const lmm_reply* reply, size_t segment) {
  const lmm_reply::Segment* whole = segment_of(reply, segment);
  return whole != nullptr ? whole->words.size() : 0;
}

lmm_bool lmm_reply_word(const lmm_reply* reply, size_t segment, size_t index, double seconds[2], double* probability) {
  const lmm_reply::Word* word = word_of(reply, segment, index);
  if (word == nullptr) return LMM_FALSE;
  if (seconds != nullptr) std::copy_n(word->seconds, 2, seconds);
  if (probability != nullptr) *probability = word->probability;
  return LMM_TRUE;
}

const char* lmm_reply_word_text(const lmm_reply* reply, size_t segment, size_t index, size_t* length) {
  const lmm_reply::Word* word = word_of(reply, segment, index);
  return word != nullptr ? give(word->text, length) : give_nothing(nullptr, length);
}

void lmm_reply_free(lmm_reply* reply) { destroy(reply); }
