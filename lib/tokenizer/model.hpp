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
    std::int32_t id;  // -1: merged into the symbol before it
    std::int32_t previous;
    std::int32_t next;
    std::int32_t merged;  // id that this symbol and the next one make
    std::uint32_t rank;   // of that merge, kNoMerge: none
  };
  static constexpr std::uint32_t kNoMerge = ~std::uint32_t{0};
  std::vector<Symbol> symbols;
  std::vector<std::uint64_t> queue;  // rank << 32 | position of pairs that can be merged, or could once
  std::unordered_map<std::string, std::vector<std::int32_t>> words[2];  // [with forbidden ids]
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
