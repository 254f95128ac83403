#include "lib/session/job.hpp"

#include "lib/core/error.hpp"
#include "lib/nn/runtime.hpp"
#include "lib/session/answer_job.hpp"
#include "lib/session/conversation.hpp"
#include "lib/session/transcript_job.hpp"

#include <algorithm>
#include <utility>

namespace lmm::session {
namespace {

/// Text without the white space at its ends: what a template expects as an earlier answer.
std::string trimmed(const std::string& text) {
  constexpr std::string_view kBlanks = " \t\n\r";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

double Job::seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Job::Job(std::shared_ptr<Conversation> conversation, std::shared_ptr<Job> before, Question question)
    : question_(std::move(question)), conversation_(std::move(conversation)), before_(std::move(before)) {
  queue_ = conversation_->engine()->worker->queue();
  const GenerateOptions& options = question_.options;
  if (options.paused) run.grant.set_none();
  run.wait_by([this] {
    leave_turn();
    queue_->wait_until([this] { return take_turn(); });
    const std::lock_guard lock(this->mutex);
    computing_ = true;  // also where there was no waiting: within another reply's wait, or at the worker's end
  });
  if (static_cast<bool>(options.on_tap) == options.taps.empty()) {
    fail(ErrorCode::invalid_argument, "GenerateOptions::{} is given alone, expected taps and on_tap together",
         options.on_tap ? "on_tap" : "taps");
  }
  if (options.on_tap) run.observe(options.taps, options.on_tap);
}

/// Begins to compute, where the host grants time for it.
bool Job::take_turn() noexcept {
  const std::lock_guard lock(mutex);
  return computing_ = run.cancelled() || run.grant.open();
}

void Job::leave_turn() noexcept {
  {
    const std::lock_guard lock(mutex);
    computing_ = false;
  }
  if (!run.grant.forever()) changed.notify_all();
}

bool Job::ready(bool within) noexcept {
  if (const std::shared_ptr<Job> other = waited_for(); other != nullptr && !other->finished()) return false;
  return (!within || run.grant.forever() || run.cancelled()) && take_turn();
}

bool Job::step() noexcept {
  run.grant.begin_unit();
  const bool more = compute();
  run.grant.end_unit();
  leave_turn();
  return more;
}

void Job::cancel() noexcept {
  run.cancel();
  if (const std::shared_ptr<Job> other = waited_for()) other->cancel();
  queue_->wake();
}

void Job::pause() noexcept {
  run.grant.set_none();
  if (const std::shared_ptr<Job> other = waited_for()) other->pause();
}

void Job::resume() noexcept {
  run.grant.set_forever();
  if (const std::shared_ptr<Job> other = waited_for()) other->resume();
  queue_->wake();
}

void Job::run_for(std::chrono::microseconds budget) {
  if (const std::shared_ptr<Job> other = waited_for(); other != nullptr && !other->finished()) return other->run_for(budget);
  const auto moment = Clock::now() + std::min<std::chrono::microseconds>(budget, std::chrono::hours(24));
  run.grant.set_until(moment);
  queue_->wake();
  std::unique_lock lock(mutex);
  changed.wait_until(lock, moment, [&] { return ended || (!computing_ && !run.grant.open()); });
  run.grant.set_none();
  changed.wait(lock, [&] { return ended || !computing_; });
}

Progress Job::progress() const {
  const std::shared_ptr<Job> other = waited_for();
  return other != nullptr ? other->progress() : run.progress();
}

std::shared_ptr<Job> Job::waited_for() const {
  const std::lock_guard lock(mutex);
  return other_;
}

void Job::wait_for(std::shared_ptr<Job> other) {
  {
    const std::lock_guard lock(other->mutex);
    other->waiting_queue_ = queue_;
  }
  {
    const std::lock_guard lock(mutex);
    other_ = other;
  }
  // What the caller did meanwhile did not reach the other one.
  if (run.cancelled()) other->cancel();
  if (run.grant.forever()) other->resume();
}

/// A piece of the work; false at the end of the reply.
bool Job::compute() noexcept {
  if (finished()) return false;
  try {
    {
      const std::lock_guard lock(mutex);
      other_.reset();
    }
    if (before_ != nullptr) std::exchange(before_, nullptr)->abort();
    run.checkpoint();
    return advance();
  } catch (...) {
    end_by_exception();
  }
  return false;
}

/// Ends the job by the exception being handled. Cancelled in the middle of an answer, what there is of it is kept.
void Job::end_by_exception() noexcept {
  try {
    nn::rethrow_as_error();
  } catch (const Error& reason) {
    const std::exception_ptr thrown = std::current_exception();
    try {
      if (reason.code() == ErrorCode::cancelled && begun()) return finish(FinishReason::cancelled);
    } catch (...) {  // out of memory: the first reason is told
    }
    fail_with(thrown);
  } catch (const HostException& host) {
    fail_with(host.thrown);
  } catch (...) {
    fail_with(std::current_exception());
  }
}

void Job::abort() noexcept {
  if (finished()) return;
  run.cancel();
  compute();  // its first checkpoint ends it
}

bool Job::finished() const {
  const std::lock_guard lock(mutex);
  return ended;
}

void Job::emit(std::string_view text) {
  if (text.empty()) return;
  draft_.text += text;
  {
    const std::lock_guard lock(mutex);
    fresh_text += text;
  }
  changed.notify_all();
}

void Job::finish(FinishReason reason) {
  draft_.finish_reason = complete(reason);
  draft_.timings.load = conversation_->engine()->load_seconds;
  if (!question_.options.raw) {
    std::vector<Turn>& history = question_.history;
    history.push_back({"user", std::move(question_.message)});
    history.push_back({"assistant", Message(trimmed(draft_.text))});
    conversation_->commit(std::move(history), question_.epoch);
  }
  log_reply();
  {
    const std::lock_guard lock(mutex);
    reply = std::move(draft_);
    ended = true;
  }
  end();
}

void Job::log_reply() const noexcept {
  const Usage& usage = draft_.usage;
  const Timings& timings = draft_.timings;
  conversation_->engine()->log.line(
      LogLevel::debug,
      "reply: {} prompt tokens, {} of them from pictures and {} reused, {} new, {}; preprocess {:.1f} ms, encode {:.1f} ms, "
      "prefill {:.1f} ms, decode {:.1f} ms",
      usage.prompt_tokens, usage.image_tokens, usage.reused_tokens, usage.new_tokens,
      finish_reason_name(draft_.finish_reason), timings.preprocess * 1e3, timings.encode * 1e3, timings.prefill * 1e3,
      timings.decode * 1e3);
}

void Job::fail_with(std::exception_ptr reason) noexcept {
  try {
    std::rethrow_exception(reason);
  } catch (const std::exception& why) {
    conversation_->engine()->log.line(LogLevel::debug, "no reply: {}", why.what());
  } catch (...) {
  }
  {
    const std::lock_guard lock(mutex);
    error = std::move(reason);
    ended = true;
  }
  end();
}

void Job::end() noexcept {
  changed.notify_all();
  std::shared_ptr<TaskQueue> waiting;
  {
    const std::lock_guard lock(mutex);
    waiting.swap(waiting_queue_);
  }
  if (waiting != nullptr) waiting->wake();
  // A conversation may be the last owner of the model, so it is let go only here, on the worker's own thread.
  conversation_.reset();
}

std::shared_ptr<Job> make_job(std::shared_ptr<Conversation> conversation, std::shared_ptr<Job> before,
                              Job::Question question) {
  if (conversation->engine()->family->transcriber() != nullptr) {
    return std::make_shared<TranscriptJob>(std::move(conversation), std::move(before), std::move(question));
  }
  return std::make_shared<AnswerJob>(std::move(conversation), std::move(before), std::move(question));
}

}  // namespace lmm::session
