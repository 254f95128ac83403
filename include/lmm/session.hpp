#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lmm/export.hpp>
#include <lmm/listener.hpp>
#include <lmm/message.hpp>
#include <lmm/model.hpp>
#include <lmm/options.hpp>
#include <lmm/reply.hpp>

namespace lmm {
namespace session {
class Conversation;
class Job;
}  // namespace session
inline namespace v0 {

struct SessionOptions {
  std::string system = {};              ///< system prompt; empty: none (the template's own default applies)
  std::string template_variables = {};  ///< JSON object of further template variables, e.g. {"enable_thinking": false}
  std::string tools = {};               ///< JSON list of tool descriptions for templates that take them
  /// For a model that does not hear: a Whisper model that writes down the recordings of messages. Their texts stand in the
  /// place of the recordings, in the prompt and in the history; Reply::segments has the transcripts.
  std::optional<Model> transcriber = {};
  std::int64_t max_context = 0;    ///< tokens the KV cache may hold, bounded by the model's own context length; 0: that
};

/// A reply that is being made. Movable; destroying it cancels and lets go without waiting.
/// All calls are for one thread at a time, except cancel(), which any thread may call.
class LMM_API Pending {
 public:
  enum class State { running, done, failed };

  /// New text since the last poll, appended to `text`; never blocks. After `failed`, get() throws the reason. This and the
  /// calls below throw Error invalid_argument where the reply was moved from or taken by get().
  State poll(std::string& text);
  State poll();

  /// The same into the host's buffer, without allocating: `length` becomes the bytes written, whole characters as far as
  /// they fit into `capacity` (>= 4, else Error invalid_argument). What is left comes with the next poll; `running` while there is such.
  State poll(char* buffer, std::size_t capacity, std::size_t& length);

  /// Asks the worker to stop: it does so within a layer. Idempotent, allowed from any thread, also after the end.
  void cancel() noexcept;

  /// Stops the work within a layer, until resume(), step() or get(); while another reply of the model rests in the middle of
  /// its prefill, only after this one's prefill or next token. Idempotent, as is resume().
  void pause() noexcept;
  void resume() noexcept;

  /// For a host with a time budget a frame: lets the worker run for `budget` (> 0), waits until it has used it or the
  /// reply has ended, and pauses it again. Picture encoding, prefill and decoding stop between layers: a reply overruns
  /// its budget by less than the time of one, and learns to stop before the end of it. One layer runs however short the
  /// budget, where the worker is scheduled within it. Call poll(text) for the text. Of several stepped replies of one
  /// model, one that has begun its prefill ends it before another begins.
  State step(std::chrono::microseconds budget);

  /// Waits for the end, resuming it where it is paused, and gives the reply; throws the Error that ended it, one of ask(). Once.
  Reply get();

  /// How far preprocessing, encoding or prefill have come; total 0 before and after.
  Progress progress() const;

  Pending(Pending&&) noexcept;
  Pending& operator=(Pending&&) noexcept;
  ~Pending();

 private:
  friend class Session;
  explicit Pending(std::shared_ptr<session::Job> job);
  std::shared_ptr<session::Job> job_;
  bool taken_ = false;  ///< by get(); the job stays for a cancel() on another thread
};

/// One conversation with a model: history, KV cache and the embeddings of its pictures. Nothing that an earlier turn
/// computed is computed again. Used by one thread at a time: a second call meanwhile is an Error `busy`, and nothing
/// else happens. After any error the session is as it was. Destroying a session that answers cancels the answer.
class LMM_API Session {
 public:
  /// Throws Error: invalid_argument (template_variables or tools that are no JSON, a transcriber that is none or not needed).
  explicit Session(Model model, SessionOptions options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Adds a turn of the user and gives the model's. Blocks; on_piece is called on this thread.
  /// Throws Error: invalid_argument, context_overflow, unsupported, bad_file, bad_template, cancelled, busy, out_of_memory.
  /// Stopped by on_piece or cancelled, the reply holds all text made so far, which may be more than the pieces given, and
  /// both turns stay; one that had come to its end meanwhile tells that end. Cancelled before the first token, it
  /// throws `cancelled` and the history is as before. A question asked before a cancelled one has ended takes its
  /// place: the cancelled one leaves no turn.
  Reply ask(const Message& message, const GenerateOptions& options = {}, const OnPiece& on_piece = {});

  /// The same without waiting, for hosts with a loop of their own: poll the result each frame. Throws Error: busy,
  /// invalid_argument, unsupported; what depends on the model comes out of Pending::get().
  Pending start(const Message& message, const GenerateOptions& options = {});

  /// Writes down live sound, by this model or by its transcriber; the conversation has no part in it. Any number of
  /// listeners at once. Throws Error: unsupported (neither writes down speech), invalid_argument (options out of range).
  Listener listen(const ListenOptions& options = {});

  /// Stops the call in progress, if any; from any thread.
  void cancel() noexcept;

  /// The turns so far, the system prompt first where there is one.
  std::vector<Turn> history() const;

  /// Puts turns in place of the history, e.g. one kept by the host. The KV cache is used as far as it still fits. A cancelled
  /// reply that has not ended leaves no turn; with pop() and reset() it is the same. Throws Error: busy, invalid_argument (a
  /// turn without role or parts).
  void set_history(std::vector<Turn> turns);

  /// Takes back the last user turn and its answer. Returns that user turn; nothing where there was none. Throws Error: busy.
  std::optional<Message> pop();

  /// Replaces the last user turn and answers anew: pop() and ask() in one, history restored when it fails.
  /// Throws Error: as ask(), invalid_argument where there is no user turn.
  Reply edit_last(const Message& message, const GenerateOptions& options = {}, const OnPiece& on_piece = {});

  /// Forgets all turns; the system prompt stays. Throws Error: busy.
  void reset();

  /// An independent session that goes on from here; the state so far is copied, not computed again. Throws Error: busy,
  /// unsupported (after fork()), out_of_memory.
  Session fork() const;

 private:
  explicit Session(std::shared_ptr<session::Conversation> conversation);
  std::shared_ptr<session::Conversation> conversation_;
};

}  // namespace v0
}  // namespace lmm
