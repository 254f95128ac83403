#!/usr/bin/env python3
"""Times Whisper base in lmm beside transformers, faster-whisper and whisper.cpp on minutes of speech in one run.

Each engine is a process of its own, in turn (A B C, A B C ...), with the same threads and recording, greedy, language
given, without a second try at a higher temperature; ratios are taken round by round, because machines are noisy. Needs
transformers, torch, soundfile, soxr, jiwer, Debian's espeak-ng, flite and festival (they speak), the packages of
examples/whisper; peers that are not installed (faster-whisper, pywhispercpp) are left out, and named.

  LMM_LIBRARY=build/lib/liblmm.so python tests/bench/speech.py WHISPER [--minutes 5] [--threads 2] [--rounds 3] [--out FOLDER]
"""
import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measuring import peak_memory, processor_name

ROOT = Path(__file__).resolve().parents[2]
RATE = 16000
WARM = 20.0  # seconds of sound that warm an engine up
sys.path.append(str(ROOT / "tests" / "speech"))


def lmm_engine(dtype, weights="full"):
    def make(folder, threads, out):
        sys.path.insert(0, str(ROOT / "bindings" / "python"))
        import lmm

        session = lmm.Session(lmm.Model.load(folder, dtype=dtype, weights=weights, threads=threads))
        return lambda path: session.ask([lmm.Audio.open(path)], speech_language="en", speech_temperatures=[0.0]).text

    return make


def transformers_engine(folder, threads, out):
    import soundfile
    import torch
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    torch.set_num_threads(threads)
    model = WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    processor = WhisperProcessor.from_pretrained(folder)

    def hear(path):
        samples, rate = soundfile.read(path, dtype="float32")
        longer = len(samples) > 30 * rate
        more = {"truncation": False, "padding": "longest"} if longer else {}
        made = processor(samples, sampling_rate=rate, return_tensors="pt", return_attention_mask=True, **more)
        with torch.no_grad():
            ids = model.generate(made.input_features, attention_mask=made.attention_mask, language="en", task="transcribe",
                                 return_timestamps=True, temperature=(0.0,), compression_ratio_threshold=1.35,
                                 logprob_threshold=-1.0, no_speech_threshold=0.6)
        return processor.batch_decode(ids, skip_special_tokens=True)[0]

    return hear


def faster_whisper_engine(folder, threads, out):
    from faster_whisper import WhisperModel

    from whisper_peers import write_ctranslate2
    model = WhisperModel(str(write_ctranslate2(out / "ctranslate2")), device="cpu", compute_type="int8", cpu_threads=threads)

    def hear(path):
        segments, _ = model.transcribe(path, language="en", beam_size=1, temperature=0.0, condition_on_previous_text=False)
        return "".join(segment.text for segment in segments)

    return hear


def whisper_cpp_engine(folder, threads, out):
    from pywhispercpp.model import Model

    from whisper_peers import write_ggml
    file = out / "ggml-f16.bin"
    model = Model(str(file if file.exists() else write_ggml(Path(folder), file)), n_threads=threads, language="en",
                  print_progress=False, print_realtime=False, no_context=True, temperature=0.0, temperature_inc=0.0,
                  greedy={"best_of": 1}, redirect_whispercpp_logs_to=None)
    return lambda path: "".join(segment.text for segment in model.transcribe(path))


ENGINES = {
    "lmm fp32": (lmm_engine("fp32"), None),
    "lmm bf16": (lmm_engine("bf16"), None),
    "lmm int8": (lmm_engine("bf16", "int8"), None),
    "transformers fp32": (transformers_engine, "transformers"),
    "faster-whisper int8": (faster_whisper_engine, "faster_whisper"),
    "whisper.cpp fp16": (whisper_cpp_engine, "pywhispercpp"),
}


def measure(name, options):
    """One process' worth of one engine."""
    begin = time.perf_counter()
    hear = ENGINES[name][0](options.model, options.threads, options.out)
    load = time.perf_counter() - begin
    hear(str(options.out / "warm.wav"))
    begin = time.perf_counter()
    text = hear(str(options.out / "speech.wav"))
    seconds = time.perf_counter() - begin
    return {"load_s": load, "seconds": seconds, "text": text, "peak_bytes": peak_memory()}


def speech(out, seconds):
    """Sentences in turn by the English voices, half a second apart, until there are so many seconds: samples, text."""
    import numpy as np
    import soundfile
    import soxr

    from sentences import english
    from voices import ENGLISH, speak
    parts, said, length = [], [], 0
    for number, text in enumerate(english(1000)):
        path = out / "sentence.wav"
        if not speak(ENGLISH[number % len(ENGLISH)], text, path):
            continue
        samples, rate = soundfile.read(path, dtype="float32")
        parts += [soxr.resample(samples, rate, RATE), np.zeros(RATE // 2, np.float32)]
        said.append(text)
        length += sum(map(len, parts[-2:]))
        if length >= seconds * RATE:
            break
    return np.concatenate(parts), " ".join(said)


def table(runs, said, seconds, note):
    import jiwer

    from sentences import plain
    lines = [note, "", "| engine | seconds | times real time | lmm int8 is faster by | lmm bf16 | lmm fp32 | word errors | peak memory, MB |",
             "|---|---:|---:|---:|---:|---:|---:|---:|"]
    for name, own in runs.items():
        median = statistics.median(run["seconds"] for run in own)
        ratios = [statistics.median(mine["seconds"] / ours["seconds"] for mine, ours in zip(own, runs[f"lmm {dtype}"]))
                  for dtype in ("int8", "bf16", "fp32")]
        faster = " | ".join(f"{ratio:.2f}x" for ratio in ratios)
        errors = f"{100 * jiwer.wer(plain(said), plain(own[0]['text'])):.1f} %"
        peak = max(run["peak_bytes"] for run in own) / 1e6
        lines.append(f"| {name} | {median:.2f} | {seconds / median:.1f} | {faster} | {errors} | {peak:.0f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder of a Whisper checkpoint")
    parser.add_argument("--minutes", type=float, default=5, help="of speech (default: 5)")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "speech-bench", help="folder for peers' files and results")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.engine:
        print(json.dumps(measure(options.engine, options)))
        return
    import soundfile

    samples, said = speech(options.out, 60 * options.minutes)
    soundfile.write(options.out / "speech.wav", samples, RATE, subtype="PCM_16")
    soundfile.write(options.out / "warm.wav", samples[: int(WARM * RATE)], RATE, subtype="PCM_16")
    runs = {name: [] for name, (_, package) in ENGINES.items() if package is None or importlib.util.find_spec(package)}
    for name in ENGINES.keys() - runs.keys():
        print(f"left out: {name} is not installed", file=sys.stderr)
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "HF_HUB_OFFLINE": "1"}
    for number in range(options.rounds):
        for name in runs:
            command = [sys.executable, __file__, options.model, "--engine", name, "--threads",
                       str(options.threads), "--out", str(options.out)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"round {number + 1} of {options.rounds}: {name} {runs[name][-1]['seconds']:.2f} s", file=sys.stderr)
    note = (f"{processor_name()}, {options.threads} threads, {len(samples) / RATE:.0f} s of speech; medians of {options.rounds} "
            "interleaved rounds, ratios round by round.")
    made = table(runs, said, len(samples) / RATE, note)
    (options.out / "table.md").write_text(made)
    (options.out / "results.json").write_text(json.dumps(runs, indent=1) + "\n")
    print(made)


if __name__ == "__main__":
    main()
