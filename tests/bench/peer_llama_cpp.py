#!/usr/bin/env python3
"""llama.cpp beside lmm: one process' worth of figures of a GGUF file as JSON, or the file in another type.

  python peer_llama_cpp.py measure FILE.gguf [--threads 2] [--prompts 512,1024] [--new-tokens 64]
  python peer_llama_cpp.py quantize FILE.gguf OUT.gguf Q4_0
  python peer_llama_cpp.py logits FILE.gguf --ids FILE.json --out FILE.npy     (behind each list of token ids)

Needs pip's llama-cpp-python.
"""
import argparse
import ctypes
import json
import statistics
import time

import llama_cpp
import numpy as np

from measuring import peak_memory

TYPES = {"Q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0, "Q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0, "Q4_1": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_1,
         "IQ4_NL": llama_cpp.LLAMA_FTYPE_MOSTLY_IQ4_NL, "Q4_K_S": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_S,
         "Q4_K_M": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M}


def opened(path: str, threads: int, context: int) -> llama_cpp.Llama:
    return llama_cpp.Llama(path, n_ctx=context, n_batch=2048, n_ubatch=512, n_threads=threads, n_threads_batch=threads, verbose=False)


def last_logits(model: llama_cpp.Llama) -> np.ndarray:
    return np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(model.ctx, -1), shape=(model.n_vocab(),)).copy()


def measure(path: str, threads: int, prompts: list[int], new_tokens: int) -> dict:
    begin = time.perf_counter()
    model = opened(path, threads, max(prompts) + new_tokens + 8)
    result = {"load_s": time.perf_counter() - begin}
    rng = np.random.default_rng(0)
    for count in prompts:
        ids, times = rng.integers(100, model.n_vocab(), count).tolist(), []
        for _ in range(4):
            model.reset()
            begin = time.perf_counter()
            model.eval(ids)
            times.append(time.perf_counter() - begin)
        result[f"prefill_{count}_tps"] = count / statistics.median(times[1:])
        if count == prompts[0]:
            times = []
            for _ in range(new_tokens):
                token = int(last_logits(model).argmax())
                begin = time.perf_counter()
                model.eval([token])
                times.append(time.perf_counter() - begin)
            result["decode_tps"] = 1 / statistics.median(times)
    result["peak_bytes"] = peak_memory()
    return result


def quantize(path: str, out: str, kind: str) -> None:
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = TYPES[kind]
    if llama_cpp.llama_model_quantize(path.encode(), out.encode(), ctypes.byref(params)) != 0:
        raise SystemExit(f"{path}: llama.cpp did not quantize it as {kind}")


def logits(path: str, ids: str, out: str, threads: int) -> None:
    model, rows = opened(path, threads, 2048), []
    for tokens in json.load(open(ids, encoding="utf-8")):
        model.reset()
        model.eval(tokens)
        rows.append(last_logits(model))
    np.save(out, np.array(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["measure", "quantize", "logits"])
    parser.add_argument("file")
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompts", default="512,1024")
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--ids")
    parser.add_argument("--out")
    options = parser.parse_args()
    if options.what == "measure":
        print(json.dumps(measure(options.file, options.threads, [int(n) for n in options.prompts.split(",")], options.new_tokens)))
    elif options.what == "quantize":
        quantize(options.file, *options.rest)
    else:
        logits(options.file, options.ids, options.out, options.threads)


if __name__ == "__main__":
    main()
