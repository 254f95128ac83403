#!/usr/bin/env python3
"""Writes a Llama-shaped text decoder of a Hugging Face folder as the GGUF file that llama.cpp reads, in the type it is stored in,
so that both run the same weights. Of a vision-language model it is the decoder alone.

  python tests/bench/gguf_file.py MODEL FILE.gguf

Needs pip's gguf, safetensors, torch and numpy.
"""
import json
import sys
from pathlib import Path

import gguf
import torch
from safetensors import safe_open

PARTS = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
         "post_attention_layernorm": "ffn_norm"}
OUTER = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}


def gguf_name(name: str) -> str | None:
    """The name that llama.cpp gives a tensor; None for those of towers."""
    path = name.removesuffix(".weight").replace("model.text_model.", "model.").removeprefix("model.")
    if path in OUTER:
        return f"{OUTER[path]}.weight"
    if path.startswith("layers."):
        _, layer, part = path.split(".", 2)
        return f"blk.{layer}.{PARTS[part]}.weight"
    return None


def interleaved(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """llama.cpp keeps the two halves that RoPE pairs interleaved; Hugging Face keeps them one after the other."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns).contiguous()


def write(folder: Path, path: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config = config.get("text_config", config)
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config.get("rope_theta") or config.get("rope_parameters", {}).get("rope_theta", 10000.0))
    writer.add_vocab_size(config["vocab_size"])
    # Tokens are given as numbers: a vocabulary of empty names is enough.
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([f"<{i}>" for i in range(config["vocab_size"])])
    writer.add_token_types([1] * config["vocab_size"])
    writer.add_token_merges(["a b"])
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as tensors:
            for name in tensors.keys():
                to = gguf_name(name)
                if to is None or (to == "output.weight" and config.get("tie_word_embeddings")):
                    continue
                weight = tensors.get_tensor(name)
                part = to.split(".")[-2]
                if part in ("attn_q", "attn_k"):
                    weight = interleaved(weight, heads if part == "attn_q" else kv_heads)
                if weight.dim() == 1:
                    writer.add_tensor(to, weight.float().numpy())
                else:
                    bits = weight.to(torch.bfloat16).view(torch.int16).numpy()
                    writer.add_tensor(to, bits.view("u1"), raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write(Path(sys.argv[1]), Path(sys.argv[2]))
