#pragma once

#include "lib/models/family.hpp"
#include "lib/session/engine.hpp"

#include <lmm/message.hpp>
#include <lmm/session.hpp>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace lmm::session {

class Job;

/// What a Session holds. Turns and the running job are guarded by a mutex; the KV cache belongs to the worker thread.
class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(std::shared_ptr<Engine> engine, SessionOptions options);

  /// A change of the turns; what it throws leaves them as they are.
  using Edit = std::function<void(std::vector<Turn>&)>;

  /// Queues a reply to `message` after the turns as `change` makes them; they become these, message and reply when it is done.
  /// Error busy while another reply is being made.
  std::shared_ptr<Job> start(Message message, GenerateOptions options, const Edit& change = {});

  void cancel() noexcept;
  std::vector<Turn> turns() const;

  /// Changes the turns. A cancelled reply that has not ended becomes none of them. Error busy, invalid_argument.
  void edit(const Edit& change);
  std::shared_ptr<Conversation> fork();

  const std::shared_ptr<Engine>& engine() const noexcept { return engine_; }
  const SessionOptions& options() const noexcept { return options_; }

  /// What hears for a model that does not; null where none was given.
  const std::shared_ptr<Conversation>& transcriber() const noexcept { return transcriber_; }

  // Worker thread only.
  models::State& state();
  std::vector<std::uint64_t>& token_keys() noexcept { return token_keys_; }  ///< of the tokens in state()
  void commit(std::vector<Turn> turns, std::uint64_t epoch);  ///< nothing where the turns have moved on since that epoch

 private:
  std::shared_ptr<Job> idle_job() const;  // under the mutex: the latest one, ended or cancelled; null. Error busy

  std::shared_ptr<Engine> engine_;
  SessionOptions options_;
  std::shared_ptr<Conversation> transcriber_;
  mutable std::mutex mutex_;
  std::vector<Turn> turns_;
  std::uint64_t epoch_ = 0;     // rises with each question and each edit
  std::weak_ptr<Job> job_;  // the latest; the worker and the caller own it
  std::unique_ptr<models::State> state_;
  std::vector<std::uint64_t> token_keys_;
};

/// Runs fn once on the model's worker thread; the future gives its end, or what it threw as lmm::Error.
std::future<void> run_on_worker(Engine& engine, std::function<void()> fn);

}  // namespace lmm::session
