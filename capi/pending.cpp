#include "capi/callbacks.hpp"
#include "capi/objects.hpp"

using namespace lmm;
using namespace lmm::capi;

namespace {

lmm_state state_number(Pending::State state) {
  switch (state) {
    case Pending::State::running:
      return LMM_STATE_RUNNING;
    case Pending::State::done:
      return LMM_STATE_DONE;
    case Pending::State::failed:
      return LMM_STATE_FAILED;
  }
  return LMM_STATE_FAILED;
}

}  // namespace

lmm_code lmm_pending_poll(lmm_pending* pending, char* buffer, size_t capacity, size_t* length, lmm_state* state,
                          lmm_error** error) {
  return call_on(pending, "pending", error, [&](lmm_pending& self) {
    std::size_t written = 0;
    Pending::State now = Pending::State::running;
    if (buffer == nullptr) {
      if (capacity != 0) fail(ErrorCode::invalid_argument, "buffer is NULL, expected {} bytes", capacity);
      now = self.pending->poll();
    } else {
      require(length, "length");
      if (capacity < 4) fail(ErrorCode::invalid_argument, "capacity is {}, expected 4 bytes or more", capacity);
      now = self.pending->poll(buffer, capacity, written);
    }
    if (length != nullptr) *length = written;
    if (state != nullptr) *state = state_number(now);
  });
}

lmm_code lmm_pending_get(lmm_pending* pending, lmm_reply** reply, lmm_error** error) {
  return call_on(pending, "pending", error, [&](lmm_pending& self) {
    require(reply, "reply");
    if (!self.reply) self.reply = self.pending->get();
    *reply = make<lmm_reply>(self.memory.allocator(), *self.reply);
    self.reply.reset();
  });
}

void lmm_pending_cancel(const lmm_pending* pending) {
  if (alive(pending)) pending->pending->cancel();
}

lmm_code lmm_pending_progress(const lmm_pending* pending, const char** stage, int64_t* done, int64_t* total,
                              lmm_error** error) {
  return call_on(pending, "pending", error, [&](const lmm_pending& self) {
    const Progress now = self.pending->progress();
    if (stage != nullptr) *stage = now.stage.empty() ? "" : now.stage.data();
    if (done != nullptr) *done = now.done;
    if (total != nullptr) *total = now.total;
  });
}

void lmm_pending_pause(lmm_pending* pending) {
  if (alive(pending)) pending->pending->pause();
}

void lmm_pending_resume(lmm_pending* pending) {
  if (alive(pending)) pending->pending->resume();
}

lmm_code lmm_pending_step(lmm_pending* pending, int64_t budget_microseconds, lmm_state* state, lmm_error** error) {
  return call_on(pending, "pending", error, [&](lmm_pending& self) {
    const Pending::State now = self.pending->step(std::chrono::microseconds(budget_microseconds));
    if (state != nullptr) *state = state_number(now);
  });
}

void lmm_pending_free(lmm_pending* pending) { destroy(pending); }
