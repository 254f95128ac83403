#include "lib/session/conversation.hpp"

#include "lib/core/error.hpp"
#include "lib/nn/runtime.hpp"
#include "lib/session/job.hpp"
#include "lib/session/prompt.hpp"

namespace lmm::session {
namespace {

/// Runs a function once.
struct FunctionTask final : Task {
  explicit FunctionTask(std::function<void()> fn) : task(std::move(fn)) {}
  bool step() noexcept override {
    task();
    return false;
  }
  std::packaged_task<void()> task;
};

}  // namespace

std::future<void> run_on_worker(Engine& engine, std::function<void()> fn) {
  const auto task = std::make_shared<FunctionTask>([fn = std::move(fn)] {
    try {
      fn();
    } catch (...) {
      nn::rethrow_as_error();
    }
  });
  std::future<void> done = task->task.get_future();
  engine.worker->queue()->push(task);
  return done;
}

Conversation::Conversation(std::shared_ptr<Engine> engine, SessionOptions options)
    : engine_(std::move(engine)), options_(std::move(options)) {
  if (options_.max_context < 0) {
    fail(ErrorCode::invalid_argument, "max_context is {}, expected 0 (the model's own) or more", options_.max_context);
  }
  template_variables(*engine_, {}, options_);  // refuses variables and tools that are no JSON
  if (options_.transcriber) {
    const ModelInfo& info = options_.transcriber->info();
    if (!info.transcribes) {
      fail(ErrorCode::invalid_argument, "SessionOptions::transcriber: {} (family \"{}\") does not write down speech, expected a Whisper model",
           info.folder, info.family);
    }
    if (engine_->info.hears) {
      fail(ErrorCode::invalid_argument, "SessionOptions::transcriber is given, but {} (family \"{}\") hears by itself",
           engine_->info.folder, engine_->info.family);
    }
    transcriber_ = std::make_shared<Conversation>(options_.transcriber->engine(), SessionOptions{});
  }
  if (!options_.system.empty()) turns_.push_back({"system", Message(options_.system)});
}

std::shared_ptr<Job> Conversation::idle_job() const {
  std::shared_ptr<Job> job = job_.lock();
  if (job != nullptr && !job->finished() && !job->run.cancelled()) {
    fail(ErrorCode::busy, "the session is answering: wait for its reply or cancel it, or use a session per thread");
  }
  return job;
}

std::shared_ptr<Job> Conversation::start(Message message, GenerateOptions options, const Edit& change) {
  if (message.parts.empty()) fail(ErrorCode::invalid_argument, "the message is empty, expected text, a picture, a video or a recording");
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Job> before = idle_job();
  std::vector<Turn> history = turns_;
  if (change) change(history);
  auto job = make_job(shared_from_this(), std::move(before), {std::move(history), std::move(message), std::move(options), epoch_ + 1});
  engine_->worker->queue()->push(job);
  job_ = job;
  ++epoch_;
  return job;
}

void Conversation::cancel() noexcept {
  const std::lock_guard lock(mutex_);
  if (const std::shared_ptr<Job> job = job_.lock()) job->cancel();
}

std::vector<Turn> Conversation::turns() const {
  const std::lock_guard lock(mutex_);
  return turns_;
}

void Conversation::edit(const Edit& change) {
  const std::lock_guard lock(mutex_);
  idle_job();
  std::vector<Turn> turns = turns_;
  change(turns);
  for (const Turn& turn : turns) {
    if (turn.role.empty()) fail(ErrorCode::invalid_argument, "a turn has no role, expected \"system\", \"user\" or \"assistant\"");
    if (turn.message.parts.empty()) fail(ErrorCode::invalid_argument, "a turn of role \"{}\" is empty", turn.role);
  }
  turns_ = std::move(turns);
  ++epoch_;
}

std::shared_ptr<Conversation> Conversation::fork() {
  auto copy = std::make_shared<Conversation>(engine_, options_);
  std::shared_ptr<Job> cancelled;
  {
    const std::lock_guard lock(mutex_);
    cancelled = idle_job();
  }
  run_on_worker(*engine_, [&] {
    if (cancelled != nullptr) cancelled->abort();  // whether it is a turn is known then
    copy->turns_ = turns();
    if (state_ == nullptr) return;
    copy->state_ = state_->clone();
    copy->token_keys_ = token_keys_;
  }).get();
  return copy;
}

models::State& Conversation::state() {
  if (state_ == nullptr) state_ = engine_->family->new_state();
  return *state_;
}

void Conversation::commit(std::vector<Turn> turns, std::uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  if (epoch == epoch_) turns_ = std::move(turns);
}

}  // namespace lmm::session
