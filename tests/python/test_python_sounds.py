"""Recordings of the Python binding: files, bytes and samples in, what is wrong with them, messages that hold them, and
the options of transcripts."""

import array
import pathlib

import pytest
from binding import MODEL

import lmm

SOUNDS = pathlib.Path(__file__).resolve().parents[1] / "data" / "sounds"


def beep():
    return lmm.Audio.from_samples(array.array("h", [0, 100, 0, -100] * 400).tobytes(), 16000, format="s16")


def test_files_and_bytes():
    opened = lmm.Audio.open(SOUNDS / "german.mp3")
    decoded = lmm.Audio.decode((SOUNDS / "german.mp3").read_bytes())
    assert (opened.rate, opened.channels) == (22050, 1) and opened.seconds == decoded.seconds == pytest.approx(2.46, abs=0.01)
    assert repr(beep()) == "<lmm.Audio 0.100 s, 16000 Hz, 1 channels>"


def test_samples():
    stereo = lmm.Audio.from_samples(array.array("f", [0.5] * 20), 48000, 2)
    assert (stereo.rate, stereo.channels, stereo.seconds) == (48000, 2, 10 / 48000)
    assert lmm.Audio.from_array(array.array("h", [1, 2, 3]), 8000).seconds == 3 / 8000
    np = pytest.importorskip("numpy")
    two = lmm.Audio.from_array(np.zeros((160, 2), np.float32), 16000)
    assert (two.channels, two.seconds) == (2, 0.01)
    with pytest.raises(TypeError, match="expected float32 or int16"):
        lmm.Audio.from_array(np.zeros(10), 16000)
    with pytest.raises(TypeError, match="expected float32 or int16"):
        lmm.Audio.from_array(np.zeros((1, 1, 1), np.float32), 16000)


@pytest.mark.parametrize("rate, channels, samples, part", [
    (1, 1, [0.0], "rate is 1 Hz"), (10**7, 1, [0.0], "rate is 10000000 Hz"), (16000, 255, [0.0], "255 channels"),
    (16000, 1, [], "none"), (16000, 1, [0.0, float("nan")], "sample 1 is nan"), (16000, 1, [float("inf")], "sample 0 is inf"),
    (16000, 2, [0.0] * 3, "multiple of 8")])
def test_samples_that_are_none(rate, channels, samples, part):
    with pytest.raises(lmm.InvalidArgument, match=part):
        lmm.Audio.from_samples(array.array("f", samples), rate, channels)


def test_what_is_no_recording(tmp_path):
    (tmp_path / "letter.wav").write_text("Dear diary")
    with pytest.raises(lmm.BadFile, match="begins with 'Dear diary'"):
        lmm.Audio.open(tmp_path / "letter.wav")
    with pytest.raises(lmm.NotFound):
        lmm.Audio.open(tmp_path / "none.wav")
    with pytest.raises(lmm.BadFile, match="is empty"):
        lmm.Audio.decode(b"")
    with pytest.raises(lmm.InvalidArgument, match="format is 'u8'"):
        lmm.Audio.from_samples(b"ab", 16000, format="u8")
    with pytest.raises(TypeError):
        lmm.Audio()


def test_messages_and_histories_hold_them():
    audio = beep()
    message = lmm.Message(["Before", audio, "what?"])
    assert message.audios == (audio,) and message.images == () and message.text == "Beforewhat?"
    with lmm.Model.load(MODEL) as model, lmm.Session(model) as session:
        session.history = [("user", message), ("assistant", "Nothing.")]
        back = session.history[0].message
        del message, audio
        assert [type(part).__name__ for part in back.parts] == ["str", "Audio", "str"]
        assert back.audios[0].rate == 16000


def test_a_model_that_does_not_hear_says_so():
    with lmm.Model.load(MODEL) as model:
        assert not model.info.hears and not model.info.transcribes
        with pytest.raises(lmm.Unsupported), lmm.Session(model) as session:
            session.ask([beep(), "What?"])
        with pytest.raises(lmm.InvalidArgument, match="does not write down speech"):
            lmm.Session(model, transcriber=model)
        with lmm.Session(model) as session:
            assert session.ask("Hello.", max_tokens=2).segments == ()


@pytest.mark.parametrize("options, part", [
    ({"speech_beams": 33}, "beams is 33"), ({"speech_times": "letters"}, "speech_times is 'letters'"),
    ({"speech_temperatures": [0, 2]}, r"temperatures\[1\] is 2"), ({"speech_no_speech_threshold": float("nan")}, "nan")])
def test_options_of_transcripts_are_checked(options, part):
    with lmm.Model.load(MODEL) as model, lmm.Session(model) as session:
        with pytest.raises(lmm.InvalidArgument, match=part):
            session.ask("Hello.", **options)
