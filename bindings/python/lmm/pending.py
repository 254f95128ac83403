"""Replies in the making: Pending for a loop of one's own, Stream for a for loop, AsyncStream for asyncio."""

from __future__ import annotations

import asyncio
import math
import os
import time
import weakref
from ctypes import byref, c_char_p, c_int32, c_int64, c_size_t, create_string_buffer
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Iterator

from . import _abi, _convert, reply as _reply
from ._handle import Handle, call, check_process, make, state_of
from ._keep import check_may_wait
from ._library import library
from .errors import Cancelled, InvalidArgument
from .options import Prepared, Progress
from .reply import Reply

if TYPE_CHECKING:
    from .session import Session

_SHORTEST, _LONGEST = 0.0005, 0.008  # seconds from one look to the next
_STEP = 0.05  # seconds that step() waits in the library at most


class Slices:
    """How long to sleep from one look at a reply to the next: longer and longer while nothing comes. Signal handlers,
    Ctrl-C's among them, run in between: no call waits in the library."""

    def __init__(self) -> None:
        check_may_wait()
        self._next = _SHORTEST

    def next(self) -> float:
        now, self._next = self._next, min(self._next * 1.25, _LONGEST)
        return now


class Pending:
    """A reply that is being made, from Session.start. poll() never blocks. One thread at a time, except cancel() and
    progress. Dropped before its end, it is cancelled."""

    def __init__(self, handle: Handle, session: Session, prepared: Prepared, restore: Callable[[], object]) -> None:
        self._handle = handle
        self._restore = restore  # puts back the history from before it, where on_tap may fail
        self._session = session  # which stays alive as long
        self._prepared = prepared
        self._buffer = create_string_buffer(4096)
        self._state = _abi.RUNNING
        self._outcome: Reply | BaseException | None = None

    def poll(self) -> str:
        """The text since the last poll, "" where there is none yet. Never blocks."""
        if self._outcome is not None:
            return ""
        check_process(self._handle, "reply")
        pieces = []
        length, state = c_size_t(), c_int32()
        while True:
            call(
                "lmm_pending_poll",
                self._handle, self._buffer, len(self._buffer), byref(length), byref(state),
            )  # fmt: skip
            self._state = state.value
            pieces.append(self._buffer.raw[: length.value].decode("utf-8", "replace"))
            if state.value != _abi.RUNNING or length.value == 0:
                return "".join(pieces)

    @property
    def done(self) -> bool:
        """Whether the reply has ended and its text was taken: get() then gives it, or raises why not, at once."""
        return self._state != _abi.RUNNING or self._outcome is not None

    @property
    def progress(self) -> Progress:
        """How far preprocessing, encoding or prefill have come. Any thread."""
        stage, done, total = c_char_p(), c_int64(), c_int64()
        if self._outcome is None:
            check_process(self._handle, "reply")
            call("lmm_pending_progress", self._handle, byref(stage), byref(done), byref(total))
        return Progress((stage.value or b"").decode(), done.value, total.value)

    def cancel(self) -> None:
        """Asks the worker to stop, which it does within a layer. Any thread, also after the end."""
        self._tell("lmm_pending_cancel")

    def pause(self) -> None:
        """Lets the worker rest at the next layer or tile, until resume()."""
        self._tell("lmm_pending_pause")

    def resume(self) -> None:
        """Lets it go on."""
        self._tell("lmm_pending_resume")

    def _tell(self, name: str) -> None:
        if self._handle and self._handle.pid == os.getpid():
            getattr(library(), name)(self._handle)

    def step(self, seconds: float) -> bool:
        """Lets the reply be worked on for this long, waits until it rests again, and leaves it paused. Gives `done`;
        poll() has the text. Ctrl-C cancels."""
        budget = _convert.real(seconds, "seconds")
        if not budget > 0:
            raise InvalidArgument(f"seconds is {budget}, expected more than 0")
        if self._outcome is None:
            check_process(self._handle, "reply")
            try:
                self._step(min(budget, 1e9))
            except KeyboardInterrupt:
                self._leave()
                raise
        return self.done

    def _step(self, budget: float) -> None:
        slices = max(1, math.ceil(budget / _STEP))  # so that Ctrl-C comes through
        for _ in range(slices):
            call("lmm_pending_step", self._handle, max(1, round(budget / slices * 1e6)), None)
            state = state_of(self._handle)
            if state == _abi.FAILED:
                self._state = state
            if state != _abi.RUNNING:
                break

    def get(self) -> Reply:
        """Waits for the end, resumes it first where it is paused, and gives the reply, or raises what ended it; as often
        as it is called. Text that no poll() took is in the reply. Ctrl-C cancels."""
        if self._outcome is None:
            self.resume()
            slices = Slices()
            try:
                while self.poll() or not self.done:
                    time.sleep(slices.next())
            except BaseException:
                self._leave()
                raise
        return self._take()

    def _take(self) -> Reply:
        """The reply, which has ended."""
        if self._outcome is None:
            try:
                taken = make(_abi.Reply, "lmm_pending_get", self._handle, free="lmm_reply_free")
                self._outcome = _reply.from_handle(taken)
            except Exception as error:
                self._outcome = error.with_traceback(None)
            if self._prepared.failure:  # moved, or its traceback would keep what the callback is kept for
                self._outcome = self._prepared.failure.pop(0)
                self._restore()
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    def _end_by_cancel(self) -> None:
        """Cancels and waits for the end, within a layer; whatever it is, it is kept for get()."""
        self.cancel()
        slices = Slices()
        while self._outcome is None and (self.poll() or not self.done):
            time.sleep(slices.next())
        try:
            self._take()
        except BaseException as error:
            if error is not self._outcome:
                raise

    def _leave(self) -> None:
        """Cancels without waiting; the session does, before it is used again."""
        if self._outcome is None:
            self.cancel()
            self._session._left.append(self._handle)

    def __del__(self) -> None:
        try:
            self._leave()
        except Exception:  # half made, or the interpreter is going down
            pass


class _Watch:
    """Tells on_progress what has changed, on the thread that waits."""

    def __init__(self, pending: Pending, prepared: Prepared) -> None:
        self._pending, self._call = pending, prepared.on_progress
        self._last = Progress("", 0, 0)

    def look(self) -> None:
        if self._call is None:
            return
        now = self._pending.progress
        if now.total > 0 and now != self._last:
            self._last = now
            if self._call(now) is False:
                raise Cancelled("on_progress gave False")


class Stream(Iterator[str]):
    """Iterates over the pieces of a reply as they come, from Session.stream. `reply` has all of it after the end.

    close(), the end of a `with` block, leaving the for loop early and Ctrl-C cancel: the reply then has the text so far,
    and is a turn of the conversation, or there is none where no token was made yet."""

    def __init__(self, pending: Pending, prepared: Prepared) -> None:
        self._pending = pending
        self._watch = _Watch(pending, prepared)
        self._reply: Reply | None = None
        self._closed = False

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> str:
        if self._closed:
            raise StopIteration
        slices = Slices()
        try:
            while True:
                text = self._pending.poll()
                self._watch.look()
                if text:
                    return text
                if self._pending.done:
                    break
                time.sleep(slices.next())
            self._closed = True
            self._reply = self._pending._take()
        except BaseException:
            self.close()
            raise
        raise StopIteration

    @property
    def reply(self) -> Reply | None:
        """The whole reply after the end; None before it, and where there is none."""
        return self._reply

    def cancel(self) -> None:
        """Stops the reply; the iteration ends soon. Any thread."""
        self._pending.cancel()

    def close(self) -> None:
        """Cancels, and waits for the end, which comes within a layer."""
        self._closed = True
        if self._reply is None:
            self._pending._end_by_cancel()
            outcome = self._pending._outcome
            self._reply = outcome if isinstance(outcome, Reply) else None

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncStream(AsyncIterator[str]):
    """Stream for asyncio, from Session.astream. Never blocks the loop. Cancelling the task that iterates cancels the
    generation, as does dropping the stream."""

    def __init__(self, start: Callable[[], tuple[Pending, Prepared]]) -> None:
        self._start = start
        self._pending: Pending | None = None
        self._watch: _Watch | None = None
        self._reply: Reply | None = None
        self._closed = self._cancelled = False

    def __aiter__(self) -> AsyncStream:
        return self

    async def _begin(self) -> Pending:
        """Reads pictures and starts the reply, beside the loop."""
        work = asyncio.ensure_future(asyncio.to_thread(self._start))
        try:
            pending, prepared = await asyncio.shield(work)
        except asyncio.CancelledError:
            work.add_done_callback(_drop)
            raise
        self._pending, self._watch = pending, _Watch(pending, prepared)
        if self._cancelled or self._closed:  # meanwhile
            pending.cancel()
        task = asyncio.current_task()
        if task is not None:
            task.add_done_callback(_Leave(pending))
        return pending

    async def __anext__(self) -> str:
        if self._closed:
            raise StopAsyncIteration
        slices = Slices()
        try:
            pending = self._pending or await self._begin()
            while True:
                text = pending.poll()
                if self._watch is not None:
                    self._watch.look()
                if self._closed:  # by another task, while this one began
                    raise StopAsyncIteration
                if text:
                    return text
                if pending.done:
                    break
                await asyncio.sleep(slices.next())
            self._finish(pending)
        except BaseException:
            self._closed = True
            if self._pending is not None:
                self._pending._leave()
            raise
        raise StopAsyncIteration

    def _finish(self, pending: Pending) -> None:
        self._closed = True
        self._reply = pending._take()

    @property
    def reply(self) -> Reply | None:
        """The whole reply after the end; None before it, and where there is none."""
        return self._reply

    def cancel(self) -> None:
        """Stops the reply; the iteration ends soon."""
        self._cancelled = True
        if self._pending is not None:
            self._pending.cancel()

    async def aclose(self) -> None:
        """Cancels, and waits for the end, which comes within a layer."""
        pending, self._closed = self._pending, True
        if pending is None or self._reply is not None:
            return
        pending.cancel()
        slices = Slices()
        while pending._outcome is None and (pending.poll() or not pending.done):
            await asyncio.sleep(slices.next())
        try:
            self._finish(pending)
        except BaseException as error:
            if error is not pending._outcome:
                raise

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class _Leave:
    """Cancels a reply that still is one where the task that began it was cancelled."""

    def __init__(self, pending: Pending) -> None:
        self._pending = weakref.ref(pending)

    def __call__(self, task: asyncio.Task[Any]) -> None:
        pending = self._pending()
        if pending is not None and task.cancelled():
            pending._leave()


def _drop(work: asyncio.Future[tuple[Pending, Prepared]]) -> None:
    if not work.cancelled() and work.exception() is None:
        work.result()[0]._leave()
