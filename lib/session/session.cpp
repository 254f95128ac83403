#include <lmm/session.hpp>

#include "lib/core/error.hpp"
#include "lib/core/no_waiting.hpp"
#include "lib/core/utf8.hpp"
#include "lib/session/conversation.hpp"
#include "lib/session/job.hpp"
#include "lib/session/live_transcript.hpp"

#include <chrono>
#include <utility>

namespace lmm {
inline namespace v0 {
namespace {

using session::Conversation;
using session::Job;

/// The conversation of a session that was not moved from.
Conversation& alive(const std::shared_ptr<Conversation>& conversation) {
  if (conversation == nullptr) fail(ErrorCode::invalid_argument, "the session was moved from and is empty");
  return *conversation;
}

/// Hands text and progress to the caller's functions, on the caller's thread, until the job ends.
void deliver(Job& job, const OnPiece& on_piece, const OnProgress& on_progress) {
  constexpr auto kProgressInterval = std::chrono::milliseconds(30);
  std::int64_t reported = -1;
  std::string_view stage;
  for (;;) {
    std::string text;
    bool ended = false;
    {
      std::unique_lock lock(job.mutex);
      const auto ready = [&] { return job.ended || !job.fresh_text.empty(); };
      if (on_progress) {
        job.changed.wait_for(lock, kProgressInterval, ready);
      } else {
        job.changed.wait(lock, ready);
      }
      text.swap(job.fresh_text);
      ended = job.ended;
    }
    if (!text.empty() && on_piece && !job.run.cancelled() && !on_piece(text)) job.cancel();
    if (on_progress) {
      const Progress now = job.progress();
      if (now.total > 0 && (now.stage != stage || now.done != reported)) {
        stage = now.stage;
        reported = now.done;
        if (!on_progress(now)) job.cancel();
      }
    }
    if (ended) return;
  }
}

Reply take_reply(Job& job) {
  const std::lock_guard lock(job.mutex);
  if (job.error != nullptr) std::rethrow_exception(job.error);
  return std::move(job.reply);
}

Reply answer(const char* name, Conversation& conversation, const Message& message, const GenerateOptions& options, const OnPiece& on_piece,
             const Conversation::Edit& edit) {
  check_may_wait(name);
  if (options.paused) {
    fail(ErrorCode::invalid_argument, "paused is set for a call that waits for its reply, expected a call that starts one");
  }
  std::vector<Turn> before = conversation.turns();
  const std::shared_ptr<Job> job = conversation.start(message, options, edit);
  try {
    deliver(*job, on_piece, options.on_progress);
    return take_reply(*job);
  } catch (...) {  // also what a callback of the host's threw: then the job goes on
    job->cancel();
    if (options.on_tap) deliver(*job, {}, {});  // it may stand in a frame of the host's that is left now: wait for the end
    conversation.edit([&](std::vector<Turn>& turns) { turns.swap(before); });
    throw;
  }
}

/// Splits off the last user turn and what follows it.
std::optional<Message> take_last_user_turn(std::vector<Turn>& turns) {
  for (std::size_t i = turns.size(); i-- > 0;) {
    if (turns[i].role != "user") continue;
    Message message = std::move(turns[i].message);
    turns.resize(i);
    return message;
  }
  return std::nullopt;
}

/// The job of a pending reply that was not moved from, and not taken by get().
const std::shared_ptr<Job>& waiting(const std::shared_ptr<Job>& job, bool taken) {
  if (job == nullptr || taken) fail(ErrorCode::invalid_argument, "the pending reply was moved from or taken, and is empty");
  return job;
}

}  // namespace

Pending::Pending(std::shared_ptr<Job> job) : job_(std::move(job)) {}
Pending::Pending(Pending&&) noexcept = default;

Pending& Pending::operator=(Pending&& other) noexcept {
  if (this != &other) {
    cancel();
    job_ = std::move(other.job_);
    taken_ = other.taken_;
  }
  return *this;
}

Pending::~Pending() { cancel(); }

Pending::State Pending::poll(std::string& text) {
  const std::shared_ptr<Job>& job = waiting(job_, taken_);
  const std::unique_lock lock(job->mutex, std::try_to_lock);
  if (!lock.owns_lock()) return State::running;
  text += job->fresh_text;
  job->fresh_text.clear();
  if (!job->ended) return State::running;
  return job->error != nullptr ? State::failed : State::done;
}

Pending::State Pending::poll(char* buffer, std::size_t capacity, std::size_t& length) {
  const std::shared_ptr<Job>& job = waiting(job_, taken_);
  if (capacity < 4) fail(ErrorCode::invalid_argument, "capacity is {}, expected 4 bytes or more", capacity);
  length = 0;
  const std::unique_lock lock(job->mutex, std::try_to_lock);
  if (!lock.owns_lock()) return State::running;
  std::string& text = job->fresh_text;
  length = utf8::complete_prefix(std::string_view(text).substr(0, capacity));
  text.copy(buffer, length);
  text.erase(0, length);
  if (!job->ended || !text.empty()) return State::running;
  return job->error != nullptr ? State::failed : State::done;
}

Pending::State Pending::poll() {
  const std::shared_ptr<Job>& job = waiting(job_, taken_);
  const std::unique_lock lock(job->mutex, std::try_to_lock);
  if (!lock.owns_lock() || !job->ended) return State::running;
  return job->error != nullptr ? State::failed : State::done;
}

void Pending::pause() noexcept {
  if (job_ != nullptr) job_->pause();
}

void Pending::resume() noexcept {
  if (job_ != nullptr) job_->resume();
}

Pending::State Pending::step(std::chrono::microseconds budget) {
  check_may_wait("step");
  const std::shared_ptr<Job>& job = waiting(job_, taken_);
  if (budget.count() <= 0) fail(ErrorCode::invalid_argument, "step: the budget is {} us, expected more than 0", budget.count());
  job->run_for(budget);
  return poll();
}

void Pending::cancel() noexcept {
  if (job_ != nullptr) job_->cancel();
}

Reply Pending::get() {
  check_may_wait("get");
  const std::shared_ptr<Job>& job = waiting(job_, taken_);
  taken_ = true;
  job->resume();
  deliver(*job, {}, {});
  return take_reply(*job);
}

Progress Pending::progress() const { return job_ == nullptr ? Progress{} : job_->progress(); }

Session::Session(Model model, SessionOptions options)
    : conversation_(std::make_shared<Conversation>(model.engine(), std::move(options))) {}
Session::Session(std::shared_ptr<Conversation> conversation) : conversation_(std::move(conversation)) {}
Session::Session(Session&&) noexcept = default;

Session& Session::operator=(Session&& other) noexcept {
  if (this != &other) {
    cancel();
    conversation_ = std::move(other.conversation_);
  }
  return *this;
}

Session::~Session() { cancel(); }

Reply Session::ask(const Message& message, const GenerateOptions& options, const OnPiece& on_piece) {
  return answer("ask", alive(conversation_), message, options, on_piece, {});
}

Pending Session::start(const Message& message, const GenerateOptions& options) {
  return Pending(alive(conversation_).start(message, options));
}

Listener Session::listen(const ListenOptions& options) {
  const Conversation& conversation = alive(conversation_);
  const std::shared_ptr<Conversation>& transcriber = conversation.transcriber();
  const auto& engine = transcriber != nullptr ? transcriber->engine() : conversation.engine();
  if (!engine->info.transcribes) {
    fail(ErrorCode::unsupported, "listen: this model (family \"{}\") does not write down speech: a Whisper model does, also as "
         "SessionOptions::transcriber", engine->info.family);
  }
  // A conversation of its own: a question with a recording may be asked meanwhile.
  auto own = std::make_shared<Conversation>(engine, SessionOptions{});
  return Listener(std::make_unique<session::LiveTranscript>(std::move(own), options));
}

void Session::cancel() noexcept {
  if (conversation_ != nullptr) conversation_->cancel();
}

std::vector<Turn> Session::history() const { return alive(conversation_).turns(); }

void Session::set_history(std::vector<Turn> given) {
  alive(conversation_).edit([&](std::vector<Turn>& turns) { turns = std::move(given); });
}

std::optional<Message> Session::pop() {
  std::optional<Message> last;
  alive(conversation_).edit([&](std::vector<Turn>& turns) { last = take_last_user_turn(turns); });
  return last;
}

Reply Session::edit_last(const Message& message, const GenerateOptions& options, const OnPiece& on_piece) {
  return answer("edit_last", alive(conversation_), message, options, on_piece, [](std::vector<Turn>& turns) {
    if (!take_last_user_turn(turns)) fail(ErrorCode::invalid_argument, "edit_last: the history has no user turn yet");
  });
}

void Session::reset() {
  alive(conversation_).edit([](std::vector<Turn>& turns) {
    const bool system = !turns.empty() && turns.front().role == "system";
    turns.resize(system ? 1 : 0);
  });
}

Session Session::fork() const {
  check_may_wait("fork");
  return Session(alive(conversation_).fork());
}

}  // namespace v0
}  // namespace lmm
