#include "lib/session/prompt.hpp"

#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/media/medium.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <variant>

namespace lmm::session {
namespace {

using chat_template::Span;

constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15u;

/// What a part is beside text; none for text.
std::optional<media::Medium> medium_of(const Part& part) {
  if (const auto* image = std::get_if<Image>(&part)) return image->picture();
  if (const auto* video = std::get_if<Video>(&part)) return video->video();
  if (const auto* audio = std::get_if<Audio>(&part)) return audio->sound();
  return std::nullopt;
}

std::vector<media::Medium> media_of(const Message& message) {
  std::vector<media::Medium> media;
  for (const Part& part : message.parts) {
    if (auto medium = medium_of(part)) media.push_back(std::move(*medium));
  }
  return media;
}

/// Error unsupported where the model takes no such thing.
void check_takes(const Engine& engine, const media::Medium& medium) {
  const media::Kind kind = media::kind_of(medium);
  const models::FamilyInfo& info = engine.family->info();
  if (info.takes(kind)) return;
  std::string takes = "text";
  for (const media::Kind other : {media::Kind::picture, media::Kind::video, media::Kind::sound}) {
    if (info.takes(other)) takes += fmt::format(", {}s", media::kind_name(other));
  }
  if (takes == "text") takes = "text only";
  fail(ErrorCode::unsupported, "the message holds a {}, but this model (family \"{}\") takes {}{}", media::kind_name(kind),
       engine.info.family, takes,
       kind == media::Kind::sound ? ": it can be given a Whisper model as transcriber, which hears for it" : "");
}

Json message_json(const Engine& engine, const Turn& turn) {
  for (const media::Medium& medium : media_of(turn.message)) check_takes(engine, medium);
  Json message = Json::object();
  message["role"] = turn.role;
  if (!engine.content_lists()) {
    std::string text;
    for (const Part& part : turn.message.parts) {
      const auto* piece = std::get_if<std::string>(&part);
      if (piece == nullptr) {
        fail(ErrorCode::unsupported, "{}: the chat template takes text only: ask with `raw` set, the message being the prompt",
             engine.info.folder);
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
      constexpr const char* kTypes[] = {"image", "video", "audio"};
      parts.push_back({{"type", kTypes[medium_of(part)->index()]}});
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

/// A placeholder's text, with what stands around it and is replaced with it, and what it stands for.
struct Place {
  std::size_t begin = 0;
  std::size_t end = 0;
  media::Medium medium;
};

/// The places of `media` in `text`, in order: the placeholders of each kind take what there is of the kind, in order.
std::vector<Place> find_places(const Engine& engine, const std::string& text, const std::vector<Span>& literal,
                               const std::vector<media::Medium>& media, std::string_view source) {
  std::vector<Place> places;
  for (const media::Kind kind : {media::Kind::picture, media::Kind::video, media::Kind::sound}) {
    const models::Placeholder& mark = engine.family->info().placeholder(kind);
    const std::vector<std::size_t> at = placeholders(text, literal, mark.token);
    std::vector<media::Medium> own;
    for (const media::Medium& medium : media) {
      if (media::kind_of(medium) == kind) own.push_back(medium);
    }
    if (at.size() != own.size()) {
      fail(ErrorCode::invalid_argument, "{} has {} {} placeholders ({}) for {} {}s", source, at.size(),
           media::kind_name(kind), mark.token, own.size(), media::kind_name(kind));
    }
    for (std::size_t i = 0; i < at.size(); ++i) {
      Place place{at[i], at[i] + mark.token.size(), own[i]};
      const std::string_view before = std::string_view(text).substr(0, place.begin);
      const std::string_view behind = std::string_view(text).substr(place.end);
      if (before.ends_with(mark.before) && behind.starts_with(mark.behind)) {
        place.begin -= mark.before.size();
        place.end += mark.behind.size();
      }
      places.push_back(std::move(place));
    }
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.begin < b.begin; });
  return places;
}

/// `text` with each place filled by the prompt of what it stands for, and the spans moved along.
void expand(std::string& text, std::vector<Span>& literal, const std::vector<Place>& places,
            const std::vector<models::MediaPlan>& plans) {
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
  for (std::size_t i = 0; i < places.size(); ++i) {
    move_spans(places[i].begin);
    out.append(text, done, places[i].begin - done);
    out += plans[i].prompt;
    done = places[i].end;
    shift += static_cast<std::ptrdiff_t>(plans[i].prompt.size()) -
             static_cast<std::ptrdiff_t>(places[i].end - places[i].begin);
  }
  move_spans(std::string::npos);
  out.append(text, done);
  text = std::move(out);
}

/// Walks the rows of pictures, videos and recordings, in order, as their placeholders are met.
class RowWalk {
 public:
  explicit RowWalk(const std::vector<models::MediaPlan>& plans) : plans_(&plans) { skip_empty(); }

  bool done() const noexcept { return item_ == plans_->size(); }
  std::size_t item() const noexcept { return item_; }

  /// The span of the next rows, at most `placeholders` of them, which stand in a row from `position` on.
  models::MediaSpan take(std::int64_t position, std::int64_t placeholders) {
    const models::MediaPlan& plan = (*plans_)[item_];
    models::MediaSpan span{position, std::min(plan.rows - row_, placeholders), row_, item_};
    if (!plan.grids.empty()) {
      if (grid_ == plan.grids.size() || plan.grids[grid_].rows() > span.count) {
        fail(ErrorCode::invalid_argument, "picture or video {}: {} placeholders in a row do not fit its grid {} of {}", item_,
             placeholders, grid_, plan.grids.size());
      }
      span.grid = plan.grids[grid_++];
      span.count = span.grid.rows();
    }
    row_ += span.count;
    if (row_ == plan.rows) {
      ++item_;
      row_ = 0;
      grid_ = 0;
    }
    skip_empty();
    return span;
  }

 private:
  void skip_empty() {
    while (!done() && (*plans_)[item_].rows == 0) ++item_;
  }

  const std::vector<models::MediaPlan>* plans_;
  std::size_t item_ = 0;
  std::int64_t row_ = 0;
  std::size_t grid_ = 0;
};

/// Finds the placeholder tokens, in order row by row of one medium after another.
void find_spans(const Engine& engine, Prompt& prompt) {
  const models::FamilyInfo& info = engine.family->info();
  const std::vector<std::int32_t>& ids = prompt.sequence.ids;
  RowWalk walk(prompt.plans);
  const auto marks = [&](std::int32_t id) {
    return std::any_of(info.placeholders.begin(), info.placeholders.end(),
                       [id](const models::Placeholder& mark) { return mark.id == id; });
  };
  for (std::size_t i = 0; i < ids.size();) {
    const std::int32_t id = ids[i];
    if (!marks(id)) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < ids.size() && ids[end] == id) ++end;
    while (i < end) {
      if (walk.done() || info.placeholder(media::kind_of(prompt.media[walk.item()])).id != id) {
        fail(ErrorCode::invalid_argument, "the prompt has placeholder {} (token {}) where nothing of {} given stands", i, id,
             prompt.plans.size());
      }
      prompt.sequence.spans.push_back(walk.take(static_cast<std::int64_t>(i), static_cast<std::int64_t>(end - i)));
      i += static_cast<std::size_t>(prompt.sequence.spans.back().count);
    }
  }
  if (!walk.done()) {
    const models::Placeholder& mark = info.placeholder(media::kind_of(prompt.media[walk.item()]));
    fail(ErrorCode::bad_file, "{}: the tokens of the prompt hold placeholders for {} of {} {}s, {} should be token {}",
         engine.info.folder, walk.item(), prompt.plans.size(), media::kind_name(media::kind_of(prompt.media[walk.item()])),
         mark.token, mark.id);
  }
  prompt.sequence.media.resize(prompt.plans.size());
}

void make_token_keys(Prompt& prompt) {
  for (std::size_t i = 0; i < prompt.sequence.ids.size(); ++i) prompt.token_keys.push_back(token_key(prompt.sequence, i));
  for (const models::MediaSpan& span : prompt.sequence.spans) {
    const std::size_t content = std::hash<std::string>()(prompt.media_keys[span.item]);
    for (std::int64_t i = 0; i < span.count; ++i) {
      // The top bit keeps rows apart from ids. A picture's own key holds its size, so its grid is the same.
      std::uint64_t& key = prompt.token_keys[static_cast<std::size_t>(span.position + i)];
      key = (key * kMix ^ (content * kMix + static_cast<std::uint64_t>(span.first_row + i))) | (UINT64_C(1) << 63);
    }
  }
}

/// Shared end of chat and raw prompts: `text` with one placeholder for each of `media`.
Prompt finish_prompt(const Engine& engine, std::string text, std::vector<Span> literal,
                     const std::vector<media::Medium>& media, bool add_special_tokens, std::string_view source) {
  Prompt prompt;
  const std::vector<Place> places = find_places(engine, text, literal, media, source);
  for (const Place& place : places) {
    prompt.plans.push_back(engine.family->plan(place.medium));
    prompt.media_keys.push_back(media::content_key(place.medium));
    prompt.media.push_back(place.medium);
  }
  if (!places.empty()) expand(text, literal, places, prompt.plans);
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

std::int64_t Prompt::audio_tokens() const {
  std::int64_t count = 0;
  for (const models::MediaSpan& span : sequence.spans) {
    if (media::kind_of(media[span.item]) == media::Kind::sound) count += span.count;
  }
  return count;
}

std::int64_t Prompt::image_tokens() const {
  std::int64_t count = 0;
  for (const models::MediaSpan& span : sequence.spans) count += span.count;
  return count - audio_tokens();
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
  std::vector<media::Medium> media;
  for (const Turn& turn : turns) {
    const std::vector<media::Medium> own = media_of(turn.message);
    media.insert(media.end(), own.begin(), own.end());
  }
  // As transformers: a processor adds special tokens unless the template did, a tokenizer leaves them to the template.
  const std::string bos = engine.text->tokenizer->special_token("bos_token").value_or("");
  const bool add_special = engine.multimodal() && (bos.empty() || !rendered.text.starts_with(bos));
  return finish_prompt(engine, std::move(rendered.text), std::move(rendered.user), media, add_special,
                       "the chat template's text");
}

Prompt raw_prompt(const Engine& engine, const Message& message) {
  const models::FamilyInfo& info = engine.family->info();
  const std::vector<media::Medium> media = media_of(message);
  for (const media::Medium& medium : media) check_takes(engine, medium);
  std::string text;
  std::string with_placeholders;
  for (const Part& part : message.parts) {
    const auto* piece = std::get_if<std::string>(&part);
    if (piece != nullptr) text += *piece;
    with_placeholders += piece != nullptr ? *piece : info.placeholder(media::kind_of(*medium_of(part))).token;
  }
  const bool placed = std::any_of(media.begin(), media.end(), [&](const media::Medium& medium) {
    return text.find(info.placeholder(media::kind_of(medium)).token) != std::string::npos;
  });
  return finish_prompt(engine, placed ? std::move(text) : std::move(with_placeholders), {}, media, true, "the raw prompt");
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
