#!/usr/bin/env python3
"""Times lmm beside transformers, llama.cpp and OpenVINO, stage by stage, on one checkpoint in one run.

All run as processes of their own, in turn, with the same threads, weights and inputs; ratios are taken round by round, because
machines are noisy. What the machine reads and multiplies a second is measured in the same run. Writes a table (Markdown), a
plot and results.json.

  tests/bench/compare.py MODEL [--picture FILE] [--install FOLDER] [--rounds 3] [--threads 2] [--isa avx2] [--out FOLDER]

transformers is that of this Python. --install makes virtual environments for llama.cpp and OpenVINO in FOLDER, where they are
not yet; without it they are left out. --isa holds all of them to the instructions of a narrower processor (avx512: without AMX,
avx2: without VNNI). MODEL has the decoder of Llama or Qwen2 (llama, idefics3, smolvlm, qwen2_vl) if they are to run it.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import report
import text_decoder

HERE = Path(__file__).resolve().parent
PREFILL = (512, 1024)
NEW_TOKENS = 64
TYPES = {"bf16": ("full", "BF16", 0), "int8": ("int8", "Q8_0", 8), "int4": ("int4", "Q4_0", 4)}  # as lmm, llama.cpp and OpenVINO name them
TOWERS = {"bf16": "full", "int8": "int8"}  # how a tower's weights are kept beside those of the decoder

# Packages of the peers. llama.cpp is built from its source for this processor; OpenVINO's exporter wants no torchvision here.
INSTALL = {
    "llama.cpp": "{pip} install -q llama-cpp-python --no-binary llama-cpp-python",
    "OpenVINO": "{pip} install -q torch==2.13.0 && echo torch==2.13.0 > {folder}/pins && {pip} install -q -c {folder}/pins optimum-intel openvino"
                " nncf && {pip} uninstall -q -y torchvision",
}
# What holds lmm, torch, oneDNN (OpenVINO's too) and MKL to an instruction set, and how llama.cpp is built for it.
ISAS = {
    "avx2": {"LMM_MAX_ISA": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
             "CMAKE_ARGS": "-DGGML_NATIVE=OFF"},
    "avx512": {"LMM_MAX_ISA": "avx512", "ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16", "MKL_ENABLE_INSTRUCTIONS": "AVX512",
               "CMAKE_ARGS": "-DGGML_NATIVE=OFF -DGGML_AVX512=ON -DGGML_AVX512_VBMI=ON -DGGML_AVX512_VNNI=ON -DGGML_AVX512_BF16=ON"},
}


def hold_to(isa: str) -> None:
    """Begins this program again under the variables, which torch has read when it was imported."""
    if os.environ.get("LMM_MAX_ISA") != isa:
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ISAS[isa])


def output_of(*command) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stderr[-2000:]}")
    return done.stdout


def figures(engine, kind: str) -> dict:
    """What it measures; a peer that fails has none, and the others' figures are not lost."""
    try:
        return engine.measure(kind) or {}
    except SystemExit as failed:
        if engine.name == "lmm":
            raise
        print(failed, file=sys.stderr)
        return {}


def last_json(*command) -> dict:
    return json.loads(output_of(*command).splitlines()[-1])


def installed(folder: Path, name: str, isa: str | None = None) -> Path:
    """The Python that has a peer, for llama.cpp one built for the instruction set."""
    place = folder / (name.replace(".", "_") + (f"_{isa}" if isa else ""))
    if not (place / "ready").exists():
        print(f"installing {name}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run(INSTALL[name].format(pip=place / "bin" / "pip", folder=place), shell=True, check=True)
        (place / "ready").touch()
    return place / "bin" / "python"


class Lmm:
    name = "lmm"

    def __init__(self, options):
        self.options = options

    def bench(self, weights: str, *arguments) -> dict:
        return last_json(self.options.lmm, "bench", self.options.model, "--json", "--dtype", "bf16", "--weights", weights, "--threads",
                         self.options.threads, "--repeat", 3, *arguments)

    def measure(self, kind: str) -> dict:
        weights, result, peaks = TYPES[kind][0], {}, []
        for count in PREFILL:
            text = self.bench(weights, "--prompt-tokens", count, "--new-tokens", NEW_TOKENS if count == PREFILL[0] else 2)
            result[f"prefill_{count}_tps"] = text["prefill_tokens_per_second"]
            peaks.append(text["peak_memory_bytes"])
            if count == PREFILL[0]:
                result.update(load_s=text["load_seconds"], decode_tps=text["decode_tokens_per_second"])
        if kind in TOWERS and self.options.picture:
            towers = ["--tower-weights", TOWERS[kind], "-i", self.options.picture]
            seen = self.bench(weights, *towers, "--prompt-tokens", 8, "--new-tokens", 2)
            result.update(preprocess_s=seen["preprocess_seconds"], tiles=seen["tiles"], tile_s=seen["encode_seconds_per_tile"])
            begin = time.perf_counter()
            output_of(self.options.lmm, "ask", self.options.model, *towers, "--weights", weights, "--dtype", "bf16", "--threads",
                      self.options.threads, "--max-tokens", 1, "What is this?")
            result["first_token_s"] = time.perf_counter() - begin
        result["peak_bytes"] = max(peaks)
        return result


class Transformers:
    name = "transformers"

    def __init__(self, options):
        self.options = options

    def measure(self, kind: str) -> dict | None:
        if kind != "bf16":
            return None
        peer = [sys.executable, HERE / "peer_transformers.py"]
        dtype = "float32" if self.options.isa == "avx2" else "bfloat16"  # torch has no fast products of bf16 there
        rest = ["--threads", self.options.threads, "--dtype", dtype]
        seen = ["--picture", self.options.picture] if self.options.picture else []
        result = last_json(*peer, "measure", self.options.model, *rest, *seen)
        if seen:
            begin = time.perf_counter()
            output_of(*peer, "first-token", self.options.model, *rest, *seen)
            result["first_token_s"] = time.perf_counter() - begin
        return result


class LlamaCpp:
    name = "llama.cpp"

    def __init__(self, options, room: Path):
        self.options, self.room = options, room
        self.peer = [installed(options.install, self.name, options.isa), HERE / "peer_llama_cpp.py"]
        text_decoder.write_gguf(options.model, room / "BF16.gguf")
        for _, kind, _ in TYPES.values():
            if kind != "BF16":
                output_of(*self.peer, "quantize", room / "BF16.gguf", room / f"{kind}.gguf", kind)

    def measure(self, kind: str) -> dict:
        return last_json(*self.peer, "measure", self.room / f"{TYPES[kind][1]}.gguf", "--threads", self.options.threads)


class OpenVino:
    name = "OpenVINO"

    def __init__(self, options, room: Path):
        self.options, self.room = options, room
        self.sees = bool(options.picture) and json.loads((options.model / "config.json").read_text())["model_type"] in ("idefics3", "smolvlm")
        self.peer = [installed(options.install, self.name), HERE / "peer_openvino.py"]
        text_decoder.write_folder(options.model, room / "text")
        for kind, (_, _, bits) in TYPES.items():
            output_of(*self.peer, "convert", room / "text", room / kind, *(["--bits", bits] if bits else []))
        if self.sees:
            for kind in TOWERS:
                output_of(*self.peer, "convert-tower", options.model, room / f"tower-{kind}", "--bits", TYPES[kind][2])

    def measure(self, kind: str) -> dict | None:
        if self.options.isa == "avx2" and kind != "bf16":
            return None  # it chooses packed kernels by the processor, and fails where oneDNN is held to less
        rest = ["--threads", self.options.threads]
        result = last_json(*self.peer, "measure", self.room / kind, *rest)
        if kind in TOWERS and self.sees:
            result["tile_s"] = last_json(*self.peer, "measure", self.room / f"tower-{kind}", *rest)["tile_s"]
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--picture")
    parser.add_argument("--install", type=Path, metavar="FOLDER")
    parser.add_argument("--peers", default="llama.cpp,OpenVINO", help="of those that are installed (default: %(default)s)")
    parser.add_argument("--lmm", default=str(HERE.parents[1] / "build" / "bin" / "lmm"))
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--types", default=",".join(TYPES), help="of the weights (default: %(default)s)")
    parser.add_argument("--isa", choices=ISAS, help="hold all to these instructions (default: what the processor has)")
    parser.add_argument("--out", type=Path, help="folder for results.json, table.md and plot.png")
    options = parser.parse_args()
    if options.isa:
        hold_to(options.isa)
    with tempfile.TemporaryDirectory() as room:
        engines = [Lmm(options), Transformers(options)]
        if options.install:
            engines += [peer(options, Path(room)) for peer in (LlamaCpp, OpenVino) if peer.name in options.peers.split(",")]
        machine = report.Machine(options.threads)
        runs = []  # one a round: {(kind, engine): figures}
        for number in range(options.rounds):
            machine.measure()
            runs.append({(kind, e.name): figures(e, kind) for kind in options.types.split(",") for e in engines})
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    rows = report.rows(runs, [e.name for e in engines], machine, options.model)
    tiles = statistics.median(run["bf16", "lmm"].get("tiles", 0) for run in runs) if "bf16" in options.types else 0
    held = f" held to {options.isa.upper()}" if options.isa else ""
    note = (f"{machine.name}{held}, {options.threads} threads, {options.model.name}" + (f", picture of {tiles:.0f} tiles" if tiles else "") +
            f"; medians of {options.rounds} interleaved rounds, the ratio to the best peer round by round with its range.")
    print(report.table(rows, [e.name for e in engines], note))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
        (options.out / "table.md").write_text(report.table(rows, [e.name for e in engines], note))
        report.plot(rows, [e.name for e in engines], note, options.out / "plot.png")


if __name__ == "__main__":
    main()
