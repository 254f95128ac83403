"""Objects of the C interface held by Python: freed once, in any order, only in the process that made them."""

from __future__ import annotations

import atexit
import os
import time
import weakref
from ctypes import byref, c_int32, c_size_t, string_at
from typing import Any, Callable

from . import _abi
from ._keep import wait_for_release
from ._library import library
from .errors import BY_CODE, LmmError, Unsupported

_PATIENCE = 10.0  # seconds that the end of the program waits for workers


class Handle:
    """Owns one object, which is freed when the last reference goes. It is given to the library's functions itself, not
    its `pointer`: so it lives as long as each call."""

    __slots__ = ("__weakref__", "_free", "pid", "pointer")

    def __init__(self, kind: Any, free: str) -> None:
        self.pointer = kind()
        self._free: Callable[[Any], None] = getattr(library(), free)
        self.pid = os.getpid()
        if kind in _WORKING:
            _working.add(self)

    @property
    def _as_parameter_(self) -> Any:
        return self.pointer

    def __bool__(self) -> bool:
        return bool(self.pointer)

    def free(self) -> None:
        pointer, self.pointer = self.pointer, type(self.pointer)()
        # A forked child has no workers, and locks may be held there for ever: its copies end with the process.
        if pointer and os.getpid() == self.pid:
            self._free(pointer)

    def __del__(self) -> None:
        try:
            self.free()
        except Exception:  # half made, or the interpreter is going down
            pass


def call(name: str, *arguments: Any) -> None:
    """Calls a function that can fail; raises what it gives."""
    loaded = library()
    error = Handle(_abi.Error, "lmm_error_free")
    code = getattr(loaded, name)(*arguments, byref(error.pointer))
    if code != _abi.OK:
        raise _exception(loaded, code, error)


def _exception(loaded: Any, code: int, error: Handle) -> LmmError:
    name = (loaded.lmm_code_name(code) or b"unknown").decode()
    message = (text(loaded.lmm_error_message, error) or name).replace("\n", " ")
    return BY_CODE.get(name, LmmError)(message)


def make(kind: Any, name: str, *arguments: Any, free: str) -> Handle:
    """Calls a function whose last parameter before the error is a new object; gives that."""
    handle = Handle(kind, free)
    call(name, *arguments, byref(handle.pointer))
    return handle


def text(getter: Any, *arguments: Any) -> str | None:
    """What a getter of a string gives; None for NULL."""
    data = raw(getter, *arguments)
    return None if data is None else data.decode("utf-8", "replace")


def path(getter: Any, *arguments: Any) -> str:
    return os.fsdecode(raw(getter, *arguments) or b"")


def raw(getter: Any, *arguments: Any) -> bytes | None:
    length = c_size_t()
    address = getter(*arguments, byref(length))
    return string_at(address, length.value) if address else None


def check_process(handle: Handle, what: str) -> None:
    """Raises Unsupported in a process forked from the one that made the object, before a lock is touched there."""
    if os.getpid() != handle.pid:
        raise Unsupported(
            f"the {what} was made in process {handle.pid} and is used in process {os.getpid()}, forked from it: "
            "load the model after the fork, in the process that uses it"
        )


# What still works when the program ends is stopped first: a worker that computes while libtorch is taken down, or that
# calls back into a Python that is no more, would take the program with it.
_working: weakref.WeakSet[Any] = weakref.WeakSet()
_WORKING = (_abi.Pending, _abi.Listener, _abi.Session, _abi.Model, _abi.LoadOptions, _abi.GenerateOptions)
_LAYER = 0.1  # seconds within which a worker has left what was cancelled, where nothing tells that it has


@atexit.register
def _end() -> None:
    until = time.monotonic() + _PATIENCE
    handles = [handle for handle in list(_working) if handle and handle.pid == os.getpid()]
    replies = [handle for handle in handles if isinstance(handle.pointer, _abi.Pending)]
    for handle in replies:
        library().lmm_pending_cancel(handle)
    for handle in replies:
        while state_of(handle) == _abi.RUNNING and time.monotonic() < until:
            time.sleep(0.001)
    listening = False
    for handle in handles:
        listening = listening or (isinstance(handle.pointer, _abi.Listener) and not library().lmm_listener_done(handle))
        if not isinstance(handle.pointer, _abi.Model):
            handle.free()
    if listening:
        time.sleep(_LAYER)
    for handle in handles:
        handle.free()
    wait_for_release(until - time.monotonic())


def state_of(handle: Handle) -> int:
    """How a pending reply stands, its text aside; FAILED where it was taken."""
    state = c_int32(_abi.FAILED)
    try:
        call("lmm_pending_poll", handle, None, 0, None, byref(state))
    except LmmError:
        return _abi.FAILED
    return state.value
