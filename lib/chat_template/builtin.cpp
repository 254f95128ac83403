#include "lib/chat_template/builtin.hpp"

namespace lmm::chat_template {
namespace {

constexpr std::string_view kQwen2Audio =
    R"({% set sounds = namespace(heard=0) %}{% for turn in messages %})"
    R"({% if loop.first and turn['role'] != 'system' %})"
    R"({{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %})"
    R"({{ '<|im_start|>' ~ turn['role'] ~ '\n' }})"
    R"({% if turn['content'] is string %}{{ turn['content'] }}{% else %}{% for part in turn['content'] %})"
    R"({% if 'audio' in part or 'audio_url' in part or turn['type'] == 'audio' or part['type'] == 'audio' %})"
    R"({% set sounds.heard = sounds.heard + 1 %})"
    R"({{ 'Audio ' ~ sounds.heard ~ ': <|audio_bos|><|AUDIO|><|audio_eos|>\n' }})"
    R"({% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}{{ '<|im_end|>\n' }}{% endfor %})"
    R"({% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %})";

}  // namespace

std::string_view processor_default(std::string_view model_type) {
  return model_type == "qwen2_audio" ? kQwen2Audio : std::string_view();
}

}  // namespace lmm::chat_template
