"""Replies piece by piece: iteration, asyncio, and loops of one's own."""

import asyncio
import ctypes
import gc
import time

import pytest
from binding import PICTURE, QUESTION, slow

import lmm
from lmm import _abi, _handle

ASK = [PICTURE, QUESTION]
LONG = {"max_tokens": 5, "ignore_eos": True}


def texts(session):
    return [turn.message.text for turn in session.history]


# Stream


def test_pieces_make_up_the_reply(session):
    stream = session.stream(ASK, max_tokens=16)
    assert stream.reply is None
    pieces = list(stream)
    assert len(pieces) >= 1 and "".join(pieces) == stream.reply.text
    assert list(stream) == [] and len(session.history) == 2


def test_pieces_come_as_they_are_made(session):
    with session.stream("hi", **slow(6)) as stream:
        assert len(list(stream)) >= 3
    assert stream.reply.finish_reason == "length"


def test_close_keeps_what_was_said(session):
    stream = session.stream("hi", **slow())
    first = next(stream)
    stream.close()
    assert stream.reply.finish_reason == "cancelled" and stream.reply.text.startswith(first)
    assert 1 <= stream.reply.usage.new_tokens < 150 and next(stream, None) is None
    assert texts(session) == ["hi", stream.reply.text.strip()]
    stream.close()


def test_leaving_the_loop_cancels(session):
    for _ in session.stream("hi", **slow()):
        break
    turns = texts(session)  # waits for the end, which is within a layer
    assert turns[0] == "hi" and len(turns) == 2 and len(turns[1].split()) < 140
    assert session.ask("hi", max_tokens=1).usage.new_tokens == 1


def test_with_closes(session):
    with pytest.raises(KeyError), session.stream("hi", **slow()) as stream:
        next(stream)
        raise KeyError
    assert stream.reply.finish_reason == "cancelled"


def test_cancel_of_the_session_ends_the_stream(session):
    stream = session.stream("hi", **slow())
    next(stream)
    session.cancel()
    list(stream)
    assert stream.reply.finish_reason == "cancelled"


def test_errors_come_out_of_the_iteration(session):
    with pytest.raises(lmm.ContextOverflow):
        list(session.stream("burger " * 1000))

    def fail(_):
        raise KeyError("mine")

    session.ask("hi", max_tokens=1)
    before = texts(session)
    for fails_at in (1, 3):  # before and after the first token: there is no turn
        def options():
            count = iter(range(1, 9))
            return {"taps": "logits", "on_tap": lambda tap: fail(tap) if next(count) == fails_at else None, **LONG}

        stream = session.stream("hi", **options())
        with pytest.raises(KeyError, match="mine"):
            list(stream)
        assert stream.reply is None and texts(session) == before
        with pytest.raises(KeyError, match="mine"):
            asyncio.run(session.aask("hi", **options()))
        assert texts(session) == before
    pending = session.start("hi", **options())
    while not pending.done:
        pending.poll()
    session.ask("later", max_tokens=1)
    with pytest.raises(KeyError, match="mine"):
        pending.get()
    assert "later" in texts(session)
    assert session.ask("hi", max_tokens=1)


def test_progress_of_a_stream(session):
    seen = []
    options = {**slow(2), "taps": "text.layer.*"}
    list(session.stream("hi", on_progress=seen.append, **options))
    assert {each.stage for each in seen} == {"prefill"}
    with pytest.raises(lmm.Cancelled):
        list(session.stream("hi", on_progress=lambda _: False, **options))


def test_busy_while_it_streams(session):
    session.ask("x", max_tokens=1)
    stream = session.stream("hi", **slow())
    next(stream)
    for use in (lambda: session.ask("x"), session.pop, session.reset, session.fork, lambda: session.start("x")):
        with pytest.raises(lmm.Busy):
            use()
    assert len(session.history) == 2
    stream.close()
    assert session.pop().text == "hi"


# Pending


def test_pending(session):
    pending = session.start(ASK, max_tokens=8)
    text = ""
    while not pending.done:
        text += pending.poll()
        time.sleep(0.001)
    reply = pending.get()
    assert text == reply.text and pending.get() is reply and pending.poll() == "" and pending.progress.total == 0
    pending.cancel()
    assert pending.step(0.001)


def test_get_alone(session):
    assert "burger" in session.start(ASK, max_tokens=8).get().text


def test_pause_and_step(session):
    pending = session.start("hi", max_tokens=3, ignore_eos=True, paused=True)
    time.sleep(0.05)
    assert pending.poll() == "" and not pending.done and session.history == []
    steps, text = 0, ""
    while not pending.step(0.0001):
        text += pending.poll()
        steps += 1
    assert steps >= 3 and pending.get().text == text
    paused = session.start("hi", **slow())
    paused.pause()
    with pytest.raises(lmm.Busy):
        session.ask("x")
    paused.resume()
    paused.cancel()
    for seconds, error in ((0, lmm.InvalidArgument), (-1, lmm.InvalidArgument), (float("nan"), lmm.InvalidArgument), ("1", TypeError)):
        with pytest.raises(error):
            paused.step(seconds)


def test_get_resumes(session):
    assert session.start("hi", max_tokens=2, paused=True).get().usage.new_tokens <= 2


def test_cancelled_before_the_first_token(session):
    pending = session.start(ASK, paused=True)
    pending.cancel()
    with pytest.raises(lmm.Cancelled) as first:
        pending.get()
    with pytest.raises(lmm.Cancelled) as second:
        pending.get()
    assert first.value is second.value and session.history == []


def test_dropping_cancels(session):
    session.start("hi", paused=True)
    gc.collect()
    assert session.history == []
    session.ask("hi", max_tokens=1)


def test_more_text_than_a_buffer(session):
    pending = session.start("hi", max_tokens=150, ignore_eos=True, logit_bias={3: -100})  # text alone, no ends
    while _handle.state_of(pending._handle) == _abi.RUNNING:
        time.sleep(0.001)
    pending._buffer = ctypes.create_string_buffer(8)
    text = pending.poll()
    assert pending.done and text == pending.get().text and len(text) > 100


# asyncio


def test_async_pieces(session):
    async def main():
        beats = 0

        async def beat():
            nonlocal beats
            while True:
                await asyncio.sleep(0.001)
                beats += 1

        heart = asyncio.create_task(beat())
        stream = session.astream("hi", **slow(6))
        pieces = [piece async for piece in stream]
        heart.cancel()
        assert "".join(pieces) == stream.reply.text and len(pieces) >= 3
        assert beats > 20  # of a fifth of a second at least
        return stream.reply

    assert asyncio.run(main()).finish_reason == "length"
    assert len(session.history) == 2


def test_aask(session):
    assert "burger" in asyncio.run(session.aask(ASK, max_tokens=8)).text
    with pytest.raises(lmm.ContextOverflow):
        asyncio.run(session.aask("burger " * 1000))
    with pytest.raises(FileNotFoundError):
        asyncio.run(session.aask([PICTURE.with_name("none.png")]))


def test_cancelling_the_task_cancels(session):
    async def main():
        begun = asyncio.Event()

        async def ask():
            async for _ in session.astream("hi", **slow()):
                begun.set()

        task = asyncio.create_task(ask())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    turns = texts(session)
    assert turns[0] == "hi" and len(turns[1].split()) < 140
    assert session.ask("x", max_tokens=1)


def test_the_generation_ends_with_the_task(session):
    """Also where the task is cancelled between two pieces, and something still holds the stream."""

    async def main():
        begun, streams = asyncio.Event(), []

        async def ask():
            streams.append(session.astream("hi", **slow()))
            async for _ in streams[0]:
                begun.set()
                await asyncio.sleep(60)

        task = asyncio.create_task(ask())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [piece async for piece in session.astream("x", max_tokens=1)] is not None
        return streams

    assert asyncio.run(main())


def test_a_cancelled_aask_leaves_no_turn(session):
    session.ask("hi", max_tokens=1)
    before = texts(session)

    async def main():
        begun = asyncio.Event()
        task = asyncio.create_task(session.aask("x", **{**slow(), "on_tap": lambda _: loop.call_soon_threadsafe(begun.set)}))
        await begun.wait()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        async def later():  # a stream that is cancelled before it begins, and one that is closed while it does
            early = {**slow(20), "taps": "*"}  # the first token is far away
            stream = session.astream("x", **early)
            stream.cancel()
            with pytest.raises(lmm.Cancelled):
                [piece async for piece in stream]
            stream = session.astream("x", **early)
            first = asyncio.create_task(stream.__anext__())
            await asyncio.sleep(0)
            await stream.aclose()
            with pytest.raises(StopAsyncIteration):
                await first

        await later()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
    assert texts(session)[: len(before)] == before and "x" not in texts(session)


def test_each_piece_in_a_task_of_its_own(session):
    """As asyncio.wait_for does it before Python 3.12."""

    async def main():
        stream = session.astream("hi", **slow(6))
        pieces = 0
        with pytest.raises(StopAsyncIteration):
            while True:
                await asyncio.create_task(stream.__anext__())
                pieces += 1
        assert stream.reply.finish_reason == "length" and pieces >= 2

    asyncio.run(main())


def test_cancelled_while_it_begins(session):
    async def main():
        task = asyncio.create_task(session.aask(ASK, **slow()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    gc.collect()
    session.ask("x", max_tokens=1)


def test_async_with_and_break(session):
    async def main():
        async with session.astream("hi", **slow()) as stream:
            async for _ in stream:
                break
        assert stream.reply.finish_reason == "cancelled"
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()
        async for _ in session.astream("hi", **slow()):
            break
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(session.aask("hi", **slow()), 0.2)

    asyncio.run(main())
    assert session.ask("x", max_tokens=1)


def test_two_at_once(model):
    async def main():
        first, second = lmm.Session(model), lmm.Session(model)
        one, two = await asyncio.gather(first.aask(ASK, max_tokens=8), second.aask(ASK, max_tokens=8))
        assert one.text == two.text
        busy = await asyncio.gather(first.aask("x", **slow(5)), first.aask("x", **slow(5)), return_exceptions=True)
        assert sorted(type(each).__name__ for each in busy) == ["Busy", "Reply"]

    asyncio.run(main())
