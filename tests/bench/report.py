"""What compare.py makes of its rounds: rows, a table and a plot; and what the machine can do at most."""
import json
import statistics
import time
from pathlib import Path

import torch

import text_decoder
from measuring import processor_name

STAGES = (  # key, title, unit, factor, larger is better, of each type of weights
    ("load_s", "load", "s", 1, False, False),
    ("preprocess_s", "preprocess the picture", "ms", 1e3, False, False),
    ("tile_s", "a tile through tower and connector", "ms", 1e3, False, True),
    ("first_token_s", "process start to first token, with the picture", "s", 1, False, True),
    ("prefill_512_tps", "prefill of 512", "tokens/s", 1, True, True),
    ("prefill_1024_tps", "prefill of 1024", "tokens/s", 1, True, True),
    ("decode_tps", "decode", "tokens/s", 1, True, True),
    ("peak_bytes", "peak memory", "MB", 1e-6, False, True),
)
BITS = {"bf16": (16, 16), "int8": (8.5, 8.5), "int4": (4.5, 8.5)}  # a weight, of the layers and of the output layer


class Machine:
    """Bytes that it reads and operations of its fastest matrix product of floating-point numbers, a second: the most that was seen."""

    def __init__(self, threads: int):
        torch.set_num_threads(threads)
        self.bandwidth = self.products = 0.0
        self.name = processor_name()

    def measure(self) -> None:
        read = torch.ones(1 << 25, dtype=torch.int64)
        for _ in range(5):
            begin = time.perf_counter()
            read.sum()
            self.bandwidth = max(self.bandwidth, read.nbytes / (time.perf_counter() - begin))
        for dtype in (torch.float32, torch.bfloat16):
            a, b = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)
            for _ in range(4):
                begin = time.perf_counter()
                a @ b
                self.products = max(self.products, 2 * 2048**3 / (time.perf_counter() - begin))


def limits(machine: Machine, model: Path) -> dict:
    """What a stage would take were it nothing but reading weights, or nothing but products: {(key, kind): figure}."""
    _, tensors = text_decoder.decoder(model)
    matrices = {name: tensor.numel() for name, tensor in tensors.items() if tensor.dim() == 2}
    head = matrices.get("lm_head.weight", matrices["model.embed_tokens.weight"])
    layers = sum(count for name, count in matrices.items() if ".layers." in name)
    out = {}
    for kind, (bits, head_bits) in BITS.items():
        out["decode_tps", kind] = machine.bandwidth * 8 / (layers * bits + head * head_bits)
        if kind == "bf16":  # products of integers have another limit
            for count in (512, 1024):
                out[f"prefill_{count}_tps", kind] = machine.products / (2 * layers)
    vision = json.loads((model / "config.json").read_text()).get("vision_config", {})
    if "image_size" in vision and "intermediate_size" in vision:
        patches, size, deep = (vision["image_size"] // vision["patch_size"]) ** 2, vision["hidden_size"], vision["num_hidden_layers"]
        products = deep * patches * (2 * (4 * size * size + 2 * size * vision["intermediate_size"]) + 4 * patches * size)
        out["tile_s", "bf16"] = products / machine.products
    return out


def rows(runs: list[dict], engines: list[str], machine: Machine, model: Path) -> list[dict]:
    """One a stage and type of weights; ratios are above 1 where lmm is better."""
    try:
        most = limits(machine, model)
    except (KeyError, IndexError):  # no Llama-shaped decoder
        most = {}
    out = []
    for key, title, unit, factor, larger, typed in STAGES:
        for kind in dict.fromkeys(kind for kind, _ in runs[0]):
            if (not typed and kind != "bf16") or key not in runs[0][kind, "lmm"]:
                continue
            figures = {e: statistics.median(run[kind, e][key] for run in runs) for e in engines if all(key in run[kind, e] for run in runs)}
            better = max if larger else min
            ratios = []
            for run in runs:
                peers = [run[kind, e][key] for e in figures if e != "lmm"]
                if peers:
                    ours, theirs = run[kind, "lmm"][key], better(peers)
                    ratios.append(ours / theirs if larger else theirs / ours)
            limit = most.get((key, kind))
            row = {"stage": f"{title}, {kind}" if typed else title, "unit": unit, "lmm": figures["lmm"] * factor,
                   "peers": {e: v * factor for e, v in figures.items() if e != "lmm"}, "limit": limit and limit * factor,
                   "ratio_to_best_peer": statistics.median(ratios) if ratios else None, "ratio_range": [min(ratios), max(ratios)] if ratios else None}
            row["share_of_limit"] = limit and (row["lmm"] / row["limit"] if larger else row["limit"] / row["lmm"])
            out.append(row)
    return out


def table(rows: list[dict], engines: list[str], note: str) -> str:
    number = lambda value: "-" if value is None else f"{value:.4g}" if value < 1000 else f"{value:.0f}"  # noqa: E731
    lines = [note, "", f"| stage | unit | {' | '.join(engines)} | better than the best peer by | limit | lmm's share |",
             "|---|---|" + "---:|" * (len(engines) + 3)]
    for row in rows:
        figures = [number(row["lmm"] if e == "lmm" else row["peers"].get(e)) for e in engines]
        ratio = "-" if row["ratio_range"] is None else f"{row['ratio_to_best_peer']:.2f}x ({row['ratio_range'][0]:.2f} to {row['ratio_range'][1]:.2f})"
        share = "-" if row["limit"] is None else f"{row['share_of_limit']:.0%}"
        lines.append(f"| {row['stage']} | {row['unit']} | {' | '.join(figures)} | {ratio} | {number(row['limit'])} | {share} |")
    return "\n".join(lines) + "\n"


def plot(rows: list[dict], engines: list[str], note: str, path: Path) -> None:
    """Speed of every engine as a share of lmm's, where matplotlib is there."""
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = [row for row in rows if row["peers"]]
    figure, axes = plt.subplots(figsize=(9, 1 + 0.55 * len(shown)), layout="constrained")
    height = 0.8 / len(engines)
    for i, engine in enumerate(engines):
        places, shares = [], []
        for j, row in enumerate(shown):
            value = row["lmm"] if engine == "lmm" else row["peers"].get(engine)
            if value:
                places.append(j + i * height)
                shares.append(value / row["lmm"] if row["unit"] == "tokens/s" else row["lmm"] / value)
        axes.barh(places, shares, height, label=engine)
    axes.set_yticks([j + 0.4 - height / 2 for j in range(len(shown))], [row["stage"] for row in shown])
    axes.invert_yaxis()
    axes.set_xlabel("how good, as a share of lmm (longer is better)")
    axes.set_title(note.split(";")[0], fontsize=9)
    axes.margins(y=0.01)
    figure.legend(loc="outside lower center", ncols=len(engines))
    figure.savefig(path, dpi=110)
