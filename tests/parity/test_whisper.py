"""Whisper against transformers on tiny random checkpoints: every intermediate, then what generate() hears in one window
and in many, with every option of speech. How intermediates are judged is said in test_model.py.

Temperature is 0 throughout: torch's random numbers are its own. Random weights never sound sure of themselves, so the
thresholds are set where they decide what they are there to decide.
"""
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import whisper_checkpoints  # noqa: E402
from test_model import BF16_MEAN_MARGIN, FP32_TOLERANCE, compare, flat, squares  # noqa: E402
from whisper_reference import NEVER, Driver, Reference, read_taps, synthetic  # noqa: E402

NAMES = list(whisper_checkpoints.TINY)
SURE = dict(temperatures=(0.0,), compression=NEVER, log_probability=-NEVER)


@pytest.fixture(scope="module")
def ears():
    """Driver and reference of a checkpoint, made once."""
    made = {}

    def get(name):
        if name not in made:
            folder = whisper_checkpoints.tiny(name)
            made[name] = (Driver(folder), Reference(folder))
        return made[name]

    yield get
    for driver, _ in made.values():
        driver.__exit__()


def options_of(name, times="segments", **more):
    """For a checkpoint that knows English alone no language is said."""
    multilingual = whisper_checkpoints.TINY[name].multilingual
    return dict(times=times, **SURE) | {key: value for key, value in more.items() if multilingual or key not in ("language", "translate")}


def plain(segments):
    """What both have: times and texts, of segments that say something."""
    return [(one["text"], one["begin"], max(one["begin"], one["end"])) for one in segments if one["text"].strip()]


def check(ears, name, samples, path, **options):
    """Segments, and words where asked for, are the reference's; gives what the driver said."""
    driver, reference = ears(name)
    ours = driver.ask(reference.request(samples, path) | {"options": options})
    assert "error" not in ours, (name, options, ours)
    heard = ours["segments"][0]["language"] if ours["segments"] else None
    theirs = reference.transcribe(samples, words_in=heard, **options)
    assert plain(ours["segments"]) == plain(theirs), (name, options)
    if options["times"] == "words":
        said = [one for one in theirs if one["text"].strip()]
        mine = [[[text, begin, end] for text, begin, end, _ in one["words"]] for one in ours["segments"]]
        # Beyond the end of the sound the reference's words may lie before 0, or end before they begin.
        assert mine == [[[text, max(begin, 0), max(begin, end, 0)] for text, begin, end in one["words"]] for one in said], (name, options)
    return ours


def initial(reference, language="<|en|>"):
    ids = reference.tokenizer.convert_tokens_to_ids
    known = reference.model.generation_config.is_multilingual
    return [ids("<|startoftranscript|>"), *([ids(language), ids("<|transcribe|>")] if known else [])]


def traced(driver, reference, samples, tmp_path):
    """Taps of the first window: of the prompt, that is before the first step."""
    out = tmp_path / "taps"
    request = reference.request(samples, tmp_path / "features") | {"taps": {"glob": "*", "out": str(out)}}
    multilingual = reference.model.generation_config.is_multilingual
    ours = driver.ask(request | {"options": dict(**SURE, max_tokens=1) | ({"language": "en"} if multilingual else {})})
    assert "error" not in ours, ours
    seen = {}
    for tap_name, values in read_taps(out):
        seen.setdefault(tap_name, values)
    return seen, reference.trace(samples, initial(reference))


@pytest.mark.parametrize("name", NAMES)
def test_layers_fp32(ears, tmp_path, name):
    driver, reference = ears(name)
    ours, theirs = traced(driver, reference, synthetic(0.8, 1), tmp_path)
    errors = compare(ours, theirs)
    wrong = {tap: error for tap, error in errors.items() if not error <= FP32_TOLERANCE}
    assert not wrong, (name, wrong)


def test_layers_bf16(ears, tmp_path, note):
    """No further from the fp32 reference than transformers' own bf16 is, by root mean square, on the mean of all taps."""
    ratios = {}
    for name in NAMES:
        _, exact = ears(name)
        folder = whisper_checkpoints.tiny(name)
        rounded = Reference(folder, torch.bfloat16)
        with Driver(folder, "bf16") as driver:
            mine, their = {}, {}
            for seed in range(3):
                samples = synthetic(0.8, seed)
                ours, want = traced(driver, exact, samples, tmp_path)
                theirs = rounded.trace(samples, initial(exact))
                for tap, square in squares(ours, want).items():
                    mine[tap] = mine.get(tap, 0.0) + square
                for tap, square in squares(theirs, want).items():
                    their[tap] = their.get(tap, 0.0) + square
            ratios[name] = float(np.mean([np.sqrt(mine[tap] / their[tap]) for tap in mine]))
    note(f"whisper in bf16, rms error over transformers': {np.mean(list(ratios.values())):.3f}, "
         f"worst {max(ratios, key=ratios.get)} {max(ratios.values()):.3f}")
    assert np.mean(list(ratios.values())) <= BF16_MEAN_MARGIN, ratios


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_layers_of_packed_weights(ears, tmp_path, dtype):
    """8 bits keep a number to 0.4 % of the largest beside it: a layer's outputs stay within a few percent, by root mean
    square, and are not those of full weights, in the encoder either."""
    for name in NAMES:
        _, exact = ears(name)
        with Driver(whisper_checkpoints.tiny(name), dtype, weights="int8") as driver:
            ours, want = traced(driver, exact, synthetic(0.8, 1), tmp_path)
        compare(ours, want)
        off = {tap: np.sqrt(square / (flat(want[tap]) ** 2).mean()) for tap, square in squares(ours, want).items()}
        assert max(off.values()) <= 0.06, (name, max(off, key=off.get), max(off.values()))
        assert off["audio.layer.0.attn_out"] >= 1e-3 and off["logits"] >= 1e-3, (name, off)


@pytest.mark.parametrize("dtype, tolerance", [("fp32", 1e-4), ("bf16", 0.1)])
def test_fused_steps_are_those_of_the_layers(ears, tmp_path, dtype, tolerance):
    """Who observes a run gets its steps from the layers themselves, else they come from fused kernels."""
    for name in ("plain", "odd-sizes", "relu-128-mels"):
        _, reference = ears(name)
        with Driver(whisper_checkpoints.tiny(name), dtype, threads=2) as driver:
            request = reference.request(synthetic(2.6, 12), tmp_path / "features")
            for beams in (1, 3):
                request["options"] = dict(SURE, times="words", beams=beams, language="en", max_tokens=6)
                fused = driver.ask(request)["segments"]
                taps = {"glob": "logits", "out": str(tmp_path / "taps")}
                layers = driver.ask(request | {"taps": taps})["segments"]
                for mine, theirs in zip(fused, layers):
                    assert abs(mine["mean_log_probability"] - theirs["mean_log_probability"]) < tolerance, (name, beams)
                if dtype == "fp32":
                    assert plain(fused) == plain(layers) and [[word[:3] for word in one["words"]] for one in fused] == [[word[:3] for word in one["words"]] for one in layers]
                assert len(read_taps(tmp_path / "taps")) > 6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("times", ["none", "segments", "words"])
def test_one_window(ears, tmp_path, name, times):
    for seed, seconds in enumerate((1.0, 0.4, 0.83, 0.01, 0.999)):
        check(ears, name, synthetic(seconds, seed), tmp_path / "features", **options_of(name, times))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("times", ["segments", "words"])
def test_many_windows(ears, tmp_path, name, times):
    for seed, seconds in enumerate((1.01, 3.3, 7.777)):
        check(ears, name, synthetic(seconds, seed), tmp_path / "features", **options_of(name, times))


@pytest.mark.parametrize("name", NAMES)
def test_previous_text(ears, tmp_path, name):
    for more in (dict(condition=True), dict(prompt=" the picture of a therlo"), dict(condition=True, prompt="zwei  Worte")):
        for times in ("segments", "words"):
            check(ears, name, synthetic(4.2, 5), tmp_path / "features", **options_of(name, times, **more))


@pytest.mark.parametrize("name", NAMES)
def test_languages_and_tasks(ears, tmp_path, name):
    for more in (dict(language="de"), dict(language="ja"), dict(translate=True), dict(language="yue", translate=True), {}):
        check(ears, name, synthetic(2.5, 6), tmp_path / "features", **options_of(name, "words", **more))


def test_language_is_heard(ears, tmp_path):
    heard = set()
    for name in ("plain", "untied", "silu", "old-rules"):
        for seed in range(8):
            driver, reference = ears(name)
            samples = synthetic(1.7, 20 + seed)
            ours = driver.ask(reference.request(samples, tmp_path / "features") | {"options": SURE})
            languages = {one["language"] for one in ours["segments"]}
            assert languages == {reference.language(samples)}, (name, seed)
            heard |= languages
    assert len(heard) > 1, heard


@pytest.mark.parametrize("name", ["plain", "english", "penalty", "never", "short-context", "odd-sizes"])
def test_beams(ears, tmp_path, name):
    for beams in (2, 5):
        for times in ("segments", "words"):
            check(ears, name, synthetic(3.1, 7), tmp_path / "features", **options_of(name, times, beams=beams))
    check(ears, name, synthetic(3.1, 8), tmp_path / "features", **options_of(name, "words", beams=3, condition=True))


@pytest.mark.parametrize("name", ["plain", "english", "old-rules"])
def test_silence(ears, tmp_path, name):
    """Windows that are left out, for the reference's and for our no-speech probability on either side of the threshold."""
    samples = synthetic(12, 9)
    path = tmp_path / "features"
    all_windows = check(ears, name, samples, path, **options_of(name))
    probabilities = sorted({one["no_speech_probability"] for one in all_windows["segments"]})
    assert len(probabilities) > 2
    for left, right in zip(probabilities, probabilities[1:]):
        if right - left < 1e-6:
            continue
        options = options_of(name) | dict(log_probability=0.0, no_speech=(left + right) / 2)
        ours = check(ears, name, samples, path, **options)
        assert all(one["no_speech_probability"] < options["no_speech"] for one in ours["segments"])


@pytest.mark.parametrize("name", ["plain", "english"])
def test_thresholds_decide_alike(ears, tmp_path, name):
    """With two temperatures, both 0, falling back shows in nothing but the work done: new tokens."""
    driver, reference = ears(name)
    samples = synthetic(0.9, 10)
    request = reference.request(samples, tmp_path / "features")
    once = driver.ask(request | {"options": options_of(name)})
    limits = []
    for one in once["segments"]:
        limits += [one["mean_log_probability"] - 1e-4, one["mean_log_probability"] + 1e-4]
    for limit in limits:
        more = dict(temperatures=(0.0, 0.0), log_probability=limit, no_speech=NEVER)
        check(ears, name, samples, tmp_path / "features", **options_of(name) | more)
        again = driver.ask(request | {"options": options_of(name) | more})
        assert (again["new_tokens"] > once["new_tokens"]) == (limit == max(limits)), (limit, limits)


def test_new_tokens_are_bounded(ears, tmp_path):
    for most in (1, 3, 17):
        check(ears, "plain", synthetic(2.2, 11), tmp_path / "features", **options_of("plain", "words", max_tokens=most))


@pytest.mark.parametrize("options, message", [
    (dict(language="tlh"), "speech.language is \"tlh\""),
    (dict(language="fr"), "speech.language is \"fr\", this model knows de, en, es, ja, yue, zh"),
    (dict(beams=0), "speech.beams is 0, expected 1 to 32"),
    (dict(beams=33), "speech.beams is 33"),
    (dict(temperatures=[0.0, 1.5]), "speech.temperatures hold 1.5, expected 0 to 1"),
    (dict(max_tokens=0), "max_tokens is 0"),
    (dict(prompt="a word " * 40), "speech.prompt is"),
])
def test_bad_options(ears, tmp_path, options, message):
    driver, reference = ears("plain")
    out = driver.ask(reference.request(synthetic(0.5, 1), tmp_path / "features") | {"options": options})
    assert out.get("error") == "invalid_argument" and out["message"].startswith(message), out


def test_english_alone(ears, tmp_path):
    driver, reference = ears("english")
    request = reference.request(synthetic(0.5, 1), tmp_path / "features")
    assert driver.ask(request | {"options": {"language": "English"} | SURE})["segments"][0]["language"] == "en"
    assert driver.ask(request | {"options": {"language": "de"}})["error"] == "invalid_argument"
    assert driver.ask(request | {"options": {"translate": True}})["error"] == "unsupported"
