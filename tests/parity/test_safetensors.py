"""lib/weights against the safetensors package: what it reads is read alike, what it refuses is refused."""
import json
import random
import struct
import subprocess

import numpy as np
import pytest

safetensors = pytest.importorskip("safetensors")
from safetensors.numpy import save_file  # noqa: E402

from conftest import BUILD  # noqa: E402

CASES = 4000


class Driver:
    def __init__(self, folder):
        self.process = subprocess.Popen([BUILD / "bin" / "safetensors_driver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.path = folder / "file.safetensors"

    def read(self, content):
        self.path.write_bytes(content)
        self.process.stdin.write(f"{self.path}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the driver ended"
        return json.loads(line)


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = Driver(tmp_path_factory.mktemp("safetensors"))
    yield driver
    driver.process.stdin.close()
    assert driver.process.wait(timeout=20) == 0


def file_of(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def reference(content):
    """{name: [dtype, shape, bytes]}, or None where the package refuses it."""
    try:
        tensors = safetensors.deserialize(content)
    except safetensors.SafetensorError:
        return None
    return {name: [info["dtype"], list(info["shape"]), bytes(info["data"])] for name, info in tensors}


def ours(driver, content):
    answer = driver.read(content)
    if "error" in answer:
        assert answer["error"] in ("bad_file", "unsupported"), answer
        return None, answer
    tensors = answer["tensors"]
    return {name: [dtype, shape, content[at : at + size]] for name, (dtype, shape, at, size) in tensors.items()}, answer


def repeats(content):
    """True where the header has a name twice: the package keeps the last, lmm refuses it."""
    length = struct.unpack("<Q", content[:8])[0]
    twice = []

    def unique(pairs):
        twice.append(len({name for name, _ in pairs}) < len(pairs))
        return dict(pairs)

    json.loads(content[8 : 8 + length], object_pairs_hook=unique)
    return any(twice)


SMALL = file_of({"b": {"dtype": "F16", "shape": [2, 3], "data_offsets": [4, 16]}, "__metadata__": {"format": "pt"},
                 "a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}, bytes(range(16)))


def mutated(pick):
    words = [b"0", b"4", b"-1", b"1e3", b"9223372036854775807", b"18446744073709551615", b'"F32"', b"null", b"[[", b'{"', b"}", b"],",
             b'"a":', b"__metadata__", b'"data_offsets":', b"\\u0000", b"\xc3", b"\xc3\xa9", b" ", b",", b'"U8"', b"16", b"1", b"F64"]
    content = bytearray(SMALL)
    for _ in range(pick.randint(1, 2)):
        at = pick.randrange(8, len(content)) if pick.random() < 0.8 else pick.randrange(len(content))
        how = pick.randrange(6)
        if how == 0:
            content[at] = pick.randrange(256)
        elif how == 1:
            content[at] ^= 1 << pick.randrange(8)
        elif how == 2:
            del content[at : at + pick.randint(1, 8)]
        elif how == 3:
            content[at:at] = pick.choice(words)
        elif how == 4:
            word = pick.choice(words)
            content[at : at + len(word)] = word
        else:
            start = pick.randrange(len(content))
            content[at:at] = content[start : start + pick.randrange(40)]
    end = content.rfind(b"}") + 1
    if end > 8 and pick.random() < 0.8:  # the length made right again, so that the content is reached
        content[:8] = struct.pack("<Q", end - 8)
        if pick.random() < 0.5:
            content[end:] = bytes(range(16))
    return bytes(content)


def test_every_type_is_read_alike(driver, tmp_path):
    rng = np.random.default_rng(1)
    tensors = {name: rng.integers(0, 2, shape).astype(dtype) for name, dtype, shape in [
        ("f64", "f8", (2, 3)), ("f32", "f4", (5,)), ("f16", "f2", (1, 1, 1)), ("i64", "i8", ()), ("i32", "i4", (0, 4)), ("i16", "i2", (7,)),
        ("i8", "i1", (3,)), ("u8", "u1", (2, 2)), ("bool", "?", (9,)), ("é 字\n", "f4", (1,)), ("u16", "u2", (3,)), ("u32", "u4", (3,)), ("u64", "u8", (3,))]}
    save_file(tensors, tmp_path / "x", metadata={"format": "pt", "a": "b"})
    content = (tmp_path / "x").read_bytes()
    assert ours(driver, content)[0] == reference(content)


def test_mutated_files_are_read_or_refused_alike(driver):
    pick = random.Random(5)
    seen = dict(both_read=0, both_refused=0, twice=0, stricter=0)
    for case in range(CASES):
        content = mutated(pick)
        expected, (mine, answer) = reference(content), ours(driver, content)
        if expected is None:
            assert mine is None, (case, content)
            seen["both_refused"] += 1
        elif mine is not None:
            assert mine == expected, (case, content)
            seen["both_read"] += 1
        elif repeats(content):
            assert "stands twice" in answer["message"], (case, content, answer)
            seen["twice"] += 1
        else:  # whitespace before the header's brace, and element types of less than a byte
            assert "does not begin with {" in answer["message"] or answer["error"] == "unsupported", (case, content, answer)
            seen["stricter"] += 1
    print(seen)
    assert seen["both_read"] > 150 and seen["both_refused"] > 1000, seen  # both ways are taken
