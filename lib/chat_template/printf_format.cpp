#include "lib/chat_template/evaluator.hpp"
#include "lib/chat_template/number_format.hpp"

#include <algorithm>
#include <cmath>

namespace lmm::chat_template {
namespace {

/// The % operator of Python's str.
class Printf {
 public:
  Printf(Evaluator& evaluator, const Text& format, const Value& value)
      : evaluator_(evaluator), format_(format), bytes_(format.bytes()), value_(value) {
    const List* list = value.sequence();
    tuple_ = list != nullptr && list->tuple ? list : nullptr;
    mapping_ = tuple_ == nullptr && (list != nullptr || value.dict() != nullptr || value.is_undefined());
  }

  Text run() {
    Text out;
    std::size_t at = 0;
    while (at < bytes_.size()) {
      const std::size_t percent = std::min(bytes_.find('%', at), bytes_.size());
      out.append(format_, at, percent);
      if (percent == bytes_.size()) break;
      at_ = percent + 1;
      out.append(conversion());
      evaluator_.step(1 + out.size() / 1024);
      at = at_;
    }
    if (!mapping_ && used_ < (tuple_ != nullptr ? tuple_->items.size() : 1)) {
      raise("not all arguments converted during string formatting");
    }
    out.markup = format_.markup;
    return out;
  }

 private:
  char peek() const {
    if (at_ >= bytes_.size()) raise("incomplete format");
    return bytes_[at_];
  }

  Value next_argument() {
    const std::size_t count = tuple_ != nullptr ? tuple_->items.size() : 1;
    if (used_ >= count) raise("not enough arguments for format string");
    ++used_;
    return tuple_ != nullptr ? tuple_->items[used_ - 1] : value_;
  }

  Value key_argument() {
    int level = 1;
    const std::size_t begin = ++at_;
    for (; level > 0; ++at_) {
      if (at_ >= bytes_.size()) raise("incomplete format key");
      level += bytes_[at_] == '(' ? 1 : bytes_[at_] == ')' ? -1 : 0;
    }
    if (value_.dict() == nullptr) raise("format requires a mapping");
    const std::string key = bytes_.substr(begin, at_ - 1 - begin);
    const Value* found = value_.dict()->find(key);
    if (found == nullptr) raise("'{}' is not among the arguments of the format", key);
    return *found;
  }

  /// Digits, or `*`: the next argument.
  std::int64_t size() {
    if (peek() == '*') {
      ++at_;
      return to_integer(next_argument(), "* wants int");
    }
    std::int64_t number = 0;
    for (; at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9'; ++at_) {
      number = number * 10 + (bytes_[at_] - '0');
      if (number > static_cast<std::int64_t>(Text::kMaxBytes)) raise("format width or precision longer than the limit of {}", Text::kMaxBytes);
    }
    return number;
  }

  Text conversion() {
    Value keyed;
    if (peek() == '(') keyed = key_argument();
    bool left = false, plus = false, space = false, alternate = false, zero = false;
    for (; std::string_view("-+ #0").find(peek()) != std::string_view::npos; ++at_) {
      left = left || peek() == '-';
      plus = plus || peek() == '+';
      space = space || peek() == ' ';
      alternate = alternate || peek() == '#';
      zero = zero || peek() == '0';
    }
    std::int64_t width = size();
    if (width < 0) {
      left = true;
      width = -width;
    }
    std::int64_t precision = -1;
    if (peek() == '.') {
      ++at_;
      precision = std::max<std::int64_t>(size(), 0);
    }
    while (std::string_view("hlL").find(peek()) != std::string_view::npos) ++at_;
    const char type = peek();
    ++at_;
    if (type == '%') return Text("%");
    const Value value = keyed.is_missing() ? next_argument() : keyed;
    bool negative = false;
    bool number = true;
    std::string prefix;
    Text body;
    if (std::string_view("sra").find(type) != std::string_view::npos) {
      if (type == 'a') raise("the format %a is not supported");
      number = false;
      body = type == 's' ? to_text(evaluator_, value) : repr(evaluator_, value);
      body = cut(format_.markup ? escape_html(body) : body, precision);
    } else if (type == 'c') {
      number = false;
      body = character(value);
    } else if (std::string_view("diuoxX").find(type) != std::string_view::npos) {
      body = integer(value, type, precision, negative);
      if (alternate && std::string_view("oxX").find(type) != std::string_view::npos) prefix = std::string("0") + type;
    } else if (std::string_view("eEfFgG").find(type) != std::string_view::npos) {
      const auto real = value.number();
      if (!real) raise("must be real number, not {}", value.type_name());
      negative = std::signbit(*real) && !std::isnan(*real);
      body = Text(float_digits(*real, type, precision, alternate));
    } else {
      raise("unsupported format character '{}'", type);
    }
    if (number) prefix = (negative ? "-" : plus ? "+" : space ? " " : "") + prefix;
    return laid_out(prefix, body, width, left, zero && number);
  }

  static Text laid_out(const std::string& prefix, const Text& body, std::int64_t width, bool left, bool zero) {
    const auto length = static_cast<std::int64_t>(prefix.size() + body.length());
    const auto padding = static_cast<std::size_t>(std::max<std::int64_t>(width - length, 0));
    Text out;
    if (!left && !zero) out.append_fill(" ", padding);
    out.append(prefix);
    if (!left && zero) out.append_fill("0", padding);
    out.append(body);
    if (left) out.append_fill(" ", padding);
    return out;
  }

  static Text cut(const Text& text, std::int64_t precision) {
    if (precision < 0 || precision >= static_cast<std::int64_t>(text.length())) return text;
    return text.part(0, text.offset(static_cast<std::size_t>(precision)));
  }

  static Text character(const Value& value) {
    if (const Text* text = value.string(); text != nullptr && text->length() == 1) return *text;
    const auto code = value.integer();
    if (!code) raise("%c requires int or char");
    if (*code < 0 || *code > 0x10FFFF) raise("%c arg not in range(0x110000)");
    std::string bytes;
    utf8::append(bytes, static_cast<char32_t>(*code));
    return Text(bytes);
  }

  static Text integer(const Value& value, char type, std::int64_t precision, bool& negative) {
    std::int64_t number = 0;
    const bool decimal = std::string_view("diu").find(type) != std::string_view::npos;
    if (value.integer()) {
      number = *value.integer();
    } else if (value.is_float() && decimal) {
      const double real = *value.number();
      if (!(std::abs(real) < 9.2e18)) raise("cannot convert float {} to a 64-bit integer", float_repr(real));
      number = static_cast<std::int64_t>(real);
    } else {
      raise("%{} format: a number is required, not {}", type, value.type_name());
    }
    negative = number < 0;
    const std::string digits = integer_digits(number, decimal ? 'd' : type);
    Text text;
    text.append_fill("0", static_cast<std::size_t>(std::max<std::int64_t>(precision - static_cast<std::int64_t>(digits.size()), 0)));
    text.append(digits);
    return text;
  }

  Evaluator& evaluator_;
  const Text& format_;
  const std::string& bytes_;
  const Value& value_;
  const List* tuple_ = nullptr;
  bool mapping_ = false;
  std::size_t used_ = 0;
  std::size_t at_ = 0;
};

}  // namespace

Text printf_format(Evaluator& evaluator, const Text& format, const Value& value) {
  return Printf(evaluator, format, value).run();
}

}  // namespace lmm::chat_template
