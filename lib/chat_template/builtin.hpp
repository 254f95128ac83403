#pragma once

#include <string_view>

namespace lmm::chat_template {

/// Templates for families whose reference builds prompts by code where a checkpoint has no template of its own. They
/// render what that code gives. Empty: none.

/// Of a processor, instead of the tokenizer's template: Qwen2AudioProcessor.default_chat_template for "qwen2_audio".
std::string_view processor_default(std::string_view model_type);

}  // namespace lmm::chat_template
