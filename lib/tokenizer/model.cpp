#include "lib/tokenizer/model.hpp"

#include "lib/core/error.hpp"
#include "lib/core/utf8.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

namespace lmm::tokenizer {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr std::size_t kLongestCachedWord = 64;   // bytes
constexpr std::size_t kMostCachedWords = 16384;  // a call

/// (left, right) → (rank, merged), in one flat table with open addressing.
class MergeTable {
 public:
  struct Entry {
    std::uint64_t key = kEmpty;
    std::uint32_t rank = 0;
    std::int32_t id = 0;
  };

  explicit MergeTable(std::size_t count) {
    std::size_t capacity = 16;
    while (capacity < 2 * count) capacity *= 2;
    entries_.resize(capacity);
  }

  void set(std::int32_t left, std::int32_t right, std::uint32_t rank, std::int32_t id) {
    Entry& entry = entries_[slot(key(left, right))];
    entry = {key(left, right), rank, id};
  }

  const Entry* find(std::int32_t left, std::int32_t right) const {
    const Entry& entry = entries_[slot(key(left, right))];
    return entry.key == kEmpty ? nullptr : &entry;
  }

 private:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  static std::uint64_t key(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
  }
  std::size_t slot(std::uint64_t key) const {
    const std::size_t mask = entries_.size() - 1;
    std::size_t at = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> 20) & mask;
    while (entries_[at].key != kEmpty && entries_[at].key != key) at = (at + 1) & mask;
    return at;
  }

  std::vector<Entry> entries_;
};

/// Byte-pair encoding (models/bpe/model.rs, word.rs).
class Bpe final : public Model {
 public:
  Bpe(const Fields& options, Vocabulary vocabulary, const std::vector<Merge>& merges)
      : Model(std::move(vocabulary)),
        merges_(merges.size()),
        where_(options.where()),
        prefix_(options.string("continuing_subword_prefix", "")),
        suffix_(options.string("end_of_word_suffix", "")),
        fuse_unknown_(options.boolean("fuse_unk", false)),
        byte_fallback_(options.boolean("byte_fallback", false)),
        ignore_merges_(options.boolean("ignore_merges", false)),
        rank_by_token_(options.string("merge_rank", "") == "token") {
    if (options.number("dropout", 0) != 0) {
      fail(ErrorCode::unsupported, "{}: BPE with dropout {} is not supported", where_, options.number("dropout"));
    }
    has_unknown_ = options.has("unk_token");
    if (has_unknown_) unknown_token_ = options.string("unk_token");
    unknown_ = this->vocabulary().find(unknown_token_);
    add_merges(merges);
    for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte) {
      byte_ids_[byte] = this->vocabulary().find(fmt::format("<0x{:02X}>", byte)).value_or(-1);
    }
    for (char32_t c = 0; c < character_ids_.size(); ++c) {
      std::string text;
      utf8::append(text, c);
      character_ids_[c] = this->vocabulary().find(text).value_or(-1);
    }
  }

  void tokenize(std::string_view piece, const Forbidden* forbidden, Scratch& scratch, Ids& out) const override {
    if (piece.empty()) return;
    if (ignore_merges_) {
      const auto whole = vocabulary().find(piece);
      if (whole && (forbidden == nullptr || !forbidden->contains(*whole))) return out.push_back(*whole);
    }
    if (piece.size() > kLongestCachedWord) return merge(piece, forbidden, scratch, out);
    auto& words = scratch.words[forbidden != nullptr];
    std::string word(piece);
    if (const auto known = words.find(word); known != words.end()) {
      out.insert(out.end(), known->second.begin(), known->second.end());
      return;
    }
    const std::size_t before = out.size();
    merge(piece, forbidden, scratch, out);
    if (words.size() < kMostCachedWords) words.emplace(std::move(word), Ids(out.begin() + before, out.end()));
  }

 private:
  void add_merges(const std::vector<Merge>& merges) {
    const auto id = [&](const std::string& token, std::size_t rank) {
      const auto found = vocabulary().find(token);
      if (!found)
        fail(ErrorCode::bad_file, "{}: merges[{}] needs the token \"{}\", which is not in the vocabulary", where_, rank,
             token);
      return *found;
    };
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      const auto& [left, right] = merges[rank];
      if (right.size() < prefix_.size()) {
        fail(ErrorCode::bad_file, "{}: merges[{}]: \"{}\" is shorter than the prefix \"{}\"", where_, rank, right,
             prefix_);
      }
      const std::int32_t left_id = id(left, rank);
      const std::int32_t right_id = id(right, rank);
      const std::int32_t merged = id(left + right.substr(prefix_.size()), rank);
      const auto order = static_cast<std::uint32_t>(rank);
      merges_.set(left_id, right_id, rank_by_token_ ? static_cast<std::uint32_t>(merged) : order, merged);
    }
  }

  /// Id of one character of the piece, -1 where it has none.
  std::int32_t character_id(std::string_view text, char32_t c, bool first, bool last, std::string& spelled) const {
    const bool plain = (first || prefix_.empty()) && (!last || suffix_.empty());
    if (plain && c < character_ids_.size()) return character_ids_[c];
    if (plain) return vocabulary().find(text).value_or(-1);
    spelled = first ? "" : prefix_;
    spelled += text;
    if (last) spelled += suffix_;
    return vocabulary().find(spelled).value_or(-1);
  }

  void merge(std::string_view piece, const Forbidden* forbidden, Scratch& scratch, Ids& out) const {
    scratch.symbols.clear();
    const auto add = [&](std::int32_t id) {
      const auto at = static_cast<std::int32_t>(scratch.symbols.size());
      scratch.symbols.push_back({id, at - 1, at + 1, -1, Scratch::kNoMerge});
    };
    bool pending_unknown = false;
    std::string spelled;
    for (std::size_t at = 0; at < piece.size();) {
      const std::size_t begin = at;
      const char32_t c = utf8::next(piece, at);
      const std::string_view text = piece.substr(begin, at - begin);
      spelled.clear();
      const std::int32_t id = character_id(text, c, begin == 0, at == piece.size(), spelled);
      if (id >= 0) {
        if (pending_unknown) add(*unknown_);
        pending_unknown = false;
        add(id);
      } else if (byte_fallback_ && add_bytes(spelled.empty() ? text : std::string_view(spelled), add)) {
        // as in the reference, an unknown token that waits to be fused comes after the bytes
      } else if (has_unknown_) {
        if (!unknown_)
          fail(ErrorCode::bad_file, "{}: unk_token \"{}\" is not in the vocabulary", where_, unknown_token_);
        if (pending_unknown && !fuse_unknown_) add(*unknown_);
        pending_unknown = true;
      }
    }
    if (pending_unknown) add(*unknown_);
    if (scratch.symbols.empty()) return;
    scratch.symbols.back().next = -1;
    merge_symbols(forbidden, scratch);
    for (const Scratch::Symbol& symbol : scratch.symbols) {
      if (symbol.id >= 0) out.push_back(symbol.id);
    }
  }

  template <typename Add>
  bool add_bytes(std::string_view text, const Add& add) const {
    const auto id = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
    if (!std::all_of(text.begin(), text.end(), [&](char c) { return id(c) >= 0; })) return false;
    for (const char c : text) add(id(c));
    return true;
  }

  /// Merges the best pair until there is none: O(n log n), whatever the text.
  void merge_symbols(const Forbidden* forbidden, Scratch& scratch) const {
    auto& symbols = scratch.symbols;
    auto& queue = scratch.queue;
    queue.clear();
    /// Looks up what the symbol at `position` makes with the next one, and queues it.
    const auto consider = [&](std::int32_t position) {
      Scratch::Symbol& left = symbols[position];
      const MergeTable::Entry* found = left.next < 0 ? nullptr : merges_.find(left.id, symbols[left.next].id);
      left.rank = Scratch::kNoMerge;
      if (found == nullptr || (forbidden != nullptr && forbidden->contains(found->id))) return false;
      left.rank = found->rank;
      left.merged = found->id;
      queue.push_back(std::uint64_t{found->rank} << 32 | static_cast<std::uint32_t>(position));
      return true;
    };
    const std::greater<> later;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) consider(static_cast<std::int32_t>(i));
    std::make_heap(queue.begin(), queue.end(), later);
    while (!queue.empty()) {
      std::pop_heap(queue.begin(), queue.end(), later);
      const auto rank = static_cast<std::uint32_t>(queue.back() >> 32);
      const auto position = static_cast<std::int32_t>(queue.back() & 0xFFFFFFFF);
      queue.pop_back();
      Scratch::Symbol& left = symbols[position];
      if (left.rank != rank) continue;  // one of the two has been merged meanwhile
      Scratch::Symbol& right = symbols[left.next];
      left.id = left.merged;
      left.next = right.next;
      right.id = -1;
      right.rank = Scratch::kNoMerge;
      if (left.next >= 0) symbols[left.next].previous = position;
      if (left.previous >= 0 && consider(left.previous)) std::push_heap(queue.begin(), queue.end(), later);
      if (consider(position)) std::push_heap(queue.begin(), queue.end(), later);
    }
  }

  MergeTable merges_;
  std::string where_;
  std::string prefix_;
  std::string suffix_;
  bool fuse_unknown_;
  bool byte_fallback_;
  bool ignore_merges_;
  bool rank_by_token_;  // tiktoken's order: what a merge makes tells its rank, the first of equal ones comes first
  bool has_unknown_ = false;
  std::string unknown_token_;
  std::optional<std::int32_t> unknown_;
  std::array<std::int32_t, 256> byte_ids_{};       // of "<0x00>" to "<0xFF>", -1: none
  std::array<std::int32_t, 512> character_ids_{};  // of the first code points, byte-level ones among them
};

/// A piece is a token or unknown (models/wordlevel/mod.rs).
class WordLevel final : public Model {
 public:
  WordLevel(const Fields& options, Vocabulary vocabulary)
      : Model(std::move(vocabulary)), where_(options.where()), unknown_token_(options.string("unk_token", "<unk>")) {}

  void tokenize(std::string_view piece, const Forbidden* forbidden, Scratch&, Ids& out) const override {
    auto id = vocabulary().find(piece);
    if (!id || (forbidden != nullptr && forbidden->contains(*id))) id = vocabulary().find(unknown_token_);
    if (!id) fail(ErrorCode::bad_file, "{}: unk_token \"{}\" is not in the vocabulary", where_, unknown_token_);
    out.push_back(*id);
  }

 private:
  std::string where_;
  std::string unknown_token_;
};

}  // namespace

std::unique_ptr<const Model> make_model(const Fields& options, Vocabulary vocabulary,
                                        const std::vector<Merge>& merges) {
  const std::string type = options.string("type");
  if (type == "BPE") return std::make_unique<const Bpe>(options, std::move(vocabulary), merges);
  if (type == "WordLevel") return std::make_unique<const WordLevel>(options, std::move(vocabulary));
  fail(ErrorCode::unsupported, "{}: the model \"{}\" is not supported, only BPE and WordLevel", options.where(), type);
}

}  // namespace lmm::tokenizer
