"""Models, sessions and replies, on the model of the project."""

import dataclasses
import gc
import json
import os
import pathlib
import subprocess
import weakref

import PIL.Image
import pytest
from binding import BUILD, MODEL, PICTURE, QUESTION, slow

import lmm

# Models


def test_info(model):
    info = model.info
    assert (info.family, info.towers, info.compute_dtype, info.stored_dtype) == ("idefics3", ("vision", "text"), "fp32", "fp16")
    assert info.parameters > 1_000_000 and info.weight_bytes >= 2 * info.parameters and info.sees_images
    assert [pathlib.Path(each).name for each in info.weight_files] == ["model.safetensors"]
    read = lmm.ModelInfo.read(MODEL)
    assert read == dataclasses.replace(info, compute_dtype="auto")


def test_load_tells_of_progress_and_log():
    progress, lines = [], []
    model = lmm.Model.load(MODEL, on_progress=progress.append, on_log=lambda level, line: lines.append((level, line)))
    assert {each.stage for each in progress} == {"load"}
    done = [each.done for each in progress]
    assert done == sorted(done) and progress[-1].done == progress[-1].total > 0
    assert any(level == "info" and "loaded in" in line for level, line in lines)
    lmm.Session(model).ask("hi", max_tokens=1)
    assert any(level == "debug" and "1 new" in line for level, line in lines)


def test_more_threads_than_there_are_is_said():
    lines = []
    with lmm.Model.load(MODEL, threads=1024, on_log=lambda level, line: lines.append((level, line))):
        assert any(level == "warning" and "1024 threads were asked for" in line for level, line in lines)


def test_load_is_cancelled_by_on_progress():
    with pytest.raises(lmm.Cancelled):
        lmm.Model.load(MODEL, on_progress=lambda _: False)

    def fail(_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        lmm.Model.load(MODEL, on_progress=fail)


@pytest.mark.parametrize("options, error", [
    ({"dtype": "int3"}, lmm.InvalidArgument), ({"weights": "int3"}, lmm.InvalidArgument), ({"threads": 4096}, lmm.InvalidArgument), ({"threads": 1 << 40}, lmm.InvalidArgument),
    ({"threads": "2"}, TypeError), ({"device": "tpu"}, lmm.InvalidArgument), ({"max_memory": 1000}, lmm.OutOfMemory),
    ({"max_memory": -1}, lmm.InvalidArgument), ({"device": "cuda:99"}, lmm.NoDevice), ({"speed": 9}, TypeError),
])  # fmt: skip
def test_load_refuses(options, error):
    with pytest.raises(error):
        lmm.Model.load(MODEL, **options)


def test_errors_are_pythons_too(tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        lmm.Model.load(tmp_path / "none")
    error = raised.value
    assert isinstance(error, lmm.LmmError) and error.code == "not_found"
    assert "none" in str(error) and "\n" not in str(error)
    with pytest.raises(TypeError):
        lmm.Model.load(7)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(lmm.BadFile):
        lmm.Model.load(tmp_path)


# Asking


def test_answers_are_those_of_the_command(session):
    reply = session.ask([PICTURE, QUESTION], max_tokens=16)
    command = [BUILD / "bin/lmm", "ask", MODEL, "--dtype", "fp32", "-i", PICTURE, "--max-tokens", "16", "--json", QUESTION]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=300).stdout)
    assert reply.text == told["text"] and list(reply.token_ids) == told["token_ids"]
    assert reply.finish_reason == told["finish_reason"] and reply.usage.prompt_tokens == told["usage"]["prompt_tokens"]


def test_reply(session):
    unseen = PIL.Image.open(PICTURE).convert("RGB")
    unseen.putpixel((0, 0), (1, 2, 3))  # so that the model has to look at it
    reply = session.ask([unseen, QUESTION], max_tokens=16)
    assert str(reply) == reply.text and reply.finish_reason == "eos" and "burger" in reply.text
    usage = reply.usage
    assert usage.new_tokens == len(reply.token_ids) and usage.image_tiles == 1 and 0 < usage.image_tokens < usage.prompt_tokens
    assert reply.timings.load > 0 and reply.timings.encode > 0 and reply.timings.prefill > 0
    further = session.ask("Which mood is this?", max_tokens=4)
    assert further.usage.reused_tokens >= usage.prompt_tokens


def test_history(session):
    session.ask([QUESTION, PICTURE], max_tokens=4)
    turns = session.history
    assert [turn.role for turn in turns] == ["user", "assistant"]
    assert turns[0].message.parts[0] == QUESTION
    image = turns[0].message.images[0]
    assert image.size == lmm.Image.open(PICTURE).size and image.tobytes() == lmm.Image.open(PICTURE).tobytes()
    said = session.pop()
    assert said.text == QUESTION and session.history == [] and session.pop() is None

    session.history = turns
    assert [turn.role for turn in session.history] == ["user", "assistant"]
    session.history = [("system", "Be brief."), ("user", [PICTURE, "x"]), ("assistant", "y")]
    assert session.history[2] == lmm.Turn("assistant", lmm.Message("y"))
    session.reset()
    assert [turn.message.text for turn in session.history] == ["Be brief."]
    with pytest.raises(TypeError):
        session.history = ["user"]
    with pytest.raises(lmm.InvalidArgument):
        session.history = [("", "x")]
    assert len(session.history) == 1


def test_pictures_of_a_history_outlive_it(model):
    with lmm.Session(model) as session:
        session.history = [("user", [PICTURE])]
        image = session.history[0].message.images[0]
        pixels = image.tobytes()
    del session
    gc.collect()
    assert image.tobytes() == pixels
    with lmm.Session(model) as session:
        assert "burger" in session.ask([image, QUESTION], max_tokens=8).text


def test_system_and_fork(model):
    session = lmm.Session(model, system="Be brief.")
    first = session.ask([PICTURE, QUESTION], max_tokens=4)
    copy = session.fork()
    again = copy.ask("Which colour?", max_tokens=4)
    assert again.usage.reused_tokens > first.usage.prompt_tokens - 2
    assert len(copy.history) == 5 and len(session.history) == 3 and session.history[0].message.text == "Be brief."
    session.close()
    copy.ask("And now?", max_tokens=2)


def test_edit_last(session):
    with pytest.raises(lmm.InvalidArgument, match="edit_last"):
        session.edit_last("x")
    session.ask([PICTURE, QUESTION], max_tokens=4)
    asked = lmm.Session(session.model).ask([PICTURE, "Which mood is this?"], max_tokens=4)
    assert session.edit_last([PICTURE, "Which mood is this?"], max_tokens=4).text == asked.text
    before = [(turn.role, turn.message.text) for turn in session.history]
    with pytest.raises(lmm.ContextOverflow):
        session.edit_last("burger " * 1000)
    with pytest.raises(RuntimeError, match="mine"):
        session.edit_last("x", **{**slow(), "on_tap": raise_mine})
    assert [(turn.role, turn.message.text) for turn in session.history] == before
    assert session.edit_last("Once upon", raw=True, max_tokens=2).usage.new_tokens == 2  # no turn, and none the less
    assert [(turn.role, turn.message.text) for turn in session.history] == before


def test_what_is_changed_after_a_cancel_stays(session):
    for change in (session.reset, session.pop, lambda: setattr(session, "history", [])):
        pending = session.start("hi", **slow())
        while not pending.poll():
            pass
        pending.cancel()
        change()
        assert pending.get().finish_reason == "cancelled" and session.history == []


def raise_mine(_):
    raise RuntimeError("mine")


@pytest.mark.parametrize("options, error", [
    ({"system": 3}, TypeError), ({"template_variables": "{"}, lmm.LmmError), ({"template_variables": {"a": object()}}, lmm.InvalidArgument),
    ({"max_context": -1}, lmm.InvalidArgument), ({"max_context": 1 << 70}, lmm.InvalidArgument), ({"tools": "["}, lmm.LmmError),
])  # fmt: skip
def test_session_refuses(model, options, error):
    with pytest.raises(error):
        lmm.Session(model, **options)


def test_overflow_leaves_the_session(session):
    with pytest.raises(lmm.ContextOverflow) as raised:
        session.ask("burger " * 1000)
    assert raised.value.code == "context_overflow" and session.history == []
    session.ask("hi", max_tokens=1)


@pytest.mark.parametrize("message, error", [
    ([], lmm.InvalidArgument), (7, TypeError), (["x", None], TypeError), ("\ud800", lmm.InvalidArgument),
    ([pathlib.Path("none.png")], lmm.NotFound), (b"no picture", lmm.BadFile),
])  # fmt: skip
def test_messages(session, message, error):
    with pytest.raises(error):
        session.ask(message, max_tokens=1)
    assert session.history == []


def test_zero_bytes_and_emoji_come_back(session):
    text = "a\0b é 🍔"
    session.history = [("user", text)]
    assert session.history[0].message.text == text


# Life and death, in any order


def test_with_and_gc():
    model = lmm.Model.load(MODEL)
    session = lmm.Session(model)
    pending = session.start([PICTURE, QUESTION], max_tokens=4)
    model.close()
    del model
    session.close()  # cancels
    gone = weakref.ref(session)
    del session
    gc.collect()
    try:
        pending.get()
    except lmm.Cancelled:
        pass
    del pending
    gc.collect()
    assert gone() is None


def test_a_pending_keeps_its_session():
    pending = lmm.Session(lmm.Model.load(MODEL)).start([PICTURE, QUESTION], max_tokens=8)
    gc.collect()
    assert "burger" in pending.get().text


def test_closed(model):
    with lmm.Session(model) as session:
        pass
    for use in (lambda: session.ask("x"), lambda: session.history, session.pop, session.reset, session.fork):
        with pytest.raises(lmm.InvalidArgument, match="closed"):
            use()
    session.close()
    session.cancel()
    with lmm.Model.load(MODEL) as other:
        kept = lmm.Session(other)
    with pytest.raises(lmm.InvalidArgument, match="closed"):
        lmm.Session(other)
    kept.ask("hi", max_tokens=1)


def test_many_sessions_do_not_pile_up(model):
    def threads():
        return len(os.listdir("/proc/self/task"))

    before = threads()
    for _ in range(50):
        session = lmm.Session(model)
        stream = session.stream("hi", max_tokens=3, taps="logits", on_tap=lambda _: None)
        next(stream)
        del session, stream
    lmm.Session(model).ask("hi", max_tokens=1)
    from lmm import _keep

    gc.collect()
    _keep.wait_for_release(20)
    assert threads() <= before and _keep.sweep() == 0


# Tokenizer


def test_tokenizer(model):
    tokenizer = model.tokenizer
    ids = tokenizer.encode("a burger")
    assert tokenizer.decode(ids) == "a burger" and len(tokenizer.pieces("a burger")) == len(ids)
    assert [token.id for token in tokenizer.tokens("a burger")] == ids
    rendered = tokenizer.render([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "hi"}]}])
    assert "<image>" in rendered.text and rendered.text.endswith("Assistant:") and rendered.tokens
    assert tokenizer.render({"messages": [{"role": "user", "content": "hi"}]}).text
    assert tokenizer.has_chat_template
    again = lmm.Tokenizer.load(MODEL)
    assert again.encode("hi<end_of_utterance>") != again.encode("hi<end_of_utterance>", parse_special=False)
    with pytest.raises(lmm.InvalidArgument):
        tokenizer.decode([10**6])
    with pytest.raises(lmm.InvalidArgument):
        tokenizer.decode([1 << 40])
    with pytest.raises(lmm.BadFile):
        tokenizer.render("{")
    assert tokenizer.encode("", add_special_tokens=False) == [] and tokenizer.decode([]) == ""


def test_features():
    assert lmm.library_version().startswith("0.1.") and {"family:idefics3", "picture:png", "step"} <= set(lmm.features())
