"""Tiny random Whisper checkpoints, as checkpoints.py makes those of the other families: windows of one second, a small
vocabulary with all the special tokens, every option of the config once away from its default.
"""
import dataclasses
import json

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

import checkpoints
from checkpoints import write_json

LANGUAGES = ["en", "zh", "de", "es", "ja", "yue"]
TEXT_TOKENS = 400
TIMESTAMPS = 51  # 0.00 to 1.00


@dataclasses.dataclass
class Tiny:
    """Options of a checkpoint."""

    name: str
    dtype: str = "float32"
    shards: int = 1
    config: dict = dataclasses.field(default_factory=dict)
    generation: dict = dataclasses.field(default_factory=dict)
    multilingual: bool = True
    files: str = "json"            # of the tokenizer: "json", or "vocab" for vocab.json and merges.txt
    strip: str = ""                # prefix left out of the names, as the bare model's save_pretrained does
    stored: str = ""               # of proj_out: "" left out, "equal", "different", "only" (instead of embed_tokens)
    positions: bool = True         # the encoder's are stored
    known_times: bool = True       # the tokenizer has the time stamps; the first ones published had not
    sharpness: float = 3.0         # of the output


TINY = {tiny.name: tiny for tiny in [
    Tiny("plain"),
    Tiny("bf16-sharded", dtype="bfloat16", shards=3, stored="equal"),
    Tiny("fp16-bare", dtype="float16", strip="model."),
    Tiny("english", multilingual=False, files="vocab", known_times=False),
    Tiny("untied", config=dict(tie_word_embeddings=False), stored="different"),
    Tiny("tied-stored-apart", stored="different"),
    Tiny("head-only", stored="only"),
    Tiny("relu-128-mels", config=dict(num_mel_bins=128, activation_function="relu", encoder_layers=3, decoder_layers=1)),
    Tiny("odd-sizes", config=dict(d_model=60, encoder_attention_heads=5, decoder_attention_heads=3, encoder_ffn_dim=90,
                                  decoder_ffn_dim=75, activation_function="gelu_new", scale_embedding=True)),
    Tiny("no-positions", positions=False, config=dict(median_filter_width=3), generation=dict(max_initial_timestamp_index=None)),
    Tiny("short-context", config=dict(max_target_positions=24), generation=dict(max_length=10)),
    Tiny("old-rules", generation=dict(prev_sot_token_id=None, forced_decoder_ids=[[1, None], [2, "<|transcribe|>"]])),
    Tiny("forced-german", generation=dict(forced_decoder_ids=[[1, "<|de|>"], [2, "<|translate|>"]])),
    Tiny("penalty", generation=dict(length_penalty=0.4, early_stopping=True)),
    Tiny("never", generation=dict(length_penalty=2.0, early_stopping="never")),
    Tiny("silu", config=dict(activation_function="silu"), sharpness=1.0),
]}


def special_tokens(tiny):
    return ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), "<|translate|>", "<|transcribe|>",
            "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]


def save_tokenizer(folder, tiny):
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=TEXT_TOKENS, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator(checkpoints.training_text(), trainer)
    special = special_tokens(tiny)
    times = [f"<|{i * 0.02:.2f}|>" for i in range(TIMESTAMPS)] if tiny.known_times else []
    made.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    made.add_tokens([AddedToken(token, normalized=False, special=False) for token in times])
    added = {str(made.token_to_id(token)): dict(content=token, lstrip=False, normalized=False, rstrip=False, single_word=False,
                                                special=token in special) for token in special + times}
    write_json(folder / "tokenizer_config.json", dict(
        add_prefix_space=False, added_tokens_decoder=added, additional_special_tokens=special, bos_token="<|endoftext|>",
        clean_up_tokenization_spaces=True, eos_token="<|endoftext|>", errors="replace", model_max_length=1024,
        pad_token="<|endoftext|>", processor_class="WhisperProcessor", return_attention_mask=False,
        tokenizer_class="WhisperTokenizer", unk_token="<|endoftext|>"))
    if tiny.files == "json":
        made.save(str(folder / "tokenizer.json"))
    else:
        model = json.loads(made.to_str())["model"]
        write_json(folder / "vocab.json", model["vocab"])
        lines = [" ".join(merge) if isinstance(merge, list) else merge for merge in model["merges"]]
        (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines]) + "\n")
        write_json(folder / "added_tokens.json", {token: made.token_to_id(token) for token in special + times})
    return {token: made.token_to_id(token) for token in special}


def generation_config(tiny, ids):
    first_time = ids["<|notimestamps|>"] + 1
    config = dict(
        alignment_heads=[[0, 1], [0, 0]] if tiny.config.get("decoder_layers") == 1 else [[1, 1], [0, 0], [1, 2]],
        begin_suppress_tokens=[220, ids["<|endoftext|>"]], bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|endoftext|>"],
        pad_token_id=ids["<|endoftext|>"], decoder_start_token_id=ids["<|startoftranscript|>"],
        is_multilingual=tiny.multilingual, max_initial_timestamp_index=20, max_length=48,
        no_timestamps_token_id=ids["<|notimestamps|>"], prev_sot_token_id=ids["<|startofprev|>"], return_timestamps=False,
        suppress_tokens=[3, 17, 60, *(ids[token] for token in ("<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>",
                                                                "<|nospeech|>"))], transformers_version="5.23.0")
    if tiny.multilingual:
        config |= dict(lang_to_id={f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES},
                       task_to_id={task: ids[f"<|{task}|>"] for task in ("transcribe", "translate")})
    else:
        config |= dict(forced_decoder_ids=[[1, ids["<|notimestamps|>"]]])
    config.update(tiny.generation)
    if "forced_decoder_ids" in tiny.generation:
        config["forced_decoder_ids"] = [[place, ids.get(token)] for place, token in tiny.generation["forced_decoder_ids"]]
    return {name: value for name, value in config.items() if value is not None}, first_time


def fill(model, seed, sharpness):
    """Random weights with which sound and text both matter, time stamps come, and texts end."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            values = torch.randn(parameter.shape, generator=generator)
            if name.endswith("embed_tokens.weight") or name == "proj_out.weight":
                values *= sharpness * parameter.shape[1] ** -0.5
            elif name == "model.encoder.embed_positions.weight":
                continue  # the sinusoids that the model begins with
            elif "embed_positions" in name:
                values *= 0.5
            elif name.endswith("bias"):
                values *= 0.1
            elif parameter.dim() == 1:  # of a norm
                values = values * 0.1 + 1
            else:
                values *= (2.0 if "q_proj" in name or "k_proj" in name else 1.0) * parameter[0].numel() ** -0.5
            parameter.copy_(values)


def stored_tensors(tiny, model):
    tensors = dict(model.state_dict())
    head = tensors.pop("proj_out.weight")
    if tiny.stored == "equal":
        tensors["proj_out.weight"] = head.clone()
    elif tiny.stored == "different":
        generator = torch.Generator().manual_seed(5)
        tensors["proj_out.weight"] = torch.randn(head.shape, generator=generator) * tiny.sharpness * head.shape[1] ** -0.5
    elif tiny.stored == "only":
        tensors["proj_out.weight"] = tensors.pop("model.decoder.embed_tokens.weight")
    if not tiny.positions:
        del tensors["model.encoder.embed_positions.weight"]
    return {name.removeprefix(tiny.strip): tensor.clone().to(getattr(torch, tiny.dtype)) for name, tensor in tensors.items()}


def build(tiny, folder):
    ids = save_tokenizer(folder, tiny)
    generation, first_time = generation_config(tiny, ids)
    end = ids["<|endoftext|>"]
    config = dict(
        architectures=["WhisperForConditionalGeneration"], model_type="whisper", vocab_size=first_time + TIMESTAMPS, num_mel_bins=80,
        d_model=64, encoder_layers=2, encoder_attention_heads=4, decoder_layers=2, decoder_attention_heads=4, encoder_ffn_dim=96,
        decoder_ffn_dim=112, max_source_positions=50, max_target_positions=48, activation_function="gelu", scale_embedding=False,
        bos_token_id=end, eos_token_id=end, pad_token_id=end, decoder_start_token_id=ids["<|startoftranscript|>"],
        dtype=tiny.dtype, transformers_version="5.23.0") | tiny.config
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json", generation)
    WhisperFeatureExtractor(feature_size=config["num_mel_bins"], chunk_length=1).save_pretrained(folder)
    model = WhisperForConditionalGeneration(WhisperConfig(**config))
    fill(model, len(tiny.name) * 1000 + sum(map(ord, tiny.name)), tiny.sharpness)
    checkpoints.save_weights(folder, stored_tensors(tiny, model), tiny.shards)


def tiny(name):
    return checkpoints.cached(f"whisper-{name}", lambda folder: build(TINY[name], folder), __file__)
