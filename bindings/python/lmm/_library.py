"""Finding and loading liblmm.so, once, at the first call that needs it.

One libtorch a process: liblmm.so and Python's torch ask for it by the same name (libtorch_cpu.so), so whichever is
loaded first brings the one that both use. That works in either order where both are of the same minor version. The
library is loaded with RTLD_LOCAL, as torch loads its own: the symbols of neither are visible to the other, or to
other modules, beyond what they link to.
"""

from __future__ import annotations

import os
import sys
import threading
from ctypes import CDLL
from pathlib import Path
from typing import Any

from . import _abi
from .errors import LibraryNotFound

VARIABLE = "LMM_LIBRARY"
NAMES = (f"liblmm.so.{_abi.VERSION[0]}.{_abi.VERSION[1]}", "liblmm.so")

_lock = threading.Lock()
_loaded: tuple[Any, str] | None = None


def library() -> Any:
    """The library, loaded. Any thread. Raises LibraryNotFound."""
    return (_loaded or _load())[0]


def library_path() -> str:
    """Path of the library that is used, or its bare name where the system found it. Raises LibraryNotFound."""
    return (_loaded or _load())[1]


def _load() -> tuple[Any, str]:
    global _loaded
    with _lock:
        if _loaded is None:
            path, loaded = _open()
            _check(path, loaded)
            _loaded = (loaded, path)
        return _loaded


def _in(folder: Path) -> list[Path]:
    return [folder / name for name in NAMES]


def _candidates() -> list[Path]:
    """Files to try, before the system is asked: beside this package, then in the tree that Python is installed in."""
    package = Path(__file__).resolve().parent
    places = _in(package)
    for prefix in dict.fromkeys((sys.prefix, sys.base_prefix)):
        places += _in(Path(prefix, "lib")) + _in(Path(prefix, "lib64"))
    return places


def _open() -> tuple[str, CDLL]:
    given = os.environ.get(VARIABLE)
    if given is not None:
        path = Path(given)
        places = _in(path) if path.is_dir() else [path]
        for place in places:
            if place.is_file():
                return str(place), _dlopen(str(place.resolve()))
        raise LibraryNotFound(
            f"{VARIABLE} is {given!r}, which is neither liblmm.so nor a folder with it; "
            "set it to a build's or an installed tree's lib, or unset it"
        )
    places = _candidates()
    for place in places:
        if place.is_file():
            return str(place), _dlopen(str(place))
    for name in NAMES:
        try:
            return name, CDLL(name)
        except OSError as error:
            if f"{name}: cannot open shared object file" not in str(error):  # it is there, but does not load
                raise LibraryNotFound(_why(name, error)) from None
    folders = ", ".join(dict.fromkeys(str(place.parent) for place in places))
    raise LibraryNotFound(
        f"liblmm.so was not found: looked for {' and '.join(NAMES)} in {folders}, and where the system's loader looks "
        f"(LD_LIBRARY_PATH, ldconfig); build or install lmm, and set {VARIABLE} to that library or to its folder"
    )


def _dlopen(path: str) -> CDLL:
    try:
        return CDLL(path)
    except OSError as error:
        raise LibraryNotFound(_why(path, error)) from None


def _why(path: str, error: OSError) -> str:
    text = " ".join(str(error).split())
    torch: Any = sys.modules.get("torch")
    if "undefined symbol" in text and torch is not None:
        version = getattr(torch, "__version__", "of unknown version")
        return f"{path} does not fit torch {version}, which is imported already and whose libtorch it shares: {text}"
    if "libtorch" in text or "libc10" in text:
        return f"{path} does not find libtorch, for which it looks beside itself and where it was built: {text}"
    return f"{path} could not be loaded: {text}"


def _check(path: str, loaded: Any) -> None:
    missing = _abi.declare(loaded)
    if "lmm_version_number" in missing:
        raise LibraryNotFound(f"{path} is not liblmm, or one without the C interface: lmm_version_number is not in it")
    number = loaded.lmm_version_number()
    found = (number // 1_000_000, number // 1000 % 1000)
    if found != _abi.VERSION or missing:
        lacks = f" and lacks {missing[0]}" if missing else ""
        raise LibraryNotFound(
            f"{path} is lmm {found[0]}.{found[1]}{lacks}; this Python package is for "
            f"{_abi.VERSION[0]}.{_abi.VERSION[1]}: install the one that came with it"
        )
