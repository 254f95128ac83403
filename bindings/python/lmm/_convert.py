"""What Python gives, checked and made into what the C interface takes."""

from __future__ import annotations

import json
import operator
import os
from typing import Any

from .errors import InvalidArgument


def utf8(value: Any, name: str) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type(value).__name__}, expected str")
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"{name} has half a surrogate pair at {error.start}, which no UTF-8 spells") from None


def path(value: Any, name: str) -> bytes:
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"{name} is {type(value).__name__}, expected a path")
    return os.fsencode(value)


def integer(value: Any, name: str, bits: int = 64, signed: bool = True) -> int:
    """Any object that stands for a whole number; ctypes would cut off the bits that are too many."""
    if isinstance(value, bool):
        raise TypeError(f"{name} is bool, expected int")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {type(value).__name__}, expected int") from None
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= number <= high:
        raise InvalidArgument(f"{name} is {number}, expected {low} to {high}")
    return number


def real(value: Any, name: str) -> float:
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} is {type(value).__name__}, expected float")
    return float(value)


def truth(value: Any, name: str) -> int:
    if not isinstance(value, bool) and type(value).__name__ not in ("bool_", "bool"):  # the latter are numpy's
        raise TypeError(f"{name} is {type(value).__name__}, expected bool")
    return int(bool(value))


def as_json(value: Any, name: str) -> bytes:
    """JSON of a Python object; a str is taken for JSON already."""
    if isinstance(value, str):
        return utf8(value, name)
    try:
        return json.dumps(value, ensure_ascii=True, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"{name} cannot be written as JSON: {error}") from None


def one_of(value: Any, name: str, known: Any) -> Any:
    if value not in known:
        raise InvalidArgument(f"{name} is {value!r}, expected one of {', '.join(known)}")
    return value
