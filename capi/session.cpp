#include "capi/callbacks.hpp"
#include "capi/objects.hpp"

using namespace lmm;
using namespace lmm::capi;

namespace {

/// The session for the time of one call, freed after it where its handle is freed meanwhile.
class InUse {
 public:
  explicit InUse(const lmm_session& handle) : shared_(handle.shared) {
    if (shared_->in_use.exchange(true)) {
      fail(ErrorCode::busy, "the session is in another call: wait for it, cancel it, or use a session per thread");
    }
  }
  ~InUse() { shared_->in_use.store(false); }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

  Session& operator*() const noexcept { return shared_->session; }
  Session* operator->() const noexcept { return &shared_->session; }

 private:
  std::shared_ptr<SharedSession> shared_;
};

GenerateOptions options_or_default(const lmm_generate_options* options) {
  return options != nullptr ? checked(options, "options").options : GenerateOptions{};
}

/// A reply as a new handle. Where the host has no memory for it, the history is as before the call.
lmm_reply* give_reply(Session& session, std::vector<Turn> before, const Reply& reply, const lmm_allocator& memory) {
  try {
    return make<lmm_reply>(memory, reply);
  } catch (...) {
    session.set_history(std::move(before));
    throw;
  }
}

lmm_session* make_session(const lmm_allocator& memory, Session session) {
  return make<lmm_session>(memory, std::make_shared<SharedSession>(std::move(session)));
}

using Ask = Reply (Session::*)(const Message&, const GenerateOptions&, const OnPiece&);

lmm_code ask(Ask how, lmm_session* session, const lmm_message* message, const lmm_generate_options* options, lmm_on_piece on_piece,
             void* user, lmm_reply** reply, lmm_error** error) {
  return call_on(session, "session", error, [&](lmm_session& self) {
    require(reply, "reply");
    const Message said = checked(message, "message").message();
    const GenerateOptions given = options_or_default(options);
    const lmm_allocator memory = self.memory.allocator();  // the handle may be freed by a callback
    const InUse in_use(self);
    std::vector<Turn> before = in_use->history();
    const Reply answer = ((*in_use).*how)(said, given, piece_function(on_piece, user));
    *reply = give_reply(*in_use, std::move(before), answer, memory);
  });
}

}  // namespace

lmm_code lmm_session_create(const lmm_model* model, const lmm_session_options* options, lmm_session** session,
                            lmm_error** error) {
  return call_on(model, "model", error, [&](const lmm_model& self) {
    require(session, "session");
    const SessionOptions given = options != nullptr ? checked(options, "options").options : SessionOptions{};
    *session = make_session(self.memory.allocator(), Session(self.model, given));
  });
}

lmm_code lmm_session_ask(lmm_session* session, const lmm_message* message, const lmm_generate_options* options,
                         lmm_on_piece on_piece, void* user, lmm_reply** reply, lmm_error** error) {
  return ask(&Session::ask, session, message, options, on_piece, user, reply, error);
}

lmm_code lmm_session_edit_last(lmm_session* session, const lmm_message* message, const lmm_generate_options* options,
                               lmm_on_piece on_piece, void* user, lmm_reply** reply, lmm_error** error) {
  return ask(&Session::edit_last, session, message, options, on_piece, user, reply, error);
}

lmm_code lmm_session_start(lmm_session* session, const lmm_message* message, const lmm_generate_options* options,
                           lmm_pending** pending, lmm_error** error) {
  return call_on(session, "session", error, [&](lmm_session& self) {
    require(pending, "pending");
    const Message said = checked(message, "message").message();
    const GenerateOptions given = options_or_default(options);
    const InUse in_use(self);
    Owned<lmm_pending> begun = make_owned<lmm_pending>(self.memory.allocator());
    begun->pending.emplace(in_use->start(said, given));
    *pending = begun.release();
  });
}

void lmm_session_cancel(const lmm_session* session) {
  if (alive(session)) session->shared->session.cancel();
}

lmm_code lmm_session_history(const lmm_session* session, lmm_history** history, lmm_error** error) {
  return call_on(session, "session", error, [&](const lmm_session& self) {
    require(history, "history");
    Owned<lmm_history> turns = make_owned<lmm_history>(self.memory.allocator());
    for (const Turn& turn : self.shared->session.history()) turns->add(turn.role, turn.message);
    *history = turns.release();
  });
}

lmm_code lmm_session_set_history(lmm_session* session, const lmm_history* history, lmm_error** error) {
  return call_on(session, "session", error, [&](lmm_session& self) {
    std::vector<Turn> turns;
    for (const lmm_history::Turn& turn : checked(history, "history").turns) {
      turns.push_back({std::string(turn.role), turn.message->message()});
    }
    InUse(self)->set_history(std::move(turns));
  });
}

lmm_code lmm_session_pop(lmm_session* session, lmm_message** message, lmm_error** error) {
  return call_on(session, "session", error, [&](lmm_session& self) {
    const InUse in_use(self);
    std::vector<Turn> before = in_use->history();
    const std::optional<Message> said = in_use->pop();
    if (message == nullptr) return;
    try {
      *message = said ? make<lmm_message>(self.memory.allocator(), *said) : nullptr;
    } catch (...) {
      in_use->set_history(std::move(before));
      throw;
    }
  });
}

lmm_code lmm_session_reset(lmm_session* session, lmm_error** error) {
  return call_on(session, "session", error, [&](lmm_session& self) { InUse(self)->reset(); });
}

lmm_code lmm_session_fork(const lmm_session* session, lmm_session** copy, lmm_error** error) {
  return call_on(session, "session", error, [&](const lmm_session& self) {
    require(copy, "copy");
    const std::shared_ptr<SharedSession> shared = self.shared;
    if (shared->in_use.load()) fail(ErrorCode::busy, "the session is in another call: wait for it, or cancel it");
    *copy = make_session(self.memory.allocator(), shared->session.fork());
  });
}

lmm_code lmm_session_listen(lmm_session* session, const lmm_listen_options* options, lmm_listener** listener,
                            lmm_error** error) {
  return call_on(session, "session", error, [&](lmm_session& self) {
    require(listener, "listener");
    const ListenOptions given = options != nullptr ? checked(options, "options").options : ListenOptions{};
    *listener = make<lmm_listener>(self.memory.allocator(), InUse(self)->listen(given));
  });
}

void lmm_session_free(lmm_session* session) {
  if (!alive(session)) return;
  session->shared->session.cancel();  // a call that is in it ends soon, and lets go of it
  destroy(session);
}
