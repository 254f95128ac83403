#!/usr/bin/env python3
"""Plots the frame times of examples/game_loop while it asks about its own frame buffer: free, and stepped.

  tests/bench/game_loop.py [--build build] [--frames 1800] [--out examples/game_loop/frames.png]

Needs matplotlib. Run it on a quiet machine; the figures belong to the processor that it names.
"""
import argparse
import csv
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODES = [("free: one core for lmm, the loop polls", 0.0), ("stepped: 4 ms a frame", 4.0)]


def play(program, frames, budget_ms):
    """One run without a screen; its frames as rows of floats, and its closing lines."""
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.csv"
        command = [program, ROOT / "examples/pocket/model", ROOT / "examples/pictures/burger.png", "--frames", str(frames),
                   "--budget-ms", str(budget_ms), "--csv", times]
        run = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"SDL_VIDEODRIVER": "dummy"})
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(times.open())]
    return rows, [line.strip() for line in run.stdout.splitlines() if " p99 " in line]


def processor():
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else "unknown processor"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--frames", type=int, default=1800)
    parser.add_argument("--out", type=Path, default=ROOT / "examples/game_loop/frames.png")
    args = parser.parse_args()

    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(MODES), 1, figsize=(10, 6), sharex=True, sharey=True)
    for axis, (name, budget) in zip(axes, MODES):
        rows, lines = play(args.build / "bin/game_loop", args.frames, budget)
        print(name, *lines, sep="\n  ")
        for key, color, label in (("interval_ms", "#0969da", "from one frame to the next"), ("work_ms", "#1a7f37", "work in a frame")):
            axis.plot([row[key] for row in rows], linewidth=0.6, color=color, label=label)
        answering = [i for i, row in enumerate(rows) if row["answering"]]
        axis.plot(answering, [rows[i]["work_ms"] for i in answering], ".", markersize=2, color="#cf222e", label="while an answer is made")
        axis.axhline(1000 / 60, color="#57606a", linewidth=0.6, linestyle="--")
        axis.set_title(name, fontsize=10)
        axis.set_ylabel("ms")
        axis.set_ylim(0, 40)
    axes[0].legend(fontsize=8, loc="upper right")
    axes[-1].set_xlabel(f"frame ({processor()})")
    figure.tight_layout()
    figure.savefig(args.out, dpi=90)
    print(f"written: {args.out}")


if __name__ == "__main__":
    main()
