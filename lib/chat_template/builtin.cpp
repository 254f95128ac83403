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

constexpr std::string_view kSmolVlmVideos =
    R"(<|im_start|>{% for turn in messages %}{{ turn['role'] | capitalize }})"
    R"({{ ':' if turn['content'][0]['type'] == 'image' else ': ' }}{% for part in turn['content'] %})"
    R"({% if part['type'] == 'text' %}{{ part['text'] }}{% elif part['type'] == 'image' %}<image>)"
    R"({% elif part['type'] == 'video' %}<video>{% endif %}{% endfor %}{{ '<end_of_utterance>\n' }}{% endfor %})"
    R"({% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %})";

// Runs of turns with one role are one turn, adjacent texts of a turn are two paragraphs. `run.text` is what was said
// since the last recording.
constexpr std::string_view kVoxtral = R"(
{%- set seen = namespace(audio=0, system=false, last_user=-1) -%}
{%- for turn in messages -%}
  {%- if turn['role'] == 'system' %}{% set seen.system = true %}{% endif -%}
  {%- if turn['role'] == 'user' %}{% set seen.last_user = loop.index0 %}{% endif -%}
  {%- if turn['content'] is not string -%}
    {%- for part in turn['content'] or [] -%}
      {%- if part['type'] == 'audio' %}{% set seen.audio = seen.audio + 1 %}{% endif -%}
    {%- endfor -%}
  {%- endif -%}
{%- endfor -%}
{%- if seen.audio and seen.system -%}
  {{- raise_exception('System messages are not yet allowed when audio is present') -}}
{%- endif -%}
{{- '<s>' -}}
{%- if transcribe is defined and transcribe -%}
  {%- if messages | length != 1 or seen.audio != 1 or messages[0]['content'] | length != 1 -%}
    {{- raise_exception('transcribe takes one message of one recording alone') -}}
  {%- endif -%}
  {{- '[INST][BEGIN_AUDIO][AUDIO][/INST]' -}}
  {%- if transcribe is string %}{{ 'lang:' }}{{ transcribe }}{% endif -%}
  {{- '[TRANSCRIBE]' -}}
{%- else -%}
  {%- set run = namespace(text='', role='') -%}
  {%- for turn in messages -%}
    {%- set role = turn['role'] -%}
    {%- if role not in ['system', 'user', 'assistant'] or turn['tool_calls'] -%}
      {{- raise_exception('Only system, user and assistant turns without tool calls are supported, got ' ~ role) -}}
    {%- endif -%}
    {%- if role != run.role or role == 'system' -%}
      {%- set run.text = '' -%}
      {%- if role == 'user' -%}
        {%- set rest = namespace(same=true, last=loop.index0) -%}
        {%- for other in messages[loop.index0:] -%}
          {%- if other['role'] != 'user' %}{% set rest.same = false %}{% endif -%}
          {%- if rest.same %}{% set rest.last = rest.last + 1 %}{% endif -%}
        {%- endfor -%}
        {%- if tools and rest.last > seen.last_user -%}
          {{- '[AVAILABLE_TOOLS][' -}}
          {%- for tool in tools -%}
            {%- set function = tool['function'] -%}
            {{- '{"type": "function", "function": {"name": ' ~ function['name'] | tojson ~ ', "description": '
                ~ (function['description'] or '') | tojson ~ ', "parameters": ' ~ function['parameters'] | tojson
                ~ '}}' -}}
            {%- if not loop.last %}{{ ', ' }}{% endif -%}
          {%- endfor -%}
          {{- '][/AVAILABLE_TOOLS]' -}}
        {%- endif -%}
        {{- '[INST]' -}}
      {%- elif role == 'system' -%}
        {{- '[SYSTEM_PROMPT]' -}}
      {%- endif -%}
    {%- endif -%}
    {%- set run.role = role -%}
    {%- set content = turn['content'] or [] -%}
    {%- set parts = [{'type': 'text', 'text': content}] if content is string else content -%}
    {%- for part in parts -%}
      {%- if part['type'] == 'audio' -%}
        {{- run.text ~ '[BEGIN_AUDIO][AUDIO]' -}}
        {%- set run.text = '' -%}
      {%- elif part['type'] == 'text' -%}
        {%- if part['text'] -%}
          {%- set run.text = (run.text ~ '\n\n' if run.text else '') ~ part['text'] -%}
        {%- endif -%}
      {%- else -%}
        {{- raise_exception('Only text and audio are supported, got ' ~ part['type']) -}}
      {%- endif -%}
    {%- endfor -%}
    {%- if role == 'system' -%}
      {{- run.text ~ '[/SYSTEM_PROMPT]' -}}
    {%- elif loop.last or messages[loop.index0 + 1]['role'] != role -%}
      {{- run.text ~ '[/INST]' if role == 'user' else run.text.rstrip(' ') ~ '</s>' -}}
    {%- endif -%}
  {%- endfor -%}
{%- endif -%}
)";

}  // namespace

std::string_view processor_default(std::string_view model_type) {
  return model_type == "qwen2_audio" ? kQwen2Audio : std::string_view();
}

std::string_view video_default(std::string_view model_type) {
  return model_type == "smolvlm" ? kSmolVlmVideos : std::string_view();
}

std::string_view mistral_default(std::string_view model_type) {
  return model_type == "voxtral" ? kVoxtral : std::string_view();
}

}  // namespace lmm::chat_template
