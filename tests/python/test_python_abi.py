"""The declarations for ctypes are those of capi/lmm.h: each function, its result and its parameters; each constant."""

import ctypes
import re

import pytest
from binding import ROOT

from lmm import _abi, errors

HEADER = re.sub(r"/\*.*?\*/", " ", (ROOT / "capi/lmm.h").read_text(encoding="utf-8"), flags=re.S)
FUNCTIONS = re.findall(r"LMM_CAPI\s+([^;(]+?)\s*(lmm_\w+)\s*\(([^;]*?)\)\s*;", HEADER)
CONSTANTS = {
    name: int(value) for body in re.findall(r"enum\s*\{([^}]*)\}", HEADER) for name, value in re.findall(r"(\w+)\s*=\s*(\d+)", body)
}
CALLBACKS = {"lmm_on_progress": "OnProgress", "lmm_on_log": "OnLog", "lmm_on_tap": "OnTap", "lmm_on_piece": "OnPiece"}
INTEGERS = {name: base for base, name in re.findall(r"typedef\s+(u?int\d+_t)\s+(lmm_\w+)\s*;", HEADER)}


def split(parameters):
    return [] if parameters.strip() == "void" else [" ".join(each.split()) for each in parameters.split(",")]


def type_of(parameter):
    """The type in a parameter "const char* name" or "double place[2]"."""
    found = re.fullmatch(r"(.*?)\s*\b\w+(\[\d+\])?", parameter)
    return found[1] + ("*" if found[2] else "")


def expected(spelled, long_string=False):
    """What ctypes calls a type of C. long_string: it comes with a length."""
    spelled = re.sub(r"\s*\bconst\b\s*", "", spelled).strip()
    base, stars = spelled.rstrip("*"), spelled.count("*")
    if base == "void":
        return ctypes.c_void_p if stars else None
    if base == "char":
        if long_string:
            return ctypes.c_void_p
        return ctypes.c_char_p if stars == 1 else ctypes.POINTER(ctypes.c_char_p)
    if base == "lmm_release":
        return ctypes.c_void_p
    if base in CALLBACKS:
        return getattr(_abi, CALLBACKS[base])
    base = INTEGERS.get(base, base)
    if re.fullmatch(r"u?int\d+_t|size_t|double|float", base):
        kind = getattr(ctypes, "c_size_t" if base == "size_t" else "c_" + base.removesuffix("_t"))
    else:
        kind = getattr(_abi, "".join(part.capitalize() for part in base.removeprefix("lmm_").split("_")))
        assert kind._type_.__name__ == base
        stars -= 1
    for _ in range(stars):
        kind = ctypes.POINTER(kind)
    return kind


def test_the_header_is_read():
    assert len(FUNCTIONS) == HEADER.count("LMM_CAPI") - 2 > 100  # two are the macro's own


def test_the_same_functions():
    assert sorted(_abi.signatures()) == sorted(name for _, name, _ in FUNCTIONS)


@pytest.mark.parametrize("result, name, parameters", FUNCTIONS, ids=[name for _, name, _ in FUNCTIONS])
def test_signature(result, name, parameters):
    given = split(parameters)
    long_string = bool(given) and given[-1] == "size_t* length"
    assert _abi.signatures()[name] == (expected(result, long_string), [expected(type_of(each)) for each in given])


@pytest.mark.parametrize("name", CALLBACKS)
def test_callback(name):
    result, parameters = re.search(rf"typedef\s+(\w+)\s+\(\*{name}\)\(([^;]*)\);", HEADER).groups()
    kind = getattr(_abi, CALLBACKS[name])
    assert kind._restype_ == expected(result)
    given = split(parameters)
    for index, (mine, each) in enumerate(zip(kind._argtypes_, given)):
        long_string = type_of(each) == "const char*" and index + 1 < len(given) and given[index + 1].startswith("size_t ")
        assert mine == expected(type_of(each), long_string), each
    assert len(kind._argtypes_) == len(given)


def test_constants():
    names = {
        "LMM_OK": _abi.OK, "LMM_STOP": _abi.STOP, "LMM_GO_ON": _abi.GO_ON, "LMM_FALSE": 0, "LMM_TRUE": 1,
        "LMM_PART_NONE": 0, "LMM_PART_TEXT": _abi.PART_TEXT, "LMM_PART_IMAGE": _abi.PART_IMAGE,
        "LMM_PART_VIDEO": _abi.PART_VIDEO, "LMM_PART_AUDIO": _abi.PART_AUDIO,
        "LMM_STATE_RUNNING": _abi.RUNNING, "LMM_STATE_DONE": _abi.DONE, "LMM_STATE_FAILED": _abi.FAILED,
    }  # fmt: skip
    names |= {f"LMM_PIXEL_{name.upper()}": number for name, number in _abi.PIXEL_FORMATS.items()}
    names |= {f"LMM_SAMPLE_{name.upper()}": number for name, number in _abi.SAMPLE_FORMATS.items()}
    for prefix, listed in (("DTYPE", _abi.DTYPES), ("LOG", _abi.LOG_LEVELS), ("FINISH", _abi.FINISH_REASONS),
                           ("SPEECH_TIMES", _abi.SPEECH_TIMES), ("WEIGHTS", _abi.WEIGHT_TYPES)):  # fmt: skip
        names |= {f"LMM_{prefix}_{name.upper()}": number for number, name in enumerate(listed)}
    known = {name: number for name, number in CONSTANTS.items() if not name.startswith("LMM_ERROR_")}
    assert names == known
    codes = {name.removeprefix("LMM_ERROR_").lower() for name in CONSTANTS if name.startswith("LMM_ERROR_")}
    assert codes == set(errors.BY_CODE)


def test_version():
    found = [int(re.search(rf"LMM_H_VERSION_{part} (\d+)", HEADER)[1]) for part in ("MAJOR", "MINOR")]
    assert tuple(found) == _abi.VERSION


def test_every_generate_option_is_a_keyword():
    from lmm import GenerateOptions

    setters = {name.split("_", 4)[4] for _, name, _ in FUNCTIONS if re.match(r"lmm_generate_options_(set|add)_", name)}
    renamed = {"bad_word": "bad_words"}
    assert {renamed.get(name, name) for name in setters} | {"taps"} == set(GenerateOptions.__annotations__)
