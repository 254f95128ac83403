#include "lib/tokenizer/regex.hpp"

#include "lib/core/error.hpp"
#include "lib/core/utf8.hpp"
#include "lib/tokenizer/unicode.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <utility>

namespace lmm::tokenizer {
namespace {

constexpr std::size_t kMaxPattern = 32768;
constexpr std::uint32_t kStepsPerSearch = 10'000'000;  // PCRE2's own default
constexpr std::uint32_t kHeapKibibytes = 128 * 1024;
constexpr std::size_t kJitStack = 8u << 20;

std::string reason(int error) {
  std::array<PCRE2_UCHAR, 200> buffer{};
  pcre2_get_error_message(error, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

std::string shortened(std::string_view pattern) {
  std::string text(pattern.substr(0, utf8::complete_prefix(pattern.substr(0, 80))));
  std::replace(text.begin(), text.end(), '\n', ' ');
  return pattern.size() > text.size() ? text + "..." : text;
}

}  // namespace

Regex::Regex(std::string_view oniguruma, std::string where) : where_(std::move(where)) {
  if (oniguruma.size() > kMaxPattern) {
    fail(ErrorCode::bad_file, "{}: regular expression of {} bytes, expected at most {}", where_, oniguruma.size(),
         kMaxPattern);
  }
  pattern_ = shortened(oniguruma);
  const std::string pattern = pcre2_from_oniguruma(oniguruma, where_);
  const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), &pcre2_compile_context_free);
  if (context == nullptr) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_bsr(context.get(), PCRE2_BSR_UNICODE);
  pcre2_set_parens_nest_limit(context.get(), 200);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &offset, context.get());
  if (code == nullptr) {
    fail(ErrorCode::bad_file, "{}: regular expression \"{}\" does not compile: {}", where_, pattern_, reason(error));
  }
  code_ = std::shared_ptr<const void>(
      code, [](const void* p) { pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(p))); });
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where there is no JIT, the interpreter gives the same matches
}

struct Regex::Finder::Scratch {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = nullptr;
  std::string text;  // with stand-ins for code points that PCRE2 may not know

  Scratch() {
    if (data == nullptr || context == nullptr) throw std::bad_alloc();
    pcre2_set_heap_limit(context, kHeapKibibytes);
  }
  ~Scratch() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

Regex::Finder::Finder(const Regex& regex) : regex_(regex), scratch_(std::make_unique<Scratch>()) {}

Regex::Finder::~Finder() = default;

bool Regex::Finder::next(std::string_view text, std::size_t from, TextSpan& found) {
  Scratch& scratch = *scratch_;
  // A single pass over a long run of one class is no runaway: the limit grows with the text.
  const auto extra = std::min<std::size_t>(16 * text.size(), 2'000'000'000);
  pcre2_set_match_limit(scratch.context, kStepsPerSearch + static_cast<std::uint32_t>(extra));
  const auto match = [&](std::uint32_t options) {
    return pcre2_match(static_cast<const pcre2_code*>(regex_.code_.get()), reinterpret_cast<PCRE2_SPTR>(text.data()),
                       text.size(), from, PCRE2_NO_UTF_CHECK | options, scratch.data, scratch.context);
  };
  int rc = match(0);
  if (rc == PCRE2_ERROR_JIT_STACKLIMIT && scratch.stack == nullptr) {
    scratch.stack = pcre2_jit_stack_create(64 * 1024, kJitStack, nullptr);
    if (scratch.stack == nullptr) throw std::bad_alloc();
    pcre2_jit_stack_assign(scratch.context, nullptr, scratch.stack);
    rc = match(0);
  }
  if (rc == PCRE2_ERROR_JIT_STACKLIMIT) rc = match(PCRE2_NO_JIT);
  if (rc == PCRE2_ERROR_NOMATCH) return false;
  if (rc < 0) {
    fail(ErrorCode::bad_file, "{}: regular expression \"{}\" gives up on a text of {} bytes: {}", regex_.where_,
         regex_.pattern_, text.size(), reason(rc));
  }
  const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(scratch.data);
  found = {offsets[0], offsets[1]};
  return true;
}

const std::vector<TextSpan>& Regex::Finder::find_all(std::string_view original) {
  const std::string_view text = unicode::with_known_code_points(original, scratch_->text);
  matches_.clear();
  std::size_t from = 0;
  TextSpan found;
  while (from <= text.size() && next(text, from, found)) {
    if (found.begin == found.end && !matches_.empty() && found.end == matches_.back().end) {
      if (from == text.size()) break;
      utf8::next(text, from);
      continue;
    }
    matches_.push_back(found);
    from = found.end;
  }
  return matches_;
}

}  // namespace lmm::tokenizer
