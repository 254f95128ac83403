#include "lib/chat_template/evaluator.hpp"
#include "lib/chat_template/number_format.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace lmm::chat_template {

std::string integer_digits(std::int64_t value, char type) {
  const std::uint64_t size = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  switch (type) {
    case 'b': return fmt::format("{:b}", size);
    case 'o': return fmt::format("{:o}", size);
    case 'x': return fmt::format("{:x}", size);
    case 'X': return fmt::format("{:X}", size);
    default: return fmt::format("{}", size);
  }
}

std::string float_digits(double value, char type, std::int64_t precision, bool alternate) {
  const double size = std::abs(value);
  const bool capital = std::isupper(static_cast<unsigned char>(type)) != 0;
  if (!std::isfinite(size)) return std::isnan(size) ? (capital ? "NAN" : "nan") : (capital ? "INF" : "inf");
  if (precision > 10000) raise("precision of {}, the limit is 10000", precision);
  const int digits = static_cast<int>(precision < 0 ? 6 : precision);
  switch (type) {
    case 'e': return alternate ? fmt::format("{:#.{}e}", size, digits) : fmt::format("{:.{}e}", size, digits);
    case 'E': return alternate ? fmt::format("{:#.{}E}", size, digits) : fmt::format("{:.{}E}", size, digits);
    case 'f':
    case 'F': return alternate ? fmt::format("{:#.{}f}", size, digits) : fmt::format("{:.{}f}", size, digits);
    case 'G': return alternate ? fmt::format("{:#.{}G}", size, std::max(digits, 1)) : fmt::format("{:.{}G}", size, std::max(digits, 1));
    default: return alternate ? fmt::format("{:#.{}g}", size, std::max(digits, 1)) : fmt::format("{:.{}g}", size, std::max(digits, 1));
  }
}

namespace {

/// [[fill]align][sign][#][0][width][grouping][.precision][type]
struct Specification {
  std::string fill = " ";
  char align = 0;
  char sign = '-';
  bool alternate = false;
  std::int64_t width = 0;
  char grouping = 0;
  std::int64_t precision = -1;
  char type = 0;
};

std::int64_t number_at(std::string_view text, std::size_t& at) {
  std::int64_t number = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    number = number * 10 + (text[at] - '0');
    if (number > static_cast<std::int64_t>(Text::kMaxBytes)) raise("format width or precision longer than the limit of {}", Text::kMaxBytes);
  }
  return number;
}

bool is_align(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

Specification parse(std::string_view text) {
  Specification result;
  std::size_t at = 0;
  std::size_t fill_end = 0;
  if (!text.empty()) utf8::next(text, fill_end);
  if (fill_end > 0 && fill_end < text.size() && is_align(text[fill_end])) {
    result.fill.assign(text.substr(0, fill_end));
    result.align = text[fill_end];
    at = fill_end + 1;
  } else if (!text.empty() && is_align(text[0])) {
    result.align = text[0];
    at = 1;
  }
  const auto next_is = [&](std::string_view set) { return at < text.size() && set.find(text[at]) != std::string_view::npos; };
  if (next_is("+- ")) result.sign = text[at++];
  if (next_is("z")) raise("the format option 'z' is not supported");
  if (next_is("#")) result.alternate = text[at++] == '#';
  if (next_is("0")) {
    if (result.align == 0) {
      result.fill.assign(1, '0');
      result.align = '0';  // '=' for numbers, the default for text
    }
    ++at;
  }
  result.width = number_at(text, at);
  if (next_is(",_")) result.grouping = text[at++];
  if (next_is(".")) {
    ++at;
    if (!next_is("0123456789")) raise("Format specifier missing precision");
    result.precision = number_at(text, at);
  }
  if (at < text.size()) result.type = text[at++];
  if (at < text.size()) raise("Invalid format specifier '{}'", text);
  return result;
}

Text padded(const Specification& specification, const std::string& prefix, const Text& body, char align) {
  const auto length = static_cast<std::int64_t>(prefix.size() + body.length());
  const std::int64_t padding = std::max<std::int64_t>(specification.width - length, 0);
  const std::int64_t before = align == '>' ? padding : align == '^' ? padding / 2 : 0;
  Text text;
  text.append_fill(specification.fill, static_cast<std::size_t>(before));
  text.append(prefix);
  if (align == '=') text.append_fill(specification.fill, static_cast<std::size_t>(padding));
  text.append(body);
  if (align != '=') text.append_fill(specification.fill, static_cast<std::size_t>(padding - before));
  return text;
}

std::string grouped(const std::string& digits, char separator, std::size_t group) {
  const std::size_t whole = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  std::string text;
  for (std::size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % group == 0) text += separator;
    text += digits[i];
  }
  return text + digits.substr(whole);
}

Text format_number(const Specification& specification, bool negative, std::string prefix, std::string digits) {
  if (specification.grouping != 0) {
    if (specification.fill == "0" && specification.width > 0) raise("grouping with zero padding is not supported");
    const bool binary = specification.type != 0 && std::string_view("boxX").find(specification.type) != std::string_view::npos;
    digits = grouped(digits, specification.grouping, binary ? 4 : 3);
  }
  prefix = (negative ? "-" : specification.sign == '-' ? "" : std::string(1, specification.sign)) + prefix;
  const char align = specification.align == '0' ? '=' : specification.align == 0 ? '>' : specification.align;
  return padded(specification, prefix, Text(digits), align);
}

/// As g, but with a digit after the point, which counts among the significant ones.
std::string general_digits(double value, std::int64_t precision) {
  const std::int64_t digits = std::max<std::int64_t>(precision, 1);
  const std::string scientific = float_digits(value, 'e', digits - 1, false);
  const std::size_t mark = scientific.find('e');
  if (std::stoi(scientific.substr(mark + 1)) + 1 > digits - 1) {
    std::string mantissa = scientific.substr(0, mark);
    if (mantissa.find('.') != std::string::npos) {
      mantissa.erase(mantissa.find_last_not_of('0') + 1);
      if (mantissa.back() == '.') mantissa.pop_back();
    }
    return mantissa + scientific.substr(mark);
  }
  std::string text = float_digits(value, 'g', digits, false);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

Text format_float(const Specification& specification, double value) {
  const bool negative = std::signbit(value) && !std::isnan(value);
  const char type = specification.type;
  if (type == 0 && specification.precision < 0) {
    const std::string text = float_repr(std::abs(value));
    return format_number(specification, negative, "", text);
  }
  if (type != 0 && std::string_view("eEfFgGn%").find(type) == std::string_view::npos) {
    raise("Unknown format code '{}' for object of type 'float'", type);
  }
  if (type == '%') {
    return format_number(specification, negative, "", float_digits(value * 100, 'f', specification.precision, specification.alternate) + "%");
  }
  if (type == 0 && std::isfinite(value)) return format_number(specification, negative, "", general_digits(value, specification.precision));
  const std::string digits = float_digits(value, type == 0 || type == 'n' ? 'g' : type, specification.precision, specification.alternate);
  return format_number(specification, negative, "", digits);
}

Text format_integer(const Specification& specification, std::int64_t value) {
  const char type = specification.type == 0 || specification.type == 'n' ? 'd' : specification.type;
  if (std::string_view("eEfFgG%").find(type) != std::string_view::npos) return format_float(specification, static_cast<double>(value));
  if (specification.precision >= 0) raise("Precision not allowed in integer format specifier");
  if (type == 'c') {
    if (value < 0 || value > 0x10FFFF) raise("%c arg not in range(0x110000)");
    Text text;
    std::string bytes;
    utf8::append(bytes, static_cast<char32_t>(value));
    text.append(bytes);
    return padded(specification, "", text, specification.align == 0 ? '<' : specification.align);
  }
  if (std::string_view("bdoxX").find(type) == std::string_view::npos) raise("Unknown format code '{}' for object of type 'int'", type);
  const std::string prefix = specification.alternate && type != 'd' ? std::string("0") + type : "";
  return format_number(specification, value < 0, prefix, integer_digits(value, type));
}

}  // namespace

Text format_value(Evaluator& evaluator, const Value& value, std::string_view text) {
  if (text.empty()) return to_text(evaluator, value);
  const Specification specification = parse(text);
  if (value.is_float()) return format_float(specification, *value.number());
  if (value.integer()) return format_integer(specification, *value.integer());
  const Text* string = value.string();
  if (string == nullptr) raise("unsupported format string passed to {}.__format__", value.type_name());
  if (specification.type != 0 && specification.type != 's') raise("Unknown format code '{}' for object of type 'str'", specification.type);
  if (specification.align == '=' || specification.sign != '-' || specification.alternate || specification.grouping != 0) {
    raise("Invalid format specifier '{}' for object of type 'str'", text);
  }
  const auto length = static_cast<std::int64_t>(string->length());
  const std::int64_t kept = specification.precision < 0 ? length : std::min(specification.precision, length);
  const bool no_align = specification.align == 0 || specification.align == '0';
  return padded(specification, "", string->part(0, string->offset(static_cast<std::size_t>(kept))), no_align ? '<' : specification.align);
}

}  // namespace lmm::chat_template
