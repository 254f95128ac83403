#pragma once

#include "lib/tokenizer/model.hpp"
#include "lib/tokenizer/normalizer.hpp"
#include "lib/tokenizer/text.hpp"
#include "lib/tokenizer/vocabulary.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace lmm::tokenizer {

/// A token beside the model's vocabulary, recognised in the text before the model sees it.
struct AddedToken {
  std::string content;
  bool single_word = false;  ///< only where no word character touches it
  bool lstrip = false;       ///< takes the blanks before it along
  bool rstrip = false;       ///< takes the blanks after it along
  bool normalized = true;    ///< looked for in the normalised text, in its own normalised form
  bool special = false;      ///< left out by decode(skip_special_tokens)

  bool operator==(const AddedToken&) const = default;
};

/// A set of strings, of which the longest at a place can be found.
class Trie {
 public:
  /// Throws Error bad_file: empty, longer than 1024 bytes, or there already.
  void add(std::string_view text, std::int32_t value, const std::string& where);
  bool empty() const { return nodes_.size() == 1; }

  /// Calls `found` (end, value) for each string that stands at text[at], from short to long.
  template <typename Found>
  void at(std::string_view text, std::size_t at, const Found& found) const {
    std::size_t node = 0;
    for (std::size_t i = at; i < text.size(); ++i) {
      const auto& next = nodes_[node].next;
      const auto it = next.find(text[i]);
      if (it == next.end()) return;
      node = it->second;
      if (nodes_[node].value >= 0) found(i + 1, nodes_[node].value);
    }
  }
  bool may_begin(char byte) const { return begins_[static_cast<unsigned char>(byte)]; }

 private:
  struct Node {
    std::map<char, std::size_t> next;
    std::int32_t value = -1;
  };
  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<bool> begins_ = std::vector<bool>(256);
};

/// The added tokens of a tokenizer (tokenizers/src/tokenizer/added_vocabulary.rs).
/// Filled by add(), closed by build(), immutable from then on.
class AddedVocabulary {
 public:
  /// What is not to be recognised.
  struct Guard {
    bool skip_special = false;          ///< special tokens stay text
    std::span<const TextSpan> literal;  ///< no token that overlaps these bytes of the input; sorted
  };

  /// A stretch of text, either a token or for the model.
  struct Part {
    std::optional<std::int32_t> id;
    Text text;             ///< normalised; empty for a token
    bool literal = false;  ///< whether it overlaps Guard::literal
  };

  /// Adds tokens in order, as one call of the reference's add_tokens: one that the model or an earlier call knows keeps
  /// its id and takes over these properties; the others get the next free ids.
  void add(const std::vector<AddedToken>& tokens, const Vocabulary& model);

  /// Adds a token with this id, whatever the model calls so. Before add().
  void place(std::int32_t id, const AddedToken& token);

  /// Prepares matching. `normalizer` may be empty. Throws Error bad_file as Trie::add.
  void build(const Normalizer& normalizer, const std::string& where);

  /// Splits the input (well-formed UTF-8) at the added tokens and normalises what lies between.
  /// tracked: keep origins in the parts' text.
  std::vector<Part> split(std::string_view input, const Normalizer& normalizer, const Guard& guard, bool tracked) const;

  std::optional<std::int32_t> find(std::string_view content) const;
  const AddedToken* token(std::int32_t id) const;     ///< nullptr where none has that id
  const std::string* decoded(std::int32_t id) const;  ///< what the decoder gets: the normalised form if it differs
  bool is_special(const std::string& text) const { return special_.contains(text); }
  const Forbidden& special_ids() const { return special_ids_; }
  const std::map<std::int32_t, AddedToken>& tokens() const { return by_id_; }

 private:
  struct Match {
    TextSpan span;  // blanks taken along included
    std::optional<std::int32_t> id;
  };
  template <typename Allowed>
  std::vector<Match> find_matches(std::string_view text, const Trie& trie, bool skip_special,
                                  const Allowed& allowed) const;

  std::map<std::int32_t, AddedToken> by_id_;
  std::unordered_map<std::string, std::int32_t> ids_;
  std::unordered_set<std::string> special_;
  Forbidden special_ids_;
  std::unordered_map<std::int32_t, std::string> normalized_;
  Trie raw_trie_;
  Trie normalized_trie_;
};

}  // namespace lmm::tokenizer
