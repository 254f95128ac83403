#include "lib/session/job.hpp"

#include "lib/core/error.hpp"
#include "lib/nn/runtime.hpp"
#include "lib/session/conversation.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lmm::session {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Text without the white space at its ends: what a template expects as an earlier answer.
std::string trimmed(const std::string& text) {
  constexpr std::string_view kBlanks = " \t\n\r";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

Job::Job(std::shared_ptr<Conversation> conversation, std::shared_ptr<Job> before, std::vector<Turn> history,
         Message message, GenerateOptions options)
    : conversation_(std::move(conversation)),
      before_(std::move(before)),
      history_(std::move(history)),
      message_(std::move(message)),
      options_(std::move(options)) {
  queue_ = conversation_->engine()->worker->queue();
  if (options_.paused) run.grant.set_none();
  run.wait_by([this] {
    leave_turn();
    queue_->wait_until([this] { return take_turn(); });
  });
  const Engine& engine = *conversation_->engine();
  if (options_.on_tap && !options_.taps.empty()) run.observe(options_.taps, options_.on_tap);
  context_ = engine.info.context_length;
  const std::int64_t asked = conversation_->options().max_context;
  if (asked > 0) context_ = std::min(context_, asked);
}

/// Begins to compute, where the host grants time for it.
bool Job::take_turn() noexcept {
  const std::lock_guard lock(mutex);
  return computing_ = run.cancelled() || run.grant.open();
}

void Job::leave_turn() noexcept {
  {
    const std::lock_guard lock(mutex);
    computing_ = false;
  }
  if (!run.grant.forever()) changed.notify_all();
}

bool Job::ready(bool within) noexcept { return (!within || run.grant.forever() || run.cancelled()) && take_turn(); }

bool Job::step() noexcept {
  run.grant.begin_unit();
  const bool more = compute();
  run.grant.end_unit();
  leave_turn();
  return more;
}

void Job::cancel() noexcept {
  run.cancel();
  queue_->wake();
}

void Job::pause() noexcept { run.grant.set_none(); }

void Job::resume() noexcept {
  run.grant.set_forever();
  queue_->wake();
}

void Job::run_for(std::chrono::microseconds budget) {
  const auto moment = Clock::now() + std::min<std::chrono::microseconds>(budget, std::chrono::hours(24));
  run.grant.set_until(moment);
  queue_->wake();
  std::unique_lock lock(mutex);
  changed.wait_until(lock, moment, [&] { return ended || (!computing_ && !run.grant.open()); });
  run.grant.set_none();
  changed.wait(lock, [&] { return ended || !computing_; });
}

/// A token, or what comes before the first; false at the end of the reply.
bool Job::compute() noexcept {
  if (finished()) return false;
  try {
    if (before_ != nullptr) std::exchange(before_, nullptr)->abort();
    run.checkpoint();
    if (!prepared_) {
      prepare();
      prepared_ = true;
    } else {
      forward();
    }
    return decode_step();
  } catch (...) {
    end_by_exception();
  }
  return false;
}

/// Ends the job by the exception being handled. Cancelled in the middle of an answer, what there is of it is kept.
void Job::end_by_exception() noexcept {
  try {
    nn::rethrow_as_error();
  } catch (const Error& reason) {
    const std::exception_ptr thrown = std::current_exception();
    try {
      if (reason.code() == ErrorCode::cancelled && !draft_.token_ids.empty()) return finish(FinishReason::cancelled);
    } catch (...) {  // out of memory: the first reason is told
    }
    fail_with(thrown);
  } catch (...) {
    fail_with(std::current_exception());
  }
}

void Job::abort() noexcept {
  if (finished()) return;
  discarded_ = true;
  run.cancel();
  compute();  // its first checkpoint ends it
}

bool Job::finished() const {
  const std::lock_guard lock(mutex);
  return ended;
}

/// Prompt, pictures and prefill, up to the first logits.
void Job::prepare() {
  Engine& engine = *conversation_->engine();
  const auto start = Clock::now();
  if (options_.raw) {
    prompt_ = raw_prompt(engine, message_);
  } else {
    std::vector<Turn> turns = history_;
    turns.push_back({"user", message_});
    prompt_ = chat_prompt(engine, turns, conversation_->options());
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

  models::State& state = conversation_->state();
  std::vector<std::uint64_t>& keys = conversation_->token_keys();
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

void Job::resolve_settings() {
  const Engine& engine = *conversation_->engine();
  const auto encode = [&](std::string_view text) {
    return engine.text->tokenizer->encode(text, {.add_special_tokens = false, .parse_special = false});
  };
  const std::int64_t vocab = engine.family->info().vocab_size;
  const auto tokens = static_cast<std::int64_t>(prompt_.sequence.ids.size());
  sampler_.emplace(generate::resolve(options_, engine.generation, vocab, tokens, encode), vocab, prompt_.sequence.ids);
  stop_.emplace(sampler_->settings().stop);
}

/// Gives the sequence the rows of those pictures, videos and recordings that the layers have not seen yet.
void Job::encode_media(std::int64_t reused) {
  Engine& engine = *conversation_->engine();
  std::vector<std::size_t> missing;
  for (const models::MediaSpan& span : prompt_.sequence.spans) {
    std::shared_ptr<const models::MediaRows>& rows = prompt_.sequence.media[span.item];
    if (span.position + span.count <= reused || rows != nullptr) continue;
    if (!run.observed()) rows = engine.media.find(prompt_.media_keys[span.item]);
    const bool listed = !missing.empty() && missing.back() == span.item;
    if (rows == nullptr && !listed) missing.push_back(span.item);
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
    prompt_.sequence.media[missing[i]] = encoded[i];
    engine.media.insert(prompt_.media_keys[missing[i]], encoded[i]);
  }
  draft_.timings.encode = seconds_since(encode_start);
}

/// One more token through the layers.
void Job::forward() {
  const auto start = Clock::now();
  const Engine& engine = *conversation_->engine();
  engine.family->forward(prompt_.sequence, conversation_->state(), logits_, run);
  conversation_->token_keys().push_back(token_key(prompt_.sequence, prompt_.sequence.ids.size() - 1));
  draft_.timings.decode += seconds_since(start);
}

/// Samples a token; false when the reply is complete.
bool Job::decode_step() {
  const auto start = Clock::now();
  const std::int32_t token = sampler_->next(logits_);
  draft_.token_ids.push_back(token);
  prompt_.sequence.append(token);
  const bool eos = sampler_->settings().ends(token);
  const generate::StopMatcher::Fed found = stop_->feed(decoder_->push(token));
  emit(found.text);
  draft_.timings.decode += seconds_since(start);
  if (found.matched) {
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

void Job::emit(std::string_view text) {
  if (text.empty()) return;
  draft_.text += text;
  {
    const std::lock_guard lock(mutex);
    fresh_text += text;
  }
  changed.notify_all();
}

/// Boxes and points that the text tells of, in the pixels of the last picture.
void Job::find_regions() {
  const Engine& engine = *conversation_->engine();
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

void Job::finish(FinishReason reason) {
  if (reason != FinishReason::stop) {
    const generate::StopMatcher::Fed last = stop_->feed(decoder_->finish());
    emit(last.text);
    if (last.matched) {
      reason = FinishReason::stop;
    } else {
      emit(stop_->flush());
    }
  }
  draft_.finish_reason = reason;
  find_regions();
  draft_.usage.new_tokens = static_cast<std::int64_t>(draft_.token_ids.size());
  const auto steps = draft_.usage.new_tokens - 1;
  if (steps > 0) draft_.timings.per_token = draft_.timings.decode / static_cast<double>(steps);
  if (!options_.raw && !discarded_) {
    history_.push_back({"user", std::move(message_)});
    history_.push_back({"assistant", Message(trimmed(draft_.text))});
    conversation_->commit(std::move(history_));
  }
  log_reply();
  {
    const std::lock_guard lock(mutex);
    reply = std::move(draft_);
    ended = true;
  }
  end();
}

void Job::log_reply() const noexcept {
  const Usage& usage = draft_.usage;
  const Timings& timings = draft_.timings;
  conversation_->engine()->log.line(
      LogLevel::debug,
      "reply: {} prompt tokens, {} of them from pictures and {} reused, {} new, {}; preprocess {:.1f} ms, encode {:.1f} ms, "
      "prefill {:.1f} ms, decode {:.1f} ms",
      usage.prompt_tokens, usage.image_tokens, usage.reused_tokens, usage.new_tokens,
      finish_reason_name(draft_.finish_reason), timings.preprocess * 1e3, timings.encode * 1e3, timings.prefill * 1e3,
      timings.decode * 1e3);
}

void Job::fail_with(std::exception_ptr reason) noexcept {
  try {
    std::rethrow_exception(reason);
  } catch (const std::exception& why) {
    conversation_->engine()->log.line(LogLevel::debug, "no reply: {}", why.what());
  } catch (...) {
  }
  {
    const std::lock_guard lock(mutex);
    error = std::move(reason);
    ended = true;
  }
  end();
}

void Job::end() noexcept {
  changed.notify_all();
  // A conversation may be the last owner of the model, so it is let go only here, on the worker's own thread.
  conversation_.reset();
}

}  // namespace lmm::session
