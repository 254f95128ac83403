"""Pictures."""

from __future__ import annotations

import os
import sys
from ctypes import byref, c_size_t, string_at
from typing import Any, Literal, Union, cast

from . import _abi, _convert
from ._handle import Handle, make
from ._library import library

PixelFormat = Literal["rgb", "bgr", "rgba", "bgra", "gray"]
_BY_CHANNELS = {1: "gray", 3: "rgb", 4: "rgba"}


class Image:
    """A picture, decoded to 8-bit RGB, turned upright by its EXIF orientation, alpha dropped. Immutable, any thread."""

    __slots__ = ("_as_parameter_", "_owner")
    _as_parameter_: Any
    _owner: Handle  #: keeps what is there

    def __init__(self, *_: Any) -> None:
        raise TypeError("use Image.open, Image.decode, Image.from_pixels, Image.from_array or Image.from_pil")

    @classmethod
    def _of(cls, pointer: Any, owner: Handle) -> Image:
        """The picture at `pointer`, which lives as long as `owner`."""
        self = object.__new__(cls)
        self._as_parameter_, self._owner = pointer, owner
        return self

    @classmethod
    def _made(cls, name: str, *arguments: Any) -> Image:
        handle = make(_abi.Image, name, None, *arguments, free="lmm_image_free")
        return cls._of(handle, handle)

    @classmethod
    def open(cls, path: Union[str, "os.PathLike[str]"]) -> Image:
        """Decodes a JPEG, PNG, WebP, BMP or GIF (first frame) file. Raises NotFound, ReadFailed, BadFile."""
        name = _convert.path(path, "path")
        return cls._made("lmm_image_open", name, len(name))

    @classmethod
    def decode(cls, data: Union[bytes, bytearray, memoryview]) -> Image:
        """Decodes an encoded picture in memory. Raises BadFile."""
        encoded = bytes(data)
        return cls._made("lmm_image_decode", encoded, len(encoded))

    @classmethod
    def from_pixels(
        cls,
        data: Any,
        width: int,
        height: int,
        format: PixelFormat = "rgb",
        *,
        stride: int = 0,
        bottom_up: bool = False,
    ) -> Image:
        """Copies pixels of 8 bits a channel out of any buffer of bytes.

        stride: bytes from one row to the next, 0: rows without padding. bottom_up: the first row is the lowest.
        """
        pixels = bytes(data)
        _convert.one_of(format, "format", _abi.PIXEL_FORMATS)
        return cls._made(
            "lmm_image_from_pixels",
            pixels,
            len(pixels),
            _convert.integer(width, "width"),
            _convert.integer(height, "height"),
            _convert.integer(stride, "stride"),
            _abi.PIXEL_FORMATS[format],
            _convert.truth(bottom_up, "bottom_up"),
        )

    @classmethod
    def from_array(cls, array: Any) -> Image:
        """Copies a uint8 array of shape (height, width), or (height, width, channels) with 1 (gray), 3 (RGB) or 4
        (RGBA) channels: a numpy array, or what else gives its memory as such a buffer."""
        view: Any = memoryview(array)
        if view.format != "B" or view.ndim not in (2, 3):
            raise TypeError(f"the array has shape {view.shape} and items {view.format!r}, expected uint8 in 2 or 3 axes")
        height, width, channels = (*view.shape, 1)[:3]
        if channels not in _BY_CHANNELS:
            raise ValueError(f"the array has shape {view.shape}, expected (height, width, channels) with 1, 3 or 4 channels")
        return cls.from_pixels(view.tobytes(), width, height, cast(PixelFormat, _BY_CHANNELS[channels]))

    @classmethod
    def from_pil(cls, image: Any) -> Image:
        """Copies a PIL.Image, as the reference takes it: turned upright by its EXIF orientation, then made RGB."""
        from PIL import ImageOps  # type: ignore[import-not-found, unused-ignore]

        upright = ImageOps.exif_transpose(image).convert("RGB")
        return cls.from_pixels(upright.tobytes(), upright.width, upright.height)

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(library().lmm_image_width(self))

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(library().lmm_image_height(self))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.width, self.height

    def tobytes(self) -> bytes:
        """The pixels: rows of RGB, 8 bits a channel, height * width * 3 bytes."""
        size = c_size_t()
        data = library().lmm_image_rgb(self, byref(size))
        return string_at(data, size.value)

    def __repr__(self) -> str:
        return f"<lmm.Image {self.width}x{self.height}>"


def as_image(value: Any) -> Image:
    """A picture of whatever stands for one. TypeError for what does not."""
    if isinstance(value, Image):
        return value
    if isinstance(value, os.PathLike):
        return Image.open(value)
    if isinstance(value, (bytes, bytearray)):
        return Image.decode(value)
    pil: Any = sys.modules.get("PIL.Image")  # without it, it is none
    if pil is not None and isinstance(value, pil.Image):
        return Image.from_pil(value)
    try:
        view = memoryview(value)
    except TypeError:
        raise TypeError(
            f"{type(value).__name__} is neither text nor a picture: expected str, lmm.Image, pathlib.Path, bytes of an "
            "encoded picture, PIL.Image, or a uint8 array"
        ) from None
    if isinstance(value, memoryview) and view.ndim == 1:
        return Image.decode(value)
    return Image.from_array(value)
