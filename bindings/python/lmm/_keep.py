"""Callbacks that the library keeps, alive until it will not call them any more.

The library tells that on any thread, also while Python ends. So it is told to sem_post, which needs no Python; and the
end of the program waits until all are told, so that no thread calls into a Python that is no more.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from ctypes import CDLL, addressof, c_int, c_long, c_uint, c_void_p, cast
from typing import Any, Iterator

from .errors import Busy

_libc = CDLL(None)
_libc.sem_init.argtypes, _libc.sem_init.restype = [c_void_p, c_int, c_uint], c_int
_libc.sem_trywait.argtypes, _libc.sem_trywait.restype = [c_void_p], c_int

RELEASE = cast(_libc.sem_post, c_void_p)  # an lmm_release


class Kept:
    """A callback; `user` is what to give with it, beside RELEASE."""

    def __init__(self, callback: Any) -> None:
        self.callback = callback
        self.pid = os.getpid()  # a forked child has nothing that would release it
        self._semaphore = (c_long * 8)()  # a sem_t is 32 bytes at most
        self.user = addressof(self._semaphore)
        _libc.sem_init(self.user, 0, 0)

    def released(self) -> bool:
        return bool(_libc.sem_trywait(self.user) == 0)


_all: set[Kept] = set()
_local = threading.local()


@contextmanager
def on_worker() -> Iterator[None]:
    """The time of a callback for which a model's worker waits, on whatever thread."""
    before = getattr(_local, "waited_for", False)
    _local.waited_for = True
    try:
        yield
    finally:
        _local.waited_for = before


def check_may_wait() -> None:
    """Raises Busy where this thread would wait for a worker that waits for it."""
    if getattr(_local, "waited_for", False):
        raise Busy("a call that waits for a reply cannot be made by on_tap or on_log, for which the worker waits")


def keep(callback: Any) -> Kept:
    sweep()
    kept = Kept(callback)
    _all.add(kept)
    return kept


def forget(kept: Kept) -> None:
    """For one that the library did not take."""
    _all.discard(kept)


def sweep() -> int:
    """Lets go of what is released; gives how many are not yet."""
    for kept in list(_all):
        if kept.released():
            _all.discard(kept)
    return sum(kept.pid == os.getpid() for kept in list(_all))


def wait_for_release(seconds: float) -> None:
    until = time.monotonic() + seconds
    while sweep() > 0 and time.monotonic() < until:
        time.sleep(0.001)
