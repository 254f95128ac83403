"""Sessions: conversations with a model."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Mapping, Optional, Union

from . import _abi, _convert
from ._handle import Handle, call, check_process, make, state_of
from ._keep import check_may_wait
from ._library import library
from .errors import Busy, InvalidArgument
from .listener import Listener
from .message import Content, Message, Turn, from_pointer, history_from_handle, history_to_handle, to_handle
from .model import Model
from .options import GenerateOptions, Prepared
from .pending import AsyncStream, Pending, Slices, Stream
from .reply import Reply

if TYPE_CHECKING:
    from typing_extensions import Unpack

_BUSY = "the session is in another call: wait for it, cancel it, or use a session per thread"


class Session:
    """One conversation with a model. Nothing that an earlier turn computed is computed again.

    For one thread at a time: a second call meanwhile raises Busy, and nothing else happens. After any error the session
    is as it was before the call. It keeps its model alive; close() and the end of a `with` block cancel and let go.

    What is said is given as one part or a list of them: str (text), lmm.Image, lmm.Video, lmm.Audio, pathlib.Path (a picture's file), bytes
    (an encoded picture), PIL.Image, a uint8 array of shape (H, W[, 1|3|4]). The keywords are those of GenerateOptions.
    """

    def __init__(
        self,
        model: Model,
        *,
        system: Optional[str] = None,
        template_variables: Union[Mapping[str, Any], str, None] = None,
        tools: Union[list[Any], str, None] = None,
        transcriber: Optional[Model] = None,
        max_context: int = 0,
    ) -> None:
        """system: the system prompt; None: the template's own. template_variables: further variables for the chat
        template, e.g. {"enable_thinking": False}. tools: descriptions of tools, for templates that take them.
        transcriber: a Whisper model that writes down the recordings of messages for a model that does not hear.
        max_context: tokens that the session may hold, 0: the model's own."""
        options = make(_abi.SessionOptions, "lmm_session_options_create", None, free="lmm_session_options_free")
        for name, data in (
            ("system", None if system is None else _convert.utf8(system, "system")),
            ("template_variables", template_variables and _convert.as_json(template_variables, "template_variables")),
            ("tools", tools and _convert.as_json(tools, "tools")),
        ):
            if data:
                call(f"lmm_session_options_set_{name}", options, data, len(data))
        if transcriber is not None:
            call("lmm_session_options_set_transcriber", options, transcriber._open())
        call("lmm_session_options_set_max_context", options, _convert.integer(max_context, "max_context"))
        handle = make(
            _abi.Session, "lmm_session_create", model._open(), options, free="lmm_session_free"
        )
        self._init(model, handle)

    def _init(self, model: Model, handle: Handle) -> None:
        self._model = model
        self._handle: Optional[Handle] = handle
        self._lock = threading.Lock()
        self._left: list[Handle] = []  #: replies that were cancelled and not waited for

    @property
    def model(self) -> Model:
        return self._model

    # Asking

    def ask(self, message: Content, **options: Unpack[GenerateOptions]) -> Reply:
        """Adds a turn of the user, waits for the model's and gives it. Ctrl-C cancels.

        Raises ContextOverflow, Unsupported, BadTemplate, BadFile, Cancelled, Busy."""
        check_may_wait()
        prepared = Prepared(options, "ask", without=("paused",))
        said = to_handle(message)
        with self._use() as handle:
            with self._restored(handle):
                return self._wait(handle, said, prepared)

    def edit_last(self, message: Content, **options: Unpack[GenerateOptions]) -> Reply:
        """Replaces the last turn of the user and answers anew; the history is restored when that fails."""
        check_may_wait()
        prepared = Prepared(options, "edit_last", without=("paused",))
        said = to_handle(message)
        with self._use() as handle:
            with self._restored(handle) as before:
                if self._pop(handle) is None:
                    raise InvalidArgument("edit_last: the history has no turn of the user yet")
                reply = self._wait(handle, said, prepared)
                if options.get("raw"):  # which is no turn: the one that was popped stays
                    call("lmm_session_set_history", handle, before)
                return reply

    def stream(self, message: Content, **options: Unpack[GenerateOptions]) -> Stream:
        """The same as ask, piece by piece: `for piece in session.stream(...)`."""
        prepared = Prepared(options, "stream", without=("paused",))
        return Stream(self._start(message, prepared), prepared)

    def astream(self, message: Content, **options: Unpack[GenerateOptions]) -> AsyncStream:
        """The same for asyncio, which it never blocks: `async for piece in session.astream(...)`."""
        prepared = Prepared(options, "astream", without=("paused",))
        return AsyncStream(lambda: (self._start(message, prepared), prepared))

    async def aask(self, message: Content, **options: Unpack[GenerateOptions]) -> Reply:
        """ask for asyncio, which it never blocks. Cancelling the task cancels the generation."""
        handle = self._open()
        before, stream = self._turns(handle), self.astream(message, **options)
        try:
            async with stream:
                async for _ in stream:
                    pass
        except BaseException:
            if stream._pending is not None:  # which is cancelled: it leaves no turn
                call("lmm_session_set_history", handle, before)
            raise
        assert stream.reply is not None
        return stream.reply

    def start(self, message: Content, **options: Unpack[GenerateOptions]) -> Pending:
        """The same without waiting, for a loop of one's own: poll() the result each frame."""
        prepared = Prepared(options, "start", without=("on_progress",))
        return self._start(message, prepared)

    def listen(
        self,
        *,
        silence: Optional[float] = None,
        partial_after: Optional[float] = None,
        longest: Optional[float] = None,
        **speech: Unpack[GenerateOptions],
    ) -> Listener:
        """Writes down live sound, by this model or by its transcriber; the conversation has no part in it.

        silence: seconds without voice that end an utterance, 0.1 to 5 (default: 0.6). partial_after: seconds of new sound
        after which the text so far is told, 0.1 to 60 (default: 0.4); 0: never. longest: seconds after which an utterance
        is ended in its middle, 1 to 29 (default: 25). Further keywords are the speech_* ones of GenerateOptions.
        Raises Unsupported where neither writes down speech."""
        prepared = Prepared(speech, "listen", only="speech_")
        options = make(_abi.ListenOptions, "lmm_listen_options_create", None, free="lmm_listen_options_free")
        call("lmm_listen_options_set_speech", options, prepared.handle)
        for name, seconds in (("silence", silence), ("partial_after", partial_after), ("longest", longest)):
            if seconds is not None:
                call(f"lmm_listen_options_set_{name}", options, _convert.real(seconds, name))
        with self._use() as handle:
            return Listener(make(_abi.Listener, "lmm_session_listen", handle, options, free="lmm_listener_free"))

    def cancel(self) -> None:
        """Stops the answer in progress, if any, within a layer. Any thread."""
        handle = self._handle
        if handle is not None:
            check_process(handle, "session")
            library().lmm_session_cancel(handle)

    # History

    @property
    def history(self) -> list[Turn]:
        """The turns so far, the system prompt first where there is one. Set it to put other turns, or (role, message)
        pairs, in place of it; what is computed already is used as far as it still fits."""
        handle = self._open()
        self._settle()
        return history_from_handle(self._turns(handle))

    @history.setter
    def history(self, turns: Iterable[Any]) -> None:
        given = history_to_handle(turns)
        with self._use() as handle:
            call("lmm_session_set_history", handle, given)

    def pop(self) -> Optional[Message]:
        """Takes back the last turn of the user and its answer. Gives what the user said; None where there was none."""
        with self._use() as handle:
            said = self._pop(handle)
        return None if said is None else from_pointer(said, said)

    def reset(self) -> None:
        """Forgets all turns; the system prompt stays."""
        with self._use() as handle:
            call("lmm_session_reset", handle)

    def fork(self) -> Session:
        """An independent session that goes on from here; the state so far is copied, not computed again."""
        with self._use() as handle:
            copy = make(_abi.Session, "lmm_session_fork", handle, free="lmm_session_free")
        session = object.__new__(type(self))
        session._init(self._model, copy)
        return session

    def close(self) -> None:
        """Cancels the answer in progress, if any, and lets go without waiting."""
        handle, self._handle = self._handle, None
        if handle is not None and handle.pid == os.getpid():
            library().lmm_session_cancel(handle)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # How

    def _open(self) -> Handle:
        handle = self._handle
        if handle is None:
            raise InvalidArgument("the session is closed")
        check_process(handle, "session")
        return handle

    @contextmanager
    def _use(self) -> Iterator[Handle]:
        """The session for one call; Busy while another has it."""
        handle = self._open()
        if not self._lock.acquire(blocking=False):
            raise Busy(_BUSY)
        try:
            self._settle()
            yield handle
        finally:
            self._lock.release()

    def _settle(self) -> None:
        """Waits for replies that were cancelled and left: whether each is a turn is known then."""
        for handle in list(self._left):
            slices = Slices()
            while state_of(handle) == _abi.RUNNING:
                time.sleep(slices.next())
            with suppress(ValueError):  # another thread did the same
                self._left.remove(handle)

    def _start(self, message: Content, prepared: Prepared) -> Pending:
        said = to_handle(message)
        with self._use() as handle:
            return self._begin(handle, said, prepared)

    def _begin(self, handle: Handle, said: Handle, prepared: Prepared) -> Pending:
        before = self._turns(handle) if prepared.observed else None
        pending = make(
            _abi.Pending,
            "lmm_session_start",
            handle,
            said,
            prepared.handle,
            free="lmm_pending_free",
        )
        return Pending(pending, self, prepared, lambda: before and self._take_back(handle, before))

    def _take_back(self, handle: Handle, before: Handle) -> None:
        """Puts the history back from before a reply that failed, where nothing was said since."""
        count = library().lmm_history_count
        if count(self._turns(handle)) == count(before) + 2:
            call("lmm_session_set_history", handle, before)

    def _wait(self, handle: Handle, said: Handle, prepared: Prepared) -> Reply:
        stream = Stream(self._begin(handle, said, prepared), prepared)
        for _ in stream:
            pass
        assert stream.reply is not None
        return stream.reply

    @contextmanager
    def _restored(self, handle: Handle) -> Iterator[Handle]:
        """Puts the history back where a call about it is broken off, or fails; gives it."""
        before = self._turns(handle)
        try:
            yield before
        except BaseException:
            call("lmm_session_set_history", handle, before)
            raise

    def _turns(self, handle: Handle) -> Handle:
        return make(_abi.History, "lmm_session_history", handle, free="lmm_history_free")

    def _pop(self, handle: Handle) -> Optional[Handle]:
        said = make(_abi.Message, "lmm_session_pop", handle, free="lmm_message_free")
        return said if said else None
