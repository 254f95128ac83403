"""Live sound in the Python binding: with a tiny Whisper of random weights, which writes down what nobody said, and with the
trained one where it is there (LMM_WHISPER_BASE, or <build>/whisper-base)."""

import array
import os
import pathlib
import sys
import time

import pytest
from binding import BUILD, ROOT

import lmm

SOUNDS = ROOT / "tests" / "data" / "sounds"
WHISPER = pathlib.Path(os.environ.get("LMM_WHISPER_BASE", BUILD / "whisper-base"))
needs_whisper = pytest.mark.skipif(not (WHISPER / "config.json").exists(), reason=f"no Whisper base in {WHISPER}")


@pytest.fixture(scope="module")
def folder():
    pytest.importorskip("transformers")
    sys.path.append(str(ROOT / "tests" / "parity"))
    import whisper_checkpoints

    return whisper_checkpoints.tiny("plain")


@pytest.fixture(scope="module")
def sound():
    """Two utterances: (samples as int16 array, rate)"""
    soundfile = pytest.importorskip("soundfile")
    return soundfile.read(SOUNDS / "two_utterances.flac", dtype="int16")


@pytest.fixture
def tiny(folder):
    with lmm.Model.load(folder, threads=1) as model, lmm.Session(model) as session:
        yield session


def heard(listener, sound, piece=1600):
    samples, rate = sound
    said = []
    for at in range(0, len(samples), piece):
        listener.push_array(samples[at:at + piece], rate)
        said += listener.poll()
    listener.finish()
    while not listener.done:
        said += listener.wait()
    return said


def test_utterances_come_in_order(tiny, sound):
    with tiny.listen(partial_after=0.2, speech_temperatures=[0.0]) as listener:
        said = heard(listener, sound)
        assert listener.done and listener.waiting == 0 and listener.poll() == []
        with pytest.raises(lmm.InvalidArgument, match="no more sound"):
            listener.push(b"", 16000)
    assert [one.index for one in said] == sorted(one.index for one in said) and {one.index for one in said} <= {0, 1}
    for one in said:
        assert 0 <= one.begin < one.end < 6 and str(one) == one.text
        assert all(isinstance(segment, lmm.Segment) and segment.begin >= one.begin for segment in one.segments)


def test_what_is_wrong_is_refused(tiny, model):
    with pytest.raises(lmm.Unsupported, match="does not write down speech"), lmm.Session(model) as deaf:
        deaf.listen()
    for options, part in (({"silence": 0}, "seconds is 0"), ({"longest": 60}, "seconds is 60"),
                          ({"partial_after": -1}, "seconds is -1"), ({"speech_beams": 0}, "beams is 0")):
        with pytest.raises(lmm.InvalidArgument, match=part):
            tiny.listen(**options)
    with pytest.raises(TypeError, match="no option 'max_tokens'"):
        tiny.listen(max_tokens=3)
    with tiny.listen() as listener:
        listener.push(array.array("f", [0.0] * 160), 16000)
        with pytest.raises(lmm.InvalidArgument, match="as in the first piece"):
            listener.push(array.array("f", [0.0] * 160), 8000)
        with pytest.raises(lmm.InvalidArgument, match="sample 0 is nan"):
            listener.push(array.array("f", [float("nan")]), 16000)
        with pytest.raises(TypeError, match="expected float32 or int16"):
            listener.push_array(array.array("d", [0.0]), 16000)
        started = time.monotonic()
        assert listener.wait(30) == [] and time.monotonic() - started < 10  # nothing is being heard
    with pytest.raises(lmm.InvalidArgument, match="is closed"):
        listener.poll()
    assert listener.done


def test_an_error_of_the_model_ends_it(tiny, sound):
    listener = tiny.listen(speech_language="xx")
    with pytest.raises(lmm.InvalidArgument, match="xx"):
        heard(listener, sound)
    assert listener.done and listener.poll() == []


def test_a_program_ends_while_it_listens(run, folder):
    run(f"""
import array, lmm
listener = lmm.Session(lmm.Model.load({str(folder)!r}, threads=1)).listen(silence=0.1)
noise = array.array("f", [0.5 if i % 100 < 50 else -0.5 for i in range(16000)])
for _ in range(20): listener.push(noise, 16000)
listener.finish()
""")


@needs_whisper
def test_what_is_said(sound):
    with lmm.Model.load(WHISPER) as model, lmm.Session(model) as session, session.listen() as listener:
        finals = [one for one in heard(listener, sound) if one.is_final]
    assert [one.index for one in finals] == [0, 1] and all(one.text.strip() for one in finals)
    assert finals[0].segments[0].language == "en"
