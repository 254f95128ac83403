"""Tokenizer and chat template of a checkpoint."""

from __future__ import annotations

import os
from ctypes import byref, c_int32, c_size_t
from typing import Any, Iterable, Mapping, NamedTuple, Union

from . import _abi, _convert
from ._handle import Handle, call, make, text
from ._library import library


class Token(NamedTuple):
    id: int
    piece: str  #: as the tokenizer's file spells it


class Rendered(NamedTuple):
    """A conversation as the model is given it."""

    text: str  #: one placeholder a picture
    tokens: list[Token]


class Tokenizer:
    """Immutable, any thread. From Tokenizer.load, or a model's `tokenizer`."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    @classmethod
    def load(cls, folder: Union[str, "os.PathLike[str]"]) -> Tokenizer:
        """That of a Hugging Face folder; its weights need not be there."""
        name = _convert.path(folder, "folder")
        return cls(make(_abi.Tokenizer, "lmm_tokenizer_load", None, name, len(name), free="lmm_tokenizer_free"))

    def tokens(self, text: str, *, add_special_tokens: bool = True, parse_special: bool = True) -> list[Token]:
        """Tokens of a text, as the reference tokenizer gives them. add_special_tokens: with what the checkpoint puts
        around a text. parse_special: text that spells a special token becomes that token."""
        data = _convert.utf8(text, "text")
        handle = make(
            _abi.Tokens,
            "lmm_tokenizer_encode",
            self._handle,
            data,
            len(data),
            _convert.truth(add_special_tokens, "add_special_tokens"),
            _convert.truth(parse_special, "parse_special"),
            free="lmm_tokens_free",
        )
        return _tokens(handle)

    def encode(self, text: str, *, add_special_tokens: bool = True, parse_special: bool = True) -> list[int]:
        """Ids of tokens()."""
        return [
            token.id
            for token in self.tokens(text, add_special_tokens=add_special_tokens, parse_special=parse_special)
        ]

    def pieces(self, text: str, *, add_special_tokens: bool = True, parse_special: bool = True) -> list[str]:
        """Pieces of tokens()."""
        return [
            token.piece
            for token in self.tokens(text, add_special_tokens=add_special_tokens, parse_special=parse_special)
        ]

    def decode(self, ids: Iterable[int], *, skip_special_tokens: bool = True) -> str:
        """Text of ids. Raises InvalidArgument for one that names no token."""
        numbers = [_convert.integer(number, "an id", bits=32) for number in ids]
        handle = make(
            _abi.Text,
            "lmm_tokenizer_decode",
            self._handle,
            (c_int32 * len(numbers))(*numbers),
            len(numbers),
            _convert.truth(skip_special_tokens, "skip_special_tokens"),
            free="lmm_text_free",
        )
        return text(library().lmm_text_data, handle) or ""

    def render(self, messages: Union[list[Any], Mapping[str, Any], str]) -> Rendered:
        """Puts messages through the chat template, with the generation prompt. messages: a list as OpenAI's and Hugging
        Face's, or a dict with "messages", "tools" and template variables, or the JSON of either."""
        data = _convert.as_json(messages, "messages")
        rendered, tokens = Handle(_abi.Text, "lmm_text_free"), Handle(_abi.Tokens, "lmm_tokens_free")
        call(
            "lmm_tokenizer_render",
            self._handle, data, len(data), byref(rendered.pointer), byref(tokens.pointer),
        )  # fmt: skip
        return Rendered(text(library().lmm_text_data, rendered) or "", _tokens(tokens))

    @property
    def has_chat_template(self) -> bool:
        return bool(library().lmm_tokenizer_has_chat_template(self._handle))


def _tokens(handle: Handle) -> list[Token]:
    loaded, count = library(), c_size_t()
    ids = loaded.lmm_tokens_ids(handle, byref(count))
    return [
        Token(ids[index], text(loaded.lmm_tokens_piece, handle, index) or "") for index in range(count.value)
    ]
