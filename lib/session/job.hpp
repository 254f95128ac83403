#pragma once

#include "lib/core/run.hpp"
#include "lib/generate/sampler.hpp"
#include "lib/generate/stop.hpp"
#include "lib/session/engine.hpp"
#include "lib/session/prompt.hpp"
#include "lib/session/worker.hpp"

#include <lmm/message.hpp>
#include <lmm/options.hpp>
#include <lmm/reply.hpp>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace lmm::session {

class Conversation;

/// One reply in the making. The worker steps it: prompt, pictures and prefill first, then a token a step.
/// The caller's thread reads text and end from it.
struct Job final : Task {
  /// `before`: the conversation's job before this one, cancelled but perhaps not ended; may be null.
  Job(std::shared_ptr<Conversation> conversation, std::shared_ptr<Job> before, std::vector<Turn> history,
      Message message, GenerateOptions options);

  bool ready(bool within) noexcept override;
  bool step() noexcept override;

  // Any thread.
  void cancel() noexcept;
  void pause() noexcept;
  void resume() noexcept;
  /// Grants the job `budget` from now on and waits until it has used it, or ended; it is paused then.
  void run_for(std::chrono::microseconds budget);

  /// Ends it as cancelled, and those before it in its conversation; none of them becomes a turn. Worker thread.
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

 private:
  bool take_turn() noexcept;
  void leave_turn() noexcept;
  bool compute() noexcept;
  void prepare();
  void resolve_settings();
  void encode_media(std::int64_t reused);
  void forward();
  bool decode_step();
  void emit(std::string_view text);
  void find_regions();
  void log_reply() const noexcept;
  void finish(FinishReason reason);
  void end_by_exception() noexcept;
  void fail_with(std::exception_ptr reason) noexcept;
  void end() noexcept;

  std::shared_ptr<Conversation> conversation_;  ///< let go at the end
  std::shared_ptr<TaskQueue> queue_;
  bool computing_ = false;  ///< the worker is at it; under `mutex`
  std::shared_ptr<Job> before_;
  std::vector<Turn> history_;  ///< turns before the message
  Message message_;
  GenerateOptions options_;
  std::int64_t context_ = 0;
  Prompt prompt_;
  std::optional<generate::Sampler> sampler_;
  std::optional<tokenizer::StreamDecoder> decoder_;
  std::optional<generate::StopMatcher> stop_;
  std::vector<float> logits_;
  Reply draft_;
  bool prepared_ = false;
  bool discarded_ = false;  ///< another question took its place
};

}  // namespace lmm::session
