"""Checkpoint folders of Qwen2.5-Omni with random weights: whole ones as published and as transformers 5 saves them, with a
talker that no answer in text needs, and the thinker alone; and what transformers makes of one (OmniReference)."""
import contextlib
import dataclasses
import functools
import hashlib
import json
import pathlib

import numpy as np
import soundfile
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import AddedToken
from transformers import (AutoConfig, AutoImageProcessor, AutoTokenizer, AutoVideoProcessor, PreTrainedTokenizerFast, Qwen2_5OmniForConditionalGeneration,
                          Qwen2_5OmniProcessor, Qwen2_5OmniThinkerForConditionalGeneration, Qwen2VLImageProcessorPil,
                          WhisperFeatureExtractor)
from transformers.image_utils import load_image

import checkpoints
import qwen_vl_checkpoints as qwen
import reference

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>", "<|vision_bos|>",
           "<|vision_eos|>", "<|vision_pad|>", "<|IMAGE|>", "<|VIDEO|>"]
NAMED = dict(image_token="<|IMAGE|>", audio_token="<|AUDIO|>", video_token="<|VIDEO|>", vision_bos_token="<|vision_bos|>",
             vision_eos_token="<|vision_eos|>", audio_bos_token="<|audio_bos|>", audio_eos_token="<|audio_eos|>")
TEMPLATE = checkpoints.ROOT / "tests" / "data" / "templates" / "qwen2_5_omni.jinja"
RATE = 16000


@dataclasses.dataclass
class Tiny:
    """Options of a tiny random checkpoint."""

    name: str
    old: bool = False              # config and processor spelled as published for transformers 4, else as 5 saves them
    alone: bool = False            # the thinker without talker and token2wav
    dtype: str = "float32"
    tied: bool = False
    bare: bool = False             # as the thinker without head saves itself
    text: dict = dataclasses.field(default_factory=dict)
    vision: dict = dataclasses.field(default_factory=dict)
    audio: dict = dataclasses.field(default_factory=dict)
    rope: dict = dataclasses.field(default_factory=dict)
    pictures: dict = dataclasses.field(default_factory=dict)  # of the image processor
    sounds: dict = dataclasses.field(default_factory=dict)    # of the feature extractor
    more: dict = dataclasses.field(default_factory=dict)      # of thinker_config


TINY = [
    Tiny("omni-old", old=True, dtype="bfloat16", audio=dict(num_mel_bins=128, n_window=100, max_source_positions=1500),
         sounds=dict(feature_size=128, chunk_length=300)),
    Tiny("omni-new"),
    Tiny("omni-new-bf16", dtype="bfloat16", text=dict(num_key_value_heads=1), vision=dict(window_size=84, fullatt_block_indexes=[0, 2])),
    Tiny("omni-thinker", alone=True),
    Tiny("omni-thinker-old", alone=True, old=True, dtype="bfloat16"),
    Tiny("omni-odd-window", alone=True, audio=dict(n_window=7, max_source_positions=7, activation_function="relu", encoder_layers=1,
                                                   encoder_ffn_dim=51, d_model=36, encoder_attention_heads=3, num_mel_bins=21),
         sounds=dict(feature_size=21, chunk_length=2, hop_length=137, n_fft=350), more=dict(position_id_per_seconds=13)),
    Tiny("omni-tied", alone=True, tied=True, text=dict(hidden_act="gelu"), audio=dict(activation_function="gelu_new", scale_embedding=True)),
    Tiny("omni-bare", alone=True, tied=True, bare=True),
    Tiny("omni-head-dim", alone=True, text=dict(head_dim=24), rope=dict(mrope_section=[4, 5, 3], rope_theta=5000.0)),
    Tiny("omni-windows", alone=True, text=dict(use_sliding_window=True, sliding_window=11, max_window_layers=1),
         vision=dict(fullatt_block_indexes=[7])),
    Tiny("omni-yarn", alone=True, rope=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=256)),
]
TINY = {tiny.name: tiny for tiny in TINY}


def thinker_config(tiny):
    text = dict(vocab_size=640, hidden_size=64, intermediate_size=112, num_hidden_layers=3, num_attention_heads=4,
                num_key_value_heads=2, hidden_act="silu", max_position_embeddings=4096, rms_norm_eps=1e-6, use_cache=True,
                initializer_range=0.02, use_sliding_window=False, sliding_window=4096, max_window_layers=3, attention_dropout=0.0,
                model_type="qwen2_5_omni_text") | tiny.text
    rope = dict(mrope_section=[2, 3, 3], rope_theta=1000000.0) | tiny.rope
    if tiny.old:
        text |= dict(rope_theta=rope.pop("rope_theta"), rope_scaling=rope | {"rope_type": "default", "type": "default"})
    else:
        text |= dict(rope_parameters={"rope_type": "default"} | rope)
    vision = dict(depth=3, hidden_size=80, num_heads=4, intermediate_size=108, out_hidden_size=text["hidden_size"], hidden_act="silu",
                  patch_size=14, spatial_merge_size=2, temporal_patch_size=2, window_size=56, fullatt_block_indexes=[1],
                  model_type="qwen2_5_omni_vision_encoder")
    # Published files hold more than the class has: old spellings, and what only Qwen2.5-VL reads.
    vision |= dict(embed_dim=80, in_chans=3, spatial_patch_size=14, tokens_per_second=25) if tiny.old else dict(in_channels=3)
    audio = dict(num_mel_bins=40, d_model=32, encoder_layers=3, encoder_attention_heads=4, encoder_ffn_dim=48, dropout=0.0,
                 attention_dropout=0.0, activation_dropout=0.0, activation_function="gelu", scale_embedding=False,
                 max_source_positions=60, n_window=20, output_dim=text["hidden_size"], initializer_range=0.02,
                 model_type="qwen2_5_omni_audio_encoder")
    ids = {name: SPECIAL.index(token) for name, token in
           dict(audio_token_index="<|AUDIO|>", image_token_index="<|IMAGE|>", video_token_index="<|VIDEO|>",
                audio_start_token_id="<|audio_bos|>", audio_end_token_id="<|audio_eos|>", vision_start_token_id="<|vision_bos|>",
                vision_end_token_id="<|vision_eos|>").items()}
    # Published files have these beside the parts.
    (ids if tiny.old else text).update(bos_token_id=SPECIAL.index("<|im_start|>"), eos_token_id=SPECIAL.index("<|im_end|>"),
                                       pad_token_id=SPECIAL.index("<|endoftext|>"))
    return dict(model_type="qwen2_5_omni_thinker", architectures=["Qwen2_5OmniThinkerForConditionalGeneration"],
                audio_config=audio | tiny.audio, vision_config=vision | tiny.vision, text_config=text,
                position_id_per_seconds=25, seconds_per_chunk=2, user_token_id=9, tie_word_embeddings=tiny.tied,
                initializer_range=0.02) | ids | tiny.more


ROPE = dict(rope_type="default", mrope_section=[2, 3, 3], rope_theta=1000000.0)
TALKER = dict(vocab_size=64, embedding_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
              num_key_value_heads=2, head_dim=16, rope_parameters=ROPE)
TOKEN2WAV = dict(
    dit_config=dict(num_hidden_layers=1, hidden_size=32, num_attention_heads=2, ff_mult=1, emb_dim=8, head_dim=16, num_embeds=9, mel_dim=8,
                    enc_emb_dim=8, enc_dim=8, enc_channels=[8, 8, 8, 8, 24], enc_attention_channels=4, enc_res2net_scale=2,
                    enc_se_channels=4, repeats=1, look_ahead_layers=[0], look_backward_layers=[0]),
    bigvgan_config=dict(mel_dim=8, upsample_initial_channel=16, resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3, 5]],
                        upsample_rates=[2, 2], upsample_kernel_sizes=[4, 4]))


def model_config(tiny):
    config = thinker_config(tiny)
    if not tiny.alone:
        config = dict(model_type="qwen2_5_omni", architectures=["Qwen2_5OmniForConditionalGeneration" if not tiny.old else "Qwen2_5OmniModel"],
                      thinker_config=config, talker_config=TALKER, token2wav_config=TOKEN2WAV, enable_audio_output=True)
    config["torch_dtype" if tiny.old else "dtype"] = tiny.dtype
    return config | dict(transformers_version="4.50.0.dev0" if tiny.old else "5.23.0")


def feature_extractor(tiny):
    return WhisperFeatureExtractor(**dict(feature_size=40, chunk_length=4, return_attention_mask=True) | tiny.sounds).to_dict()


def save_processor(tiny, folder):
    """One file for sound, pictures and videos, as published; or parts of one file, as transformers 5 saves them."""
    sounds = {name: value for name, value in feature_extractor(tiny).items() if name not in ("mel_filters", "processor_class")}
    pictures = Qwen2VLImageProcessorPil().to_dict() | {"image_processor_type": "Qwen2VLImageProcessor"}
    if tiny.old:
        kept = ("image_mean", "image_std", "image_processor_type", "merge_size", "patch_size", "temporal_patch_size")
        pictures = {name: pictures[name] for name in kept} | dict(min_pixels=28 * 28 * 4, max_pixels=28 * 28 * 48) | tiny.pictures
        checkpoints.write_json(folder / "preprocessor_config.json", sounds | pictures | dict(processor_class="Qwen2_5OmniProcessor"))
        return
    pictures |= dict(size={"shortest_edge": 28 * 28 * 4, "longest_edge": 28 * 28 * 48}) | tiny.pictures
    pictures = {name: value for name, value in pictures.items() if value is not None and name != "processor_class"}
    videos = pictures | {"video_processor_type": "Qwen2VLVideoProcessor", "do_sample_frames": False, "max_frames": 768,
                         "min_frames": 4, "max_video_tokens": 128000, "return_metadata": False}
    del videos["image_processor_type"]
    checkpoints.write_json(folder / "processor_config.json", dict(
        feature_extractor=sounds, image_processor=pictures, video_processor=videos, processor_class="Qwen2_5OmniProcessor"))


def save_tokenizer(tiny, folder):
    tokenizer = checkpoints.train_tokenizer(SPECIAL, 610)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>",
                                      extra_special_tokens=NAMED, clean_up_tokenization_spaces=False)
    wrapped.save_pretrained(folder)
    if tiny.old:  # the names nested, the template in a file of the processor's
        path = folder / "tokenizer_config.json"
        config = {name: value for name, value in json.loads(path.read_text()).items() if name not in NAMED}
        checkpoints.write_json(path, config | dict(extra_special_tokens=NAMED))
        checkpoints.write_json(folder / "chat_template.json", {"chat_template": TEMPLATE.read_text()})
    else:
        (folder / "chat_template.jinja").write_text(TEMPLATE.read_text())


def fill(model, seed):
    """As checkpoints.fill; queries and keys of the tower of pictures are sharp, too."""
    checkpoints.fill(model, seed)
    for name, parameter in model.named_parameters():
        if name.endswith(("attn.q.weight", "attn.k.weight")):
            with torch.no_grad():
                parameter *= 2.0


def build(tiny, folder):
    torch.manual_seed(0)
    save_tokenizer(tiny, folder)
    save_processor(tiny, folder)
    checkpoints.write_json(folder / "config.json", model_config(tiny))
    kind = Qwen2_5OmniThinkerForConditionalGeneration if tiny.alone else Qwen2_5OmniForConditionalGeneration
    model = kind(AutoConfig.from_pretrained(folder))
    fill(model if tiny.alone else model.thinker, seed=len(tiny.name) * 1000 + sum(map(ord, tiny.name)))
    model.to(getattr(torch, tiny.dtype))
    if not tiny.alone:
        model.token2wav.float()
        torch.save({"Chelsie": {"bos_token": 7, "cond": torch.zeros(1, 8), "ref_mel": torch.zeros(1, 8, 8)}}, folder / "spk_dict.pt")
    saved = json.loads((folder / "config.json").read_text())
    (model.model if tiny.bare else model).save_pretrained(folder, max_shard_size="150KB" if tiny.old else "5GB")
    if tiny.old:
        checkpoints.write_json(folder / "config.json", saved)
        (folder / "generation_config.json").unlink()
        checkpoints.write_json(folder / "generation_config.json", {"_from_model_config": True, "transformers_version": "4.50.0.dev0"}
                               | (dict(eos_token_id=2) if tiny.alone else {}))


VERSION = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:8]


def folder_of(name):
    return checkpoints.cached(f"{name}.{VERSION}", lambda folder: build(TINY[name], folder))


def sound_of(folder, seconds, seed=0, rate=RATE):
    """A WAV file of tones, noise and a stretch of silence."""
    count = round(seconds * rate)
    rng = np.random.default_rng(seed)
    time = np.arange(count) / rate
    wave = sum(rng.uniform(0.05, 0.3) * np.sin(2 * np.pi * pitch * time + rng.uniform(0, 6)) for pitch in rng.uniform(80, 4000, 4))
    wave = wave * (0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.5, 3) * time)) + rng.normal(0, 0.01, count)
    wave[count // 3: count // 3 + count // 8] = 0
    path = pathlib.Path(folder) / f"{seconds}-{seed}-{rate}.wav"
    soundfile.write(path, np.clip(wave, -1, 1), rate, subtype="PCM_16")
    return path


# The reference


class OmniReference(qwen.QwenReference):
    """A checkpoint in one dtype, as transformers runs it: `model` is the thinker."""

    def __init__(self, folder, dtype=torch.float32, attention=None):
        self.folder = folder
        self.config = AutoConfig.from_pretrained(folder)
        self.sees = True
        more = dict(dtype=dtype, attn_implementation=attention or ("eager" if dtype == torch.float32 else "sdpa"))
        if self.config.model_type == "qwen2_5_omni":
            self.model = Qwen2_5OmniForConditionalGeneration.from_pretrained(folder, **more).eval().thinker
        else:
            self.model = Qwen2_5OmniThinkerForConditionalGeneration.from_pretrained(folder, **more).eval()
        torch.set_num_threads(1 if self.model.num_parameters() < 10_000_000 else 2)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.processor = self.make_processor()
        end = self.model.generation_config.eos_token_id
        self.end = set(end if isinstance(end, list) else [end])

    def make_processor(self):
        kinds = (AutoImageProcessor, AutoVideoProcessor, WhisperFeatureExtractor)
        return Qwen2_5OmniProcessor(*(kind.from_pretrained(self.folder) for kind in kinds), self.tokenizer, TEMPLATE.read_text())

    def inputs(self, text, pictures=(), sounds=(), **more):
        """`more`: of videos, for the processor."""
        if not (pictures or sounds or more):
            made = self.tokenizer([text], return_tensors="pt")
            return dict(input_ids=made["input_ids"], attention_mask=made["attention_mask"])
        images = [load_image(Image.open(path)) for path in pictures] or None
        audio = [soundfile.read(path, dtype="float32")[0] for path in sounds] or None
        made = self.processor(text=[text], images=images, audio=audio, return_tensors="pt", **more)
        wanted = ("input_ids", "attention_mask", "pixel_values", "image_grid_thw", "pixel_values_videos", "video_grid_thw",
                  "video_second_per_grid", "input_features", "feature_attention_mask")
        return {name: made[name] for name in wanted if name in made}

    def positions(self, inputs):
        lengths = inputs["feature_attention_mask"].sum(-1) if "feature_attention_mask" in inputs else None
        return self.model.get_rope_index(inputs["input_ids"], inputs.get("image_grid_thw"), inputs.get("video_grid_thw"),
                                         inputs["attention_mask"], False, lengths, inputs.get("video_second_per_grid"))[0]

    @torch.no_grad()
    def logits(self, inputs, new_tokens=()):
        self.model.model.rope_deltas = None
        out = self.model(**inputs, use_cache=True)
        if not new_tokens:
            return out.logits[0, -1:].float()
        # In a pass of their own: a new token that spells a placeholder is but a token, as in generate().
        ids = torch.tensor([list(new_tokens)])
        mask = torch.ones(1, inputs["input_ids"].shape[1] + ids.shape[1], dtype=torch.long)
        first = inputs["input_ids"].shape[1] + int(self.model.model.rope_deltas[0, 0])
        places = torch.arange(first, first + ids.shape[1]).view(1, 1, -1).expand(3, 1, -1)
        more = self.model(input_ids=ids, attention_mask=mask, position_ids=places, past_key_values=out.past_key_values, use_cache=True)
        return torch.cat([out.logits[0, -1:], more.logits[0]]).float()

    @torch.no_grad()
    def greedy(self, inputs, max_new_tokens):
        self.model.model.rope_deltas = None
        out = self.model.generate(**inputs, do_sample=False, max_new_tokens=max_new_tokens)
        return out[0, inputs["input_ids"].shape[1]:].tolist()

    @torch.no_grad()
    def trace(self, inputs):
        self.model.model.rope_deltas = None
        with taps(self.model) as seen:
            if "pixel_values" in inputs:
                seen["pixel_values"] = inputs["pixel_values"].to(self.model.dtype)
            if "input_features" in inputs:
                heard = inputs["feature_attention_mask"].bool()
                seen["input_features"] = inputs["input_features"].permute(0, 2, 1)[heard].T
            out = self.model(**inputs, use_cache=False)
        seen["logits"] = out.logits[0, -1]
        seen["text.norm"] = seen["text.norm"][:, -1]
        return {name: tensor.float() for name, tensor in seen.items()}


@contextlib.contextmanager
def taps(model):
    """As qwen_vl_checkpoints.taps, and the ears."""
    tower = model.model.audio_tower
    with qwen.taps(model) as seen:
        hooks = []

        def tap(module, name):
            hooks.append(module.register_forward_hook(
                lambda _, __, output: seen.__setitem__(name, reference.first(output).detach().clone())))

        hooks.append(tower.layers[0].register_forward_pre_hook(
            lambda _, args: seen.__setitem__("audio.embeddings", args[0].detach().clone())))
        for i, layer in enumerate(tower.layers):
            tap(layer.self_attn, f"audio.layer.{i}.attn_out")
            tap(layer.fc2, f"audio.layer.{i}.mlp_out")
            tap(layer, f"audio.layer.{i}")
        tap(tower.proj, "audio.connector")
        try:
            yield seen
        finally:
            for hook in hooks:
                hook.remove()


# A random ear of the published size


def build_full_ear(folder):
    """The encoder of Qwen2.5-Omni-7B (32 layers of 1280) before a tiny text model."""
    tiny = Tiny("omni-ear", alone=True, dtype="bfloat16", sounds=dict(feature_size=128, chunk_length=300),
                audio=dict(num_mel_bins=128, d_model=1280, encoder_layers=32, encoder_attention_heads=20, encoder_ffn_dim=5120,
                           max_source_positions=1500, n_window=100))
    build(tiny, folder)


@functools.lru_cache
def full_ear():
    return checkpoints.cached("omni-ear", build_full_ear)


if __name__ == "__main__":
    for name in TINY:
        print(folder_of(name))
