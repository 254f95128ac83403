#pragma once

#include "lib/core/json.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::tokenizer {

/// Takes text on its way out.
using Sink = std::function<void(std::string_view)>;

/// One step of a decoder at work on one text. Stateful, for one thread.
class DecodeStep {
 public:
  virtual ~DecodeStep() = default;
  virtual std::unique_ptr<DecodeStep> clone() const = 0;
  /// The next token, whole; what is settled goes to `out`.
  virtual void feed(std::string_view token, const Sink& out) = 0;
  /// There are no more tokens.
  virtual void finish(const Sink& out) = 0;
};

/// How tokens become text (tokenizers/src/decoders): a chain of steps, each of which starts anew for every text.
/// Decoding as a stream and at once are the same code, so they cannot differ.
using Decoder = std::vector<std::function<std::unique_ptr<DecodeStep>()>>;

/// json: the decoder of tokenizer.json, null for none. Throws Error: unsupported, bad_file.
Decoder parse_decoder(const Json& json, const std::string& where);

/// The clean-up of spaces before punctuation, over the whole text (tokenization_utils_base.py, clean_up_tokenization).
void add_clean_up(Decoder& decoder);

/// A decoder at work on one text.
class DecodeRun {
 public:
  explicit DecodeRun(const Decoder& decoder);

  /// Appends the text that is settled by now.
  void feed(std::string_view token, std::string& out) { feed(0, token, out); }
  void finish(std::string& out);
  /// What finish() would append now.
  std::string pending() const;

 private:
  DecodeRun() = default;
  void feed(std::size_t step, std::string_view token, std::string& out);

  std::vector<std::unique_ptr<DecodeStep>> steps_;
};

}  // namespace lmm::tokenizer
