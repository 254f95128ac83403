#pragma once

#include "lib/core/json.hpp"

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lmm::chat_template {

struct Program;

/// Bytes [begin, end) of a text.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const Span&) const = default;
};

struct Rendered {
  std::string text;         ///< UTF-8
  std::vector<Span> user;   ///< sorted, disjoint: what came from the host's variables and not from the template
};

/// What a template may use up. Exceeding one is Error bad_template naming it. Besides, no string value is longer than
/// 64 MiB and no value nested deeper than 250.
struct Limits {
  std::uint64_t steps = 20'000'000;           ///< evaluated nodes, elements touched, and bytes made / 16
  std::size_t output_bytes = 64u << 20;       ///< of the output, and of each captured block
  std::int64_t range_items = 100'000;         ///< as jinja2.sandbox.MAX_RANGE
  int depth = 1000;                           ///< nested evaluations: expressions, blocks, macro calls
};

/// Local time for strftime_now.
using Clock = std::function<std::tm()>;
std::tm local_clock();

/// A chat template in Jinja, as transformers (utils/chat_template_utils.py) sets jinja2 up: an immutable sandbox with
/// trim_blocks, lstrip_blocks, loop controls, `generation` blocks, raise_exception and strftime_now.
/// Immutable and cheap to copy; usable from many threads at once.
class ChatTemplate {
 public:
  /// `where` names the template in errors. Error bad_template: "<where>: line L, column C: ...".
  static ChatTemplate parse(std::string source, std::string where);

  /// The template of a checkpoint folder, found as transformers does: chat_template.json (processors), then
  /// chat_template.jinja with additional_chat_templates/*.jinja, then "chat_template" in processor_config.json and
  /// tokenizer_config.json; one of lmm's own for families whose reference has code instead (builtin.hpp), which has another
  /// beside it for conversations with videos. Nothing where the folder has none. Errors: bad_template, bad_file.
  static std::optional<ChatTemplate> load(const std::filesystem::path& folder);

  /// Renders as apply_chat_template does: `variables` holds "messages" (each an object; null fields are dropped,
  /// "reasoning_content" is filled from its older names), and may hold "tools", "documents", "add_generation_prompt",
  /// the special tokens ("bos_token" ...) and any other variable. The variant "tool_use" is taken where the
  /// checkpoint has one and tools are given, the one for videos where a message has a part of that type. Error bad_template, with the line: what the template raises, what jinja2
  /// would raise, a limit.
  Rendered render(const Json& variables, const Limits& limits = {}, const Clock& clock = local_clock) const;

  /// The template's text (of the default one).
  const std::string& source() const noexcept;

 private:
  std::shared_ptr<const Program> program_;     ///< "default", or null where "tool_use" is the only one
  std::shared_ptr<const Program> with_tools_;  ///< "tool_use", or null
  std::shared_ptr<const Program> with_videos_; ///< or null
  bool processor_ = false;                     ///< a processor's template: image_url parts become image parts
};

}  // namespace lmm::chat_template
