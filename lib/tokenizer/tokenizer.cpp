#include "lib/tokenizer/tokenizer.hpp"

#include "lib/core/error.hpp"
#include "lib/core/utf8.hpp"
#include "lib/tokenizer/added_vocabulary.hpp"
#include "lib/tokenizer/checkpoint.hpp"
#include "lib/tokenizer/decoder.hpp"
#include "lib/tokenizer/model.hpp"
#include "lib/tokenizer/normalizer.hpp"
#include "lib/tokenizer/post_processor.hpp"
#include "lib/tokenizer/pre_tokenizer.hpp"

#include <algorithm>

namespace lmm::tokenizer {

using Ids = std::vector<std::int32_t>;

struct Tokenizer::Parts {
  std::unique_ptr<const Model> model;
  AddedVocabulary added;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  PostProcessor post_processor;
  Decoder decoder;
  std::vector<std::pair<std::string, std::string>> named;
  bool specials_apart = false;
  bool split_special_tokens = false;
  std::size_t size = 0;

  std::optional<std::int32_t> find(std::string_view token) const {
    const auto id = added.find(token);
    return id ? id : model->vocabulary().find(token);
  }

  std::optional<std::string> named_token(std::string_view name) const {
    const auto it = std::find_if(named.begin(), named.end(), [&](const auto& entry) { return entry.first == name; });
    return it == named.end() ? std::nullopt : std::optional(it->second);
  }
  std::optional<std::int32_t> named_id(std::string_view name) const {
    const auto text = named_token(name);
    return text ? find(*text) : std::nullopt;
  }

  /// The token as the decoder gets it; nullptr where the id names none.
  const std::string* token(std::int32_t id) const {
    const std::string* found = added.decoded(id);
    return found != nullptr ? found : model->vocabulary().token(id);
  }

  /// One more token of a text: appends what is settled by now.
  void decode(std::int32_t id, const std::string& token, bool skip_special_tokens, DecodeRun& run,
              std::string& out) const {
    if (specials_apart && added.special_ids().contains(id)) {
      run.finish(out);
      run = DecodeRun(decoder);
      if (!skip_special_tokens) out += token;
    } else if (!skip_special_tokens || !added.is_special(token)) {
      run.feed(token, out);
    }
  }
};

namespace {

/// tokenization_utils_tokenizers.py, update_post_processor.
PostProcessor bos_and_eos(std::optional<std::int32_t> bos, std::optional<std::int32_t> eos) {
  return [bos, eos](Ids& ids, bool add_special_tokens) {
    if (!add_special_tokens) return;
    if (bos) ids.insert(ids.begin(), *bos);
    if (eos) ids.push_back(*eos);
  };
}

/// The text as the reference would get it, with the literal spans moved along.
struct Input {
  std::string storage;
  std::string_view text;
  std::vector<TextSpan> literal;

  Input(std::string_view given, std::span<const TextSpan> spans) : text(given), literal(spans.begin(), spans.end()) {
    std::erase_if(literal, [](const TextSpan& s) { return s.begin == s.end; });
    if (utf8::valid(given)) return;
    std::size_t next = 0;
    for (std::size_t at = 0; at < given.size();) {
      const std::size_t old_begin = at;
      const std::size_t new_begin = storage.size();
      utf8::append(storage, utf8::next(given, at));
      // A span takes in each character that it touches.
      for (; next < spans.size() && spans[next].end <= old_begin; ++next) {
      }
      if (next < spans.size() && spans[next].begin < at) moved_.push_back({new_begin, storage.size()});
    }
    text = storage;
    literal = std::move(moved_);
  }

 private:
  std::vector<TextSpan> moved_;
};

void check_literal(std::string_view text, std::span<const TextSpan> spans) {
  std::size_t last = 0;
  for (const TextSpan& span : spans) {
    if (span.begin < last || span.end < span.begin || span.end > text.size()) {
      fail(ErrorCode::invalid_argument,
           "encode: literal span {} to {} is out of order or outside of the text of {} bytes", span.begin, span.end,
           text.size());
    }
    last = span.end;
  }
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}

Tokenizer::~Tokenizer() = default;

std::shared_ptr<const Tokenizer> Tokenizer::load(const std::filesystem::path& folder) {
  Blueprint blueprint = read_checkpoint(folder);
  const std::string& file = blueprint.file;
  auto parts = std::make_unique<Parts>();
  Vocabulary vocabulary(std::move(blueprint.vocabulary), file);
  parts->model = make_model(Fields(blueprint.model, file + ": model"), std::move(vocabulary), blueprint.merges);
  if (!blueprint.normalizer.is_null())
    parts->normalizer = parse_normalizer(blueprint.normalizer, file + ": normalizer");
  if (!blueprint.pre_tokenizer.is_null()) {
    parts->pre_tokenizer = parse_pre_tokenizer(blueprint.pre_tokenizer, file + ": pre_tokenizer");
  }
  for (const auto& [id, token] : blueprint.placed) parts->added.place(id, token);
  for (const std::vector<AddedToken>& call : blueprint.added) parts->added.add(call, parts->model->vocabulary());
  parts->added.build(parts->normalizer, file + ": added_tokens");
  parts->size = parts->model->vocabulary().size();
  for (const auto& [id, token] : parts->added.tokens()) parts->size += !parts->model->vocabulary().find(token.content);
  parts->decoder = parse_decoder(blueprint.decoder, file + ": decoder");
  if (blueprint.clean_up) add_clean_up(parts->decoder);
  parts->named = std::move(blueprint.named);
  parts->specials_apart = blueprint.specials_apart;
  parts->split_special_tokens = blueprint.split_special_tokens;
  if (blueprint.bos_and_eos_only) {
    parts->post_processor = bos_and_eos(blueprint.add_bos ? parts->named_id("bos_token") : std::nullopt,
                                        blueprint.add_eos ? parts->named_id("eos_token") : std::nullopt);
  } else {
    parts->post_processor = parse_post_processor(blueprint.post_processor, file + ": post_processor",
                                                 [&](std::int32_t id) { return parts->token(id) != nullptr; });
  }
  return std::shared_ptr<const Tokenizer>(new Tokenizer(std::move(parts)));
}

Ids Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  check_literal(text, options.literal);
  const Input input(text, options.literal);
  const AddedVocabulary::Guard guard{!options.parse_special || parts_->split_special_tokens, input.literal};
  Scratch scratch;
  Ids ids;
  for (AddedVocabulary::Part& part :
       parts_->added.split(input.text, parts_->normalizer, guard, parts_->pre_tokenizer.needs_origins)) {
    if (part.id) {
      ids.push_back(*part.id);
      continue;
    }
    Pieces pieces{std::move(part.text), {}};
    pieces.spans.push_back({0, pieces.text.bytes.size()});
    if (parts_->pre_tokenizer.apply) parts_->pre_tokenizer.apply(pieces);
    const Forbidden* forbidden = part.literal ? &parts_->added.special_ids() : nullptr;
    for (const TextSpan span : pieces.spans) parts_->model->tokenize(pieces.piece(span), forbidden, scratch, ids);
  }
  parts_->post_processor(ids, options.add_special_tokens);
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const {
  std::string out;
  DecodeRun run(parts_->decoder);
  for (const std::int32_t id : ids) {
    const std::string* token = parts_->token(id);
    if (token == nullptr) fail(ErrorCode::invalid_argument, "decode: the id {} names no token of {}", id, vocab_size());
    parts_->decode(id, *token, skip_special_tokens, run, out);
  }
  run.finish(out);
  return out;
}

const std::string& Tokenizer::piece(std::int32_t id) const {
  const std::string* token = parts_->token(id);
  if (token == nullptr) fail(ErrorCode::invalid_argument, "piece: the id {} names no token of {}", id, vocab_size());
  return *token;
}

bool Tokenizer::has_token(std::int32_t id) const noexcept { return parts_->token(id) != nullptr; }

std::optional<std::int32_t> Tokenizer::id_of(std::string_view token) const { return parts_->find(token); }

std::size_t Tokenizer::vocab_size() const noexcept { return parts_->size; }

bool Tokenizer::is_special(std::int32_t id) const noexcept {
  const std::string* token = parts_->token(id);
  return token != nullptr && parts_->added.is_special(*token);
}

const std::vector<std::pair<std::string, std::string>>& Tokenizer::special_tokens() const noexcept {
  return parts_->named;
}

std::optional<std::string> Tokenizer::special_token(std::string_view name) const { return parts_->named_token(name); }

std::optional<std::int32_t> Tokenizer::bos_id() const { return parts_->named_id("bos_token"); }
std::optional<std::int32_t> Tokenizer::eos_id() const { return parts_->named_id("eos_token"); }
std::optional<std::int32_t> Tokenizer::pad_id() const { return parts_->named_id("pad_token"); }
std::optional<std::int32_t> Tokenizer::unk_id() const { return parts_->named_id("unk_token"); }

struct StreamDecoder::State {
  std::shared_ptr<const Tokenizer> tokenizer;
  bool skip_special_tokens;
  DecodeRun run;
};

StreamDecoder::StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special_tokens) {
  DecodeRun run(tokenizer->parts_->decoder);
  state_.reset(new State{std::move(tokenizer), skip_special_tokens, std::move(run)});
}

StreamDecoder::~StreamDecoder() = default;
StreamDecoder::StreamDecoder(StreamDecoder&&) noexcept = default;
StreamDecoder& StreamDecoder::operator=(StreamDecoder&&) noexcept = default;

std::string StreamDecoder::push(std::int32_t id) {
  std::string out;
  const Tokenizer::Parts& parts = *state_->tokenizer->parts_;
  const std::string* token = parts.token(id);
  if (token != nullptr) parts.decode(id, *token, state_->skip_special_tokens, state_->run, out);
  return out;
}

std::string StreamDecoder::pending() const { return state_->run.pending(); }

std::string StreamDecoder::finish() {
  std::string out;
  state_->run.finish(out);
  return out;
}

}  // namespace lmm::tokenizer
