"""Transcripts of lmm and of transformers on spoken sentences: how many are identical, and the error rates of both.

    PYTHONPATH=bindings/python LMM_LIBRARY=build/lib/liblmm.so python tests/speech/compare.py WHISPER --out build/speech

Needs transformers, torch, soundfile, soxr, jiwer, and Debian's espeak-ng, flite, festival, festvox-kallpc16k,
festvox-italp16k, festvox-czech-ph, festvox-ru, festvox-suopuhe-lj, festvox-hi-nsk with festival-hi, and alsa-utils. Each
transcript is kept in --out and not made again, so that a long run can be stopped and gone on with. Once both engines have
heard everything, writes --out/table.md and prints it.
"""

import argparse
import json
import pathlib
import time

import jiwer
import soundfile
import soxr
import torch
from transformers import WhisperForConditionalGeneration, WhisperProcessor

from sentences import plain
from voices import corpus, noisy

NOISE = (None, 20, 10, 0)


class Reference:
  """transformers, greedy, with the rules by which a window is silent, but no temperatures above 0: those draw at random."""

  def __init__(self, folder: str, threads: int):
    torch.set_num_threads(threads)
    self.model = WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    self.processor = WhisperProcessor.from_pretrained(folder)

  def __call__(self, path: pathlib.Path, language: str) -> str:
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != 16000: samples = soxr.resample(samples, rate, 16000, quality="HQ")
    features = self.processor(samples, sampling_rate=16000, return_tensors="pt").input_features
    with torch.no_grad():
      ids = self.model.generate(features, language=language, task="transcribe", return_timestamps=True, temperature=(0.0,),
                                compression_ratio_threshold=1.35, logprob_threshold=-1.0, no_speech_threshold=0.6)
    return self.processor.batch_decode(ids, skip_special_tokens=True)[0]


class Ours:
  def __init__(self, folder: str, threads: int):
    import lmm  # the other engine runs without it
    self.open, self.session = lmm.Audio.open, lmm.Session(lmm.Model.load(folder, dtype="fp32", threads=threads))

  def __call__(self, path: pathlib.Path, language: str) -> str:
    return self.session.ask([self.open(path)], speech_language=language, speech_temperatures=[0.0]).text


ENGINES = {"transformers": Reference, "lmm": Ours}


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("model", help="folder of a Whisper checkpoint")
  parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of recordings, transcripts and table")
  parser.add_argument("--most", type=int, default=200, help="sentences in English, and as many in other languages")
  parser.add_argument("--threads", type=int, default=2)
  parser.add_argument("--engine", choices=ENGINES, help="only this one's transcripts (default: both)")
  args = parser.parse_args()
  items = corpus(args.out / "clean", args.most)
  texts = {name: heard(name, items, args) for name in ENGINES if args.engine in (None, name)}
  if args.engine is None: write_table(args.out / "table.md", items, texts)


def heard(name: str, items: list[dict], args: argparse.Namespace) -> dict[str, str]:
  """Transcripts of one engine by the name of the recording; those that --out has are not made again."""
  kept = args.out / f"{name}.json"
  texts = json.loads(kept.read_text()) if kept.exists() else {}
  engine, saved = None, time.monotonic()
  for level in NOISE:
    for item in items:
      path = item["path"] if level is None else noisy(item["path"], level, args.out / "noisy")
      if path.stem in texts: continue
      engine = engine or ENGINES[name](args.model, args.threads)
      texts[path.stem] = engine(path, item["language"])
      if time.monotonic() - saved > 20:
        kept.write_text(json.dumps(texts, ensure_ascii=False, indent=1))
        saved = time.monotonic()
  kept.write_text(json.dumps(texts, ensure_ascii=False, indent=1))
  return texts


def write_table(path: pathlib.Path, items: list[dict], texts: dict[str, dict[str, str]]) -> None:
  lines = ["| speech | noise | recordings | identical | errors of transformers | errors of lmm |", "|---|---|---|---|---|---|"]
  total = same = 0
  for group in dict.fromkeys(item["group"] for item in items):
    own = [item for item in items if item["group"] == group]
    for level in NOISE:
      keys = [item["name"] + ("" if level is None else f"-{level}dB") for item in own]
      pairs = [(texts["transformers"][key], texts["lmm"][key]) for key in keys]
      equal = sum(a == b for a, b in pairs)
      spoken = [plain(item["text"]) for item in own]
      rate = jiwer.cer if group == "ko" else jiwer.wer
      errors = [rate(spoken, [plain(pair[side]) for pair in pairs]) for side in (0, 1)]
      lines.append(f"| {group} | {'none' if level is None else f'{level} dB'} | {len(own)} | {equal} | "
                   f"{100 * errors[0]:.1f} % | {100 * errors[1]:.1f} % |")
      total, same = total + len(pairs), same + equal
  lines.append(f"\n{same} of {total} transcripts are identical ({100 * same / total:.2f} %). Errors are of words, for Korean of characters.")
  path.write_text("\n".join(lines) + "\n")
  print(path.read_text())


if __name__ == "__main__":
  main()
