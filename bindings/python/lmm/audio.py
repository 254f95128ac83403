"""Recordings."""

from __future__ import annotations

import os
from typing import Any, Literal, Union

from . import _abi, _convert
from ._handle import Handle, make
from ._library import library

SampleFormat = Literal["f32", "s16"]
_BY_ITEM = {"f": "f32", "<f": "f32", "h": "s16", "<h": "s16"}


def samples_arguments(data: Any, rate: int, channels: int, format: str) -> tuple[Any, ...]:
    """Samples out of any buffer of bytes, as the library's functions take them."""
    samples = bytes(data)
    _convert.one_of(format, "format", _abi.SAMPLE_FORMATS)
    numbers = _convert.integer(rate, "rate"), _convert.integer(channels, "channels")
    return samples, len(samples), *numbers, _abi.SAMPLE_FORMATS[format]


def array_arguments(array: Any, rate: int) -> tuple[Any, ...]:
    """The same of an array of shape (frames,) or (frames, channels)."""
    view: Any = memoryview(array)
    if view.format not in _BY_ITEM or view.ndim not in (1, 2):
        raise TypeError(
            f"the array has shape {view.shape} and items {view.format!r}, expected float32 or int16 in 1 or 2 axes"
        )
    return samples_arguments(view.tobytes(), rate, view.shape[1] if view.ndim == 2 else 1, _BY_ITEM[view.format])


class Audio:
    """A recording. Files are decoded as they are heard, not when opened, so that hours take little memory. Immutable, any
    thread."""

    __slots__ = ("_as_parameter_", "_owner")
    _as_parameter_: Any
    _owner: Handle  #: keeps what is there

    def __init__(self, *_: Any) -> None:
        raise TypeError("use Audio.open, Audio.decode, Audio.from_samples or Audio.from_array")

    @classmethod
    def _of(cls, pointer: Any, owner: Handle) -> Audio:
        """The recording at `pointer`, which lives as long as `owner`."""
        self = object.__new__(cls)
        self._as_parameter_, self._owner = pointer, owner
        return self

    @classmethod
    def _made(cls, name: str, *arguments: Any) -> Audio:
        handle = make(_abi.Audio, name, None, *arguments, free="lmm_audio_free")
        return cls._of(handle, handle)

    @classmethod
    def open(cls, path: Union[str, "os.PathLike[str]"]) -> Audio:
        """A WAV, FLAC, OGG (Vorbis, Opus), MP3, AIFF, AU or CAF file, which must stay in place while it is used. Raises
        NotFound, ReadFailed, BadFile."""
        name = _convert.path(path, "path")
        return cls._made("lmm_audio_open", name, len(name))

    @classmethod
    def decode(cls, data: Union[bytes, bytearray, memoryview]) -> Audio:
        """An encoded recording in memory. Raises BadFile."""
        encoded = bytes(data)
        return cls._made("lmm_audio_decode", encoded, len(encoded))

    @classmethod
    def from_samples(cls, data: Any, rate: int, channels: int = 1, format: SampleFormat = "f32") -> Audio:
        """Copies samples, channels interleaved, out of any buffer of bytes. rate: frames a second, 1,000 to 768,000.
        channels: 1 to 32, mixed down to one by their mean. format: "f32", -1 to 1, or "s16"."""
        return cls._made("lmm_audio_from_samples", *samples_arguments(data, rate, channels, format))

    @classmethod
    def from_array(cls, array: Any, rate: int) -> Audio:
        """Copies a float32 or int16 array of shape (frames,) or (frames, channels): a numpy array, or what else gives its
        memory as such a buffer."""
        return cls._made("lmm_audio_from_samples", *array_arguments(array, rate))

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float(library().lmm_audio_seconds(self))

    @property
    def rate(self) -> int:
        """Frames a second, as stored."""
        return int(library().lmm_audio_rate(self))

    @property
    def channels(self) -> int:
        """As stored."""
        return int(library().lmm_audio_channels(self))

    def __repr__(self) -> str:
        return f"<lmm.Audio {self.seconds:.3f} s, {self.rate} Hz, {self.channels} channels>"
