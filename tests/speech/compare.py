"""Transcripts of lmm and of transformers on spoken sentences: how many are identical, and the error rates of both.

    PYTHONPATH=bindings/python LMM_LIBRARY=build/lib/liblmm.so python tests/speech/compare.py WHISPER --out build/speech

Needs transformers, torch, soundfile, soxr, jiwer, and Debian's espeak-ng, flite, festival, festvox-kallpc16k,
festvox-italp16k, festvox-czech-ph, festvox-ru, festvox-suopuhe-lj, festvox-hi-nsk with festival-hi. Each transcript is kept in --out and not
made again, so that a long run can be stopped and gone on with. Writes --out/table.md and prints it.
"""

import argparse
import json
import pathlib

import jiwer
import soundfile
import soxr
import torch
from transformers import WhisperForConditionalGeneration, WhisperProcessor

import lmm
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
    self.session = lmm.Session(lmm.Model.load(folder, dtype="fp32", threads=threads))

  def __call__(self, path: pathlib.Path, language: str) -> str:
    return self.session.ask([lmm.Audio.open(str(path))], speech_language=language, speech_temperatures=[0.0]).text


def plain(text: str) -> str:
  """What error rates are taken of: lower case, letters and digits."""
  return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def main() -> None:
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("model", help="folder of a Whisper checkpoint")
  parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of recordings, transcripts and table")
  parser.add_argument("--most", type=int, default=200, help="sentences in English, and as many in other languages")
  parser.add_argument("--threads", type=int, default=2)
  args = parser.parse_args()
  items = corpus(args.out / "clean", args.most)
  kept = args.out / "transcripts.json"
  texts = json.loads(kept.read_text()) if kept.exists() else {}
  engines = {}
  for level in NOISE:
    for item in items:
      path = item["path"] if level is None else noisy(item["path"], level, args.out / "noisy")
      for name, make in (("transformers", Reference), ("lmm", Ours)):
        key = f"{name}:{path.stem}"
        if key in texts: continue
        if name not in engines: engines[name] = make(args.model, args.threads)
        texts[key] = engines[name](path, item["language"])
    kept.write_text(json.dumps(texts, ensure_ascii=False, indent=1))
  write_table(args.out / "table.md", items, texts)


def write_table(path: pathlib.Path, items: list[dict], texts: dict) -> None:
  lines = ["| language | noise | recordings | identical | errors of transformers | errors of lmm |", "|---|---|---|---|---|---|"]
  total = same = 0
  for language in dict.fromkeys(item["language"] for item in items):
    own = [item for item in items if item["language"] == language]
    for level in NOISE:
      keys = [item["name"] + ("" if level is None else f"-{level}dB") for item in own]
      pairs = [(texts[f"transformers:{key}"], texts[f"lmm:{key}"]) for key in keys]
      equal = sum(a == b for a, b in pairs)
      spoken = [plain(item["text"]) for item in own]
      rate = jiwer.cer if language == "ko" else jiwer.wer
      errors = [rate(spoken, [plain(pair[side]) for pair in pairs]) for side in (0, 1)]
      lines.append(f"| {language} | {'none' if level is None else f'{level} dB'} | {len(own)} | {equal} | "
                   f"{100 * errors[0]:.1f} % | {100 * errors[1]:.1f} % |")
      total, same = total + len(pairs), same + equal
  lines.append(f"\n{same} of {total} transcripts are identical ({100 * same / total:.2f} %). Errors are of words, for Korean of characters.")
  path.write_text("\n".join(lines) + "\n")
  print(path.read_text())


if __name__ == "__main__":
  main()
