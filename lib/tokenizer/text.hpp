#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::tokenizer {

/// Bytes [begin, end) of a text.
struct TextSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// A part of the input on its way through normaliser and pre-tokeniser.
struct Text {
  std::string bytes;              ///< well-formed UTF-8
  bool tracked = false;           ///< whether origins are kept
  std::vector<TextSpan> origins;  ///< where tracked: for each byte, the bytes of the input that it came from
};

/// Builds the successor of a Text piece by piece, origins along with it.
class Rewrite {
 public:
  explicit Rewrite(const Text& from) : from_(from) { to_.tracked = from.tracked; }

  /// Copies the old bytes [begin, end).
  void keep(std::size_t begin, std::size_t end) {
    to_.bytes.append(from_.bytes, begin, end - begin);
    if (to_.tracked) to_.origins.insert(to_.origins.end(), from_.origins.begin() + begin, from_.origins.begin() + end);
  }

  /// Writes new bytes that stand for the old bytes [begin, end), which are not none.
  void put(std::string_view bytes, std::size_t begin, std::size_t end) {
    to_.bytes.append(bytes);
    if (to_.tracked) {
      to_.origins.insert(to_.origins.end(), bytes.size(), {from_.origins[begin].begin, from_.origins[end - 1].end});
    }
  }

  std::size_t size() const { return to_.bytes.size(); }
  Text take() { return std::move(to_); }

 private:
  const Text& from_;
  Text to_;
};

/// A text in pieces: not empty, in order, not overlapping; what lies between them is dropped.
struct Pieces {
  Text text;
  std::vector<TextSpan> spans;

  std::string_view piece(TextSpan span) const {
    return std::string_view(text.bytes).substr(span.begin, span.end - span.begin);
  }
};

}  // namespace lmm::tokenizer
