"""lmm listen, and questions that are spoken. What needs a trained Whisper takes the folder that
examples/whisper/make_model.py writes: LMM_WHISPER_BASE, or <build>/whisper-base; it is skipped without one."""

import json
import os
import pathlib

import pytest
from safetensors import safe_open
from test_cli import LMM, MODEL, PICTURE, ask_json, run

SOUNDS = pathlib.Path(__file__).resolve().parents[1] / "data" / "sounds"
WHISPER = pathlib.Path(os.environ.get("LMM_WHISPER_BASE", LMM.parents[1] / "whisper-base"))
needs_whisper = pytest.mark.skipif(not (WHISPER / "config.json").exists(), reason=f"no Whisper base in {WHISPER}")
HEARD = {"question.flac": "What is this object?", "sentence.ogg": "The sun is warm and the water is cold.",
         "german.mp3": "Guten Morgen, wie geht es Ihnen?"}


def test_a_model_that_does_not_hear(tmp_path):
    assert "does not write down speech" in run("listen", MODEL, SOUNDS / "question.flac", code=1)[1]
    run("ask", MODEL, "-i", PICTURE, "--voice", SOUNDS / "question.flac", code=1)
    assert "does not write down speech" in run("ask", MODEL, "--voice", SOUNDS / "question.flac", "--transcriber", MODEL, code=1)[1]


def test_what_is_no_recording(tmp_path):
    letter = tmp_path / "letter.wav"
    letter.write_text("Dear diary")
    for path in (letter, tmp_path / "none.wav", tmp_path):
        assert str(path) in run("listen", MODEL, path, code=1)[1]
        assert str(path) in run("ask", MODEL, "--voice", path, "x", code=1)[1]


@needs_whisper
@pytest.mark.parametrize("name", HEARD)
def test_what_is_said(name):
    assert run("listen", WHISPER, SOUNDS / name)[0] == HEARD[name] + "\n"
    reply = json.loads(run("listen", WHISPER, SOUNDS / name, "--json", "--words")[0])
    assert reply["text"].strip() == HEARD[name]
    words = [word for segment in reply["segments"] for word in segment["words"]]
    assert "".join(word["text"] for word in words).strip() == HEARD[name]
    assert all(one["begin"] <= one["end"] for one in words) and words[-1]["end"] < 4
    assert {segment["language"] for segment in reply["segments"]} == {"de" if "german" in name else "en"}


@needs_whisper
def test_subtitles_and_translation():
    srt = pytest.importorskip("srt")
    cues = list(srt.parse(run("listen", WHISPER, SOUNDS / "sentence.ogg", "--srt")[0], ignore_errors=False))
    assert " ".join(cue.content for cue in cues) == HEARD["sentence.ogg"]
    assert run("listen", WHISPER, SOUNDS / "sentence.ogg", "--vtt", "--words")[0].startswith("WEBVTT\n\n00:00:0")
    assert "morning" in run("listen", WHISPER, SOUNDS / "german.mp3", "--translate")[0].lower()
    assert "language" in run("listen", WHISPER, SOUNDS / "german.mp3", "--language", "Klingon", code=1)[1]


@needs_whisper
def test_trace_of_a_recording(tmp_path):
    run("trace", WHISPER, "--voice", SOUNDS / "sentence.ogg", "--taps", "audio.*", "--max-tokens", "30", "--out", tmp_path / "t")
    with safe_open(tmp_path / "t", "np") as file:
        assert all(name.startswith("audio.") for name in file.keys()) and "sun is warm" in file.metadata()["text"]
    assert "recordings" in run("bench", WHISPER, code=1)[1] and "PROMPT" in run("trace", WHISPER, "--out", tmp_path / "u", code=2)[1]


@needs_whisper
def test_a_spoken_question_about_a_picture():
    spoken = ask_json("-i", PICTURE, "--voice", SOUNDS / "question.flac", "--transcriber", WHISPER)
    assert "".join(segment["text"] for segment in spoken["segments"]).strip() == HEARD["question.flac"]
    assert spoken["text"] == ask_json("-i", PICTURE, HEARD["question.flac"])["text"]
