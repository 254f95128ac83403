#include "lib/session/prompt.hpp"

#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/media/picture.hpp"

#include <algorithm>
#include <functional>
#include <variant>

namespace lmm::session {
namespace {

using chat_template::Span;

constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15u;

Json message_json(const Engine& engine, const Turn& turn) {
  Json message = Json::object();
  message["role"] = turn.role;
  if (!engine.content_lists()) {
    std::string text;
    for (const Part& part : turn.message.parts) {
      const auto* piece = std::get_if<std::string>(&part);
      if (piece == nullptr) {
        fail(ErrorCode::unsupported, "the message holds a picture, but this model (family \"{}\") takes text only",
             engine.info.family);
      }
      text += *piece;
    }
    message["content"] = text;
    return message;
  }
  Json parts = Json::array();
  for (const Part& part : turn.message.parts) {
    if (const auto* text = std::get_if<std::string>(&part)) {
      parts.push_back({{"type", "text"}, {"text", *text}});
    } else {
      parts.push_back({{"type", "image"}});
    }
  }
  message["content"] = std::move(parts);
  return message;
}

void merge(Json& variables, const Json& more) {
  for (const auto& [name, value] : more.items()) variables[name] = value;
}

Json base_variables(const TextTools& text) {
  Json variables = Json::object();
  for (const auto& [name, token] : text.tokenizer->special_tokens()) variables[name] = token;
  variables["add_generation_prompt"] = true;
  return variables;
}

Json parse_option(std::string_view text, const char* name, bool object) {
  try {
    Json json = parse_json(text, name);
    if (object ? json.is_object() : json.is_array()) return json;
  } catch (const Error& error) {
    fail(ErrorCode::invalid_argument, "{}", error.what());
  }
  fail(ErrorCode::invalid_argument, "{}: expected a JSON {}", name, object ? "object" : "list");
}

std::vector<Image> images_of(const Message& message) {
  std::vector<Image> images;
  for (const Part& part : message.parts) {
    if (const auto* image = std::get_if<Image>(&part)) images.push_back(*image);
  }
  return images;
}

/// Where `token` stands in `text` outside the spans of the host's own text.
std::vector<std::size_t> placeholders(const std::string& text, const std::vector<Span>& literal,
                                      const std::string& token) {
  std::vector<std::size_t> found;
  if (token.empty()) return found;
  auto span = literal.begin();
  for (std::size_t at = text.find(token); at != std::string::npos; at = text.find(token, at + token.size())) {
    while (span != literal.end() && span->end <= at) ++span;
    const bool users = span != literal.end() && span->begin < at + token.size();
    if (!users) found.push_back(at);
  }
  return found;
}

/// `text` with each placeholder replaced by its picture's prompt, and the spans moved along.
void expand(std::string& text, std::vector<Span>& literal, const std::vector<std::size_t>& at, std::size_t length,
            const std::vector<models::ImagePlan>& plans) {
  std::string out;
  std::size_t done = 0;
  auto span = literal.begin();
  std::ptrdiff_t shift = 0;
  const auto move_spans = [&](std::size_t before) {
    for (; span != literal.end() && span->begin < before; ++span) {
      span->begin = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(span->begin) + shift);
      span->end = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(span->end) + shift);
    }
  };
  for (std::size_t i = 0; i < at.size(); ++i) {
    move_spans(at[i]);
    out.append(text, done, at[i] - done);
    out += plans[i].prompt;
    done = at[i] + length;
    shift += static_cast<std::ptrdiff_t>(plans[i].prompt.size()) - static_cast<std::ptrdiff_t>(length);
  }
  move_spans(std::string::npos);
  out.append(text, done);
  text = std::move(out);
}

/// Walks the rows of the pictures, in order, as their placeholders are met.
class RowWalk {
 public:
  explicit RowWalk(const std::vector<models::ImagePlan>& plans) : plans_(&plans) { skip_empty(); }

  bool done() const noexcept { return image_ == plans_->size(); }
  std::size_t image() const noexcept { return image_; }

  /// The span of the next rows, at most `placeholders` of them, which stand in a row from `position` on.
  models::ImageSpan take(std::int64_t position, std::int64_t placeholders) {
    const models::ImagePlan& plan = (*plans_)[image_];
    models::ImageSpan span{position, std::min(plan.rows - row_, placeholders), row_, image_};
    if (!plan.grids.empty()) {
      if (grid_ == plan.grids.size() || plan.grids[grid_].rows() > span.count) {
        fail(ErrorCode::invalid_argument, "picture {}: {} placeholders in a row do not fit its grid {} of {}", image_,
             placeholders, grid_, plan.grids.size());
      }
      span.grid = plan.grids[grid_++];
      span.count = span.grid.rows();
    }
    row_ += span.count;
    if (row_ == plan.rows) {
      ++image_;
      row_ = 0;
      grid_ = 0;
    }
    skip_empty();
    return span;
  }

 private:
  void skip_empty() {
    while (!done() && (*plans_)[image_].rows == 0) ++image_;
  }

  const std::vector<models::ImagePlan>* plans_;
  std::size_t image_ = 0;
  std::int64_t row_ = 0;
  std::size_t grid_ = 0;
};

/// Finds the placeholder tokens, in order row by row of picture after picture.
void find_spans(const Engine& engine, Prompt& prompt) {
  const std::int32_t id = engine.family->info().image_token_id;
  const std::vector<std::int32_t>& ids = prompt.sequence.ids;
  RowWalk walk(prompt.plans);
  if (id < 0) return;
  for (std::size_t i = 0; i < ids.size();) {
    if (ids[i] != id) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < ids.size() && ids[end] == id) ++end;
    while (i < end) {
      if (walk.done()) {
        fail(ErrorCode::invalid_argument, "the prompt has more picture placeholders than the {} pictures given take",
             prompt.plans.size());
      }
      prompt.sequence.spans.push_back(walk.take(static_cast<std::int64_t>(i), static_cast<std::int64_t>(end - i)));
      i += static_cast<std::size_t>(prompt.sequence.spans.back().count);
    }
  }
  if (!walk.done()) {
    fail(ErrorCode::bad_file, "{}: the tokens of the prompt hold placeholders for {} of {} pictures, {} should be token {}",
         engine.info.folder, walk.image(), prompt.plans.size(), engine.family->info().image_token, id);
  }
  prompt.sequence.images.resize(prompt.plans.size());
}

void make_token_keys(Prompt& prompt) {
  for (std::size_t i = 0; i < prompt.sequence.ids.size(); ++i) prompt.token_keys.push_back(token_key(prompt.sequence, i));
  for (const models::ImageSpan& span : prompt.sequence.spans) {
    const std::size_t content = std::hash<std::string>()(prompt.image_keys[span.image]);
    for (std::int64_t i = 0; i < span.count; ++i) {
      // The top bit keeps pictures apart from ids. A picture's own key holds its size, so its grid is the same.
      std::uint64_t& key = prompt.token_keys[static_cast<std::size_t>(span.position + i)];
      key = (key * kMix ^ (content * kMix + static_cast<std::uint64_t>(span.first_row + i))) | (UINT64_C(1) << 63);
    }
  }
}

/// Shared end of chat and raw prompts: `text` with one placeholder a picture.
Prompt finish_prompt(const Engine& engine, std::string text, std::vector<Span> literal, std::vector<Image> images,
                     bool add_special_tokens, std::string_view source) {
  Prompt prompt;
  const std::string& token = engine.family->info().image_token;
  const std::vector<std::size_t> at = placeholders(text, literal, token);
  if (at.size() != images.size()) {
    fail(ErrorCode::invalid_argument, "{} has {} picture placeholders ({}) for {} pictures", source, at.size(), token,
         images.size());
  }
  for (const Image& image : images) {
    prompt.plans.push_back(engine.family->plan(*image.picture()));
    prompt.image_keys.push_back(media::content_key(*image.picture()));
  }
  prompt.images = std::move(images);
  if (!at.empty()) expand(text, literal, at, token.size(), prompt.plans);
  tokenizer::EncodeOptions options;
  options.add_special_tokens = add_special_tokens;
  std::vector<tokenizer::TextSpan> spans;
  for (const Span& span : literal) spans.push_back({span.begin, span.end});
  options.literal = spans;
  prompt.sequence.ids = engine.text->tokenizer->encode(text, options);
  if (prompt.sequence.ids.empty()) fail(ErrorCode::invalid_argument, "the prompt is empty, expected at least one token");
  const std::int64_t vocab = engine.family->info().vocab_size;
  for (const std::int32_t id : prompt.sequence.ids) {
    if (id >= vocab) {
      fail(ErrorCode::bad_file, "the tokenizer gave token {}, but the model's vocabulary has {} entries", id, vocab);
    }
  }
  find_spans(engine, prompt);
  models::place(prompt.sequence);
  make_token_keys(prompt);
  return prompt;
}

}  // namespace

std::int64_t Prompt::image_tokens() const {
  std::int64_t count = 0;
  for (const models::ImageSpan& span : sequence.spans) count += span.count;
  return count;
}

Json template_variables(const Engine& engine, const std::vector<Turn>& turns, const SessionOptions& options) {
  Json variables = base_variables(*engine.text);
  Json messages = Json::array();
  for (const Turn& turn : turns) messages.push_back(message_json(engine, turn));
  variables["messages"] = std::move(messages);
  if (!options.tools.empty()) variables["tools"] = parse_option(options.tools, "tools", false);
  if (!options.template_variables.empty()) {
    merge(variables, parse_option(options.template_variables, "template_variables", true));
  }
  return variables;
}

Json template_variables(const TextTools& text, std::string_view messages_json) {
  const Json given = parse_json(messages_json, "messages");
  Json variables = base_variables(text);
  if (given.is_array()) {
    variables["messages"] = given;
  } else if (given.is_object() && given.contains("messages") && given["messages"].is_array()) {
    merge(variables, given);
  } else {
    fail(ErrorCode::bad_file, "messages: expected a JSON list of messages, or an object with such a list in \"messages\"");
  }
  return variables;
}

Prompt chat_prompt(const Engine& engine, const std::vector<Turn>& turns, const SessionOptions& options) {
  if (!engine.text->chat_template) {
    fail(ErrorCode::unsupported, "{}: the checkpoint has no chat template: ask with `raw` set, the message being the prompt",
         engine.info.folder);
  }
  chat_template::Rendered rendered = engine.text->chat_template->render(template_variables(engine, turns, options));
  std::vector<Image> images;
  for (const Turn& turn : turns) {
    const std::vector<Image> own = images_of(turn.message);
    images.insert(images.end(), own.begin(), own.end());
  }
  // As transformers: a processor adds special tokens unless the template did, a tokenizer leaves them to the template.
  const std::string bos = engine.text->tokenizer->special_token("bos_token").value_or("");
  const bool add_special = engine.sees_images() && (bos.empty() || !rendered.text.starts_with(bos));
  return finish_prompt(engine, std::move(rendered.text), std::move(rendered.user), std::move(images), add_special,
                       "the chat template's text");
}

Prompt raw_prompt(const Engine& engine, const Message& message) {
  const std::string& token = engine.family->info().image_token;
  std::vector<Image> images = images_of(message);
  if (!images.empty() && token.empty()) {
    fail(ErrorCode::unsupported, "the message holds a picture, but this model (family \"{}\") takes text only",
         engine.info.family);
  }
  std::string text;
  std::string with_placeholders;
  for (const Part& part : message.parts) {
    const auto* piece = std::get_if<std::string>(&part);
    if (piece != nullptr) text += *piece;
    with_placeholders += piece != nullptr ? *piece : token;
  }
  const bool placed = !images.empty() && !placeholders(text, {}, token).empty();
  return finish_prompt(engine, placed ? std::move(text) : std::move(with_placeholders), {}, std::move(images), true,
                       "the raw prompt");
}

std::uint64_t token_key(const models::Sequence& sequence, std::size_t index) {
  auto key = static_cast<std::uint64_t>(sequence.ids[index]);
  if (sequence.positions.empty()) return key;
  std::uint64_t mix = kMix;
  for (const std::int64_t place : sequence.positions[index]) {
    key ^= static_cast<std::uint64_t>(place - static_cast<std::int64_t>(index)) * mix;  // nothing where it is plain
    mix *= kMix;
  }
  return key & ~(UINT64_C(1) << 63);
}

std::int64_t common_prefix(const std::vector<std::uint64_t>& cached, const Prompt& prompt) {
  const auto [own, other] = std::mismatch(cached.begin(), cached.end(), prompt.token_keys.begin(), prompt.token_keys.end());
  return own - cached.begin();
}

}  // namespace lmm::session
