#!/usr/bin/env python3
"""The text decoder of a Hugging Face folder (Llama or Qwen2) alone, so that peers run the weights that lmm runs: as such a folder, or
as the GGUF file that llama.cpp reads, in bf16. Tokens are given as numbers: the GGUF file has no real vocabulary.

  python tests/bench/text_decoder.py MODEL FOLDER
  python tests/bench/text_decoder.py MODEL FILE.gguf

Needs safetensors, torch and numpy, and pip's gguf.
"""
import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

sys.path.append(str(Path(__file__).resolve().parents[1] / "parity"))
from checkpoints import LLAMA_NAMES  # noqa: E402

PARTS = {name: part for part, name in LLAMA_NAMES.items()}
ARCHITECTURES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}
OUTER = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}


def decoder(folder: Path) -> tuple[dict, dict[str, torch.Tensor]]:
    """Its config and its tensors, as those of LlamaForCausalLM or Qwen2ForCausalLM."""
    config = json.loads((folder / "config.json").read_text())
    config = config.get("text_config", config)
    if config["model_type"].startswith("qwen2"):  # in text the three positions of a token are one
        theta = config.get("rope_theta") or config["rope_parameters"]["rope_theta"]
        config = {k: v for k, v in config.items() if k not in ("vision_config", "rope_scaling", "rope_parameters")}
        config |= {"model_type": "qwen2", "rope_theta": theta}
    tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as stored:
            for name in stored.keys():
                short = name.replace("model.text_model.", "model.").replace("model.language_model.", "model.")
                if short.split(".")[1] in ("layers", "embed_tokens", "norm") or short == "lm_head.weight":
                    tensors[short] = stored.get_tensor(name)
    if config.get("tie_word_embeddings"):
        tensors.pop("lm_head.weight", None)
    return config, tensors


def write_folder(model: Path, folder: Path) -> None:
    config, tensors = decoder(model)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config | {"architectures": [ARCHITECTURES[config["model_type"]]]}))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def gguf_name(name: str) -> str:
    path, kind = name.removeprefix("model.").rsplit(".", 1)
    if path in OUTER:
        return f"{OUTER[path]}.{kind}"
    _, layer, part = path.split(".", 2)
    return f"blk.{layer}.{PARTS[part]}.{kind}"


def interleaved(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """In Llamas llama.cpp keeps the two halves that RoPE pairs interleaved; Hugging Face keeps them one after the other."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns).contiguous()


def write_gguf(model: Path, path: Path) -> None:
    import gguf

    config, tensors = decoder(model)
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(path, config["model_type"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config.get("rope_theta") or config.get("rope_parameters", {}).get("rope_theta", 10000.0))
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([f"<{i}>" for i in range(config["vocab_size"])])
    writer.add_token_types([1] * config["vocab_size"])
    writer.add_token_merges(["a b"])
    for name, weight in tensors.items():
        to = gguf_name(name)
        if config["model_type"] == "llama" and (".attn_q." in to or ".attn_k." in to):
            weight = interleaved(weight, heads if ".attn_q." in to else kv_heads)
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
    (write_gguf if sys.argv[2].endswith(".gguf") else write_folder)(Path(sys.argv[1]), Path(sys.argv[2]))
