"""Speaks the sentences with the synthetic voices that Debian packages carry: espeak-ng, flite and festival. The words that
a person speaks in alsa-utils' recordings go with them.

A voice that is not installed is left out, and named.
"""

import pathlib
import shutil
import subprocess
from dataclasses import dataclass

import numpy as np
import soundfile

from sentences import OTHERS, english, others


@dataclass(frozen=True)
class Voice:
  name: str
  command: tuple[str, ...]  # {out} is the WAV file; the text comes by standard input
  encoding: str = "utf-8"


def _espeak(voice: str) -> Voice:
  return Voice(f"espeak-{voice}", ("espeak-ng", "-v", voice, "-s", "150", "--stdin", "-w", "{out}"))


def _flite(voice: str) -> Voice:
  return Voice(f"flite-{voice}", ("flite", "-voice", voice, "-f", "/dev/stdin", "-o", "{out}"))


def _festival(voice: str, encoding: str = "utf-8") -> Voice:
  return Voice(f"festival-{voice}", ("text2wave", "-eval", f"(voice_{voice})", "-o", "{out}"), encoding)


ENGLISH = (_espeak("en-us"), _espeak("en-gb"), _flite("slt"), _flite("rms"), _festival("kal_diphone"))
LANGUAGES = {
    "de": _espeak("de"), "ko": _espeak("ko"), "it": _festival("lp_diphone", "iso-8859-1"),
    "cs": _festival("czech_ph", "iso-8859-2"), "ru": _festival("msu_ru_nsh_clunits"),
    "fi": _festival("suo_fi_lj_diphone", "iso-8859-1"), "hi": _festival("hindi_NSK_diphone"),
}


def speak(voice: Voice, text: str, path: pathlib.Path) -> bool:
  """False where the voice is not there, or says nothing."""
  if shutil.which(voice.command[0]) is None: return False
  command = [part.format(out=path) for part in voice.command]
  done = subprocess.run(command, input=text.encode(voice.encoding, "replace"), capture_output=True)
  return done.returncode == 0 and path.exists() and path.stat().st_size > 4000


RECORDINGS = pathlib.Path("/usr/share/sounds/alsa")  # Front_Center.wav says "Front center"


def recordings() -> list[dict]:
  paths = [path for path in sorted(RECORDINGS.glob("*.wav")) if path.stem != "Noise"]
  if not paths: print(f"left out: there are no recordings in {RECORDINGS}")
  return [{"name": path.stem, "group": "en, a person's words", "language": "en", "text": path.stem.replace("_", " "), "path": path}
          for path in paths]


def corpus(folder: pathlib.Path, most: int) -> list[dict]:
  """Items {name, group, language, text, path}: at most `most` sentences in English and as many in all other languages
  together, then the recordings."""
  folder.mkdir(parents=True, exist_ok=True)
  wanted = [("en", ENGLISH[i % len(ENGLISH)], text) for i, text in enumerate(english(most))]
  each = -(-most // len(OTHERS))
  for language, voice in LANGUAGES.items(): wanted += [(language, voice, text) for text in others(language)[:each]]
  items, missing = [], set()
  for number, (language, voice, text) in enumerate(wanted):
    path = folder / f"{number:03}-{language}-{voice.name}.wav"
    if path.exists() or (voice.name not in missing and speak(voice, text, path)):
      items.append({"name": path.stem, "group": language, "language": language, "text": text, "path": path})
    else:
      missing.add(voice.name)
  for name in sorted(missing): print(f"left out: voice {name} is not installed, or says nothing")
  return items + recordings()


def noisy(path: pathlib.Path, decibels: int, folder: pathlib.Path) -> pathlib.Path:
  """The recording with white noise at this ratio of speech to noise, the same in each run."""
  out = folder / f"{path.stem}-{decibels}dB.wav"
  if out.exists(): return out
  folder.mkdir(parents=True, exist_ok=True)
  samples, rate = soundfile.read(path)
  noise = np.random.default_rng(len(samples)).standard_normal(len(samples))
  loud = np.sqrt(np.mean(samples ** 2) / 10 ** (decibels / 10))
  soundfile.write(out, np.clip(samples + noise * loud, -1, 1), rate, subtype="PCM_16")
  return out
