"""Pictures from paths, bytes, pixels, PIL images and arrays."""

import io
import pathlib

import numpy
import PIL.Image
import pytest
from binding import PICTURE, QUESTION

import lmm


@pytest.fixture(scope="module")
def pixels():
    return numpy.asarray(PIL.Image.open(PICTURE).convert("RGB"))


def array_of(image):
    return numpy.frombuffer(image.tobytes(), numpy.uint8).reshape(image.height, image.width, 3)


def test_each_way_gives_the_same_answer(session, pixels):
    encoded = PICTURE.read_bytes()
    expected = session.ask([lmm.Image.open(PICTURE), QUESTION], max_tokens=8).text
    ways = [
        PICTURE, encoded, bytearray(encoded), memoryview(encoded), PIL.Image.open(PICTURE), pixels, lmm.Image.open(str(PICTURE)),
        numpy.dstack([pixels, numpy.full(pixels.shape[:2], 7, numpy.uint8)]),
    ]  # fmt: skip
    for way in ways:
        assert (array_of(lmm.Message(way).images[0]) == pixels).all()
        assert session.edit_last([way, QUESTION], max_tokens=8).text == expected


def test_open_and_decode():
    image = lmm.Image.open(PICTURE)
    assert image.size == PIL.Image.open(PICTURE).size and repr(image) == f"<lmm.Image {image.width}x{image.height}>"
    with pytest.raises(FileNotFoundError):
        lmm.Image.open("none.png")
    with pytest.raises(lmm.BadFile):
        lmm.Image.decode(PICTURE.read_bytes()[:200])
    with pytest.raises(lmm.BadFile):
        lmm.Image.decode(b"")
    with pytest.raises(TypeError):
        lmm.Image(PICTURE)


def test_arrays(pixels):
    assert (array_of(lmm.Image.from_array(pixels[::-1, ::2])) == pixels[::-1, ::2]).all()  # not contiguous
    gray = numpy.ascontiguousarray(pixels[..., 0])
    for given in (gray, gray[..., None]):
        assert (array_of(lmm.Image.from_array(given)) == gray[..., None]).all()
    read_only = pixels.copy()
    read_only.flags.writeable = False
    assert (array_of(lmm.Image.from_array(read_only)) == pixels).all()
    bgr = lmm.Image.from_pixels(pixels[..., ::-1].tobytes(), pixels.shape[1], pixels.shape[0], "bgr")
    assert (array_of(bgr) == pixels).all()
    copied = pixels.copy()
    image = lmm.Image.from_array(copied)
    copied[:] = 0
    assert (array_of(image) == pixels).all()


@pytest.mark.parametrize("array, error", [
    (numpy.zeros((4, 4, 3), numpy.float32), TypeError), (numpy.zeros((4, 4, 3), numpy.int8), TypeError),
    (numpy.zeros(48, numpy.uint8), TypeError), (numpy.zeros((1, 4, 4, 3), numpy.uint8), TypeError),
    (numpy.zeros((3, 4, 5), numpy.uint8), ValueError), (numpy.zeros((0, 4, 3), numpy.uint8), ValueError),
    ({"a": 1}, TypeError), (3.5, TypeError),
])  # fmt: skip
def test_arrays_that_are_no_pictures(array, error):
    with pytest.raises(error):
        lmm.Message(array)


def test_pixels():
    rows = bytes(range(2 * 3)) + b"\xff\xff" + bytes(range(6, 12)) + b"\xff\xff"
    image = lmm.Image.from_pixels(rows, 2, 2, stride=8)
    assert image.tobytes() == bytes(range(12))
    assert lmm.Image.from_pixels(rows, 2, 2, stride=8, bottom_up=True).tobytes() == bytes([*range(6, 12), *range(6)])
    assert lmm.Image.from_pixels(bytes([1, 2, 3, 4]), 1, 1, "bgra").tobytes() == bytes([3, 2, 1])
    for size in ((0, 2), (2, -1), (1 << 62, 1 << 62), (3, 2), (1 << 70, 1)):
        with pytest.raises(lmm.InvalidArgument):
            lmm.Image.from_pixels(rows, *size, stride=8)
    with pytest.raises(lmm.InvalidArgument):
        lmm.Image.from_pixels(rows, 2, 2, stride=5)
    with pytest.raises(lmm.InvalidArgument, match="yuv"):
        lmm.Image.from_pixels(rows, 2, 2, "yuv")


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "CMYK"])
def test_pil_modes_are_made_rgb_as_the_reference_does(mode):
    image = PIL.Image.open(PICTURE).convert(mode)
    assert (array_of(lmm.Message(image).images[0]) == numpy.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pil_pictures_are_turned_as_files_are(tmp_path, orientation):
    image = PIL.Image.open(PICTURE).convert("RGB").resize((24, 16))
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "turned.png", exif=exif)
    opened = PIL.Image.open(tmp_path / "turned.png")
    assert (array_of(lmm.Message(opened).images[0]) == array_of(lmm.Image.open(tmp_path / "turned.png"))).all()


def test_text_is_never_a_path(session):
    session.ask(str(PICTURE), max_tokens=1)
    assert session.history[0].message.images == ()


def test_bytes_io_is_told_apart():
    with pytest.raises(TypeError, match="neither text nor a picture"):
        lmm.Message(io.BytesIO(PICTURE.read_bytes()))
    assert lmm.Message([pathlib.Path(PICTURE)]).images[0].width > 0
