"""Checkpoint folders of Qwen2-Audio and Voxtral with random weights, as published and as transformers 5 saves them; and what
transformers makes of one, a prompt and recordings (QwenAudioReference, VoxtralReference)."""
import base64
import contextlib
import dataclasses
import json

import numpy as np
import soundfile
import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (AutoConfig, AutoTokenizer, Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor,
                          VoxtralForConditionalGeneration, VoxtralProcessor, WhisperFeatureExtractor)

import checkpoints
import reference
from whisper_reference import RATE, synthetic

QWEN_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>"]
# As Qwen/Qwen2-Audio-7B-Instruct has it in chat_template.json, in lines.
QWEN_TEMPLATE = """{% set audio_count = namespace(value=0) %}{% for message in messages %}\
{% if loop.first and message['role'] != 'system' %}<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}<|im_end|>
{% else %}{% for content in message['content'] %}\
{% if 'audio' in content or 'audio_url' in content or message['type'] == 'audio' or content['type'] == 'audio' %}\
{% set audio_count.value = audio_count.value + 1 %}Audio {{ audio_count.value }}: <|audio_bos|><|AUDIO|><|audio_eos|>
{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
# A folder without tekken.json: one placeholder a recording, as its own template may write it.
VOXTRAL_TEMPLATE = """<s>{% for m in messages %}{% if m['role'] == 'user' %}[INST]{% for p in m['content'] %}\
{% if p['type'] == 'audio' %}[BEGIN_AUDIO][AUDIO]{% else %}{{ p['text'] }}{% endif %}{% endfor %}[/INST]\
{% else %}{% for p in m['content'] %}{{ p['text'] }}{% endfor %}</s>{% endif %}{% endfor %}"""
TEKKEN_SPECIAL = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
                  "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]",
                  "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]", "<SPECIAL_20>", "<SPECIAL_21>", "<SPECIAL_22>",
                  "<SPECIAL_23>", "[AUDIO]", "[BEGIN_AUDIO]", *(f"<SPECIAL_{i}>" for i in range(26, 34)), "[TRANSCRIBE]"]
TEKKEN_PATTERN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?"
                  r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIALS = 50  # of tekken.json, fillers included
WORDS = 640 - SPECIALS  # the rest of the vocabulary: mistral-common fails on an id without a token


@dataclasses.dataclass
class Tiny:
    """Options of a tiny random checkpoint."""

    name: str
    family: str
    old: bool = False              # config and weights named as published for transformers 4, else as 5 names them in memory
    dtype: str = "float32"
    shards: int = 1
    text: dict = dataclasses.field(default_factory=dict)
    audio: dict = dataclasses.field(default_factory=dict)
    more: dict = dataclasses.field(default_factory=dict)  # of config.json
    mel: dict = dataclasses.field(default_factory=dict)   # of preprocessor_config.json
    bare: bool = False             # named as the model without head saves itself, the head beside it
    template: str = "json"         # where the chat template stands; "": nowhere, it is built in


LINEAR = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
TINY = [
    Tiny("qwen2-audio-old", "qwen2_audio", old=True, dtype="bfloat16", text=dict(rope_theta=10000)),
    Tiny("qwen2-audio-new", "qwen2_audio", shards=3, template="jinja", text=dict(num_key_value_heads=1)),
    Tiny("qwen2-audio-odd", "qwen2_audio", template="",
         audio=dict(d_model=60, encoder_attention_heads=5, encoder_ffn_dim=75, encoder_layers=3, activation_function="relu",
                    num_mel_bins=80, max_source_positions=75),
         mel=dict(feature_size=80, chunk_length=3, hop_length=320), text=dict(head_dim=24, tie_word_embeddings=True)),
    Tiny("qwen2-audio-yarn", "qwen2_audio", audio=dict(activation_function="gelu_new", encoder_layers=1),
         text=dict(rope_parameters={"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 256})),
    Tiny("qwen2-audio-window", "qwen2_audio", old=True, dtype="float16", audio=dict(activation_function="silu"),
         text=dict(use_sliding_window=True, sliding_window=11, max_window_layers=1, rope_theta=5000.0)),
    Tiny("qwen2-audio-bare", "qwen2_audio", bare=True),
    Tiny("voxtral-old", "voxtral", old=True, dtype="bfloat16", template="", text=dict(rope_theta=1e8, attention_bias=False, mlp_bias=False)),
    Tiny("voxtral-new", "voxtral", shards=2, template="", more=dict(projector_hidden_act="relu"),
         text=dict(rope_parameters={"rope_type": "default", "rope_theta": 5e5}, num_key_value_heads=1)),
    Tiny("voxtral-bias", "voxtral", template="", more=dict(projector_hidden_act="silu", tie_word_embeddings=True),
         audio=dict(activation_function="relu", num_hidden_layers=1, num_mel_bins=80, intermediate_size=320),
         mel=dict(feature_size=80), text=dict(attention_bias=True, mlp_bias=True, head_dim=16, hidden_act="gelu")),
    Tiny("voxtral-scaled", "voxtral", template="", more=dict(projector_hidden_act="gelu_new"), text=dict(rope_parameters=LINEAR)),
    Tiny("voxtral-bare", "voxtral", template="", bare=True, dtype="bfloat16",
         text=dict(rope_parameters={"rope_type": "llama3", "factor": 8.0, "rope_theta": 5e5, "low_freq_factor": 1.0,
                                    "high_freq_factor": 4.0, "original_max_position_embeddings": 64})),
]
TINY = {tiny.name: tiny for tiny in TINY}


def text_config(tiny):
    config = dict(vocab_size=640, hidden_size=64, intermediate_size=112, num_hidden_layers=3, num_attention_heads=4,
                  num_key_value_heads=2, hidden_act="silu", max_position_embeddings=2048, rms_norm_eps=1e-5, bos_token_id=1,
                  eos_token_id=2, model_type="qwen2" if tiny.family == "qwen2_audio" else "llama")
    if tiny.family == "voxtral":
        config |= dict(head_dim=24, max_position_embeddings=4096)
    return config | tiny.text


def audio_config(tiny):
    shape = dict(num_mel_bins=128, activation_function="gelu", scale_embedding=False, dropout=0.0, attention_dropout=0.0,
                 activation_dropout=0.0)
    if tiny.family == "qwen2_audio":
        shape |= dict(d_model=64, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=112, encoder_layerdrop=0.0,
                      max_source_positions=100, model_type="qwen2_audio_encoder")
        shape |= dict(num_hidden_layers=tiny.audio.get("encoder_layers", 2)) if tiny.old else {}
    else:  # five windows' rows of 150 fit a context of 4096 many times
        shape |= dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=640, layerdrop=0.0,
                      max_source_positions=1500, model_type="voxtral_encoder", vocab_size=51866)
        shape |= dict(head_dim=16, num_key_value_heads=4, initializer_factor=0.02) if tiny.old else {}
    return shape | tiny.audio


def model_config(tiny):
    config = dict(model_type=tiny.family, text_config=text_config(tiny), audio_config=audio_config(tiny))
    if tiny.family == "qwen2_audio":
        config |= dict(architectures=["Qwen2AudioForConditionalGeneration"], audio_token_index=QWEN_SPECIAL.index("<|AUDIO|>"),
                       ignore_index=-100, vocab_size=640)
    else:
        config |= dict(architectures=["VoxtralForConditionalGeneration"], audio_token_id=TEKKEN_SPECIAL.index("[AUDIO]"),
                       projector_hidden_act="gelu", hidden_size=64, vocab_size=640)
    config["torch_dtype" if tiny.old else "dtype"] = tiny.dtype
    return config | tiny.more


def mel_settings(tiny):
    settings = dict(chunk_length=30 if tiny.family == "voxtral" else 2, feature_extractor_type="WhisperFeatureExtractor",
                    feature_size=128, hop_length=160, n_fft=400, padding_side="right", padding_value=0.0, sampling_rate=RATE,
                    processor_class="VoxtralProcessor" if tiny.family == "voxtral" else "Qwen2AudioProcessor",
                    return_attention_mask=tiny.family == "qwen2_audio")
    settings |= dict(dither=0.0) if tiny.family == "voxtral" else {}
    settings |= tiny.mel
    samples = settings["chunk_length"] * RATE
    return settings | dict(n_samples=samples, nb_max_frames=samples // settings["hop_length"])


# Tokenizers


def byte_of(character, table={}):
    """The byte that a character of a byte-level vocabulary stands for (bytes_to_unicode of GPT-2)."""
    if not table:
        shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
        table |= {chr(byte): byte for byte in shown}
        table |= {chr(256 + i): byte for i, byte in enumerate(byte for byte in range(256) if byte not in shown)}
    return table[character]


def trained_bytes(count, pattern=TEKKEN_PATTERN):
    """Tokens as bytes in the order of their merges: the 256 bytes, then what a trainer finds."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                                       ByteLevel(add_prefix_space=False, use_regex=False)])
    trainer = trainers.BpeTrainer(vocab_size=count, show_progress=False, initial_alphabet=ByteLevel.alphabet())
    tokenizer.train_from_iterator([*checkpoints.training_text(), "aaaaaaaaaa aaaaaaa bbbb aaaa aaab", "дом нет, дом да " * 4], trainer)
    spelled = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])]
    tokens = dict.fromkeys(bytes([i]) for i in range(256))
    tokens |= dict.fromkeys(bytes(map(byte_of, token)) for token in spelled)
    return list(tokens)


def tekken(tokens, specials=SPECIALS, version="v7", frame_rate=5.0, mels=128, names=TEKKEN_SPECIAL):
    """The content of a tekken.json."""
    vocabulary = []
    for rank, token in enumerate(tokens):
        with contextlib.suppress(UnicodeDecodeError):
            vocabulary.append(dict(rank=rank, token_bytes=base64.b64encode(token).decode(), token_str=token.decode()))
            continue
        vocabulary.append(dict(rank=rank, token_bytes=base64.b64encode(token).decode(), token_str=None))
    return dict(config=dict(pattern=TEKKEN_PATTERN, num_vocab_tokens=len(tokens), default_vocab_size=len(tokens) + specials,
                            default_num_special_tokens=specials, version=version),
                vocab=vocabulary,
                special_tokens=[dict(rank=i, token_str=name, is_control=True) for i, name in enumerate(names)],
                audio=dict(sampling_rate=RATE, frame_rate=frame_rate, chunk_length_s=30.0,
                           audio_encoding_config=dict(num_mel_bins=mels, hop_length=160, window_size=400)))


def save_tekken(tiny, folder):
    audio = audio_config(tiny)
    rows = audio["max_source_positions"] * audio["hidden_size"] // audio["intermediate_size"]
    content = tekken(trained_bytes(WORDS), frame_rate=rows / 30, mels=audio["num_mel_bins"])
    checkpoints.write_json(folder / "tekken.json", content)


def save_hf_tokenizer(folder):
    """tokenizer.json with the tokens that save_tekken() writes, in their places, and a chat template."""
    tokens = trained_bytes(WORDS)
    shown = {byte_of(character): character for character in ByteLevel.alphabet()}
    spell = {token: "".join(shown[byte] for byte in token) for token in tokens}
    names = TEKKEN_SPECIAL + [f"<SPECIAL_{i}>" for i in range(len(TEKKEN_SPECIAL), SPECIALS)]
    vocab = {name: i for i, name in enumerate(names)} | {spell[token]: SPECIALS + i for i, token in enumerate(tokens)}
    merges = [(spell[token[:at]], spell[token[at:]]) for token in tokens for at in range(1, len(token))
              if token[:at] in spell and token[at:] in spell]
    tokenizer = Tokenizer(models.BPE(vocab, merges, ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(TEKKEN_PATTERN), "isolated"),
                                                       ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    wrapped = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>",
                                                   additional_special_tokens=names, clean_up_tokenization_spaces=False)
    wrapped.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(VOXTRAL_TEMPLATE)


# Weights


def stored_name(tiny, name):
    if tiny.bare:  # as Qwen2AudioModel and VoxtralModel name their parts
        return name.removeprefix("model.")
    if not tiny.old:
        return name
    name = name.removeprefix("model.")
    if name.startswith("language_model."):
        return name.replace("language_model.", "language_model.model.", 1)
    return f"language_model.{name}" if name.startswith("lm_head") else name


def fill(model, seed):
    """As checkpoints.fill, with learned positions that matter."""
    checkpoints.fill(model, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        positions = model.model.audio_tower.embed_positions.weight
        positions.copy_(torch.randn(positions.shape, generator=generator) * 0.5)


MODELS = {"qwen2_audio": Qwen2AudioForConditionalGeneration, "voxtral": VoxtralForConditionalGeneration}


def save_folder(tiny, folder):
    checkpoints.write_json(folder / "config.json", model_config(tiny))
    checkpoints.write_json(folder / "generation_config.json", dict(bos_token_id=1, eos_token_id=[2, 0], pad_token_id=0))
    checkpoints.write_json(folder / "preprocessor_config.json", mel_settings(tiny))
    if tiny.family == "voxtral":
        save_tekken(tiny, folder)
    else:
        checkpoints.save_tokenizer(folder, checkpoints.train_tokenizer(QWEN_SPECIAL, 610), QWEN_SPECIAL, "<|im_end|>", QWEN_TEMPLATE,
                                   tiny.template)


def build(tiny, folder):
    save_folder(tiny, folder)
    with torch.no_grad():
        model = MODELS[tiny.family](AutoConfig.from_pretrained(folder)).float()
    fill(model, seed=len(tiny.name) * 1000 + sum(map(ord, tiny.name)))
    dtype = getattr(torch, tiny.dtype)
    tensors = {stored_name(tiny, name): tensor.clone().to(dtype) for name, tensor in model.state_dict().items()}
    checkpoints.save_weights(folder, tensors, tiny.shards)


def folder_of(name):
    return checkpoints.cached(name, lambda folder: build(TINY[name], folder), __file__)


# Whisper large-v3's shape, which both families have, below a tiny text model: 1.3 GB in bf16

LARGE = {
    "qwen2_audio": Tiny("random-qwen2-audio-tower", "qwen2_audio", old=True, dtype="bfloat16", mel=dict(chunk_length=30),
                        audio=dict(d_model=1280, encoder_layers=32, encoder_attention_heads=20, encoder_ffn_dim=5120,
                                   max_source_positions=1500)),
    "voxtral": Tiny("random-voxtral-tower", "voxtral", old=True, dtype="bfloat16",
                    audio=dict(hidden_size=1280, num_hidden_layers=32, num_attention_heads=20, intermediate_size=5120, head_dim=64,
                               num_key_value_heads=20)),
}


def large(family):
    tiny = LARGE[family]
    return checkpoints.cached(tiny.name, lambda folder: build(tiny, folder), __file__)


# Recordings


def write_sound(path, seconds, seed):
    """16 bits, so that what is read again is the same for all."""
    soundfile.write(path, synthetic(seconds, seed), RATE, subtype="PCM_16")
    return path


# The references


class AudioReference(reference.Reference):
    """A checkpoint in one dtype, as transformers runs it. Recordings are files of 16 kHz."""

    def __init__(self, folder, dtype=torch.float32, attention=None):
        self.folder = folder
        self.config = AutoConfig.from_pretrained(folder)
        attention = attention or ("eager" if dtype == torch.float32 else "sdpa")
        self.model = MODELS[self.config.model_type].from_pretrained(folder, dtype=dtype, attn_implementation=attention).eval()
        torch.set_num_threads(1 if self.model.num_parameters() < 10_000_000 else 2)
        self.extractor = WhisperFeatureExtractor.from_pretrained(folder)
        end = self.model.generation_config.eos_token_id
        self.end = set(end if isinstance(end, list) else [end])

    def message(self, prompt, sounds=()):
        return {"role": "user", "content": [*({"type": "audio", "path": str(path)} for path in sounds), {"type": "text", "text": prompt}]}

    @torch.no_grad()
    def logits(self, inputs, new_tokens=()):
        out = self.model(**inputs, use_cache=True)
        if not new_tokens:
            return out.logits[0, -1:].float()
        more = self.model(input_ids=torch.tensor([list(new_tokens)]), past_key_values=out.past_key_values, use_cache=True)
        return torch.cat([out.logits[0, -1:], more.logits[0]]).float()

    @torch.no_grad()
    def greedy(self, inputs, max_new_tokens):
        given = {"attention_mask": torch.ones_like(inputs["input_ids"])} | inputs
        out = self.model.generate(**given, do_sample=False, max_new_tokens=max_new_tokens)
        return out[0, inputs["input_ids"].shape[1]:].tolist()

    @torch.no_grad()
    def trace(self, inputs):
        """Taps of `lmm trace`; those of the tower with all recordings, or windows of them, along the first axis."""
        with taps(self.model) as seen:
            if "input_features" in inputs:
                seen["input_features"] = inputs["input_features"]
            out = self.model(**inputs, use_cache=False)
        seen["logits"] = out.logits[0, -1]
        seen["text.norm"] = seen["text.norm"][:, -1]
        return {name: tensor.float() for name, tensor in seen.items()}


class QwenAudioReference(AudioReference):
    def __init__(self, folder, dtype=torch.float32, attention=None):
        super().__init__(folder, dtype, attention)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        has_template = (folder / "chat_template.json").exists() or (folder / "chat_template.jinja").exists()
        self.processor = Qwen2AudioProcessor(self.extractor, self.tokenizer, chat_template=QWEN_TEMPLATE if has_template else None)

    def render(self, messages):
        return self.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)

    def ask(self, prompt, sounds=()):
        return self.inputs(self.render([self.message(prompt, sounds)]), sounds)

    def inputs(self, text, sounds=()):
        heard = [soundfile.read(path, dtype="float32")[0] for path in sounds] or None
        more = dict(audio=heard, sampling_rate=RATE) if heard else {}
        made = self.processor(text=text, return_tensors="pt", **more)
        return {name: made[name] for name in ("input_ids", "attention_mask", "input_features", "feature_attention_mask") if name in made}

    def positions(self, inputs):
        """Of the encoder and rows, for each recording."""
        frames = inputs["feature_attention_mask"].sum(-1)
        return [(int((n - 1) // 2 + 1), int(((n - 1) // 2 + 1 - 2) // 2 + 1)) for n in frames]


class VoxtralReference(AudioReference):
    def __init__(self, folder, dtype=torch.float32, attention=None):
        super().__init__(folder, dtype, attention)
        from transformers.tokenization_mistral_common import MistralCommonBackend

        self.tokenizer = MistralCommonBackend.from_pretrained(folder)
        self.processor = VoxtralProcessor(self.extractor, self.tokenizer)

    def chat(self, messages):
        made = self.processor.apply_chat_template(messages)
        return {name: made[name] for name in ("input_ids", "input_features") if name in made}

    def ask(self, prompt, sounds=()):
        return self.chat([self.message(prompt, sounds)])

    def transcription(self, path, language=None):
        made = self.processor.apply_transcription_request(language=language, audio=str(path), model_id="voxtral")
        return {name: made[name] for name in ("input_ids", "input_features")}


def reference_of(folder, dtype=torch.float32, attention=None):
    kind = json.loads((folder / "config.json").read_text())["model_type"]
    return (QwenAudioReference if kind == "qwen2_audio" else VoxtralReference)(folder, dtype, attention)


@contextlib.contextmanager
def taps(model):
    seen, hooks = {}, []

    def note(name, tensor):
        seen[name] = tensor.detach().clone()

    def tap(module, name, change=lambda x: x):
        hooks.append(module.register_forward_hook(lambda _, __, output: note(name, change(reference.first(output)))))

    def before(module, name):
        hooks.append(module.register_forward_pre_hook(
            lambda _, args, kwargs: note(name, args[0] if args else kwargs["hidden_states"]), with_kwargs=True))

    gelu = torch.nn.functional.gelu
    tower, text = model.model.audio_tower, model.model.language_model
    tap(tower.conv1, "audio.conv1", gelu)
    tap(tower.conv2, "audio.conv2", gelu)
    before(tower.layers[0], "audio.embeddings")
    for i, layer in enumerate(tower.layers):
        tap(layer.self_attn, f"audio.layer.{i}.attn_out")
        tap(layer.fc2, f"audio.layer.{i}.mlp_out")
        tap(layer, f"audio.layer.{i}")
    tap(tower.layer_norm, "audio.norm")
    tap(model.model.multi_modal_projector, "connector")
    before(text.layers[0], "embeds")
    for i, layer in enumerate(text.layers):
        tap(layer.self_attn, f"text.layer.{i}.attn_out")
        tap(layer.mlp, f"text.layer.{i}.mlp_out")
        tap(layer, f"text.layer.{i}")
    tap(text.norm, "text.norm")
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


if __name__ == "__main__":
    for name in TINY:
        print(folder_of(name))
