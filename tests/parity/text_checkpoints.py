"""Tiny random checkpoints of the text families qwen2, qwen3 and qwen3_moe, as checkpoints.py makes those of the others.
The tokenizer is Qwen's kind: its regular expression, NFC, bytes; as tokenizer.json or as vocab.json and merges.txt.
"""
import dataclasses
import json

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM

import checkpoints
from checkpoints import ROPE_OLD, write_json

TEMPLATES = checkpoints.ROOT / "tests" / "data" / "templates"
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TAGS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]  # not special
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


@dataclasses.dataclass
class Tiny:
    """Options of a checkpoint."""

    name: str
    family: str
    old: bool = False              # config spelled as before transformers 5
    dtype: str = "float32"
    shards: int = 1
    tied: bool = False
    files: str = "json"            # of the tokenizer: "json", or "vocab" for vocab.json and merges.txt
    template: str = "qwen25_tools"
    rope: str | None = None
    rope_theta: float = 1000000.0
    context: int = 1024
    config: dict = dataclasses.field(default_factory=dict)
    stacked: bool = False          # experts' weights as transformers holds them in memory
    strip: str = ""
    vocab_size: int = 700


TINY = {tiny.name: tiny for tiny in [
    Tiny("qwen2", "qwen2"),
    Tiny("qwen2-old-tied", "qwen2", old=True, tied=True, dtype="bfloat16", files="vocab", config=dict(num_key_value_heads=1)),
    Tiny("qwen2-as-many-heads", "qwen2", config=dict(num_key_value_heads=None), dtype="float16"),
    Tiny("qwen2-windows", "qwen2", config=dict(use_sliding_window=True, sliding_window=16, max_window_layers=1)),
    Tiny("qwen2-windows-unused", "qwen2", old=True, config=dict(use_sliding_window=False, sliding_window=16, max_window_layers=0)),
    Tiny("qwen2-yarn-old", "qwen2", old=True, rope="yarn", dtype="bfloat16", shards=3),
    Tiny("qwen2-bare-prefix", "qwen2", tied=True, strip="model."),
    Tiny("qwen3", "qwen3", template="qwen3_thinking"),
    Tiny("qwen3-old-tied", "qwen3", old=True, tied=True, dtype="bfloat16", files="vocab", template="qwen3_thinking",
         config=dict(head_dim=32, num_key_value_heads=1)),
    Tiny("qwen3-biases", "qwen3", config=dict(attention_bias=True, rms_norm_eps=1e-3), template="qwen3_thinking"),
    Tiny("qwen3-layer-types", "qwen3", template="qwen3_thinking", shards=2,
         config=dict(use_sliding_window=True, sliding_window=10,
                     layer_types=["sliding_attention", "full_attention", "sliding_attention"])),
    Tiny("qwen3-yarn-attention", "qwen3", rope="yarn-attention", template="qwen3_thinking"),
    Tiny("qwen3-gelu", "qwen3", config=dict(hidden_act="gelu", num_attention_heads=6), template="qwen3_thinking"),
    Tiny("moe", "qwen3_moe", template="qwen3_thinking"),
    Tiny("qwen2-long", "qwen2", context=4096, config=dict(num_hidden_layers=2)),
    Tiny("qwen3-long-windows", "qwen3", context=4096, template="qwen3_thinking",
         config=dict(num_hidden_layers=2, use_sliding_window=True, sliding_window=700, max_window_layers=1)),
    Tiny("moe-long", "qwen3_moe", context=4096, template="qwen3_thinking", config=dict(num_hidden_layers=2)),
    Tiny("moe-old", "qwen3_moe", old=True, dtype="bfloat16", files="vocab", template="qwen3_thinking", shards=2,
         config=dict(norm_topk_prob=True, head_dim=32)),
    Tiny("moe-mixed-layers", "qwen3_moe", template="qwen3_thinking", tied=True,
         config=dict(num_hidden_layers=5, decoder_sparse_step=2, mlp_only_layers=[3], norm_topk_prob=True, num_experts_per_tok=1)),
    Tiny("moe-stacked", "qwen3_moe", template="qwen3_thinking", stacked=True, dtype="bfloat16", config=dict(num_experts_per_tok=8)),
    Tiny("moe-windows", "qwen3_moe", template="qwen3_thinking", config=dict(use_sliding_window=True, sliding_window=12)),
    Tiny("moe-relu", "qwen3_moe", template="qwen3_thinking", config=dict(hidden_act="relu", attention_bias=True)),
]}


def tokenizer(vocab_size=620):
    out = Tokenizer(models.BPE())
    out.normalizer = normalizers.NFC()
    out.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLIT), "isolated"),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    out.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    out.train_from_iterator(checkpoints.training_text(), trainer)
    out.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in CONTROL])
    out.add_tokens([AddedToken(token, normalized=False, special=False) for token in TAGS])
    return out


def save_tokenizer(folder, tiny):
    """As Qwen publishes it: no beginning of text, the template within tokenizer_config.json."""
    made = tokenizer()
    added = {str(made.token_to_id(token)): dict(content=token, lstrip=False, normalized=False, rstrip=False, single_word=False,
                                                special=token in CONTROL) for token in CONTROL + TAGS}
    write_json(folder / "tokenizer_config.json", dict(
        add_prefix_space=False, added_tokens_decoder=added, additional_special_tokens=CONTROL[1:], bos_token=None,
        chat_template=(TEMPLATES / f"{tiny.template}.jinja").read_text(), clean_up_tokenization_spaces=False,
        eos_token="<|im_end|>", errors="replace", model_max_length=tiny.context, pad_token="<|endoftext|>", split_special_tokens=False,
        tokenizer_class="Qwen2Tokenizer", unk_token=None))
    if tiny.files == "json":
        made.save(str(folder / "tokenizer.json"))
    else:
        model = json.loads(made.to_str())["model"]
        write_json(folder / "vocab.json", model["vocab"])
        lines = [" ".join(merge) if isinstance(merge, list) else merge for merge in model["merges"]]
        (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines]) + "\n")
    return made


def config_of(tiny):
    name = {"qwen2": "Qwen2", "qwen3": "Qwen3", "qwen3_moe": "Qwen3Moe"}[tiny.family]
    config = dict(architectures=[f"{name}ForCausalLM"], model_type=tiny.family, vocab_size=tiny.vocab_size, hidden_size=64,
                  intermediate_size=112, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, hidden_act="silu",
                  max_position_embeddings=tiny.context, rms_norm_eps=1e-6, attention_dropout=0.0, bos_token_id=None, eos_token_id=None,
                  use_cache=True, tie_word_embeddings=tiny.tied, initializer_range=0.02, use_sliding_window=False,
                  sliding_window=None)
    if tiny.family != "qwen2":
        config |= dict(head_dim=16, attention_bias=False)
    if tiny.family == "qwen3_moe":
        config |= dict(decoder_sparse_step=1, moe_intermediate_size=40, num_experts_per_tok=3, norm_topk_prob=False,
                       output_router_logits=False, router_aux_loss_coef=0.001, mlp_only_layers=[])
        config["num_experts" if tiny.old else "num_local_experts"] = 8
    config.update(tiny.config)
    scaling = ROPE_OLD.get(tiny.rope)
    if tiny.old:
        config |= dict(rope_theta=tiny.rope_theta, rope_scaling=scaling, torch_dtype=tiny.dtype, transformers_version="4.46.0",
                       max_window_layers=config.get("max_window_layers", 3))
    else:
        scaling = {("rope_type" if key == "type" else key): value for key, value in (scaling or {"rope_type": "default"}).items()}
        config |= dict(rope_parameters={**scaling, "rope_theta": tiny.rope_theta}, dtype=tiny.dtype, transformers_version="5.23.0")
    return config


def stored_tensors(tiny, model):
    """As published: experts one by one, gate and up apart; or stacked as in memory."""
    tensors = {}
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and tiny.tied:
            continue
        base = name.rpartition(".")[0]
        if not tiny.stacked and name.endswith("experts.gate_up_proj"):
            for i, (gate, up) in enumerate(part.chunk(2) for part in tensor):
                tensors |= {f"{base}.{i}.gate_proj.weight": gate, f"{base}.{i}.up_proj.weight": up}
        elif not tiny.stacked and name.endswith("experts.down_proj"):
            tensors |= {f"{base}.{i}.down_proj.weight": part for i, part in enumerate(tensor)}
        else:
            tensors[name] = tensor
    return {name.removeprefix(tiny.strip): tensor.clone().to(getattr(torch, tiny.dtype)) for name, tensor in tensors.items()}


def fill(model, seed):
    """checkpoints.fill(), and for the mixtures experts that differ and a router that prefers some of them."""
    checkpoints.fill(model, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if parameter.dim() == 3:  # (experts, out, in)
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * parameter.shape[2] ** -0.5 * 1.5)
            elif name.endswith("mlp.gate.weight"):
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * parameter.shape[1] ** -0.5 * 2)


def build(tiny, folder):
    made = save_tokenizer(folder, tiny)
    ends = [made.token_to_id("<|im_end|>"), made.token_to_id("<|endoftext|>")]
    config = config_of(tiny)
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json", dict(bos_token_id=ends[1], do_sample=False, eos_token_id=ends, pad_token_id=ends[1]))
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
    fill(model, seed=len(tiny.name) * 1000 + sum(map(ord, tiny.name)))
    checkpoints.save_weights(folder, stored_tensors(tiny, model), tiny.shards)


def tiny(name):
    return checkpoints.cached(f"text-{name}", lambda folder: build(TINY[name], folder), __file__)
