#pragma once

#include <string_view>

namespace lmm::chat_template {

/// Templates for families whose reference builds prompts by code where a checkpoint has no template of its own. They
/// render what that code gives. Empty: none.

/// Of a processor, instead of the tokenizer's template: Qwen2AudioProcessor.default_chat_template for "qwen2_audio".
std::string_view processor_default(std::string_view model_type);

/// Of a processor, instead of the checkpoint's template where the conversation has a video: DEFAULT_CHAT_TEMPLATE of
/// processing_smolvlm.py for "smolvlm", whose published templates have no place for one.
std::string_view video_default(std::string_view model_type);

/// Beside tekken.json, whatever templates stand there too, and where neither processor nor tokenizer has one:
/// mistral-common's instruct format v7 for "voxtral" (tokens/tokenizers/instruct.py). With the variable `transcribe`,
/// true or a language code, it renders a transcription request of the one recording given.
std::string_view mistral_default(std::string_view model_type);

}  // namespace lmm::chat_template
