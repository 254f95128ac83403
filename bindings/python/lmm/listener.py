"""Live sound."""

from __future__ import annotations

import time
from ctypes import c_double
from dataclasses import dataclass
from typing import Any, Optional

from . import _abi, _convert
from ._handle import Handle, call, check_process, make, text
from ._keep import check_may_wait
from ._library import library
from .audio import SampleFormat, array_arguments, samples_arguments
from .errors import InvalidArgument
from .reply import Segment, segments_of

_SLICE = 0.05  # seconds that the library waits at once, so that Ctrl-C comes through


@dataclass(frozen=True)
class Utterance:
    """A stretch of speech between two silences. str(utterance) is its text."""

    index: int  #: counts the utterances, from 0
    is_final: bool  #: False: its text so far, which the next one of this index takes the place of
    begin: float  #: seconds from the start of the sound
    end: float  #: so far
    text: str  #: empty where a sound turned out to be no speech
    segments: tuple[Segment, ...]  #: times in seconds from the start of the sound

    def __str__(self) -> str:
        return self.text


class Listener:
    """Writes down sound while it comes, from Session.listen. One thread at a time.

        with session.listen() as listener:
            for piece in microphone:
                listener.push_array(piece, rate=16000)
                for utterance in listener.poll():
                    print(utterance)
            listener.finish()
            while not listener.done:
                for utterance in listener.wait():
                    print(utterance)

    Utterances are found by voice activity and heard by the model's worker thread. Memory is that of the sound not yet
    heard: where sound comes faster than the model hears, look at `waiting`."""

    def __init__(self, handle: Handle) -> None:
        self._handle: Optional[Handle] = handle

    def push(self, data: Any, rate: int, channels: int = 1, format: SampleFormat = "f32") -> None:
        """Adds samples, as Audio.from_samples takes them: as many as there are. Rate and channels of the first piece hold
        for all. Never waits for the model. Raises InvalidArgument, and goes on without what it refused."""
        call("lmm_listener_push", self._open(), *samples_arguments(data, rate, channels, format))

    def push_array(self, array: Any, rate: int) -> None:
        """The same with an array, as Audio.from_array takes it."""
        call("lmm_listener_push", self._open(), *array_arguments(array, rate))

    def finish(self) -> None:
        """No more sound comes: what there is becomes final."""
        call("lmm_listener_finish", self._open())

    def poll(self) -> list[Utterance]:
        """What is new, in order; never waits. Raises what ended the work, once: `done` then."""
        handle = self._open()
        some = []
        while (utterance := _next(handle, 0)) is not None:
            some.append(utterance)
        return some

    def wait(self, seconds: float = 3600.0) -> list[Utterance]:
        """The same, but waits until there is something new, nothing is being heard any more, or `seconds` have gone by.
        Ctrl-C comes through."""
        check_may_wait()
        until = time.monotonic() + _convert.real(seconds, "seconds")
        some = self.poll()
        while not some and (now := time.monotonic()) < until:
            most = min(_SLICE, until - now)
            first = _next(self._open(), max(1, round(most * 1e6)))
            if first is not None:
                return [first, *self.poll()]
            if time.monotonic() - now < most:  # nothing to wait for
                break
        return some

    @property
    def done(self) -> bool:
        """After finish(): everything was heard and taken. Also after an error, and when closed."""
        return self._handle is None or bool(library().lmm_listener_done(self._handle))

    @property
    def waiting(self) -> float:
        """Seconds of sound, in utterances that have ended, that the model has not heard yet."""
        return 0.0 if self._handle is None else float(library().lmm_listener_waiting(self._handle))

    def close(self) -> None:
        """Cancels what is being heard, and lets go without waiting."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.free()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> Handle:
        if self._handle is None:
            raise InvalidArgument("the listener is closed")
        check_process(self._handle, "listener")
        return self._handle


def _next(handle: Handle, microseconds: int) -> Optional[Utterance]:
    taken = make(_abi.Utterance, "lmm_listener_next", handle, microseconds, free="lmm_utterance_free")
    if not taken:
        return None
    loaded = library()
    seconds = (c_double * 2)()
    loaded.lmm_utterance_seconds(taken, seconds)
    reply = loaded.lmm_utterance_reply(taken)
    return Utterance(
        index=loaded.lmm_utterance_index(taken),
        is_final=bool(loaded.lmm_utterance_is_final(taken)),
        begin=seconds[0],
        end=seconds[1],
        text=text(loaded.lmm_reply_text, reply) or "",
        segments=segments_of(reply),
    )
