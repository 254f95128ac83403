#pragma once

#include "capi/handle.hpp"

#include <lmm/lmm.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What is behind the handles. Strings and arrays that getters hand out lie in the host's memory.

struct lmm_text : lmm::capi::Handle<lmm::capi::Kind::text> {
  lmm_text(const lmm_allocator& allocator, std::string_view from) : Handle(allocator), text(from, &memory) {}
  std::pmr::string text;
};

struct lmm_image : lmm::capi::Handle<lmm::capi::Kind::image> {
  lmm_image(const lmm_allocator& allocator, lmm::Image from) : Handle(allocator), image(std::move(from)) {}
  lmm::Image image;
};

struct lmm_video : lmm::capi::Handle<lmm::capi::Kind::video> {
  lmm_video(const lmm_allocator& allocator, lmm::Video from) : Handle(allocator), video(std::move(from)) {}
  lmm::Video video;
};

struct lmm_audio : lmm::capi::Handle<lmm::capi::Kind::audio> {
  lmm_audio(const lmm_allocator& allocator, lmm::Audio from) : Handle(allocator), audio(std::move(from)) {}
  lmm::Audio audio;
};

struct lmm_message : lmm::capi::Handle<lmm::capi::Kind::message> {
  struct Part {
    std::pmr::string text;
    lmm::capi::Owned<lmm_image> image = nullptr;
    lmm::capi::Owned<lmm_video> video = nullptr;
    lmm::capi::Owned<lmm_audio> audio = nullptr;

    bool is_text() const { return image == nullptr && video == nullptr && audio == nullptr; }
  };

  explicit lmm_message(const lmm_allocator& allocator) : Handle(allocator), parts(&memory) {}
  lmm_message(const lmm_allocator& allocator, const lmm::Message& from);

  void add(std::string_view text);
  void add(const lmm::Image& image);
  void add(const lmm::Video& video);
  void add(const lmm::Audio& audio);
  lmm::Message message() const;

  std::pmr::vector<Part> parts;
};

struct lmm_history : lmm::capi::Handle<lmm::capi::Kind::history> {
  struct Turn {
    std::pmr::string role;
    lmm::capi::Owned<lmm_message> message;
  };

  explicit lmm_history(const lmm_allocator& allocator) : Handle(allocator), turns(&memory) {}

  void add(std::string_view role, const lmm::Message& message);

  std::pmr::vector<Turn> turns;
};

struct lmm_load_options : lmm::capi::Handle<lmm::capi::Kind::load_options> {
  using Handle::Handle;
  lmm::LoadOptions options;
};

struct lmm_session_options : lmm::capi::Handle<lmm::capi::Kind::session_options> {
  using Handle::Handle;
  lmm::SessionOptions options;
};

struct lmm_generate_options : lmm::capi::Handle<lmm::capi::Kind::generate_options> {
  using Handle::Handle;
  lmm::GenerateOptions options;
};

struct lmm_listen_options : lmm::capi::Handle<lmm::capi::Kind::listen_options> {
  using Handle::Handle;
  lmm::ListenOptions options;
};

struct lmm_info : lmm::capi::Handle<lmm::capi::Kind::info> {
  lmm_info(const lmm_allocator& allocator, const lmm::ModelInfo& from);
  std::pmr::string folder;
  std::pmr::string family;
  std::pmr::string architecture;
  std::pmr::vector<std::pmr::string> towers;
  std::pmr::vector<std::pmr::string> weight_files;
  lmm::ModelInfo rest;  ///< the numbers
};

struct lmm_model : lmm::capi::Handle<lmm::capi::Kind::model> {
  lmm_model(const lmm_allocator& allocator, lmm::Model from)
      : Handle(allocator), model(std::move(from)), info(allocator, model.info()) {}
  lmm::Model model;
  lmm_info info;
};

struct lmm_tokenizer : lmm::capi::Handle<lmm::capi::Kind::tokenizer> {
  lmm_tokenizer(const lmm_allocator& allocator, lmm::Tokenizer from) : Handle(allocator), tokenizer(std::move(from)) {}
  lmm::Tokenizer tokenizer;
};

struct lmm_tokens : lmm::capi::Handle<lmm::capi::Kind::tokens> {
  lmm_tokens(const lmm_allocator& allocator, const std::vector<lmm::Token>& from);
  std::pmr::vector<std::int32_t> ids;
  std::pmr::vector<std::pmr::string> pieces;
};

struct lmm_reply : lmm::capi::Handle<lmm::capi::Kind::reply> {
  struct Place {
    double numbers[4];  ///< a box's corners, or a point's x and y
    std::size_t image;
    std::pmr::string label;
  };

  struct Word {
    double seconds[2];
    double probability;
    std::pmr::string text;
  };

  struct Segment {
    double seconds[2];
    double mean_log_probability;
    double no_speech_probability;
    double temperature;
    std::pmr::string text;
    std::pmr::string language;
    std::pmr::vector<Word> words;
  };

  lmm_reply(const lmm_allocator& allocator, const lmm::Reply& from);

  std::pmr::string text;
  std::pmr::vector<std::int32_t> token_ids;
  lmm::FinishReason finish_reason;
  std::pmr::vector<Place> boxes;
  std::pmr::vector<Place> points;
  std::pmr::vector<Segment> segments;
  lmm::Usage usage;
  lmm::Timings timings;
};

namespace lmm::capi {

/// A session that outlives its handle while a call is in it.
struct SharedSession {
  explicit SharedSession(Session from) : session(std::move(from)) {}
  Session session;
  std::atomic<bool> in_use{false};
};

}  // namespace lmm::capi

struct lmm_session : lmm::capi::Handle<lmm::capi::Kind::session> {
  lmm_session(const lmm_allocator& allocator, std::shared_ptr<lmm::capi::SharedSession> from)
      : Handle(allocator), shared(std::move(from)) {}
  std::shared_ptr<lmm::capi::SharedSession> shared;
};

struct lmm_pending : lmm::capi::Handle<lmm::capi::Kind::pending> {
  using Handle::Handle;
  mutable std::optional<lmm::Pending> pending;  ///< always there once the handle is given out
  std::optional<lmm::Reply> reply;              ///< taken from `pending` and, for want of memory, not yet handed out
};

struct lmm_utterance : lmm::capi::Handle<lmm::capi::Kind::utterance> {
  lmm_utterance(const lmm_allocator& allocator, const lmm::Utterance& from);
  std::int64_t index;
  bool is_final;
  double seconds[2];
  lmm_reply reply;
};

struct lmm_listener : lmm::capi::Handle<lmm::capi::Kind::listener> {
  lmm_listener(const lmm_allocator& allocator, lmm::Listener from) : Handle(allocator), listener(std::move(from)) {}
  lmm::Listener listener;
  std::deque<lmm::Utterance> heard;  ///< told by `listener` and not yet handed out
};
