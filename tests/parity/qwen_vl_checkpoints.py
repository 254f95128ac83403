"""Checkpoint folders of Qwen2-VL, Qwen2.5-VL and Qwen3-VL with random weights, as published and as transformers 5 saves
them; and what transformers makes of one (QwenReference)."""
import contextlib
import dataclasses
import hashlib
import pathlib

import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import (AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer, AutoVideoProcessor,
                          Qwen2_5_VLProcessor, Qwen2VLProcessor, Qwen3VLProcessor)
from transformers.image_utils import load_image

import checkpoints
import reference

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
           "<|box_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
NAMES = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL", "qwen3_vl_moe": "Qwen3VLMoe"}
TEMPLATE = (checkpoints.ROOT / "tests" / "data" / "templates" / "qwen2_vl.jinja")


@dataclasses.dataclass
class Tiny:
    """Options of a tiny random checkpoint."""

    name: str
    family: str
    old: bool = False              # config and weights named as published for transformers 4, else as 5 saves them
    flat: bool = False             # old, and the text model's fields beside vision_config
    dtype: str = "float32"
    shards: int = 1
    tied: bool = False
    text: dict = dataclasses.field(default_factory=dict)
    vision: dict = dataclasses.field(default_factory=dict)
    rope: dict = dataclasses.field(default_factory=dict)
    processor: dict = dataclasses.field(default_factory=dict)
    more: dict = dataclasses.field(default_factory=dict)  # of config.json
    bare: bool = False             # as the model without head saves itself


TINY = [
    Tiny("qwen2-vl-old", "qwen2_vl", old=True, flat=True, dtype="bfloat16", tied=True),
    Tiny("qwen2-vl-new", "qwen2_vl", dtype="bfloat16", shards=3, text=dict(num_key_value_heads=1)),
    Tiny("qwen2-vl-odd", "qwen2_vl", text=dict(hidden_size=48, num_attention_heads=3, num_key_value_heads=3, intermediate_size=75),
         rope=dict(mrope_section=[4, 1, 3], rope_theta=5000.0),
         vision=dict(embed_dim=60, num_heads=3, mlp_ratio=3, hidden_size=48, depth=2, hidden_act="gelu", patch_size=5,
                     spatial_merge_size=3, temporal_patch_size=1, rope_parameters={"rope_type": "axial", "rope_theta": 300.0}),
         processor=dict(patch_size=5, merge_size=3, temporal_patch_size=1, resample=2, min_pixels=225, max_pixels=15 * 15 * 60)),
    Tiny("qwen2-vl-head", "qwen2_vl", old=True, flat=True, dtype="float16", shards=2),
    Tiny("qwen2-vl-yarn", "qwen2_vl", rope=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=256)),
    Tiny("qwen2-vl-window", "qwen2_vl", text=dict(use_sliding_window=True, sliding_window=11, max_window_layers=1)),
    Tiny("qwen2-vl-bare", "qwen2_vl", tied=True, bare=True),
    Tiny("qwen2.5-vl-old", "qwen2_5_vl", old=True, flat=True, dtype="bfloat16", tied=True),
    Tiny("qwen2.5-vl-new", "qwen2_5_vl", dtype="bfloat16"),
    Tiny("qwen2.5-vl-windows", "qwen2_5_vl", vision=dict(window_size=84, fullatt_block_indexes=[0, 2], depth=4)),
    Tiny("qwen2.5-vl-all-full", "qwen2_5_vl", vision=dict(fullatt_block_indexes=[0, 1, 2])),
    Tiny("qwen2.5-vl-no-full", "qwen2_5_vl", vision=dict(fullatt_block_indexes=[7, 15], window_size=28, hidden_act="gelu")),
    Tiny("qwen3-vl-old", "qwen3_vl", old=True, dtype="bfloat16", tied=True),
    Tiny("qwen3-vl-new", "qwen3_vl", text=dict(num_key_value_heads=1, attention_bias=True)),
    Tiny("qwen3-vl-deep", "qwen3_vl", vision=dict(depth=4, deepstack_visual_indexes=[2, 0, 3], num_position_embeddings=30)),
    Tiny("qwen3-vl-shallow", "qwen3_vl", vision=dict(deepstack_visual_indexes=[], num_position_embeddings=1, hidden_act="gelu")),
    Tiny("qwen3-vl-sections", "qwen3_vl", rope=dict(mrope_section=[4, 2, 2], rope_theta=5000000.0), text=dict(head_dim=16)),
    Tiny("qwen3-vl-moe-old", "qwen3_vl_moe", old=True, dtype="bfloat16"),
    Tiny("qwen3-vl-moe-new", "qwen3_vl_moe", text=dict(mlp_only_layers=[1], num_experts_per_tok=3)),
]
TINY = {tiny.name: tiny for tiny in TINY}


def text_config(tiny):
    config = dict(vocab_size=640, hidden_size=64, intermediate_size=112, num_hidden_layers=3, num_attention_heads=4,
                  num_key_value_heads=2, hidden_act="silu", max_position_embeddings=2048, rms_norm_eps=1e-6, bos_token_id=0,
                  eos_token_id=2, initializer_range=0.02, use_cache=True, attention_dropout=0.0)
    if tiny.family in ("qwen2_vl", "qwen2_5_vl"):
        config |= dict(use_sliding_window=False, sliding_window=2048, max_window_layers=3)
        rope = dict(mrope_section=[2, 3, 3], rope_theta=1000000.0)
    else:
        config |= dict(head_dim=24, attention_bias=False)
        rope = dict(mrope_section=[5, 4, 3], mrope_interleaved=True, rope_theta=500000.0)
    if tiny.family == "qwen3_vl_moe":
        config |= dict(num_experts=6, num_experts_per_tok=2, moe_intermediate_size=40, decoder_sparse_step=1, mlp_only_layers=[],
                       norm_topk_prob=True)
    config |= tiny.text
    rope = rope | tiny.rope
    if tiny.old:
        config |= dict(rope_theta=rope.pop("rope_theta"))
        config |= dict(rope_scaling=rope | ({"type": "mrope"} if tiny.family in ("qwen2_vl", "qwen2_5_vl") else {"rope_type": "default"}))
    else:
        config |= dict(rope_parameters={"rope_type": "default"} | rope)
    if tiny.family != "qwen2_vl" or not tiny.flat:
        config |= dict(model_type=f"{tiny.family}_text")
    return config


def vision_config(tiny, text):
    size = text["hidden_size"]
    if tiny.family == "qwen2_vl":
        config = dict(depth=3, embed_dim=80, num_heads=4, mlp_ratio=4, hidden_size=size, hidden_act="quick_gelu", patch_size=14,
                      spatial_merge_size=2, temporal_patch_size=2)
    elif tiny.family == "qwen2_5_vl":
        config = dict(depth=3, hidden_size=80, num_heads=4, intermediate_size=108, out_hidden_size=size, hidden_act="silu",
                      patch_size=14, spatial_merge_size=2, temporal_patch_size=2, window_size=56, fullatt_block_indexes=[1],
                      tokens_per_second=2)
    else:
        config = dict(depth=3, hidden_size=80, num_heads=4, intermediate_size=108, out_hidden_size=size,
                      hidden_act="gelu_pytorch_tanh", patch_size=16, spatial_merge_size=2, temporal_patch_size=2,
                      num_position_embeddings=25, deepstack_visual_indexes=[0, 1], initializer_range=0.02)
    config |= dict(in_chans=3, spatial_patch_size=config["patch_size"]) if tiny.flat else dict(in_channels=3)
    config |= dict(model_type=tiny.family if tiny.old else f"{tiny.family}_vision")
    return config | tiny.vision


def model_config(tiny):
    text = text_config(tiny)
    config = dict(model_type=tiny.family, architectures=[f"{NAMES[tiny.family]}ForConditionalGeneration"],
                  vision_config=vision_config(tiny, text), image_token_id=SPECIAL.index("<|image_pad|>"),
                  video_token_id=SPECIAL.index("<|video_pad|>"), vision_start_token_id=SPECIAL.index("<|vision_start|>"),
                  vision_end_token_id=SPECIAL.index("<|vision_end|>"), tie_word_embeddings=tiny.tied)
    if tiny.flat:
        text.pop("model_type", None)
        config = text | config | dict(vision_token_id=SPECIAL.index("<|vision_pad|>"))
    else:
        config["text_config"] = text
    config["torch_dtype" if tiny.old else "dtype"] = tiny.dtype
    config["transformers_version"] = "4.49.0" if tiny.old else "5.23.0"
    return config | tiny.more


def processor_settings(tiny):
    settings = dict(image_processor_type="Qwen2VLImageProcessor", patch_size=14, temporal_patch_size=2, merge_size=2,
                    image_mean=[0.48145466, 0.4578275, 0.40821073], image_std=[0.26862954, 0.26130258, 0.27577711])
    limits = (28 * 28 * 4, 28 * 28 * 48)
    if tiny.family.startswith("qwen3"):
        settings |= dict(image_processor_type="Qwen2VLImageProcessorFast", patch_size=16, image_mean=[0.5] * 3, image_std=[0.5] * 3)
        limits = (32 * 32 * 4, 32 * 32 * 40)
    if tiny.old and not tiny.family.startswith("qwen3"):
        settings |= dict(min_pixels=limits[0], max_pixels=limits[1])
    else:
        settings |= dict(size={"shortest_edge": limits[0], "longest_edge": limits[1]})
    return settings | tiny.processor


def stored_name(tiny, name):
    if tiny.old and not tiny.family.startswith("qwen3"):
        return name.replace("model.visual.", "visual.", 1).replace("model.language_model.", "model.", 1)
    return name.removeprefix("model.") if tiny.bare else name


def stored_tensors(tiny, model):
    tensors = {stored_name(tiny, name): tensor.clone() for name, tensor in model.state_dict().items()}
    if tiny.tied:
        del tensors["lm_head.weight"]
    if tiny.family == "qwen3_vl_moe":  # as published, and as transformers saves them again
        tensors = {name: tensor.transpose(1, 2) if ".experts." in name else tensor for name, tensor in tensors.items()}
    return {name: tensor.to(getattr(torch, tiny.dtype)) for name, tensor in tensors.items()}


def fill(model, seed):
    """As checkpoints.fill; learned positions that matter and queries and keys of the tower that are sharp."""
    checkpoints.fill(model, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    for name, parameter in sorted(model.named_parameters()):
        with torch.no_grad():
            if name.endswith("pos_embed.weight"):
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
            elif name.endswith("attn.qkv.weight"):
                parameter[: parameter.shape[0] // 3 * 2] *= 2.0
            elif ".experts." in name:  # (experts, out, in)
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * parameter.shape[2] ** -0.5)


def save_folder(tiny, folder, tokens):
    tokenizer = checkpoints.train_tokenizer(SPECIAL, tokens)
    checkpoints.save_tokenizer(folder, tokenizer, SPECIAL, "<|im_end|>", TEMPLATE.read_text(),
                               "json" if tiny.old else "jinja")
    checkpoints.write_json(folder / "config.json", model_config(tiny))
    checkpoints.write_json(folder / "generation_config.json", dict(bos_token_id=0, eos_token_id=[2, 0], pad_token_id=0))
    checkpoints.write_json(folder / "preprocessor_config.json", processor_settings(tiny))


def build(tiny, folder, tokens=610):
    save_folder(tiny, folder, tokens)
    with torch.no_grad():
        model = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32)
    fill(model, seed=len(tiny.name) * 1000 + sum(map(ord, tiny.name)))
    checkpoints.save_weights(folder, stored_tensors(tiny, model), tiny.shards)


VERSION = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:8]


def folder_of(name):
    return checkpoints.cached(f"{name}.{VERSION}", lambda folder: build(TINY[name], folder))


# A random model of Qwen2-VL-2B's shape: 4.4 GB in bf16, made tensor by tensor

SHAPE_2B = Tiny(
    "random-qwen2-vl-2b", "qwen2_vl", old=True, flat=True, dtype="bfloat16", tied=True,
    text=dict(vocab_size=151936, hidden_size=1536, intermediate_size=8960, num_hidden_layers=28, num_attention_heads=12,
              num_key_value_heads=2, max_position_embeddings=32768, sliding_window=32768, max_window_layers=28),
    rope=dict(mrope_section=[16, 24, 24]), vision=dict(depth=32, embed_dim=1280, num_heads=16),
    processor=dict(min_pixels=3136, max_pixels=12845056))


def random_tensor(name, shape, generator):
    """As checkpoints.fill, of a model without heads of its own."""
    if name.endswith("bias"):
        std, mean = 0.1, 0.0
    elif len(shape) == 1:
        std, mean = 0.1, 1.0
    elif name.endswith("embed_tokens.weight"):
        std, mean = 3.0 * shape[1] ** -0.5, 0.0
    else:
        gain = 2.0 if "q_proj" in name or "k_proj" in name else 1.0
        std, mean = gain * torch.Size(shape[1:]).numel() ** -0.5, 0.0
    return (torch.randn(shape, generator=generator) * std + mean).to(torch.bfloat16)


def build_2b(folder, shard_bytes=1 << 30):
    save_folder(SHAPE_2B, folder, 4000)
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(folder))
    generator = torch.Generator().manual_seed(2)
    shards, where, held = 0, {}, {}
    parameters = [(name, tuple(parameter.shape)) for name, parameter in model.named_parameters()]
    for i, (name, shape) in enumerate(parameters):
        held[stored_name(SHAPE_2B, name)] = random_tensor(name, shape, generator)
        if i + 1 < len(parameters) and sum(tensor.nbytes for tensor in held.values()) < shard_bytes:
            continue
        shards += 1
        save_file(held, folder / f"model-{shards:05}.safetensors", metadata={"format": "pt"})
        where |= {key: f"model-{shards:05}.safetensors" for key in held}
        held = {}
    checkpoints.write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": where})


def qwen2_vl_2b():
    return checkpoints.cached("random-qwen2-vl-2b", build_2b)


# The reference


class QwenReference(reference.Reference):
    """A checkpoint in one dtype, as transformers runs it."""

    def __init__(self, folder, dtype=torch.float32, attention=None):
        self.folder = folder
        self.config = AutoConfig.from_pretrained(folder)
        self.sees = True
        attention = attention or ("eager" if dtype == torch.float32 else "sdpa")
        self.model = AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype, attn_implementation=attention).eval()
        torch.set_num_threads(1 if self.model.num_parameters() < 10_000_000 else 2)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.processor = self.make_processor()
        end = self.model.generation_config.eos_token_id
        self.end = set(end if isinstance(end, list) else [end])

    def make_processor(self):
        kind = {"qwen2_vl": Qwen2VLProcessor, "qwen2_5_vl": Qwen2_5_VLProcessor}.get(self.config.model_type, Qwen3VLProcessor)
        return kind(AutoImageProcessor.from_pretrained(self.folder), self.tokenizer, AutoVideoProcessor.from_pretrained(self.folder),
                    chat_template=TEMPLATE.read_text())

    def inputs(self, text, pictures=()):
        images = [load_image(Image.open(path)) for path in pictures] or None
        made = self.processor(text=text, images=images, return_tensors="pt")
        wanted = ("input_ids", "pixel_values", "image_grid_thw", "mm_token_type_ids")
        return {name: made[name] for name in wanted if name in made and (images or name == "input_ids")}

    @torch.no_grad()
    def logits(self, inputs, new_tokens=()):
        self.model.model.rope_deltas = None
        out = self.model(**inputs, use_cache=True, logits_to_keep=1)
        if not new_tokens:
            return out.logits[0].float()
        more = self.model(input_ids=torch.tensor([list(new_tokens)]), past_key_values=out.past_key_values, use_cache=True)
        return torch.cat([out.logits[0], more.logits[0]]).float()

    def greedy(self, inputs, max_new_tokens):
        self.model.model.rope_deltas = None
        return super().greedy(inputs, max_new_tokens)

    @torch.no_grad()
    def trace(self, inputs):
        self.model.model.rope_deltas = None
        with taps(self.model) as seen:
            if "pixel_values" in inputs:
                seen["pixel_values"] = inputs["pixel_values"].to(self.model.dtype)
            out = self.model(**inputs, use_cache=False)
        seen["logits"] = out.logits[0, -1]
        seen["text.norm"] = seen["text.norm"][:, -1]
        return {name: tensor.float() for name, tensor in seen.items()}


@contextlib.contextmanager
def taps(model):
    """Hooks that note what every layer gives, by the names of `lmm trace`."""
    seen, hooks = {}, []

    def note(name, tensor):
        seen[name] = tensor.detach().clone()

    def tap(module, name):
        hooks.append(module.register_forward_hook(lambda _, __, output: note(name, reference.first(output))))

    def tap_tower(_, __, output):
        note("connector", output.pooler_output)
        for i, layer in enumerate(getattr(output, "deepstack_features", None) or []):
            note(f"vision.deep_stack.{i}", layer)

    tower, text = model.model.visual, model.model.language_model
    tap(tower.patch_embed, "vision.embeddings")
    for i, layer in enumerate(tower.blocks):
        tap(layer.attn, f"vision.layer.{i}.attn_out")
        tap(layer.mlp, f"vision.layer.{i}.mlp_out")
        tap(layer, f"vision.layer.{i}")
    hooks.append(tower.register_forward_hook(tap_tower))
    hooks.append(text.layers[0].register_forward_pre_hook(
        lambda _, args, kwargs: note("embeds", args[0] if args else kwargs["hidden_states"]), with_kwargs=True))
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
