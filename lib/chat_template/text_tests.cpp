#include "lib/chat_template/methods.hpp"
#include "lib/chat_template/unicode.hpp"

#include <algorithm>
#include <array>

namespace lmm::chat_template {
namespace {

/// True for a text that has characters, all of one class.
template <bool (*is)(char32_t) noexcept>
bool all(const Text& text) {
  bool result = !text.empty();
  text.each([&](char32_t c, std::string_view, bool) { result = result && is(c); });
  return result;
}

template <bool (*wanted)(char32_t) noexcept, bool (*unwanted)(char32_t) noexcept>
bool one_case(const Text& text) {
  bool found = false;
  bool other = false;
  text.each([&](char32_t c, std::string_view, bool) {
    found = found || wanted(c);
    other = other || unwanted(c) || unicode::is_title(c);
  });
  return found && !other;
}

bool is_title(const Text& text) {
  bool found = false;
  bool right = true;
  bool after_cased = false;
  text.each([&](char32_t c, std::string_view, bool) {
    const bool begins = unicode::is_upper(c) || unicode::is_title(c);
    const bool goes_on = unicode::is_lower(c);
    if (begins ? after_cased : goes_on && !after_cased) right = false;
    after_cased = begins || goes_on;
    found = found || after_cased;
  });
  return found && right;
}

bool is_ascii(const Text& text) { return text.ascii(); }
bool is_printable(const Text& text) { return text.empty() || all<unicode::is_printable>(text); }

struct Entry {
  std::string_view name;
  bool (*test)(const Text&);
};
constexpr std::array<Entry, 11> kTests = {{
    {"isdigit", all<unicode::is_digit>},
    {"isdecimal", all<unicode::is_decimal>},
    {"isnumeric", all<unicode::is_numeric>},
    {"isalpha", all<unicode::is_alpha>},
    {"isalnum", all<unicode::is_alnum>},
    {"isspace", all<unicode::is_space>},
    {"isprintable", is_printable},
    {"isascii", is_ascii},
    {"islower", one_case<unicode::is_lower, unicode::is_upper>},
    {"isupper", one_case<unicode::is_upper, unicode::is_lower>},
    {"istitle", is_title},
}};

const Entry* find(std::string_view name) {
  const auto* found = std::find_if(kTests.begin(), kTests.end(), [&](const Entry& entry) { return entry.name == name; });
  return found == kTests.end() ? nullptr : found;
}

}  // namespace

bool is_text_test(std::string_view name) { return find(name) != nullptr; }

Value text_test(Evaluator& evaluator, std::string_view name, const Text& text) {
  evaluator.step(text.size() / 4);
  return Value(find(name)->test(text));
}

}  // namespace lmm::chat_template
