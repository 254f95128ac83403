#pragma once

#include "lib/core/json.hpp"
#include "lib/tokenizer/vocabulary.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace lmm::tokenizer {

/// Ids that the model must not give, since the text comes from a user: those of the special tokens.
using Forbidden = std::unordered_set<std::int32_t>;

/// Scratch memory of one call of encode, for one thread: buffers, and words met before with their ids.
struct Scratch {
  struct Symbol {
    std::int32_t id;
    std::int32_t previous;
    std::int32_t next;
    bool alive;
  };
  struct Candidate {       // two neighbours that can be merged
    std::uint32_t rank;
    std::int32_t position;
    std::int32_t id;
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> queue;
  std::unordered_map<std::string, std::vector<std::int32_t>> words[2];   // [with forbidden ids]
};

/// Turns a piece of text into ids (tokenizers/src/models). Immutable, usable from many threads at once.
class Model {
 public:
  virtual ~Model() = default;

  /// Appends the ids of `piece`. forbidden: nullptr, or ids that must not come out. Throws Error bad_file where the
  /// unknown token is needed and not in the vocabulary.
  virtual void tokenize(std::string_view piece, const Forbidden* forbidden, Scratch& scratch,
                        std::vector<std::int32_t>& out) const = 0;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  explicit Model(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}

 private:
  Vocabulary vocabulary_;
};

/// The model of tokenizer.json: "BPE" or "WordLevel" with its options; vocabulary and merges read before.
/// Throws Error: unsupported for another model or BPE dropout, bad_file for merges of tokens that are not there.
std::unique_ptr<const Model> make_model(const Fields& options, Vocabulary vocabulary, const std::vector<Merge>& merges);

}  // namespace lmm::tokenizer
