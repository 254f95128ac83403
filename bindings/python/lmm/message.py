"""What is said: texts, pictures, videos and recordings, and the turns of a conversation."""

from __future__ import annotations

from typing import Any, Iterable, NamedTuple, Union

from . import _abi, _convert
from ._handle import Handle, call, make, text
from ._library import library
from .audio import Audio
from .image import Image, as_image
from .video import Video

Content = Any
"""What a message may be given as: one part or an iterable of them. A part is a str (text), an lmm.Video, an lmm.Audio, or a picture:
lmm.Image, pathlib.Path, bytes (an encoded picture), PIL.Image, a uint8 array of shape (H, W[, 1|3|4])."""


class Message:
    """Texts, pictures, videos and recordings in the order in which the model takes them. Immutable."""

    __slots__ = ("parts",)
    parts: tuple[Union[str, Image, Video, Audio], ...]

    def __init__(self, content: Content) -> None:
        if isinstance(content, Message):
            parts: Iterable[Any] = content.parts
        elif isinstance(content, (list, tuple)):
            parts = content
        else:
            parts = (content,)
        self.parts = tuple(part if isinstance(part, (str, Video, Audio)) else as_image(part) for part in parts)

    @property
    def text(self) -> str:
        """Its texts, one behind the other."""
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def images(self) -> tuple[Image, ...]:
        return tuple(part for part in self.parts if isinstance(part, Image))

    @property
    def videos(self) -> tuple[Video, ...]:
        return tuple(part for part in self.parts if isinstance(part, Video))

    @property
    def audios(self) -> tuple[Audio, ...]:
        return tuple(part for part in self.parts if isinstance(part, Audio))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __repr__(self) -> str:
        return f"Message({list(self.parts)!r})"


class Turn(NamedTuple):
    """One turn of a conversation. role: "system", "user" or "assistant"."""

    role: str
    message: Message


def to_handle(content: Content) -> Handle:
    message = Message(content)
    handle = make(_abi.Message, "lmm_message_create", None, free="lmm_message_free")
    for part in message.parts:
        if isinstance(part, str):
            data = _convert.utf8(part, "the text")
            call("lmm_message_add_text", handle, data, len(data))
        elif isinstance(part, Video):
            call("lmm_message_add_video", handle, part)
        elif isinstance(part, Audio):
            call("lmm_message_add_audio", handle, part)
        else:
            call("lmm_message_add_image", handle, part)
    return handle


def from_pointer(pointer: Any, owner: Handle) -> Message:
    """The message at `pointer`, which lives as long as `owner`, as do the pictures, videos and recordings in it."""
    loaded = library()
    parts: list[Any] = []
    for index in range(loaded.lmm_message_count(pointer)):
        kind = loaded.lmm_message_kind(pointer, index)
        if kind == _abi.PART_TEXT:
            parts.append(text(loaded.lmm_message_text, pointer, index) or "")
        elif kind == _abi.PART_VIDEO:
            parts.append(Video._of(loaded.lmm_message_video(pointer, index), owner))
        elif kind == _abi.PART_AUDIO:
            parts.append(Audio._of(loaded.lmm_message_audio(pointer, index), owner))
        else:
            parts.append(Image._of(loaded.lmm_message_image(pointer, index), owner))
    return Message(parts)


def history_to_handle(turns: Iterable[Any]) -> Handle:
    handle = make(_abi.History, "lmm_history_create", None, free="lmm_history_free")
    for turn in turns:
        try:
            role, content = turn
        except (TypeError, ValueError):
            raise TypeError(f"{turn!r} is no turn: expected (role, message)") from None
        name = _convert.utf8(role, "role")
        call("lmm_history_add", handle, name, len(name), to_handle(content))
    return handle


def history_from_handle(handle: Handle) -> list[Turn]:
    loaded = library()
    return [
        Turn(
            text(loaded.lmm_history_role, handle, index) or "",
            from_pointer(loaded.lmm_history_message(handle, index), handle),
        )
        for index in range(loaded.lmm_history_count(handle))
    ]
