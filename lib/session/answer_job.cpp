#include "lib/session/answer_job.hpp"

#include "lib/core/error.hpp"
#include "lib/session/conversation.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lmm::session {

AnswerJob::AnswerJob(std::shared_ptr<Conversation> conversation, std::shared_ptr<Job> before, Question question)
    : Job(std::move(conversation), std::move(before), std::move(question)) {
  const Engine& engine = *this->conversation().engine();
  if (this->conversation().transcriber() == nullptr && question_.options.speech != SpeechOptions{}) {
    fail(ErrorCode::unsupported, "options of speech are given, but family \"{}\" does not write down speech: a Whisper model does, also as "
         "SessionOptions::transcriber", engine.info.family);
  }
  context_ = engine.info.context_length;
  const std::int64_t asked = this->conversation().options().max_context;
  if (asked > 0) context_ = std::min(context_, asked);
}

bool AnswerJob::advance() {
  if (prepared_) {
    forward();
  } else {
    if (transcribe_next()) return true;
    prepare();
    prepared_ = true;
  }
  return decode_step();
}

/// Puts the transcript that has ended in the place of its recording and begins the next one; false where there is none.
bool AnswerJob::transcribe_next() {
  const std::shared_ptr<Conversation>& transcriber = conversation().transcriber();
  if (transcriber == nullptr) return false;
  if (transcript_ != nullptr) {
    const std::shared_ptr<Job> heard = std::exchange(transcript_, nullptr);
    if (heard->error != nullptr) std::rethrow_exception(heard->error);
    *recording_ = heard->reply.text;
    auto& segments = heard->reply.segments;
    if (!of_history_) std::move(segments.begin(), segments.end(), std::back_inserter(draft_.segments));
  }
  recording_ = nullptr;
  const auto find = [&](Message& message, bool of_history) {
    for (Part& part : message.parts) {
      if (recording_ != nullptr || !std::holds_alternative<Audio>(part)) continue;
      recording_ = &part;
      of_history_ = of_history;
    }
  };
  if (!question_.options.raw) {
    for (Turn& turn : question_.history) find(turn.message, true);  // of a history that the host has set
  }
  find(question_.message, false);
  if (recording_ == nullptr) return false;
  GenerateOptions options;
  options.speech = question_.options.speech;
  options.seed = question_.options.seed;
  options.raw = true;  // no turn of a conversation
  options.paused = !run.grant.forever();
  transcript_ = transcriber->start(Message({*recording_}), std::move(options));
  wait_for(transcript_);
  return true;
}

/// Prompt, pictures and prefill, up to the first logits.
void AnswerJob::prepare() {
  Engine& engine = *conversation().engine();
  const auto start = Clock::now();
  if (question_.options.raw) {
    prompt_ = raw_prompt(engine, question_.message);
  } else {
    std::vector<Turn> turns = question_.history;
    turns.push_back({"user", question_.message});
    prompt_ = chat_prompt(engine, turns, conversation().options());
  }
  draft_.timings.load = engine.load_seconds;
  draft_.timings.preprocess = seconds_since(start);
  const auto tokens = static_cast<std::int64_t>(prompt_.sequence.ids.size());
  draft_.usage.prompt_tokens = tokens;
  draft_.usage.image_tokens = prompt_.image_tokens();
  draft_.usage.audio_tokens = prompt_.audio_tokens();
  for (const models::MediaPlan& plan : prompt_.plans) draft_.usage.image_tiles += plan.tiles;
  if (tokens >= context_) {
    fail(ErrorCode::context_overflow,
         "the prompt has {} tokens ({} of them from pictures and sound), the context holds {} and at least one is needed for the reply",
         tokens, draft_.usage.image_tokens + draft_.usage.audio_tokens, context_);
  }
  resolve_settings();
  run.checkpoint();

  models::State& state = conversation().state();
  std::vector<std::uint64_t>& keys = conversation().token_keys();
  // Observed intermediates and the last token's logits have to be computed, whatever the cache holds.
  const std::int64_t reusable = run.observed() ? 0 : std::min(common_prefix(keys, prompt_), tokens - 1);
  encode_media(reusable);

  const auto prefill_start = Clock::now();
  state.truncate(reusable);
  keys.resize(static_cast<std::size_t>(reusable));
  draft_.usage.reused_tokens = reusable;
  logits_.resize(static_cast<std::size_t>(engine.family->info().vocab_size));
  run.begin("prefill", engine.family->info().text_layers * (tokens - reusable));
  engine.family->forward(prompt_.sequence, state, logits_, run);
  run.begin("", 0);  // tokens tell of themselves from here on
  keys = prompt_.token_keys;
  draft_.timings.prefill = seconds_since(prefill_start);

  decoder_.emplace(engine.text->tokenizer, /*skip_special_tokens=*/true);
}

void AnswerJob::resolve_settings() {
  const Engine& engine = *conversation().engine();
  const auto encode = [&](std::string_view text) {
    return engine.text->tokenizer->encode(text, {.add_special_tokens = false, .parse_special = false});
  };
  const std::int64_t vocab = engine.family->info().vocab_size;
  const auto tokens = static_cast<std::int64_t>(prompt_.sequence.ids.size());
  sampler_.emplace(generate::resolve(question_.options, engine.generation, vocab, tokens, encode), vocab, prompt_.sequence.ids);
  stop_.emplace(sampler_->settings().stop);
  // Special tokens are left out of the text, so that a stop text which is one is told by its id.
  for (const std::string& stop : sampler_->settings().stop) {
    const std::optional<std::int32_t> id = engine.text->tokenizer->id_of(stop);
    if (id && engine.text->tokenizer->is_special(*id)) stop_ids_.push_back(*id);
  }
}

/// Gives the sequence the rows of those pictures, videos and recordings that the layers have not seen yet.
void AnswerJob::encode_media(std::int64_t reused) {
  Engine& engine = *conversation().engine();
  std::vector<std::size_t> missing;  // one of several equal ones, but an observer sees each
  const auto listed = [&](std::size_t item) {
    return std::any_of(missing.begin(), missing.end(), [&](std::size_t other) {
      return other == item || (!run.observed() && prompt_.media_keys[other] == prompt_.media_keys[item]);
    });
  };
  for (const models::MediaSpan& span : prompt_.sequence.spans) {
    std::shared_ptr<const models::MediaRows>& rows = prompt_.sequence.media[span.item];
    if (span.position + span.count <= reused || rows != nullptr) continue;
    if (!run.observed()) rows = engine.media.find(prompt_.media_keys[span.item]);
    if (rows == nullptr && !listed(span.item)) missing.push_back(span.item);
  }
  if (missing.empty()) return;

  const auto preprocess_start = Clock::now();
  std::vector<std::shared_ptr<const models::MediaInput>> inputs;
  run.begin("preprocess", static_cast<std::int64_t>(missing.size()));
  for (const std::size_t item : missing) {
    run.checkpoint();
    inputs.push_back(engine.family->preprocess(prompt_.media[item]));
    run.advance(1);
  }
  draft_.timings.preprocess += seconds_since(preprocess_start);

  const auto encode_start = Clock::now();
  const auto encoded = engine.family->encode(inputs, run);
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const std::string& key = prompt_.media_keys[missing[i]];
    prompt_.sequence.media[missing[i]] = encoded[i];
    engine.media.insert(key, encoded[i]);
    for (std::size_t other = 0; other < prompt_.media_keys.size(); ++other) {
      if (!run.observed() && prompt_.media_keys[other] == key) prompt_.sequence.media[other] = encoded[i];
    }
  }
  draft_.timings.encode = seconds_since(encode_start);
}

/// One more token through the layers.
void AnswerJob::forward() {
  const auto start = Clock::now();
  const Engine& engine = *conversation().engine();
  engine.family->forward(prompt_.sequence, conversation().state(), logits_, run);
  conversation().token_keys().push_back(token_key(prompt_.sequence, prompt_.sequence.ids.size() - 1));
  draft_.timings.decode += seconds_since(start);
}

/// Samples a token; false when the reply is complete.
bool AnswerJob::decode_step() {
  const auto start = Clock::now();
  const std::int32_t token = sampler_->next(logits_);
  draft_.token_ids.push_back(token);
  prompt_.sequence.append(token);
  const bool eos = sampler_->settings().ends(token);
  emit(stop_->feed(decoder_->push(token)).text);
  // A stop text may be complete in what the decoder still holds back, such as a run of byte tokens.
  if (stop_->has_stops() && !stop_->matched()) {
    const std::string rest = decoder_->pending();
    if (!rest.empty() && generate::StopMatcher(*stop_).feed(rest).matched) emit(stop_->feed(rest).text);
  }
  draft_.timings.decode += seconds_since(start);
  if (stop_->matched() || std::find(stop_ids_.begin(), stop_ids_.end(), token) != stop_ids_.end()) {
    finish(FinishReason::stop);
  } else if (eos) {
    finish(FinishReason::eos);
  } else if (static_cast<std::int64_t>(draft_.token_ids.size()) >= sampler_->settings().max_new_tokens ||
             static_cast<std::int64_t>(prompt_.sequence.ids.size()) >= context_) {
    finish(FinishReason::length);
  } else {
    return true;
  }
  return false;
}

/// Boxes and points that the text tells of, in the pixels of the last picture.
void AnswerJob::find_regions() {
  const Engine& engine = *conversation().engine();
  if (!engine.grounding) return;
  answer::GridToPixels grid;
  std::size_t pictures = 0;
  for (std::size_t i = 0; i < prompt_.media.size(); ++i) {
    if (media::kind_of(prompt_.media[i]) != media::Kind::picture) continue;
    grid.width = static_cast<double>(media::as_picture(prompt_.media[i]).width);
    grid.height = static_cast<double>(media::as_picture(prompt_.media[i]).height);
    grid.image = pictures++;
    grid.seen_width = static_cast<double>(prompt_.plans[i].seen_width);
    grid.seen_height = static_cast<double>(prompt_.plans[i].seen_height);
  }
  if (pictures == 0) return;
  std::vector<std::int32_t> ids;  // vocabularies are padded: an id without a token has no text, and is no reason to fail
  std::copy_if(draft_.token_ids.begin(), draft_.token_ids.end(), std::back_inserter(ids),
               [&](std::int32_t id) { return engine.text->tokenizer->has_token(id); });
  const std::string text = engine.text->tokenizer->decode(ids, /*skip_special_tokens=*/false);
  answer::Regions regions = answer::find_regions(text, *engine.grounding, grid);
  draft_.boxes = std::move(regions.boxes);
  draft_.points = std::move(regions.points);
}

/// What was held back for a stop text, and regions.
FinishReason AnswerJob::complete(FinishReason reason) {
  if (!stop_->matched()) {
    const generate::StopMatcher::Fed last = stop_->feed(decoder_->finish());
    emit(last.text);
    if (last.matched) {
      reason = FinishReason::stop;
    } else {
      emit(stop_->flush());
    }
  }
  find_regions();
  draft_.usage.new_tokens = static_cast<std::int64_t>(draft_.token_ids.size());
  const auto steps = draft_.usage.new_tokens - 1;
  if (steps > 0) draft_.timings.per_token = draft_.timings.decode / static_cast<double>(steps);
  return reason;
}

}  // namespace lmm::session
