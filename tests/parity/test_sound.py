"""Recordings from file to log-mel features against soundfile, soxr and transformers' WhisperFeatureExtractor.

What librosa.load() does is written down here as it is there: decode to floats, mean of the channels, soxr_hq, and as many
samples as the ratio of the rates asks for, rounded up. Features must be within 1e-4 of the reference's.
"""
import json
import math
import os
import pathlib

import numpy as np
import pytest

from line_driver import WordDriver

soundfile = pytest.importorskip("soundfile")
soxr = pytest.importorskip("soxr")
transformers = pytest.importorskip("transformers")
transformers.logging.set_verbosity_error()
from transformers import WhisperFeatureExtractor  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = pathlib.Path(os.environ.get("LMM_BUILD", ROOT / "build")) / "bin" / "sound_driver"
KINDS = {"wav": ("WAV", "PCM_16"), "24.wav": ("WAV", "PCM_24"), "float.wav": ("WAV", "FLOAT"), "ulaw.wav": ("WAV", "ULAW"),
         "adpcm.wav": ("WAV", "IMA_ADPCM"), "flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS"),
         "mp3": ("MP3", "MPEG_LAYER_III"), "aiff": ("AIFF", "PCM_16"), "au": ("AU", "PCM_16"), "caf": ("CAF", "PCM_16"),
         "w64": ("W64", "PCM_16"), "rf64": ("RF64", "PCM_16")}


class Driver(WordDriver):
    def __init__(self, folder):
        super().__init__(DRIVER, folder)

    def samples(self, path, rate, block=1000):
        answer = self.ask("read", path, rate, block, self.out)
        assert isinstance(answer, list), answer
        return np.fromfile(self.out, np.float32)

    def features(self, path, folder, samples=0, step=3000):
        answer = self.ask("features", path, folder, samples, step, self.out)
        assert isinstance(answer, list), answer
        mels, frames, sound_frames = map(int, answer[:3])
        flat, parts, at = np.fromfile(self.out, np.float32), [], 0
        for first in range(0, frames, step):
            count = min(step, frames - first)
            parts.append(flat[at:at + mels * count].reshape(mels, count))
            at += mels * count
        return np.concatenate(parts, 1), sound_frames, answer[3]


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = Driver(tmp_path_factory.mktemp("sound"))
    yield driver
    driver.process.stdin.close()
    assert driver.process.wait() == 0


def speech_like(seconds, rate, channels=1, seed=0):
    """Harmonics that glide, in syllables with silence between them, with noise some 60 dB below."""
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * k * (120 * t + 15 * np.sin(2.1 * t))) / k for k in range(1, 20))
    loud = np.clip(np.sin(2 * np.pi * 1.7 * t), 0, 1) ** 2
    out = [0.2 * loud * tone * (1 - 0.3 * c) + 2e-4 * random.standard_normal(len(t)) for c in range(channels)]
    return np.stack(out, 1).astype(np.float32)


def as_librosa(path, rate):
    samples, stored = soundfile.read(path, dtype="float32", always_2d=True)
    mono = np.mean(samples.T, axis=0)
    if stored == rate:
        return mono
    out = soxr.resample(mono, stored, rate, quality="HQ")
    length = math.ceil(len(mono) * (float(rate) / stored))
    return np.pad(out, (0, max(0, length - len(out))))[:length]


def write_recording(path, samples, rate, kind):
    form, subtype = KINDS[kind]
    soundfile.write(path, samples, rate, format=form, subtype=subtype)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_files_give_the_samples_of_soundfile(driver, tmp_path, kind, channels):
    rate = 48000 if kind == "opus" else 44100
    if kind == "adpcm.wav" and channels == 2:
        rate = 22050
    path = write_recording(tmp_path / f"a.{kind}", speech_like(1.5, rate, channels), rate, kind)
    reference = as_librosa(path, rate)
    info = driver.ask("open", path)
    assert info == [rate, channels, len(reference)]
    # The decoders of MP3, Vorbis and Opus are of other versions here and in soundfile's wheel.
    np.testing.assert_allclose(driver.samples(path, rate), reference, rtol=0, atol=1e-5 if kind in ("mp3", "ogg", "opus") else 0)


@pytest.mark.parametrize("stored", [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("rate", [16000, 24000])
def test_resampling_is_soxr(driver, tmp_path, stored, rate):
    path = write_recording(tmp_path / "a.wav", speech_like(1.234, stored), stored, "float.wav")
    reference = as_librosa(path, rate)
    for block in (1, 777, 100000):
        if block == 1 and stored > 48000:
            continue
        samples = driver.samples(path, rate, block)
        assert len(samples) == len(reference)
        np.testing.assert_allclose(samples, reference, rtol=0, atol=2e-7)


@pytest.mark.parametrize("frames", [1, 2, 10, 160, 441, 4410])
def test_short_recordings_have_librosas_length(driver, tmp_path, frames):
    path = write_recording(tmp_path / "a.wav", speech_like(1, 44100)[:frames], 44100, "wav")
    reference = as_librosa(path, 16000)
    samples = driver.samples(path, 16000)
    assert len(samples) == len(reference)
    np.testing.assert_allclose(samples, reference, rtol=0, atol=2e-7)


def save(folder, **settings):
    folder.mkdir(exist_ok=True)
    extractor = WhisperFeatureExtractor(**settings)
    extractor.save_pretrained(folder)
    return extractor


@pytest.mark.parametrize("settings", [{}, {"feature_size": 128}, {"n_fft": 512, "hop_length": 128, "chunk_length": 10},
                                      {"padding_value": 0.01}])
@pytest.mark.parametrize("seconds", [0.01, 0.7, 29.99, 31.003, 70])
def test_features_are_the_references(driver, tmp_path, settings, seconds):
    extractor = save(tmp_path / "model", **settings)
    path = write_recording(tmp_path / "a.wav", speech_like(seconds, 16000, seed=int(seconds)), 16000, "float.wav")
    wave = as_librosa(path, 16000)
    padded = extractor(wave, sampling_rate=16000, return_tensors="np", return_attention_mask=True)
    features, sound_frames, _ = driver.features(path, tmp_path / "model", extractor.n_samples)
    assert features.shape == padded.input_features[0].shape
    assert np.abs(features - padded.input_features[0]).max() < 1e-4
    assert sound_frames == padded.attention_mask[0].sum()
    if len(wave) <= extractor.n_fft // 2:
        assert driver.ask("features", path, tmp_path / "model", 0, 100, driver.out).startswith("error invalid_argument")
        return
    whole = extractor(wave, sampling_rate=16000, return_tensors="np", truncation=False, padding="longest",
                      return_attention_mask=True)
    for step in (3000, 17):
        features, sound_frames, _ = driver.features(path, tmp_path / "model", 0, step)
        assert features.shape == whole.input_features[0].shape
        assert np.abs(features - whole.input_features[0]).max() < 1e-4
        assert sound_frames == whole.attention_mask[0].sum()


@pytest.mark.parametrize("name", ["silence", "noise", "clipped", "sine", "impulse", "loud"])
def test_features_of_odd_sounds(driver, tmp_path, name):
    random = np.random.default_rng(3)
    t = np.arange(48000) / 16000
    wave = {"silence": np.zeros(48000), "noise": random.standard_normal(48000) * 0.1, "sine": 0.5 * np.sin(2 * np.pi * 440 * t),
            "clipped": np.clip(30 * np.sin(2 * np.pi * 100 * t), -1, 1), "impulse": (np.arange(48000) == 20000) * 1.0,
            "loud": 32767 * np.sin(2 * np.pi * 1000 * t)}[name].astype(np.float32)
    extractor = save(tmp_path / "model")
    soundfile.write(tmp_path / "a.wav", wave, 16000, subtype="FLOAT")
    reference = extractor(wave, sampling_rate=16000, return_tensors="np").input_features[0]
    features, _, _ = driver.features(tmp_path / "a.wav", tmp_path / "model", extractor.n_samples)
    assert np.abs(features - reference).max() < 1e-4


def test_every_field_is_read_or_refused(driver, tmp_path):
    """The fields that a saved extractor has, each with another value: the features change as the reference's do, or the
    field is refused by name."""
    path = write_recording(tmp_path / "a.wav", speech_like(2, 16000), 16000, "float.wav")
    wave = as_librosa(path, 16000)
    save(tmp_path / "model")
    file = tmp_path / "model" / "preprocessor_config.json"
    saved = json.loads(file.read_text())
    others = {"chunk_length": 5, "dither": 0.1, "feature_extractor_type": "ClapFeatureExtractor", "feature_size": 64,
              "hop_length": 200, "n_fft": 320, "n_samples": 7, "nb_max_frames": 7, "padding_side": "left",
              "padding_value": 0.5, "return_attention_mask": True, "sampling_rate": 16000, "do_normalize": True,
              "mel_filters": [[1.0]], "processor_class": "WhisperProcessor"}
    refused = {"dither", "feature_extractor_type", "padding_side"}
    assert set(saved) <= set(others)
    for name, value in others.items():
        file.write_text(json.dumps(saved | {name: value}))
        answer = driver.ask("features", path, tmp_path / "model", 80000, 3000, driver.out)
        if name in refused:
            assert answer.startswith("error unsupported") and name in answer
            continue
        extractor = WhisperFeatureExtractor.from_pretrained(tmp_path / "model")
        reference = extractor(wave, sampling_rate=16000, return_tensors="np", max_length=80000).input_features[0]
        features, _, _ = driver.features(path, tmp_path / "model", 80000)
        assert features.shape == reference.shape and np.abs(features - reference).max() < 1e-4, name
    file.write_text(json.dumps(saved | {"preemphasis": 0.97}))
    assert "preemphasis is not a field" in driver.ask("features", path, tmp_path / "model", 80000, 3000, driver.out)
    file.write_text(json.dumps(saved | {"n_fft": None}))
    assert "n_fft is null" in driver.ask("features", path, tmp_path / "model", 80000, 3000, driver.out)


def test_nested_settings_go_first(driver, tmp_path):
    path = write_recording(tmp_path / "a.wav", speech_like(1, 16000), 16000, "wav")
    save(tmp_path / "model", feature_size=128)
    settings = json.loads((tmp_path / "model" / "preprocessor_config.json").read_text())
    (tmp_path / "model" / "processor_config.json").write_text(json.dumps({"feature_extractor": settings | {"feature_size": 40}}))
    assert driver.features(path, tmp_path / "model")[0].shape[0] == 40
