// Live sound.
#include "capi/callbacks.hpp"
#include "capi/objects.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

using namespace lmm;
using namespace lmm::capi;

namespace {

Reply reply_of(const Utterance& utterance) {
  Reply reply;
  reply.text = utterance.text;
  reply.segments = utterance.segments;
  return reply;
}

/// Sets a number of seconds; the limits are said by Session::listen too, but here the setter is the one to name.
lmm_code set_seconds(lmm_listen_options* options, double ListenOptions::*field, double seconds, bool fits,
                     const char* expected, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_listen_options& self) {
    if (!fits) fail(ErrorCode::invalid_argument, "seconds is {}, expected {}", seconds, expected);
    self.options.*field = seconds;
  });
}

}  // namespace

lmm_utterance::lmm_utterance(const lmm_allocator& allocator, const Utterance& from)
    : Handle(allocator),
      index(from.index),
      is_final(from.is_final),
      seconds{from.begin, from.end},
      reply(allocator, reply_of(from)) {}

lmm_code lmm_listen_options_create(const lmm_allocator* allocator, lmm_listen_options** options, lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(options, "options");
    *options = make<lmm_listen_options>(allocator_or_default(allocator));
  });
}

lmm_code lmm_listen_options_set_speech(lmm_listen_options* options, const lmm_generate_options* speech, lmm_error** error) {
  return call_on(options, "options", error, [&](lmm_listen_options& self) {
    self.options.speech = checked(speech, "speech").options.speech;
  });
}

lmm_code lmm_listen_options_set_silence(lmm_listen_options* options, double seconds, lmm_error** error) {
  return set_seconds(options, &ListenOptions::silence, seconds, seconds >= 0.1 && seconds <= 5, "0.1 to 5", error);
}

lmm_code lmm_listen_options_set_partial_after(lmm_listen_options* options, double seconds, lmm_error** error) {
  return set_seconds(options, &ListenOptions::partial_after, seconds,
                     seconds == 0 || (seconds >= 0.1 && seconds <= 60), "0.1 to 60, or 0 for final texts only", error);
}

lmm_code lmm_listen_options_set_longest(lmm_listen_options* options, double seconds, lmm_error** error) {
  return set_seconds(options, &ListenOptions::longest, seconds, seconds >= 1 && seconds <= 29, "1 to 29", error);
}

void lmm_listen_options_free(lmm_listen_options* options) { destroy(options); }

lmm_code lmm_listener_push(lmm_listener* listener, const void* data, size_t size, int64_t rate, int64_t channels,
                           lmm_sample_format format, lmm_error** error) {
  return call_on(listener, "listener", error, [&](lmm_listener& self) {
    self.listener.push(samples_argument(data, size, rate, channels, format));
  });
}

lmm_code lmm_listener_finish(lmm_listener* listener, lmm_error** error) {
  return call_on(listener, "listener", error, [](lmm_listener& self) { self.listener.finish(); });
}

lmm_code lmm_listener_next(lmm_listener* listener, int64_t wait_microseconds, lmm_utterance** utterance,
                           lmm_error** error) {
  return call_on(listener, "listener", error, [&](lmm_listener& self) {
    require(utterance, "utterance");
    if (self.heard.empty()) {
      std::vector<Utterance> some =
          self.listener.wait(std::chrono::microseconds(std::max<int64_t>(wait_microseconds, 0)));
      std::move(some.begin(), some.end(), std::back_inserter(self.heard));
    }
    if (self.heard.empty()) {
      *utterance = nullptr;
      return;
    }
    // Kept where the host has no memory for it.
    *utterance = make<lmm_utterance>(self.memory.allocator(), self.heard.front());
    self.heard.pop_front();
  });
}

lmm_bool lmm_listener_done(const lmm_listener* listener) {
  return !alive(listener) || (listener->heard.empty() && listener->listener.done()) ? LMM_TRUE : LMM_FALSE;
}

double lmm_listener_waiting(const lmm_listener* listener) { return alive(listener) ? listener->listener.waiting() : 0; }

void lmm_listener_free(lmm_listener* listener) { destroy(listener); }

int64_t lmm_utterance_index(const lmm_utterance* utterance) { return alive(utterance) ? utterance->index : -1; }

lmm_bool lmm_utterance_is_final(const lmm_utterance* utterance) {
  return alive(utterance) && utterance->is_final ? LMM_TRUE : LMM_FALSE;
}

lmm_bool lmm_utterance_seconds(const lmm_utterance* utterance, double seconds[2]) {
  if (!alive(utterance)) return LMM_FALSE;
  if (seconds != nullptr) std::copy_n(utterance->seconds, 2, seconds);
  return LMM_TRUE;
}

const lmm_reply* lmm_utterance_reply(const lmm_utterance* utterance) {
  return alive(utterance) ? &utterance->reply : nullptr;
}

void lmm_utterance_free(lmm_utterance* utterance) { destroy(utterance); }
