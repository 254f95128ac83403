"""Subtitles as other programs read them: the parsers of `srt` and `webvtt-py`."""

import html
import json
import os
import pathlib
import random
import re
import subprocess

import pytest

srt = pytest.importorskip("srt")
webvtt = pytest.importorskip("webvtt")

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = pathlib.Path(os.environ.get("LMM_BUILD", ROOT / "build")) / "bin" / "subtitles_driver"
ODD = [" Hello, world.", " a --> b", " <i>no</i> & <b>", " &amp;", " Grüße 你好 🙂", " two\nlines", " 00:00:01.000 --> x", " -->", "  spaces  "]


def subtitles(segments, *arguments):
    done = subprocess.run([DRIVER, *arguments], input=json.dumps(segments), capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def segment(begin, end, text, words=()):
    return {"begin": begin, "end": end, "text": text, "words": [{"begin": b, "end": e, "text": t} for b, e, t in words]}


def transcript(seed):
    """Segments with words that make them up, hours long."""
    rng, at, segments = random.Random(seed), 0.0, []
    for _ in range(60):
        words, begin = [], at
        for _ in range(rng.randrange(1, 9)):
            end = at + rng.choice([0.0, 0.02, 0.3, 1.7])
            words.append((at, end, rng.choice(ODD)))
            at = end
        segments.append(segment(begin, at, "".join(text for _, _, text in words), words))
        at += rng.choice([0.0, 0.5, 400.0])
    return segments


def plain(text):
    return " ".join(text.split("\n")).strip(" ")


def read_vtt(text):
    return webvtt.from_string(text)


def seconds(stamp):
    hours, minutes, rest = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


@pytest.mark.parametrize("seed", range(5))
def test_srt(seed):
    segments = transcript(seed)
    for words in (False, True):
        expected = [word for one in segments for word in one["words"]] if words else segments
        cues = list(srt.parse(subtitles(segments, "srt", *["words"] * words), ignore_errors=False))
        assert [cue.index for cue in cues] == list(range(1, len(expected) + 1))
        for cue, one in zip(cues, expected):
            assert cue.content == plain(one["text"]).replace("-->", "->")
            assert cue.start.total_seconds() == pytest.approx(one["begin"], abs=6e-4)
            assert cue.end.total_seconds() == pytest.approx(max(one["end"], cue.start.total_seconds() + 1e-3), abs=6e-4)


@pytest.mark.parametrize("seed", range(5))
def test_vtt(seed):
    segments = transcript(seed)
    for words in (False, True):
        text = subtitles(segments, "vtt", *["words"] * words)
        assert text.startswith("WEBVTT\n\n")
        cues = list(read_vtt(text))
        assert len(cues) == len(segments)
        for cue, one in zip(cues, segments):
            times = [seconds(stamp) for stamp in re.findall(r"<(\d+:\d\d:\d\d\.\d{3})>", cue.raw_text)]
            bare = html.unescape(re.sub(r"<[^>]*>", "", cue.raw_text))
            assert " ".join(bare.split()) == " ".join(one["text"].split())
            assert cue.start_in_seconds == int(one["begin"] + 5e-4) and seconds(cue.start) == pytest.approx(one["begin"], abs=6e-4)
            assert seconds(cue.start) < seconds(cue.end)
            assert times == sorted(set(times)) and all(seconds(cue.start) < time < seconds(cue.end) for time in times)
            assert bool(times) <= words
            begins = {round(word["begin"] * 1000) for word in one["words"]}
            assert {round(time * 1000) for time in times} <= begins


def test_nothing_said():
    assert subtitles([], "srt") == "" and subtitles([], "vtt") == "WEBVTT\n\n"
    assert subtitles([segment(0, 1, " ")], "srt") == "" and subtitles([segment(0, 1, "")], "vtt") == "WEBVTT\n\n"
