#pragma once

#include "lib/core/run.hpp"
#include "lib/session/engine.hpp"
#include "lib/session/worker.hpp"

#include <lmm/message.hpp>
#include <lmm/options.hpp>
#include <lmm/reply.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::session {

class Conversation;

/// One reply in the making. The worker steps it; the caller's thread reads text and end from it.
class Job : public Task {
 public:
  /// What is asked, and after which turns.
  struct Question {
    std::vector<Turn> history = {};
    Message message = {};
    GenerateOptions options = {};
    std::uint64_t epoch = 0;  ///< of the conversation's turns
  };

  /// `before`: the conversation's job before this one, cancelled but perhaps not ended; may be null.
  Job(std::shared_ptr<Conversation> conversation, std::shared_ptr<Job> before, Question question);

  bool ready(bool within) noexcept override;
  bool step() noexcept override;

  // Any thread.
  void cancel() noexcept;
  void pause() noexcept;
  void resume() noexcept;
  /// Grants the job `budget` from now on and waits until it has used it, or ended; it is paused then.
  void run_for(std::chrono::microseconds budget);
  Progress progress() const;

  /// Ends it as cancelled, and those before it in its conversation. Worker thread.
  void abort() noexcept;
  bool finished() const;

  Run run;

  // Shared with the caller's thread, under `mutex`.
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::string fresh_text;  ///< emitted and not yet taken
  bool ended = false;
  Reply reply;
  std::exception_ptr error;

 protected:
  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point start);

  /// The next piece of the work, after which other sessions of the model may take their turn; false at its end, when
  /// finish() was called. What it throws ends the job.
  virtual bool advance() = 0;

  /// Completes the draft where it is told to end early: text that was held back, regions. Called by finish().
  virtual FinishReason complete(FinishReason reason) { return reason; }

  /// Whether there is something of an answer that is kept when the job is cancelled.
  virtual bool begun() const = 0;

  void emit(std::string_view text);
  void finish(FinishReason reason);

  /// Lets `other`, of another model, work in place of this one until it has ended; advance() is called then.
  void wait_for(std::shared_ptr<Job> other);

  Conversation& conversation() const noexcept { return *conversation_; }

  Question question_;
  Reply draft_;

 private:
  bool take_turn() noexcept;
  void leave_turn() noexcept;
  bool compute() noexcept;
  std::shared_ptr<Job> waited_for() const;
  void log_reply() const noexcept;
  void end_by_exception() noexcept;
  void fail_with(std::exception_ptr reason) noexcept;
  void end() noexcept;

  std::shared_ptr<Conversation> conversation_;  ///< let go at the end
  std::shared_ptr<TaskQueue> queue_;
  std::shared_ptr<TaskQueue> waiting_queue_;  ///< of a job that waits for this one; under `mutex`
  std::shared_ptr<Job> other_;                ///< that this one waits for; under `mutex`
  bool computing_ = false;                    ///< the worker is at it; under `mutex`
  std::shared_ptr<Job> before_;
};

/// The job that answers `question`: an AnswerJob, or a TranscriptJob of a model that writes down speech.
std::shared_ptr<Job> make_job(std::shared_ptr<Conversation> conversation, std::shared_ptr<Job> before,
                              Job::Question question);

}  // namespace lmm::session
