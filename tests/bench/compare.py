#!/usr/bin/env python3
"""Times lmm beside transformers, stage by stage, on one checkpoint in one run.

Both sides run as processes of their own, in turn (A B A B ...), with the same threads, type and inputs; ratios are taken
pair by pair, because machines are noisy. Writes a table (Markdown) and results.json.

  tests/bench/compare.py MODEL [--picture FILE] [--lmm build/bin/lmm] [--threads 2] [--rounds 5] [--out FOLDER]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PREFILL = (512, 1024)
NEW_TOKENS = 64


def measure_transformers(model_folder, picture, threads):
    """One process' worth of transformers in bf16: seconds of each stage, tokens a second, peak memory in bytes."""
    import resource

    import torch
    from PIL import Image
    from transformers import AutoConfig, AutoImageProcessor, AutoModelForCausalLM, AutoModelForImageTextToText

    torch.set_num_threads(threads)
    vision = picture is not None
    start = time.perf_counter()
    loader = AutoModelForImageTextToText if vision else AutoModelForCausalLM
    model = loader.from_pretrained(model_folder, dtype=torch.bfloat16).eval()
    result = {"load_s": time.perf_counter() - start}
    vocab = AutoConfig.from_pretrained(model_folder).get_text_config().vocab_size

    def best_of(function, repeats=3):
        function()
        times = []
        for _ in range(repeats):
            begin = time.perf_counter()
            function()
            times.append(time.perf_counter() - begin)
        return statistics.median(times)

    with torch.inference_mode():
        if vision:
            processor = AutoImageProcessor.from_pretrained(model_folder, backend="pil")
            image = Image.open(picture).convert("RGB")
            result["preprocess_s"] = best_of(lambda: processor([[image]], return_tensors="pt"))
            pixels = processor([[image]], return_tensors="pt")
            inputs = {k: pixels[k] for k in ("pixel_values", "pixel_attention_mask", "image_grid_thw") if k in pixels}
            inputs["pixel_values"] = inputs["pixel_values"].to(torch.bfloat16)
            result["tiles"] = int(pixels["pixel_values"].shape[1]) if pixels["pixel_values"].dim() == 5 else 1
            result["encode_s"] = best_of(lambda: model.model.get_image_features(**inputs))
        generator = torch.Generator().manual_seed(0)
        for count in PREFILL:
            ids = torch.randint(100, vocab, (1, count), generator=generator)
            seconds = best_of(lambda: model(input_ids=ids, use_cache=True, logits_to_keep=1))
            result[f"prefill_{count}_tps"] = count / seconds
        ids = torch.randint(100, vocab, (1, PREFILL[0]), generator=generator)
        out = model(input_ids=ids, use_cache=True, logits_to_keep=1)
        times = []
        for _ in range(NEW_TOKENS):
            token = out.logits[:, -1].argmax(-1, keepdim=True)
            begin = time.perf_counter()
            out = model(input_ids=token, past_key_values=out.past_key_values, use_cache=True, logits_to_keep=1)
            times.append(time.perf_counter() - begin)
        result["decode_tps"] = 1 / statistics.median(times)
    result["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return result


def measure_lmm(lmm, model_folder, picture, threads):
    """The same by `lmm bench`; the picture's run is a process of its own, so that peak memory is the larger of both."""
    def bench(*arguments):
        command = [lmm, "bench", model_folder, "--json", "--dtype", "bf16", "--threads", str(threads), "--repeat", "3"]
        return json.loads(subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout)

    result = {}
    peaks = []
    for count in PREFILL:
        new_tokens = NEW_TOKENS if count == PREFILL[0] else 2
        text = bench("--prompt-tokens", str(count), "--new-tokens", str(new_tokens))
        result[f"prefill_{count}_tps"] = text["prefill_tokens_per_second"]
        peaks.append(text["peak_memory_bytes"])
        if count == PREFILL[0]:
            result["load_s"] = text["load_seconds"]
            result["decode_tps"] = text["decode_tokens_per_second"]
    if picture is not None:
        seen = bench("-i", picture, "--prompt-tokens", "8", "--new-tokens", "2")
        result.update(preprocess_s=seen["preprocess_seconds"], encode_s=seen["encode_seconds"], tiles=seen["tiles"])
        peaks.append(seen["peak_memory_bytes"])
    result["peak_bytes"] = max(peaks)
    return result


STAGES = (  # key, title, unit, factor, larger is better
    ("load_s", "load", "s", 1, False),
    ("preprocess_s", "preprocess the picture", "ms", 1e3, False),
    ("encode_s", "vision tower and connector", "ms", 1e3, False),
    ("prefill_512_tps", "prefill, 512 tokens", "tokens/s", 1, True),
    ("prefill_1024_tps", "prefill, 1024 tokens", "tokens/s", 1, True),
    ("decode_tps", "decode", "tokens/s", 1, True),
    ("peak_bytes", "peak memory", "MB", 1e-6, False),
)


def processor_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown processor"


def summarise(lmm_runs, reference_runs):
    """One row a stage: medians of both sides and the median of the pairs' ratios, above 1 where lmm is better."""
    rows = []
    for key, title, unit, factor, larger in STAGES:
        if key not in lmm_runs[0]:
            continue
        ratios = []
        for ours, theirs in zip(lmm_runs, reference_runs):
            ratios.append(ours[key] / theirs[key] if larger else theirs[key] / ours[key])
        rows.append({
            "stage": title,
            "unit": unit,
            "lmm": statistics.median(run[key] for run in lmm_runs) * factor,
            "peers": {"transformers": statistics.median(run[key] for run in reference_runs) * factor},
            "ratio_to_best_peer": statistics.median(ratios),
            "ratio_range": [min(ratios), max(ratios)],
        })
    return rows


def table(rows, note):
    lines = [note, "", "| stage | unit | lmm | transformers | lmm is better by |", "|---|---|---:|---:|---:|"]
    for row in rows:
        low, high = row["ratio_range"]
        lines.append(f"| {row['stage']} | {row['unit']} | {row['lmm']:.4g} | {row['peers']['transformers']:.4g} | "
                     f"{row['ratio_to_best_peer']:.2f}x ({low:.2f} to {high:.2f}) |")
    return "\n".join(lines) + "\n"


def main():
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--picture")
    parser.add_argument("--lmm", default=str(root / "build" / "bin" / "lmm"))
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="folder for results.json and table.md")
    parser.add_argument("--reference-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reference_only:
        print(json.dumps(measure_transformers(options.model, options.picture, options.threads)))
        return
    ours, theirs = [], []
    for number in range(options.rounds):
        ours.append(measure_lmm(options.lmm, options.model, options.picture, options.threads))
        command = [sys.executable, __file__, options.model, "--reference-only", "--threads", str(options.threads)]
        command += ["--picture", options.picture] if options.picture else []
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        theirs.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    rows = summarise(ours, theirs)
    tiles = f", picture of {ours[0]['tiles']} tiles" if options.picture else ""
    note = (f"{processor_name()}, {options.threads} threads, bf16, {Path(options.model).name}{tiles}; medians of "
            f"{options.rounds} interleaved rounds, the ratio pair by pair with its range.")
    print(table(rows, note))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
        (options.out / "table.md").write_text(table(rows, note))


if __name__ == "__main__":
    main()
