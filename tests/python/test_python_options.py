"""Every keyword of a question reaches the library, and what is wrong is told."""

import numpy
import pytest
from binding import MODEL, PICTURE, QUESTION

import lmm

ASK = [PICTURE, QUESTION]


def test_unknown_keyword(session):
    with pytest.raises(TypeError, match=r"ask\(\) has no option 'max_token': the options are max_tokens, "):
        session.ask("x", max_token=3)
    with pytest.raises(TypeError, match="paused"):
        session.ask("x", paused=True)
    with pytest.raises(TypeError, match="on_progress"):
        session.start("x", on_progress=print)
    for method in (session.stream, session.astream, session.edit_last):
        with pytest.raises(TypeError, match="no option"):
            method("x", colour="red")
    assert session.history == []


@pytest.mark.parametrize("options", [
    {"max_tokens": 0}, {"max_tokens": 1 << 40}, {"max_tokens": 1 << 80}, {"min_tokens": -1}, {"temperature": -1},
    {"temperature": float("nan")}, {"top_k": -1}, {"top_p": 1.5}, {"min_p": -0.1}, {"typical_p": 0}, {"repetition_penalty": 0},
    {"presence_penalty": 3}, {"frequency_penalty": -3}, {"no_repeat_ngram": -1}, {"bad_words": [""]}, {"stop": ""},
    {"seed": -1}, {"seed": 1 << 64}, {"logit_bias": {1 << 40: 1.0}}, {"logit_bias": {1: float("nan")}}, {"stop": "\udc00"},
])  # fmt: skip
def test_out_of_range(session, options):
    with pytest.raises(lmm.InvalidArgument) as raised:
        session.ask("x", **options)
    assert "\n" not in str(raised.value) and isinstance(raised.value, ValueError) and session.history == []


@pytest.mark.parametrize("options", [
    {"max_tokens": 3.0}, {"max_tokens": "3"}, {"max_tokens": True}, {"temperature": "1"}, {"sample": "no"}, {"stop": 3},
    {"stop": [3]}, {"seed": 1.5}, {"taps": "*"}, {"on_tap": print}, {"logit_bias": {"a": 1}}, {"raw": 2},
])  # fmt: skip
def test_wrong_type(session, options):
    with pytest.raises(TypeError):
        session.ask("x", **options)
    assert session.history == []


def test_none_is_not_given(session):
    plain = session.ask(ASK).text
    every = {name: None for name in lmm.GenerateOptions.__annotations__ if name != "paused"}
    assert session.edit_last(ASK, **every).text == plain


def test_lengths(session):
    assert session.ask(ASK, max_tokens=2).finish_reason == "length"
    assert session.ask(ASK, max_tokens=numpy.int64(9), min_tokens=9).usage.new_tokens == 9
    assert session.ask("x", max_tokens=5, ignore_eos=True).usage.new_tokens == 5


def test_words(session, model):
    plain = session.ask(ASK).text
    assert "burger" in plain
    assert session.edit_last(ASK, bad_words="burger").text.strip() != plain.strip()
    without = session.edit_last(ASK, bad_words=["shape", "burger", "burgers"]).token_ids
    assert not {model.tokenizer.encode(f"a {word}")[-1] for word in ("shape", "burger", "burgers")} & set(without)
    stopped = session.edit_last(ASK, stop="burger")
    assert stopped.finish_reason == "stop" and stopped.text == plain[: plain.index("burger")]
    first = session.edit_last(ASK).token_ids[0]
    assert session.edit_last(ASK, logit_bias={first: float("-inf")}).token_ids[0] != first
    wanted = model.tokenizer.encode("fish")[-1]
    assert session.edit_last(ASK, logit_bias={wanted: 100}, max_tokens=3).token_ids == (wanted,) * 3


def test_sampling(session):
    sampled = {"temperature": numpy.float32(1.5), "top_k": 50, "top_p": 0.99, "max_tokens": 12, "min_tokens": 12}
    one, two = (session.ask(ASK, seed=7, **sampled), session.edit_last(ASK, seed=7, **sampled))
    assert one.token_ids == two.token_ids
    others = [session.edit_last(ASK, seed=seed, **sampled).token_ids for seed in range(8)]
    assert len(set(others)) > 1
    assert session.edit_last(ASK, sample=numpy.bool_(False)).text == session.edit_last(ASK, temperature=0).text
    session.edit_last(
        ASK, sample=True, min_p=0.1, typical_p=0.9, repetition_penalty=1.1, presence_penalty=0.5, frequency_penalty=0.5,
        no_repeat_ngram=2, seed=(1 << 64) - 1, max_tokens=3,
    )  # fmt: skip


def test_no_repeat(session):
    repeated = session.ask("hi", max_tokens=6, ignore_eos=True).token_ids
    assert len(set(repeated)) < 6
    assert len(set(session.edit_last("hi", max_tokens=6, ignore_eos=True, no_repeat_ngram=1).token_ids)) == 6


def test_raw_leaves_the_history(session):
    assert session.ask("a burger", raw=True, max_tokens=3).usage.prompt_tokens <= 3
    assert session.history == []


def test_taps(session):
    seen = []
    reply = session.ask(ASK, taps="*", on_tap=seen.append, max_tokens=2, min_tokens=2)
    names = [tap.name for tap in seen]
    assert names.count("logits") == 2 and any(name.startswith("vision.") for name in names)
    logits = [tap for tap in seen if tap.name == "logits"]
    array = numpy.asarray(logits[0].data).reshape(logits[0].shape)
    assert array.dtype == numpy.float32 and int(array.argmax()) == reply.token_ids[0]
    assert all(numpy.prod(tap.shape) == len(tap.data) for tap in seen)
    count = iter(range(100))
    stopped = session.ask("x", taps="logits", on_tap=lambda _: next(count) < 5, max_tokens=100, ignore_eos=True)
    assert stopped.finish_reason == "cancelled" and 1 <= stopped.usage.new_tokens <= 6

    def fail(tap):
        raise KeyError(tap.name)

    before = len(session.history)
    with pytest.raises(KeyError, match="logits"):
        session.ask("x", taps="logits", on_tap=fail)
    assert len(session.history) == before


def test_calls_that_wait_are_refused_within_a_tap(model, session):
    other, seen = lmm.Session(model), []
    other.ask("x", max_tokens=1)
    calls = [
        other.fork, lambda: other.ask("x"), lambda: other.edit_last("x"), lambda: next(other.stream("x")),
        lambda: other.start("x").get(), lambda: other.start("x").step(0.1),
    ]  # fmt: skip

    def ask(*_):
        for call in calls:
            try:
                call()
            except lmm.LmmError as error:
                seen.append(error.code)

    session.ask("hi", taps="logits", on_tap=ask, max_tokens=1)
    assert seen == ["busy"] * len(calls)
    assert other.pop().text == "x"
    seen.clear()
    logged = lmm.Model.load(MODEL, on_log=lambda level, _: level == "debug" and ask())
    lmm.Session(logged).ask("hi", max_tokens=1)
    assert seen[: len(calls)] == ["busy"] * len(calls)


def test_progress(session):
    seen = []
    session.ask(ASK, max_tokens=1, on_progress=seen.append, taps="*", on_tap=lambda _: None)
    assert seen and {each.stage for each in seen} <= {"preprocess", "encode", "prefill"}
    assert all(0 <= each.done <= each.total for each in seen)
    turns = len(session.history)
    slow_encoder = {"taps": "vision.*", "on_tap": lambda _: __import__("time").sleep(0.02)}
    with pytest.raises(lmm.Cancelled):
        session.ask([lmm.Image.from_pixels(bytes(48), 4, 4), "x"], on_progress=lambda _: False, **slow_encoder)
    with pytest.raises(ZeroDivisionError):
        session.ask([lmm.Image.from_pixels(bytes(range(48)), 4, 4), "x"], on_progress=lambda _: 1 / 0, **slow_encoder)
    assert len(session.history) == turns
