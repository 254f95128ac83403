#!/usr/bin/env python3
"""OpenVINO beside lmm: a Hugging Face folder in its format, and one process' worth of figures of it as JSON.

  python peer_openvino.py convert MODEL FOLDER [--bits 8|4]       (a Llama-shaped text decoder)
  python peer_openvino.py convert-tower MODEL FOLDER [--bits 8]   (tower and connector of an idefics3 folder, one tile)
  python peer_openvino.py measure FOLDER [--threads 2] [--prompts 512,1024] [--new-tokens 64]

Needs pip's optimum-intel, openvino and nncf with torch, and no torchvision.
"""
import argparse
import json
import os
import statistics
import time
from pathlib import Path

import numpy as np
import openvino as ov

from measuring import median_of, peak_memory


def convert(model: str, out: str, bits: int) -> None:
    from optimum.intel import OVModelForCausalLM, OVWeightQuantizationConfig
    packed = {"quantization_config": OVWeightQuantizationConfig(bits=bits, **(dict(sym=True, group_size=32) if bits == 4 else {}))} if bits else {"load_in_8bit": False}
    OVModelForCausalLM.from_pretrained(model, export=True, compile=False, **packed).save_pretrained(out)


def convert_tower(model: str, out: str, bits: int) -> None:
    import nncf
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    side = AutoConfig.from_pretrained(model).vision_config.image_size

    class Tower(torch.nn.Module):
        def __init__(self):
            super().__init__()
            whole = AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32, attn_implementation="sdpa").eval()
            self.vision, self.connector = whole.model.vision_model, whole.model.connector
            count = side // self.vision.config.patch_size
            self.register_buffer("mask", torch.ones(1, count, count, dtype=torch.bool))

        def forward(self, pixels):
            return self.connector(self.vision(pixel_values=pixels, patch_attention_mask=self.mask).last_hidden_state)

    with torch.no_grad():
        program = torch.export.export(Tower(), (torch.zeros(1, 3, side, side),))
    converted = ov.convert_model(program)
    converted.reshape([1, 3, side, side])
    if bits:
        converted = nncf.compress_weights(converted)  # 8 bits
    ov.save_model(converted, Path(out, "tower.xml"), compress_to_fp16=True)


def compiled(path: Path, threads: int) -> ov.CompiledModel:
    """It asks the processor for bf16 itself, whatever oneDNN is held to."""
    narrow = {"INFERENCE_PRECISION_HINT": "f32"} if os.environ.get("ONEDNN_MAX_CPU_ISA") == "AVX2" else {}
    return ov.Core().compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"} | narrow)


class Decoder:
    """A stateful decoder: its cache is inside."""

    def __init__(self, folder: Path, threads: int):
        self.request = compiled(folder / "openvino_model.xml", threads).create_infer_request()
        self.names = {name for i in self.request.model_inputs for name in i.names}
        self.past = 0

    def reset(self) -> None:
        self.request.reset_state()
        self.past = 0

    def step(self, ids: list[int]) -> np.ndarray:
        """Logits behind the last of the ids."""
        count = len(ids)
        inputs = {"input_ids": np.array([ids], np.int64), "attention_mask": np.ones((1, self.past + count), np.int64),
                  "position_ids": np.arange(self.past, self.past + count, dtype=np.int64)[None], "beam_idx": np.zeros(1, np.int32)}
        self.request.infer({k: v for k, v in inputs.items() if k in self.names})
        self.past += count
        return self.request.get_output_tensor(0).data[0, -1]


def measure(folder: Path, threads: int, prompts: list[int], new_tokens: int) -> dict:
    begin, result = time.perf_counter(), {}
    if (folder / "tower.xml").exists():
        request = compiled(folder / "tower.xml", threads).create_infer_request()
        pixels = np.random.default_rng(0).standard_normal(tuple(request.model_inputs[0].shape)).astype(np.float32)
        result["tile_s"] = median_of(lambda: request.infer([pixels]))
    if (folder / "openvino_model.xml").exists():
        decoder = Decoder(folder, threads)
        result["load_s"] = time.perf_counter() - begin
        vocab, rng = json.loads((folder / "config.json").read_text())["vocab_size"], np.random.default_rng(0)
        for count in prompts:
            ids = rng.integers(100, vocab, count).tolist()
            result[f"prefill_{count}_tps"] = count / median_of(lambda: (decoder.reset(), decoder.step(ids)))
            if count != prompts[0]:
                continue
            token, times = 7, []
            for _ in range(new_tokens):
                begin = time.perf_counter()
                token = int(decoder.step([token]).argmax())
                times.append(time.perf_counter() - begin)
            result["decode_tps"] = 1 / statistics.median(times)
    result["peak_bytes"] = peak_memory()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["convert", "convert-tower", "measure"])
    parser.add_argument("model")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--bits", type=int, choices=[0, 4, 8], default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompts", default="512,1024")
    parser.add_argument("--new-tokens", type=int, default=64)
    options = parser.parse_args()
    if options.what == "convert":
        convert(options.model, options.out, options.bits)
    elif options.what == "convert-tower":
        convert_tower(options.model, options.out, options.bits)
    else:
        print(json.dumps(measure(Path(options.model), options.threads, [int(n) for n in options.prompts.split(",")], options.new_tokens)))


if __name__ == "__main__":
    main()
