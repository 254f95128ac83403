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

    prompt_tokens: int  #: whole prompt, pictures and earlier turns included; 0 of a transcript
    image_tokens: int  #: of these, those that stand for pictures and videos
    audio_tokens: int  #: of these, those that stand for sound
    image_tiles: int  #: inputs of the vision tower that the pictures are made of
    reused_tokens: int  #: of the prompt, not computed again
    new_tokens: int  #: generated, the end token included


@dataclass(frozen=True)
class Timings:
    """Wall-clock seconds of one reply."""

    load: float  #: loading the model
    preprocess: float  #: pictures to pixels
    encode: float  #: vision or audio tower and projector
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
class Word:
    """A word of a transcript."""

    text: str  #: with the space before it where there is one
    begin: float  #: seconds from the start of the recording
    end: float
    probability: float  #: mean over its tokens


@dataclass(frozen=True)
class Segment:
    """A stretch of speech in a transcript."""

    begin: float  #: seconds from the start of the recording
    end: float
    text: str  #: mostly with a space in front
    language: str  #: code, e.g. "en"
    words: tuple[Word, ...]  #: where asked for
    mean_log_probability: float  #: of a token, in the window that it was heard in
    no_speech_probability: float  #: that the window holds no speech
    temperature: float  #: at which the window was decoded


@dataclass(frozen=True)
class Reply:
    """What the model answered. str(reply) is its text."""

    text: str  #: special tokens left out; it may begin with a space, which the history has not
    token_ids: tuple[int, ...]  #: the new tokens, the end token included; none of a transcript
    finish_reason: FinishReason
    boxes: tuple[Box, ...]  #: that the text tells of: of Qwen-VL, Granite-Docling and the pocket model
    points: tuple[Point, ...]
    segments: tuple[Segment, ...]  #: what a Whisper model heard, alone or as transcriber
    usage: Usage
    timings: Timings

    def __str__(self) -> str:
        return self.text


def segments_of(reply: Any) -> tuple[Segment, ...]:
    """Of a reply that something else holds."""
    loaded = library()
    return tuple(_segment(loaded, reply, index) for index in range(loaded.lmm_reply_segment_count(reply)))


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
        segments=segments_of(reply),
        usage=Usage(
            prompt_tokens=loaded.lmm_reply_prompt_tokens(reply),
            image_tokens=loaded.lmm_reply_image_tokens(reply),
            audio_tokens=loaded.lmm_reply_audio_tokens(reply),
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


def _segment(loaded: Any, reply: Any, index: int) -> Segment:
    seconds = (c_double * 2)()
    loaded.lmm_reply_segment(reply, index, seconds)
    return Segment(
        begin=seconds[0],
        end=seconds[1],
        text=text(loaded.lmm_reply_segment_text, reply, index) or "",
        language=text(loaded.lmm_reply_segment_language, reply, index) or "",
        words=tuple(_word(loaded, reply, index, word) for word in range(loaded.lmm_reply_word_count(reply, index))),
        mean_log_probability=loaded.lmm_reply_segment_mean_log_probability(reply, index),
        no_speech_probability=loaded.lmm_reply_segment_no_speech_probability(reply, index),
        temperature=loaded.lmm_reply_segment_temperature(reply, index),
    )


def _word(loaded: Any, reply: Any, segment: int, index: int) -> Word:
    seconds, probability = (c_double * 2)(), c_double()
    loaded.lmm_reply_word(reply, segment, index, seconds, byref(probability))
    return Word(text(loaded.lmm_reply_word_text, reply, segment, index) or "", seconds[0], seconds[1], probability.value)
