"""What the model answered."""

from __future__ import annotations

from ctypes import byref, c_double, c_size_t
from dataclasses import dataclass
from typing import Any, Literal, cast

from . import _abi
from ._handle import Handle, text
from ._library import library

FinishReason = Literal["eos", "stop", "length", "cancelled"]


@dataclass(frozen=True)
class Usage:
    """Tokens of one reply."""

    prompt_tokens: int  #: whole prompt, pictures and earlier turns included
    image_tokens: int  #: of these, rows that came from pictures
    image_tiles: int  #: inputs of the vision tower that those pictures are made of
    reused_tokens: int  #: of the prompt, not computed again
    new_tokens: int  #: generated, the end token included


@dataclass(frozen=True)
class Timings:
    """Wall-clock seconds of one reply."""

    load: float  #: loading the model
    preprocess: float  #: pictures to pixels
    encode: float  #: vision tower and projector
    prefill: float  #: prompt to first logits
    decode: float  #: all steps after that
    per_token: float  #: decode / steps, 0 without steps


@dataclass(frozen=True)
class Box:
    """A box in the pixels of the picture that was given; (0, 0) is its upper left corner."""

    x0: float
    y0: float
    x1: float
    y1: float
    label: str  #: empty where the model gives none
    image: int  #: which picture of the conversation, the first is 0


@dataclass(frozen=True)
class Point:
    """A point in the pixels of the picture that was given."""

    x: float
    y: float
    label: str
    image: int


@dataclass(frozen=True)
class Reply:
    """What the model answered. str(reply) is its text."""

    text: str  #: special tokens left out
    token_ids: tuple[int, ...]  #: the new tokens, the end token included
    finish_reason: FinishReason
    boxes: tuple[Box, ...]  #: that the text tells of
    points: tuple[Point, ...]
    usage: Usage
    timings: Timings

    def __str__(self) -> str:
        return self.text


def from_handle(reply: Handle) -> Reply:
    loaded = library()
    count = c_size_t()
    ids = loaded.lmm_reply_token_ids(reply, byref(count))
    return Reply(
        text=text(loaded.lmm_reply_text, reply) or "",
        token_ids=tuple(ids[: count.value]) if count.value else (),
        finish_reason=cast(FinishReason, _abi.FINISH_REASONS[loaded.lmm_reply_finish_reason(reply)]),
        boxes=tuple(_box(loaded, reply, index) for index in range(loaded.lmm_reply_box_count(reply))),
        points=tuple(_point(loaded, reply, index) for index in range(loaded.lmm_reply_point_count(reply))),
        usage=Usage(
            prompt_tokens=loaded.lmm_reply_prompt_tokens(reply),
            image_tokens=loaded.lmm_reply_image_tokens(reply),
            image_tiles=loaded.lmm_reply_image_tiles(reply),
            reused_tokens=loaded.lmm_reply_reused_tokens(reply),
            new_tokens=loaded.lmm_reply_new_tokens(reply),
        ),
        timings=Timings(
            load=loaded.lmm_reply_load_seconds(reply),
            preprocess=loaded.lmm_reply_preprocess_seconds(reply),
            encode=loaded.lmm_reply_encode_seconds(reply),
            prefill=loaded.lmm_reply_prefill_seconds(reply),
            decode=loaded.lmm_reply_decode_seconds(reply),
            per_token=loaded.lmm_reply_seconds_per_token(reply),
        ),
    )


def _box(loaded: Any, reply: Any, index: int) -> Box:
    corners, image = (c_double * 4)(), c_size_t()
    loaded.lmm_reply_box(reply, index, corners, byref(image))
    x0, y0, x1, y1 = corners
    return Box(x0, y0, x1, y1, text(loaded.lmm_reply_box_label, reply, index) or "", image.value)


def _point(loaded: Any, reply: Any, index: int) -> Point:
    place, image = (c_double * 2)(), c_size_t()
    loaded.lmm_reply_point(reply, index, place, byref(image))
    x, y = place
    return Point(x, y, text(loaded.lmm_reply_point_label, reply, index) or "", image.value)
