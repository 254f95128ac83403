"""Large multimodal models inside a program.

    import lmm

    model = lmm.Model.load("SmolVLM-256M-Instruct")
    with lmm.Session(model) as session:
        for piece in session.stream(["What is this?", lmm.Image.open("cat.jpg")], max_tokens=64):
            print(piece, end="", flush=True)

Every failure is an lmm.LmmError with a class for each code, one line of text, and the session as it was before.
"""

from __future__ import annotations

from ._library import library as _library, library_path
from .audio import Audio
from .errors import (
    BadFile, BadTemplate, Busy, Cancelled, ContextOverflow, InternalError, InvalidArgument, LibraryNotFound, LmmError,
    NoDevice, NotFound, OutOfMemory, ReadFailed, Unsupported,
)  # fmt: skip
from .image import Image
from .listener import Listener, Utterance
from .message import Message, Turn
from .model import Model, ModelInfo
from .options import GenerateOptions, Progress, Tap
from .pending import AsyncStream, Pending, Stream
from .reply import Box, Point, Reply, Segment, Timings, Usage, Word
from .session import Session
from .tokenizer import Rendered, Token, Tokenizer
from .video import Video

__version__ = "0.1.0"

__all__ = [
    "AsyncStream", "Audio", "BadFile", "BadTemplate", "Box", "Busy", "Cancelled", "ContextOverflow", "GenerateOptions", "Image",
    "InternalError", "InvalidArgument", "LibraryNotFound", "Listener", "LmmError", "Message", "Model", "ModelInfo",
    "NoDevice", "NotFound", "OutOfMemory", "Pending", "Point", "Progress", "ReadFailed", "Rendered", "Reply", "Segment",
    "Session", "Stream", "Tap", "Timings", "Token", "Tokenizer", "Turn", "Unsupported", "Usage", "Utterance", "Video",
    "Word", "features", "library_path", "library_version",
]  # fmt: skip


def library_version() -> str:
    """Version of liblmm.so, "major.minor.patch"."""
    return str(_library().lmm_version().decode())


def features() -> list[str]:
    """What the library has: "family:idefics3", "picture:png", "sound:mp3", "device:cuda", "step", ..."""
    names: list[str] = []
    while (name := _library().lmm_feature(len(names))) is not None:
        names.append(name.decode())
    return names
