#include "lib/tokenizer/decoder.hpp"

#include "lib/core/utf8.hpp"
#include "lib/tokenizer/byte_level.hpp"
#include "lib/tokenizer/component.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace lmm::tokenizer {
namespace {

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t hit; !from.empty() && (hit = text.find(from, at)) != std::string_view::npos;
       at = hit + from.size()) {
    out += text.substr(at, hit - at);
    out += to;
  }
  return out += text.substr(at);
}

/// A step that needs nothing but the token and its number.
class EachToken final : public DecodeStep {
 public:
  std::unique_ptr<DecodeStep> clone() const override { return std::make_unique<EachToken>(*this); }
  using Change = std::function<std::string(std::string_view token, bool first)>;
  explicit EachToken(const Change& change) : change_(change) {}
  void feed(std::string_view token, const Sink& out) override {
    out(change_(token, first_));
    first_ = false;
  }
  void finish(const Sink&) override {}

 private:
  const Change& change_;
  bool first_ = true;
};

/// Byte-level characters → bytes → UTF-8 with U+FFFD for what is none; as one token, in whole characters.
class ByteLevelStep final : public DecodeStep {
 public:
  std::unique_ptr<DecodeStep> clone() const override { return std::make_unique<ByteLevelStep>(*this); }
  void feed(std::string_view token, const Sink& out) override {
    const std::size_t before = bytes_.size();
    for (std::size_t at = 0; at < token.size();) {
      const auto byte = byte_level_byte(utf8::next(token, at));
      if (!byte) {  // not of that alphabet: the token is its own bytes
        bytes_.resize(before);
        bytes_ += token;
        break;
      }
      bytes_ += static_cast<char>(*byte);
    }
    const std::size_t whole = utf8::complete_prefix(bytes_);
    if (whole == 0) return;
    out(utf8::sanitize(std::string_view(bytes_).substr(0, whole)));
    bytes_.erase(0, whole);
  }
  void finish(const Sink& out) override {
    if (!bytes_.empty()) out(utf8::sanitize(bytes_));
  }

 private:
  std::string bytes_;  // not yet a whole character
};

/// A run of tokens like <0xE2> → its text, or a U+FFFD for each where the run as a whole is no UTF-8. So nothing of a
/// run is settled before it ends.
class ByteFallbackStep final : public DecodeStep {
 public:
  std::unique_ptr<DecodeStep> clone() const override { return std::make_unique<ByteFallbackStep>(*this); }
  void feed(std::string_view token, const Sink& out) override {
    if (const auto byte = byte_of(token)) {
      bytes_ += static_cast<char>(*byte);
      return;
    }
    finish(out);
    out(token);
  }
  void finish(const Sink& out) override {
    if (bytes_.empty()) return;
    if (utf8::valid(bytes_)) {
      out(bytes_);
    } else {
      for (std::size_t i = 0; i < bytes_.size(); ++i) out("\xEF\xBF\xBD");
    }
    bytes_.clear();
  }

 private:
  static std::optional<int> byte_of(std::string_view token) {
    if (token.size() != 6 || token.substr(0, 3) != "<0x" || token[5] != '>') return {};
    int value = 0;
    for (const char c : token.substr(3, 2)) {
      if (c >= '0' && c <= '9')
        value = value * 16 + (c - '0');
      else if ((c | 32) >= 'a' && (c | 32) <= 'f')
        value = value * 16 + ((c | 32) - 'a' + 10);
      else
        return {};
    }
    return value;
  }

  std::string bytes_;
};

/// All tokens as one, at the end: for steps that need the whole text.
class WholeText final : public DecodeStep {
 public:
  std::unique_ptr<DecodeStep> clone() const override { return std::make_unique<WholeText>(*this); }
  void feed(std::string_view token, const Sink&) override { text_ += token; }
  void finish(const Sink& out) override { out(text_); }

 private:
  std::string text_;
};

/// The character `content` off both ends of one token.
std::string strip_token(std::string_view token, std::string_view content, std::int64_t start, std::int64_t stop) {
  for (; start > 0 && token.substr(0, content.size()) == content; --start) token.remove_prefix(content.size());
  for (; stop > 0 && token.size() >= content.size() && token.substr(token.size() - content.size()) == content; --stop) {
    token.remove_suffix(content.size());
  }
  return std::string(token);
}

/// strip_token of the whole text while it comes in.
class StripText final : public DecodeStep {
 public:
  std::unique_ptr<DecodeStep> clone() const override { return std::make_unique<StripText>(*this); }
  StripText(const std::string& content, std::int64_t start, std::int64_t stop)
      : content_(content), start_(start), stop_(stop) {}

  void feed(std::string_view token, const Sink& out) override {
    held_ += token;
    for (; start_ > 0 && !held_.empty(); --start_) {
      if (held_.compare(0, content_.size(), content_) == 0)
        held_.erase(0, content_.size());
      else
        start_ = 1;
    }
    // Of the end, as much may still be cut off as repeats the character, at most stop_ times.
    std::size_t settled = held_.size();
    for (std::int64_t i = 0; i < stop_ && settled >= content_.size(); ++i) {
      if (held_.compare(settled - content_.size(), content_.size(), content_) != 0) break;
      settled -= content_.size();
    }
    if (settled > 0) out(std::string_view(held_).substr(0, settled));
    held_.erase(0, settled);
  }
  void finish(const Sink& out) override { out(strip_token(held_, content_, 0, stop_)); }

 private:
  const std::string& content_;
  std::int64_t start_;
  std::int64_t stop_;
  std::string held_;
};

/// The suffix that ends a word → a blank, or nothing in the last token.
class BpeStep final : public DecodeStep {
 public:
  std::unique_ptr<DecodeStep> clone() const override { return std::make_unique<BpeStep>(*this); }
  explicit BpeStep(const std::string& suffix) : suffix_(suffix) {}
  void feed(std::string_view token, const Sink& out) override {
    if (held_) out(replace_all(*held_, suffix_, " "));
    held_ = std::string(token);
  }
  void finish(const Sink& out) override {
    if (held_) out(replace_all(*held_, suffix_, ""));
  }

 private:
  const std::string& suffix_;
  std::optional<std::string> held_;
};

void each_token(Decoder& decoder, EachToken::Change change) {
  decoder.push_back([change = std::move(change)] { return std::make_unique<EachToken>(change); });
}

template <typename Step>
void plain_step(Decoder& decoder) {
  decoder.push_back([] { return std::make_unique<Step>(); });
}

std::string clean_up(std::string text, bool word_piece) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kRules = {{
      {" .", "."},
      {" ?", "?"},
      {" !", "!"},
      {" ,", ","},
      {" ' ", "'"},
      {" n't", "n't"},
      {" 'm", "'m"},
      {" do not", " don't"},
      {" 's", "'s"},
      {" 've", "'ve"},
      {" 're", "'re"},
  }};
  for (const auto& [from, to] : kRules) {
    if (word_piece || from != " do not") text = replace_all(text, from, to);
  }
  return text;
}

void replace_step(Decoder& decoder, const Fields& fields) {
  each_token(decoder, [regex = parse_pattern(fields, "pattern"), content = fields.string("content")](
                          std::string_view token, bool) {
    Regex::Finder finder(regex);
    std::string out;
    std::size_t at = 0;
    for (const TextSpan match : finder.find_all(token)) {
      out += token.substr(at, match.begin - at);
      out += content;
      at = match.end;
    }
    return out += token.substr(at);
  });
}

void metaspace_step(Decoder& decoder, const Fields& fields) {
  std::string mark;
  utf8::append(mark, character(fields, "replacement"));
  const std::string scheme =
      fields.string("prepend_scheme", fields.boolean("add_prefix_space", true) ? "always" : "never");
  if (scheme != "always" && scheme != "first" && scheme != "never")
    fields.wrong("prepend_scheme", "always, first or never");
  each_token(decoder, [mark, drops = scheme != "never"](std::string_view token, bool first) {
    return replace_all(token, mark, first && drops ? "" : " ");
  });
}

/// Appends the steps of one decoder. fused: whether what comes in is one token, in stretches.
void append(Decoder& decoder, bool& fused, const Json& json, const std::string& where, int depth) {
  const Fields fields(json, where);
  const std::string type = fields.string("type");
  if (type == "Sequence") {
    for_each_component(fields, "decoders", depth, [&](const Json& part, const std::string& part_where) {
      append(decoder, fused, part, part_where, depth + 1);
    });
    return;
  }
  if (type == "Fuse") {
    fused = true;
    return;
  }
  if (type == "Strip") {
    std::string content;
    utf8::append(content, character(fields, "content"));
    const auto start = fields.integer_in("start", 0, 1 << 30, 0);
    const auto stop = fields.integer_in("stop", 0, 1 << 30, 0);
    if (fused) {
      decoder.push_back([content, start, stop] { return std::make_unique<StripText>(content, start, stop); });
    } else {
      each_token(decoder, [content, start, stop](std::string_view token, bool) {
        return strip_token(token, content, start, stop);
      });
    }
    return;
  }
  if (fused) plain_step<WholeText>(decoder);
  if (type == "ByteLevel") {
    plain_step<ByteLevelStep>(decoder);
    fused = true;
  } else if (type == "ByteFallback") {
    plain_step<ByteFallbackStep>(decoder);
  } else if (type == "Replace") {
    replace_step(decoder, fields);
  } else if (type == "Metaspace") {
    metaspace_step(decoder, fields);
  } else if (type == "WordPiece") {
    each_token(decoder, [prefix = fields.string("prefix", "##"), cleanup = fields.boolean("cleanup", true)](
                            std::string_view token, bool first) {
      const bool continues = token.substr(0, prefix.size()) == prefix;
      std::string out = first       ? std::string(token)
                        : continues ? std::string(token.substr(prefix.size()))
                                    : " " + std::string(token);
      return cleanup ? clean_up(std::move(out), true) : out;
    });
  } else if (type == "BPEDecoder") {
    decoder.push_back([suffix = fields.string("suffix", "</w>")] { return std::make_unique<BpeStep>(suffix); });
  } else {
    unknown_component(fields, "decoder");
  }
}

}  // namespace

Decoder parse_decoder(const Json& json, const std::string& where) {
  Decoder decoder;
  bool fused = false;
  if (json.is_null()) {  // the reference joins tokens with blanks then
    each_token(decoder, [](std::string_view token, bool first) { return (first ? "" : " ") + std::string(token); });
  } else {
    append(decoder, fused, json, where, 0);
  }
  return decoder;
}

void add_clean_up(Decoder& decoder) {
  plain_step<WholeText>(decoder);
  each_token(decoder, [](std::string_view token, bool) { return clean_up(std::string(token), false); });
}

DecodeRun::DecodeRun(const Decoder& decoder) {
  for (const auto& make : decoder) steps_.push_back(make());
}

void DecodeRun::feed(std::size_t step, std::string_view token, std::string& out) {
  if (step == steps_.size()) {
    out += token;
    return;
  }
  steps_[step]->feed(token, [&](std::string_view next) { feed(step + 1, next, out); });
}

std::string DecodeRun::pending() const {
  DecodeRun ended;
  for (const auto& step : steps_) ended.steps_.push_back(step->clone());
  std::string out;
  ended.finish(out);
  return out;
}

void DecodeRun::finish(std::string& out) {
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    steps_[step]->finish([&](std::string_view next) { feed(step + 1, next, out); });
  }
}

}  // namespace lmm::tokenizer
