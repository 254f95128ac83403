#include "lib/core/error.hpp"
#include "lib/core/utf8.hpp"
#include "lib/tokenizer/regex.hpp"
#include "lib/tokenizer/regex_properties.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace lmm::tokenizer {
namespace {

constexpr int kMaxNesting = 100;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string literal(char32_t c) {
  if (c < 0x80 && !is_alpha(static_cast<char>(c)) && !is_digit(static_cast<char>(c))) {
    return c > ' ' ? fmt::format("\\{}", static_cast<char>(c)) : fmt::format("\\x{{{:X}}}", static_cast<unsigned>(c));
  }
  std::string out;
  utf8::append(out, c);
  return out;
}

/// A set of characters: `items` stand in a PCRE2 class; what cannot is an expression of its own that matches one.
struct CharSet {
  std::string items;
  std::vector<std::string> others;

  void add(std::string_view set, bool negated) {
    const bool property = set.substr(0, 2) == "\\p" && set.find('}') == set.size() - 1;
    if (!negated) {
      items += set;
    } else if (property) {
      items += "\\P" + std::string(set.substr(2));
    } else {
      others.push_back(fmt::format("[^{}]", set));
    }
  }

  std::string expression(bool negated) const {
    if (others.empty()) return fmt::format("[{}{}]", negated ? "^" : "", items);
    std::string any = items.empty() ? "" : fmt::format("[{}]", items);
    for (const std::string& other : others) any += (any.empty() ? "" : "|") + other;
    return negated ? fmt::format("(?:(?!{})(?s:.))", any) : fmt::format("(?:{})", any);
  }
};

class Translator {
 public:
  Translator(std::string_view pattern, std::string_view where) : in_(pattern), where_(where) {}

  std::string run() {
    while (at_ < in_.size()) step();
    if (!groups_.empty()) malformed("a group is not closed");
    out_ += std::string(closes_, ')');
    return std::move(out_);
  }

 private:
  struct Group {
    std::size_t start;  // in out_
    int closes;         // of the level outside
  };

  [[noreturn]] void malformed(std::string_view what) const {
    fail(ErrorCode::bad_file, "{}: malformed regular expression at byte {}: {}", where_, at_, what);
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    fail(ErrorCode::unsupported, "{}: regular expression uses {}, which is not supported", where_, what);
  }

  bool ahead(std::string_view text) const { return in_.substr(at_, text.size()) == text; }
  char32_t take() { return utf8::next(in_, at_); }
  char peek(std::size_t offset = 0) const { return at_ + offset < in_.size() ? in_[at_ + offset] : '\0'; }

  void atom(std::string_view text) {
    atom_ = out_.size();
    quantified_ = false;
    out_ += text;
  }
  void wrap_atom() {
    out_.insert(atom_, "(?:");
    out_ += ')';
  }

  void step() {
    switch (peek()) {
      case '\\':
        ++at_;
        return escape();
      case '[':
        ++at_;
        return atom(char_class(0));
      case '(':
        ++at_;
        return open_group();
      case ')':
        ++at_;
        return close_group();
      case '*':
      case '+':
      case '?':
        return quantifier();
      case '{':
        if (interval()) return;
        ++at_;
        return atom("\\{");
      case '|':
        ++at_;
        out_ += '|';
        atom_ = npos;
        return;
      case '^':
      case '$':
      case '.':
        return atom(std::string(1, in_[at_++]));
      default:
        break;
    }
    const std::size_t begin = at_;
    take();
    atom(in_.substr(begin, at_ - begin));
  }

  void quantifier() {
    if (atom_ == npos) malformed("a quantifier without anything to repeat");
    if (quantified_) wrap_atom();
    out_ += in_[at_++];
    if (peek() == '?' || peek() == '+') out_ += in_[at_++];
    quantified_ = true;
  }

  /// {n}, {n,}, {n,m}, {,m}; false where the brace is a literal.
  bool interval() {
    std::size_t i = at_ + 1;
    const auto number = [&] {
      const std::size_t begin = i;
      while (i < in_.size() && is_digit(in_[i])) ++i;
      return std::string(in_.substr(begin, i - begin));
    };
    const std::string low = number();
    const bool comma = i < in_.size() && in_[i] == ',';
    if (comma) ++i;
    const std::string high = comma ? number() : low;
    if (i >= in_.size() || in_[i] != '}' || (low.empty() && high.empty())) return false;
    if (atom_ == npos) malformed("an interval without anything to repeat");
    const auto too_many = [](const std::string& n) { return n.size() > 5 || (n.size() == 5 && n > "65535"); };
    if (too_many(low) || too_many(high)) unsupported("more than 65535 repetitions");
    at_ = i + 1;
    if (quantified_) wrap_atom();
    out_ += comma ? fmt::format("{{{},{}}}", low.empty() ? "0" : low, high) : fmt::format("{{{}}}", low);
    quantified_ = true;
    if (peek() == '?') {
      ++at_;
      if (comma) {
        out_ += '?';
      } else {  // x{n}? is an optional x{n} in Ruby's syntax
        wrap_atom();
        out_ += '?';
      }
    }
    return true;  // x{n,m}+ is no possessive but a repeated interval there: the next quantifier wraps
  }

  void open_group() {
    if (groups_.size() >= kMaxNesting) unsupported("groups nested that deep");
    if (peek() == '*') unsupported("a callout \"(*\"");
    std::size_t start = out_.size();
    if (peek() != '?') {
      out_ += '(';
    } else if (ahead("?#")) {
      const std::size_t end = in_.find(')', at_);
      if (end == npos) malformed("a comment is not closed");
      at_ = end + 1;
      return;
    } else if (ahead("?<=") || ahead("?<!")) {
      out_ += '(' + std::string(in_.substr(at_, 3));
      at_ += 3;
    } else if (ahead("?:") || ahead("?=") || ahead("?!") || ahead("?>")) {
      out_ += '(' + std::string(in_.substr(at_, 2));
      at_ += 2;
    } else if (ahead("?<") || ahead("?'")) {
      const char close = peek(1) == '<' ? '>' : '\'';
      const std::size_t end = in_.find(close, at_ + 2);
      if (end == npos) malformed("a group name is not closed");
      out_ += '(' + std::string(in_.substr(at_, end + 1 - at_));
      at_ = end + 1;
    } else if (!options()) {
      return;
    }
    groups_.push_back({start, closes_});
    closes_ = 0;
    atom_ = npos;
  }

  /// (?imx-imx) and (?imx-imx:. True where a group opens; the first kind takes all that follows in the group around it,
  /// further branches too.
  bool options() {
    ++at_;
    std::string flags;
    while (at_ < in_.size() && peek() != ':' && peek() != ')') {
      const char c = in_[at_++];
      if (c == 'i' || c == '-' || c == 'x')
        flags += c;
      else if (c == 'm')
        flags += 's';  // Ruby's m lets the dot match a newline
      else
        unsupported(fmt::format("the group \"(?{}\"", is_alpha(c) || c == '~' ? std::string(1, c) : "..."));
    }
    if (at_ >= in_.size()) malformed("a group is not closed");
    if (flags.find('x') < flags.find('-')) unsupported("the option (?x)");
    out_ += fmt::format("(?{}:", flags);
    if (in_[at_++] == ':') return true;
    ++closes_;
    atom_ = npos;
    return false;
  }

  void close_group() {
    if (groups_.empty()) malformed("\")\" without a group");
    out_ += std::string(closes_, ')') + ')';
    closes_ = groups_.back().closes;
    atom_ = groups_.back().start;
    quantified_ = false;
    groups_.pop_back();
  }

  void escape() {
    if (at_ >= in_.size()) malformed("it ends in a backslash");
    const char c = peek();
    const auto is_one_of = [c](std::string_view letters) { return letters.find(c) != npos; };
    if (is_one_of("KgyY")) unsupported(fmt::format("\\{}", c));
    if (is_one_of("AZzGRXbBNO")) {
      ++at_;
      if (c == 'b') return atom(fmt::format("(?:(?<=[{0}])(?![{0}])|(?<![{0}])(?=[{0}]))", kWordCharacters));
      if (c == 'B') return atom(fmt::format("(?:(?<=[{0}])(?=[{0}])|(?<![{0}])(?![{0}]))", kWordCharacters));
      if (c == 'N') return atom("[^\\n]");
      if (c == 'O') return atom("(?s:.)");
      return atom(fmt::format("\\{}", c));
    }
    if (c == 'k') {
      const std::size_t end = in_.find('>', at_);
      if (peek(1) != '<' || end == npos) unsupported("this form of \\k");
      atom('\\' + std::string(in_.substr(at_, end + 1 - at_)));
      at_ = end + 1;
      return;
    }
    if (c >= '1' && c <= '9') {
      std::size_t end = at_;
      while (end < in_.size() && is_digit(in_[end])) ++end;
      atom(fmt::format("\\g{{{}}}", in_.substr(at_, end - at_)));
      at_ = end;
      return;
    }
    CharSet set;
    if (const std::optional<char32_t> one = set_escape(set)) return atom(literal(*one));
    atom(set.expression(false));
  }

  /// An escape that stands for one character, which it returns, or for a set of them, which it adds to `set`.
  std::optional<char32_t> set_escape(CharSet& set) {
    const char32_t c = take();
    const std::string_view letter = c < 0x80 ? in_.substr(at_ - 1, 1) : std::string_view();
    if (letter == "p" || letter == "P") {
      property(set, letter == "P");
      return {};
    }
    static constexpr std::array<std::pair<char32_t, std::string_view>, 4> kSets = {
        {{U'd', kDecimalDigits}, {U's', kSpaceCharacters}, {U'w', kWordCharacters}, {U'h', kHexDigits}}};
    for (const auto& [name, items] : kSets) {
      if (c != name && c != name - 32) continue;  // the upper case is the complement
      set.add(items, c != name);
      return {};
    }
    static constexpr std::string_view kNames = "ntrfvae";
    static constexpr std::string_view kValues = "\n\t\r\f\v\a\x1B";
    if (!letter.empty() && kNames.find(letter) != npos) return static_cast<char32_t>(kValues[kNames.find(letter)]);
    if (letter == "u") return hex(4, 4);
    if (letter == "x") return hex_escape();
    if (letter == "0") return octal();
    if (letter == "c" || letter == "C" || letter == "M") unsupported("control escapes");
    return c;
  }

  char32_t hex_escape() {
    if (peek() != '{') return hex(1, 2);
    ++at_;
    const char32_t value = hex(1, 8);
    if (peek() != '}') unsupported("a list of code points in \\x{}");
    ++at_;
    return value;
  }

  char32_t octal() {
    char32_t value = 0;
    for (int i = 0; i < 2 && peek() >= '0' && peek() <= '7'; ++i) value = value * 8 + (take() - U'0');
    return value;
  }

  char32_t hex(int least, int most) {
    char32_t value = 0;
    int digits = 0;
    for (; digits < most; ++digits, ++at_) {
      const char c = peek();
      if (is_digit(c))
        value = value * 16 + static_cast<char32_t>(c - '0');
      else if ((c | 32) >= 'a' && (c | 32) <= 'f')
        value = value * 16 + static_cast<char32_t>((c | 32) - 'a' + 10);
      else
        break;
      if (value > 0x10FFFF) malformed("a code point above 10FFFF");
    }
    if (digits < least) malformed("a hexadecimal number is missing");
    if (most == 2 && value > 0x7F) unsupported("\\x80 to \\xFF, single bytes");
    if (value >= 0xD800 && value <= 0xDFFF) malformed("a surrogate");
    return value;
  }

  void property(CharSet& set, bool negated) {
    if (peek() != '{') malformed("\\p without {name}");
    const std::size_t end = in_.find('}', at_);
    if (end == npos) malformed("\\p{name} is not closed");
    std::string name(in_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    if (!name.empty() && name[0] == '^') {
      negated = !negated;
      name.erase(0, 1);
    }
    add_named(set, name, negated);
  }

  void add_named(CharSet& set, std::string_view name, bool negated) {
    const std::string items = named_characters(name);
    if (items.empty()) malformed("a property with an odd name");
    set.add(items, negated);
  }

  /// What follows "[" up to and with its "]", as an expression that matches one character.
  std::string char_class(int depth) {
    if (depth >= kMaxNesting) unsupported("classes nested that deep");
    const bool negated = peek() == '^';
    if (negated) ++at_;
    std::vector<std::string> factors;  // of an intersection
    CharSet set;
    const auto finished = [&] { return !set.items.empty() || !set.others.empty(); };
    for (bool first = true;; first = false) {
      if (at_ >= in_.size()) malformed("a class is not closed");
      if (peek() == ']' && !first) break;
      if (ahead("&&")) {
        at_ += 2;
        if (!finished()) malformed("an empty side of &&");
        factors.push_back(set.expression(false));
        set = {};
      } else if (ahead("[:") && posix(set)) {
      } else if (peek() == '[') {
        ++at_;
        set.others.push_back(char_class(depth + 1));
      } else {
        class_item(set);
      }
    }
    ++at_;
    if (!finished()) malformed("an empty class");
    if (factors.empty()) return set.expression(negated);
    std::string all;
    for (const std::string& factor : factors) all += fmt::format("(?={})", factor);
    all += set.expression(false);
    return negated ? fmt::format("(?:(?!{})(?s:.))", all) : fmt::format("(?:{})", all);
  }

  bool posix(CharSet& set) {
    const std::size_t end = in_.find(":]", at_ + 2);
    if (end == npos || end - at_ > 16) return false;
    std::string_view name = in_.substr(at_ + 2, end - at_ - 2);
    const bool negated = !name.empty() && name[0] == '^';
    if (negated) name.remove_prefix(1);
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_alpha)) return false;
    if (name == "graph" || name == "print") unsupported("[:graph:] and [:print:]");
    add_named(set, name, negated);
    at_ = end + 2;
    return true;
  }

  std::optional<char32_t> class_char(CharSet& set) {
    if (peek() != '\\') return take();
    ++at_;
    if (at_ >= in_.size()) malformed("it ends in a backslash");
    if (peek() == 'b') {
      ++at_;
      return 0x08;
    }
    if (peek() == 'R' || peek() == 'X' || (peek() >= '1' && peek() <= '9')) unsupported("such an escape in a class");
    return set_escape(set);
  }

  void class_item(CharSet& set) {
    const std::optional<char32_t> low = class_char(set);
    if (!low) return;
    set.items += literal(*low);
    if (peek() != '-' || peek(1) == ']' || peek(1) == '\0' || peek(1) == '[' || in_.substr(at_ + 1, 2) == "&&") return;
    const std::size_t dash = at_++;
    CharSet other;
    const std::optional<char32_t> high = class_char(other);
    if (!high) {  // a set cannot end a range: the dash is itself
      set.items += "\\-" + other.items;
      set.others.insert(set.others.end(), other.others.begin(), other.others.end());
      return;
    }
    if (*high < *low) {
      at_ = dash;
      malformed("a range that runs backwards");
    }
    set.items += '-' + literal(*high);
  }

  static constexpr std::size_t npos = std::string_view::npos;
  std::string_view in_;
  std::string_view where_;
  std::size_t at_ = 0;
  std::string out_;
  std::vector<Group> groups_;
  int closes_ = 0;           // groups that (?i) and the like opened at this level
  std::size_t atom_ = npos;  // where in out_ the thing begins that a quantifier would repeat
  bool quantified_ = false;
};

}  // namespace

std::string pcre2_from_oniguruma(std::string_view pattern, std::string_view where) {
  return Translator(pattern, where).run();
}

}  // namespace lmm::tokenizer
