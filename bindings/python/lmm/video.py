"""Videos."""

from __future__ import annotations

from ctypes import c_double, c_int64
from typing import Any, Iterable, Sequence

from . import _abi, _convert
from ._handle import Handle, make
from ._library import library
from .image import as_image


class Video:
    """Frames with their times. Immutable, any thread. Which of the frames a model sees, and how it is told their times, is
    as its own video processor does it."""

    __slots__ = ("_as_parameter_", "_owner")
    _as_parameter_: Any
    _owner: Handle  #: keeps what is there

    def __init__(self, *_: Any) -> None:
        raise TypeError("use Video.from_frames or Video.from_sample")

    @classmethod
    def _of(cls, pointer: Any, owner: Handle) -> Video:
        """The video at `pointer`, which lives as long as `owner`."""
        self = object.__new__(cls)
        self._as_parameter_, self._owner = pointer, owner
        return self

    @classmethod
    def from_frames(cls, frames: Iterable[Any], seconds: Iterable[float]) -> Video:
        """Frames in the order of their times, of one size; a frame is what a picture may be given as. seconds: from the
        start of the video, one a frame. Raises InvalidArgument."""
        images, pointers = _frames(frames)
        times = [_convert.real(time, "seconds") for time in seconds]
        if len(times) != len(images):
            raise ValueError(f"{len(images)} frames and {len(times)} times, expected one a frame")
        handle = make(_abi.Video, "lmm_video_from_frames", None, pointers, (c_double * len(times))(*times), len(images),
                      free="lmm_video_free")  # fmt: skip
        return cls._of(handle, handle)

    @classmethod
    def from_sample(cls, frames: Iterable[Any], indices: Sequence[int], total: int, fps: float) -> Video:
        """Frames that were chosen from a longer video, such as Model.sample_frames tells: the model sees all of them.
        indices: of the frames in a video of `total` frames, `fps` a second. Raises InvalidArgument."""
        images, pointers = _frames(frames)
        chosen = [_convert.integer(index, "indices") for index in indices]
        if len(chosen) != len(images):
            raise ValueError(f"{len(images)} frames and {len(chosen)} indices, expected one a frame")
        handle = make(_abi.Video, "lmm_video_from_sample", None, pointers, (c_int64 * len(chosen))(*chosen), len(images),
                      _convert.integer(total, "total"), _convert.real(fps, "fps"), free="lmm_video_free")  # fmt: skip
        return cls._of(handle, handle)

    @property
    def frames(self) -> int:
        """How many there are."""
        return int(library().lmm_video_frame_count(self))

    @property
    def seconds(self) -> float:
        """From the first frame to the last one."""
        return float(library().lmm_video_seconds(self))

    def __repr__(self) -> str:
        return f"<lmm.Video {self.frames} frames, {self.seconds:.3f} s>"


def _frames(frames: Iterable[Any]) -> tuple[list[Any], Any]:
    """The pictures, which live as long as they are held, and pointers to them."""
    images = [as_image(frame) for frame in frames]
    pointers = (_abi.Image * len(images))()
    for index, image in enumerate(images):
        owner = image._as_parameter_
        pointers[index] = owner.pointer if isinstance(owner, Handle) else owner
    return images, pointers
