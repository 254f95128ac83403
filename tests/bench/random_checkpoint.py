#!/usr/bin/env python3
"""Writes a checkpoint folder of a published model's shape with random bf16 weights, shard by shard, to measure with.

  tests/bench/random_checkpoint.py qwen2-vl-2b-text FOLDER
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "parity"))
import text_checkpoints  # noqa: E402

QWEN = dict(vocab_size=151936, max_position_embeddings=32768, rms_norm_eps=1e-6, tie_word_embeddings=True, dtype="bfloat16",
            use_sliding_window=False, sliding_window=None)
SHAPES = {
    "qwen2-vl-2b-text": dict(QWEN, model_type="qwen2", hidden_size=1536, intermediate_size=8960, num_hidden_layers=28,
                             num_attention_heads=12, num_key_value_heads=2),
    "qwen3-0.6b": dict(QWEN, model_type="qwen3", hidden_size=1024, intermediate_size=3072, num_hidden_layers=28,
                       num_attention_heads=16, num_key_value_heads=8, head_dim=128),
    # Qwen3-30B-A3B with a quarter of its layers and of its experts
    "qwen3-moe-part": dict(QWEN, model_type="qwen3_moe", hidden_size=2048, intermediate_size=6144, moe_intermediate_size=768,
                           num_hidden_layers=12, num_attention_heads=32, num_key_value_heads=4, head_dim=128, num_local_experts=32,
                           num_experts_per_tok=8, norm_topk_prob=True),
}
SHARD_BYTES = 1 << 30


def random_tensor(name, shape, generator):
    if len(shape) == 1:
        return torch.zeros(shape) if name.endswith("bias") else torch.ones(shape)
    return torch.randn(shape, generator=generator).mul_(shape[-1] ** -0.5)


def parts(model, tied):
    """Names and shapes as files have them: experts one by one."""
    for name, tensor in model.state_dict().items():
        base, _, last = name.rpartition(".")
        if name == "lm_head.weight" and tied:
            continue
        if base.endswith("mlp.experts"):
            count, rows, columns = tensor.shape
            for i in range(count):
                if last == "gate_up_proj":
                    yield f"{base}.{i}.gate_proj.weight", (rows // 2, columns)
                    yield f"{base}.{i}.up_proj.weight", (rows // 2, columns)
                else:
                    yield f"{base}.{i}.down_proj.weight", (rows, columns)
        else:
            yield name, tuple(tensor.shape)


def write(config, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    text_checkpoints.save_tokenizer(folder, text_checkpoints.Tiny("random", config["model_type"]))
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    generator = torch.Generator().manual_seed(1)
    where, shard, size, total, number = {}, {}, 0, 0, 0

    def flush():
        nonlocal shard, size, number
        number += 1
        file = f"model-{number:05}.safetensors"
        save_file(shard, folder / file, metadata={"format": "pt"})
        where.update(dict.fromkeys(shard, file))
        shard, size = {}, 0

    for name, shape in parts(model, config["tie_word_embeddings"]):
        tensor = random_tensor(name, shape, generator).to(torch.bfloat16)
        shard[name] = tensor
        size += tensor.nbytes
        total += tensor.nbytes
        if size >= SHARD_BYTES:
            flush()
    flush()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": where}))
    return total


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in SHAPES:
        sys.exit(f"usage: random_checkpoint.py {'|'.join(SHAPES)} FOLDER")
    print(f"{write(SHAPES[sys.argv[1]], pathlib.Path(sys.argv[2])) / 1e9:.2f} GB in {sys.argv[2]}")
