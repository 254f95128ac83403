"""Decoding with lmm's kernels beside transformers' bf16, interleaved on the same machine.

A timing program, never a test. Usage: kernels_bench.py KERNELS_BENCH [--rounds N] [--busy] [--json FILE]
KERNELS_BENCH is the built kernels_bench program. --busy keeps one processor occupied by a neighbour throughout.
"""
import argparse
import json
import os
import statistics
import subprocess
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

SHAPE = dict(vocab_size=49280, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
             num_key_value_heads=3, head_dim=64, max_position_embeddings=8192, rms_norm_eps=1e-5)


class Transformers:
    def __init__(self):
        torch.manual_seed(0)
        self.model = LlamaForCausalLM(LlamaConfig(**SHAPE)).to(torch.bfloat16).eval()
        self.caches = {}

    @torch.inference_mode()
    def seconds_per_token(self, context, threads, steps):
        """Of each step: one token over a cache that holds `context` before."""
        torch.set_num_threads(threads)
        if context not in self.caches:
            ids = torch.randint(0, SHAPE["vocab_size"], (1, context))
            self.caches[context] = self.model(ids, use_cache=True).past_key_values
        cache = self.caches[context]
        token = torch.tensor([[17]])
        times = []
        for step in range(steps + 3):
            start = time.perf_counter()
            logits = self.model(token, past_key_values=cache, use_cache=True).logits
            logits[0, -1].argmax().item()
            if step >= 3:
                times.append(time.perf_counter() - start)
            cache.crop(-1)
        return times


def ours(program, context, threads, steps, dtype="bf16"):
    command = [program, "--threads", threads, "--context", context, "--steps", steps, "--dtype", dtype]
    return json.loads(subprocess.run([str(part) for part in command], check=True, capture_output=True).stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()

    peer = Transformers()
    neighbour = None
    if options.busy:
        last = max(os.sched_getaffinity(0))
        neighbour = subprocess.Popen(["taskset", "-c", str(last), "sh", "-c", "while :; do :; done"])
    rows = []
    try:
        for threads in (1, 2):
            for context in (128, 1024):
                lmm, best, bandwidth, torch_times = [], [], [], []
                for _ in range(options.rounds):
                    run = ours(options.program, context, threads, options.steps)
                    lmm.append(run["tokens_per_s"])
                    best.append(run["best_tokens_per_s"])
                    bandwidth.append((run["gb_per_s"], run["read_gb_per_s"]))
                    torch_times.append(peer.seconds_per_token(context, threads, options.steps))
                theirs = [1 / statistics.median(times) for times in torch_times]
                row = {"threads": threads, "context": context, "busy": options.busy,
                       "lmm": round(statistics.median(lmm), 1), "lmm_best": max(best),
                       "transformers": round(statistics.median(theirs), 1),
                       "transformers_best": round(1 / min(min(times) for times in torch_times), 1),
                       "ratio": round(statistics.median(a / b for a, b in zip(lmm, theirs)), 2),
                       "gb_per_s": max(pair[0] for pair in bandwidth),
                       "read_gb_per_s": max(pair[1] for pair in bandwidth)}
                rows.append(row)
                print(json.dumps(row), flush=True)
    finally:
        if neighbour:
            neighbour.kill()
            neighbour.wait()
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
