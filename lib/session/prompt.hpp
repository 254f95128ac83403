#pragma once

#include "lib/chat_template/chat_template.hpp"
#include "lib/models/family.hpp"
#include "lib/session/engine.hpp"

#include <lmm/message.hpp>
#include <lmm/session.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::session {

/// A prompt: tokens, where pictures, videos and recordings stand in it, and what tells its tokens from those of another.
struct Prompt {
  models::Sequence sequence;
  std::vector<media::Medium> media;       ///< in the order of their placeholders
  std::vector<models::MediaPlan> plans;   ///< one a medium
  std::vector<std::string> media_keys;    ///< one a medium: its content
  std::vector<std::uint64_t> token_keys;  ///< one a token: equal keys, equal layer inputs

  std::int64_t image_tokens() const;  ///< of pictures and videos
  std::int64_t audio_tokens() const;
};

/// Template variables of a conversation: messages (contents in the form the template takes), special tokens, tools
/// and the session's own variables. Error invalid_argument for options that are no JSON.
Json template_variables(const Engine& engine, const std::vector<Turn>& turns, const SessionOptions& options);

/// Variables from a JSON list of messages, or an object with "messages" and further variables. Error bad_file.
Json template_variables(const TextTools& text, std::string_view messages_json);

/// Renders the conversation and tokenizes it, with the placeholders of what it holds beside text.
/// Errors: bad_template, unsupported (no template, a picture for a text model), invalid_argument.
Prompt chat_prompt(const Engine& engine, const std::vector<Turn>& turns, const SessionOptions& options);

/// The message's own text as prompt, special tokens in it included. Pictures, videos and recordings fill the placeholders
/// that stand in the text, or stand where they are in the message when the text has none.
Prompt raw_prompt(const Engine& engine, const Message& message);

/// What tells token `index` of a text from another: its id, and where it stands if not where it is counted.
std::uint64_t token_key(const models::Sequence& sequence, std::size_t index);

/// Tokens that `cached` and `prompt` share from the start.
std::int64_t common_prefix(const std::vector<std::uint64_t>& cached, const Prompt& prompt);

}  // namespace lmm::session
