// Messages and histories.
#include "capi/objects.hpp"

#include <variant>

using namespace lmm;
using namespace lmm::capi;

lmm_message::lmm_message(const lmm_allocator& allocator, const Message& from) : lmm_message(allocator) {
  for (const lmm::Part& part : from.parts) {
    if (const auto* text = std::get_if<std::string>(&part)) {
      add(*text);
    } else if (const auto* image = std::get_if<Image>(&part)) {
      add(*image);
    } else if (const auto* video = std::get_if<Video>(&part)) {
      add(*video);
    } else {
      add(std::get<Audio>(part));
    }
  }
}

void lmm_message::add(std::string_view text) { parts.push_back({std::pmr::string(text, &memory)}); }

void lmm_message::add(const Image& image) {
  parts.push_back({std::pmr::string(&memory), make_owned<lmm_image>(memory.allocator(), image)});
}

void lmm_message::add(const Video& video) {
  parts.push_back({std::pmr::string(&memory), nullptr, make_owned<lmm_video>(memory.allocator(), video)});
}

void lmm_message::add(const Audio& audio) {
  parts.push_back({std::pmr::string(&memory), nullptr, nullptr, make_owned<lmm_audio>(memory.allocator(), audio)});
}

Message lmm_message::message() const {
  Message message;
  message.parts.reserve(parts.size());
  for (const Part& part : parts) {
    if (part.image != nullptr) {
      message.parts.emplace_back(part.image->image);
    } else if (part.video != nullptr) {
      message.parts.emplace_back(part.video->video);
    } else if (part.audio != nullptr) {
      message.parts.emplace_back(part.audio->audio);
    } else {
      message.parts.emplace_back(std::string(part.text));
    }
  }
  return message;
}

void lmm_history::add(std::string_view role, const Message& message) {
  turns.push_back({std::pmr::string(role, &memory), make_owned<lmm_message>(memory.allocator(), message)});
}

lmm_code lmm_message_create(const lmm_allocator* allocator, lmm_message** message, lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(message, "message");
    *message = make<lmm_message>(allocator_or_default(allocator));
  });
}

lmm_code lmm_message_add_text(lmm_message* message, const char* text, size_t length, lmm_error** error) {
  return call_on(message, "message", error, [&](lmm_message& self) { self.add(text_argument(text, length, "text")); });
}

lmm_code lmm_message_add_image(lmm_message* message, const lmm_image* image, lmm_error** error) {
  return call_on(message, "message", error, [&](lmm_message& self) { self.add(checked(image, "image").image); });
}

lmm_code lmm_message_add_video(lmm_message* message, const lmm_video* video, lmm_error** error) {
  return call_on(message, "message", error, [&](lmm_message& self) { self.add(checked(video, "video").video); });
}

lmm_code lmm_message_add_audio(lmm_message* message, const lmm_audio* audio, lmm_error** error) {
  return call_on(message, "message", error, [&](lmm_message& self) { self.add(checked(audio, "audio").audio); });
}

namespace {

const lmm_message::Part* part_of(const lmm_message* message, size_t index) {
  return alive(message) && index < message->parts.size() ? &message->parts[index] : nullptr;
}

const lmm_history::Turn* turn_of(const lmm_history* history, size_t index) {
  return alive(history) && index < history->turns.size() ? &history->turns[index] : nullptr;
}

}  // namespace

size_t lmm_message_count(const lmm_message* message) { return alive(message) ? message->parts.size() : 0; }

lmm_part_kind lmm_message_kind(const lmm_message* message, size_t index) {
  const lmm_message::Part* part = part_of(message, index);
  if (part == nullptr) return LMM_PART_NONE;
  if (part->image != nullptr) return LMM_PART_IMAGE;
  if (part->video != nullptr) return LMM_PART_VIDEO;
  return part->audio != nullptr ? LMM_PART_AUDIO : LMM_PART_TEXT;
}

const char* lmm_message_text(const lmm_message* message, size_t index, size_t* length) {
  const lmm_message::Part* part = part_of(message, index);
  if (part == nullptr || !part->is_text()) return give_nothing(nullptr, length);
  return give(part->text, length);
}

const lmm_image* lmm_message_image(const lmm_message* message, size_t index) {
  const lmm_message::Part* part = part_of(message, index);
  return part != nullptr ? part->image.get() : nullptr;
}

const lmm_video* lmm_message_video(const lmm_message* message, size_t index) {
  const lmm_message::Part* part = part_of(message, index);
  return part != nullptr ? part->video.get() : nullptr;
}

const lmm_audio* lmm_message_audio(const lmm_message* message, size_t index) {
  const lmm_message::Part* part = part_of(message, index);
  return part != nullptr ? part->audio.get() : nullptr;
}

void lmm_message_free(lmm_message* message) { destroy(message); }

lmm_code lmm_history_create(const lmm_allocator* allocator, lmm_history** history, lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(history, "history");
    *history = make<lmm_history>(allocator_or_default(allocator));
  });
}

lmm_code lmm_history_add(lmm_history* history, const char* role, size_t role_length, const lmm_message* message,
                         lmm_error** error) {
  return call_on(history, "history", error, [&](lmm_history& self) {
    const std::string_view name = text_argument(role, role_length, "role");
    if (name.empty())
      fail(ErrorCode::invalid_argument, "role is empty, expected \"system\", \"user\" or \"assistant\"");
    const lmm_message& said = checked(message, "message");
    if (said.parts.empty()) {
      fail(ErrorCode::invalid_argument, "message is empty, expected text, a picture, a video or a recording");
    }
    self.add(name, said.message());
  });
}

size_t lmm_history_count(const lmm_history* history) { return alive(history) ? history->turns.size() : 0; }

const char* lmm_history_role(const lmm_history* history, size_t index, size_t* length) {
  const lmm_history::Turn* turn = turn_of(history, index);
  return turn != nullptr ? give(turn->role, length) : give_nothing(nullptr, length);
}

const lmm_message* lmm_history_message(const lmm_history* history, size_t index) {
  const lmm_history::Turn* turn = turn_of(history, index);
  return turn != nullptr ? turn->message.get() : nullptr;
}

void lmm_history_free(lmm_history* history) { destroy(history); }
