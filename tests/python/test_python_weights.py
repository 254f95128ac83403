"""Packed weights through the binding: answers stay those of full weights, by both ways to compute a step."""

import pytest
from binding import MODEL, PICTURES

import lmm

QUESTIONS = ["Name the object.", "What is this?", "Which colour is it?", "How many things are there?", "Is there a dog?"]
PICTURE_NAMES = ["burger.png", "fish.png", "gifts.png", "ring.png"]


def answers(model, **options):
    """Texts and tokens of 20 replies."""
    out = []
    with lmm.Session(model) as session:
        for name in PICTURE_NAMES:
            for question in QUESTIONS:
                session.reset()
                reply = session.ask([lmm.Image.open(PICTURES / name), question], max_tokens=16, **options)
                out.append((reply.text, reply.token_ids))
    return out


@pytest.mark.parametrize("weights, least", [("int8", 19), ("int4", 14)])  # of 20: a near tie may turn
@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_packed_weights_answer_as_full_ones_do(model, dtype, weights, least):
    packed = lmm.Model.load(MODEL, dtype=dtype, weights=weights, threads=1)
    full = model if dtype == "fp32" else lmm.Model.load(MODEL, dtype=dtype, threads=1)
    mine, theirs = answers(packed), answers(full)
    same = sum(a == b for a, b in zip(mine, theirs))
    assert same >= least, [pair for pair in zip(mine, theirs) if pair[0] != pair[1]]


@pytest.mark.parametrize("kind, least", [("int8", 19), ("int4", 14)])
def test_packed_towers_answer_as_full_ones_do(model, kind, least):
    packed = lmm.Model.load(MODEL, dtype="fp32", tower_weights=kind, threads=1)
    mine, theirs = answers(packed), answers(model)
    assert sum(a == b for a, b in zip(mine, theirs)) >= least, [pair for pair in zip(mine, theirs) if pair[0] != pair[1]]


@pytest.mark.parametrize("weights", ["int8", "int4"])
def test_a_step_that_is_observed_gives_the_same_tokens(weights):
    packed = lmm.Model.load(MODEL, dtype="fp32", weights=weights, threads=1)
    logits = []
    assert answers(packed) == answers(packed, taps="logits", on_tap=lambda tap: logits.append(tap.shape))
    assert logits


def test_packed_weights_are_kept_and_mapped(tmp_path):
    lines = []

    def load():
        lines.clear()
        model = lmm.Model.load(MODEL, weights="int4", tower_weights="int8", threads=1, cache_folder=tmp_path / "cache", on_log=lambda level, line: lines.append(line))
        return answers(model), next(line for line in lines if "matrices mapped" in line)

    first, made = load()
    (file,) = (tmp_path / "cache").iterdir()
    again, mapped = load()
    assert first == again
    assert " 0 packed matrices mapped" in made and mapped.endswith(", 0 made"), (made, mapped)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    mended, made = load()
    assert mended == first and " 0 packed matrices mapped" in made
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path):
    (tmp_path / "file").write_text("no folder")
    lines = []
    model = lmm.Model.load(MODEL, weights="int8", threads=1, cache_folder=tmp_path / "file", on_log=lambda level, line: lines.append(line))
    assert any("packed weights are not kept" in line and str(tmp_path / "file") in line for line in lines)
    model.close()


def test_the_log_tells():
    lines = []
    lmm.Model.load(MODEL, weights="int8", on_log=lambda level, line: lines.append(line)).close()
    assert any("matrices packed as int8" in line for line in lines) and not any("towers" in line for line in lines)
    lmm.Model.load(MODEL, weights="int4", tower_weights="int8", on_log=lambda level, line: lines.append(line)).close()
    assert any("matrices packed as int4, those of towers as int8" in line for line in lines)
