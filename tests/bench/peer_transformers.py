#!/usr/bin/env python3
"""transformers beside lmm, in bf16 or another type: one process' worth of figures of a Hugging Face folder as JSON, or one answer's first token.

  python peer_transformers.py measure MODEL [--picture FILE] [--threads 2] [--dtype bfloat16] [--prompts 512,1024] [--new-tokens 64]
  python peer_transformers.py first-token MODEL --picture FILE [--threads 2] [--dtype bfloat16]
"""
import argparse
import json
import statistics
import time

import torch
from PIL import Image
from transformers import AutoConfig, AutoImageProcessor, AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer

from measuring import median_of, peak_memory


def vision_inputs(folder: str, picture: str, dtype: torch.dtype):
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    image = Image.open(picture).convert("RGB")
    pixels = processor([[image]], return_tensors="pt")
    inputs = {k: pixels[k] for k in ("pixel_values", "pixel_attention_mask", "image_grid_thw") if k in pixels}
    inputs["pixel_values"] = inputs["pixel_values"].to(dtype)
    tiles = int(pixels["pixel_values"].shape[1]) if pixels["pixel_values"].dim() == 5 else 1
    return inputs, tiles, lambda: processor([[image]], return_tensors="pt")


@torch.inference_mode()
def measure(folder: str, picture: str | None, dtype: torch.dtype, prompts: list[int], new_tokens: int) -> dict:
    begin = time.perf_counter()
    config = AutoConfig.from_pretrained(folder)
    loader = AutoModelForImageTextToText if hasattr(config, "vision_config") else AutoModelForCausalLM
    model = loader.from_pretrained(folder, dtype=dtype).eval()
    result = {"load_s": time.perf_counter() - begin}
    vocab = config.get_text_config().vocab_size
    if picture:
        inputs, tiles, process = vision_inputs(folder, picture, dtype)
        encode = median_of(lambda: model.model.get_image_features(**inputs))
        result.update(preprocess_s=median_of(process), tiles=tiles, encode_s=encode, tile_s=encode / tiles)
    generator = torch.Generator().manual_seed(0)
    for count in prompts:
        ids = torch.randint(100, vocab, (1, count), generator=generator)
        result[f"prefill_{count}_tps"] = count / median_of(lambda: model(input_ids=ids, use_cache=True, logits_to_keep=1))
        if count != prompts[0]:
            continue
        out, times = model(input_ids=ids, use_cache=True, logits_to_keep=1), []
        for _ in range(new_tokens):
            token = out.logits[:, -1].argmax(-1, keepdim=True)
            begin = time.perf_counter()
            out = model(input_ids=token, past_key_values=out.past_key_values, use_cache=True, logits_to_keep=1)
            times.append(time.perf_counter() - begin)
        result["decode_tps"] = 1 / statistics.median(times)
    result["peak_bytes"] = peak_memory()
    return result


@torch.inference_mode()
def first_token(folder: str, picture: str, dtype: torch.dtype) -> None:
    """What stands between the start of a process and an answer: everything is loaded, looked at and read once."""
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype).eval()
    inputs, tiles, _ = vision_inputs(folder, picture, dtype)
    features = model.model.get_image_features(**inputs)
    features = getattr(features, "pooler_output", features)
    count = sum(f.reshape(-1, f.shape[-1]).shape[0] for f in features)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    words = tokenizer("What is this?", return_tensors="pt").input_ids
    ids = torch.cat([torch.full((1, count), 100), words], 1)
    print(int(model(input_ids=ids, logits_to_keep=1).logits[0, -1].argmax()), tiles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["measure", "first-token"])
    parser.add_argument("model")
    parser.add_argument("--picture")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--prompts", default="512,1024")
    parser.add_argument("--new-tokens", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    dtype = getattr(torch, options.dtype)
    if options.what == "measure":
        print(json.dumps(measure(options.model, options.picture, dtype, [int(n) for n in options.prompts.split(",")], options.new_tokens)))
    else:
        first_token(options.model, options.picture, dtype)


if __name__ == "__main__":
    main()
