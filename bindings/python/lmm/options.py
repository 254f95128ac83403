"""How a reply is generated: the keywords of ask, stream, astream, start and edit_last."""

from __future__ import annotations

from ctypes import c_double, string_at
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Literal, Mapping, NamedTuple, Optional, TypedDict, Union

from . import _abi, _convert, _keep
from ._handle import Handle, call, make


class Progress(NamedTuple):
    """How far a long call has come: done of total, in the unit of the stage."""

    stage: str  #: "load", "preprocess", "encode" or "prefill"; of speech "scan", "encode" or "decode"
    done: int
    total: int  #: 0 before and after


OnProgress = Callable[[Progress], object]
"""Called on the thread that made the call. Giving False, or raising, cancels it."""


@dataclass(frozen=True)
class Tap:
    """An intermediate of the forward pass, copied."""

    name: str  #: e.g. "vision.layer.3.attn_out"
    shape: tuple[int, ...]
    data: memoryview[float]  #: its elements, row-major, as fp32: numpy.asarray(tap.data).reshape(tap.shape)


OnTap = Callable[[Tap], object]
"""Called on the model's worker thread. Giving False ends the reply; what it raises comes out of the call. Calls
that wait for a reply raise Busy in it."""


SpeechTimes = Literal["none", "segments", "words"]


class GenerateOptions(TypedDict, total=False):
    """What is left out, or None, takes the checkpoint's generation_config.json, then the reference's default."""

    max_tokens: Optional[int]  #: most new tokens
    min_tokens: Optional[int]  #: the reply does not end before so many
    sample: Optional[bool]  #: False: greedy
    temperature: Optional[float]  #: 0 or more; 0 means greedy
    top_k: Optional[int]  #: 0: off
    top_p: Optional[float]  #: 0 to 1
    min_p: Optional[float]  #: 0 to 1
    typical_p: Optional[float]  #: above 0, to 1
    repetition_penalty: Optional[float]  #: above 0; 1: off
    presence_penalty: Optional[float]  #: -2 to 2, over the new tokens
    frequency_penalty: Optional[float]  #: -2 to 2, over the new tokens
    no_repeat_ngram: Optional[int]  #: no run of so many tokens comes twice; 0: off
    bad_words: Union[str, Iterable[str], None]  #: texts that are never produced
    logit_bias: Optional[Mapping[int, float]]  #: token id to what is added to its logit
    stop: Union[str, Iterable[str], None]  #: texts that end the reply and are not part of it
    seed: Optional[int]  #: the same seed, the same reply
    raw: Optional[bool]  #: the message is the prompt itself: no chat template, no history
    ignore_eos: Optional[bool]  #: end tokens do not end the reply
    paused: Optional[bool]  #: start() only: nothing happens before resume() or step()
    #: The speech_* options: how a Whisper model, alone or as transcriber, writes down speech.
    speech_language: Optional[str]  #: code or English name, "de" or "German"; "": heard from the first 30 s
    speech_translate: Optional[bool]  #: into English
    speech_times: Optional[SpeechTimes]  #: which times the transcript has; "segments" by default
    speech_prompt: Optional[str]  #: text that goes before: names, spelling, style
    speech_condition_on_previous: Optional[bool]  #: each window of 30 s is told the text of the one before
    speech_beams: Optional[int]  #: 1 to 32, at temperature 0
    speech_temperatures: Optional[Iterable[float]]  #: tried in this order until the thresholds hold; each 0 to 1
    speech_compression_ratio_threshold: Optional[float]  #: a window above is tried again
    speech_log_probability_threshold: Optional[float]  #: a window below is tried again
    speech_no_speech_threshold: Optional[float]  #: a window above, and below the one before, is silent
    taps: Optional[str]  #: glob over names of intermediates, "vision.*"; with on_tap
    on_tap: Optional[OnTap]
    on_progress: Optional[OnProgress]  #: of "preprocess", "encode" and "prefill"; not for start()


_INTEGERS = {"max_tokens": True, "min_tokens": True, "top_k": True, "no_repeat_ngram": True, "seed": False,
             "speech_beams": True}  # signed  # fmt: skip
_REALS = (
    "temperature", "top_p", "min_p", "typical_p", "repetition_penalty", "presence_penalty", "frequency_penalty",
    "speech_compression_ratio_threshold", "speech_log_probability_threshold", "speech_no_speech_threshold",
)  # fmt: skip
_TRUTHS = ("sample", "raw", "ignore_eos", "paused", "speech_translate", "speech_condition_on_previous")
_STRINGS = ("speech_language", "speech_prompt")
_TEXTS = {"bad_words": "bad_word", "stop": "stop"}
_NAMES = (*_INTEGERS, *_REALS, *_TRUTHS, *_STRINGS, *_TEXTS, "speech_times", "speech_temperatures", "logit_bias", "taps", "on_tap", "on_progress")


class Prepared:
    """Options as the library takes them, and the callbacks that Python calls itself."""

    def __init__(self, given: Mapping[str, Any], method: str, without: tuple[str, ...] = (), only: str = "") -> None:
        """only: what the names of the options begin with."""
        known = [name for name in GenerateOptions.__annotations__ if name not in without and name.startswith(only)]
        for name in given:
            if name not in known:
                raise TypeError(f"{method}() has no option {name!r}: the options are {', '.join(known)}")
        options = {name: value for name, value in given.items() if value is not None}
        self.failure: list[BaseException] = []  #: what on_tap raised
        self.on_progress: OnProgress | None = options.pop("on_progress", None)
        self.handle = make(
            _abi.GenerateOptions, "lmm_generate_options_create", None, free="lmm_generate_options_free"
        )
        taps, on_tap = options.pop("taps", None), options.pop("on_tap", None)
        if (taps is None) != (on_tap is None):
            raise TypeError(f"{method}() takes taps and on_tap together, or neither")
        self.observed = on_tap is not None
        if on_tap is not None:
            _set_tap(self.handle, _convert.utf8(taps, "taps"), on_tap, self.failure)
        for name, value in options.items():
            _set(self.handle, name, value)


def _set(handle: Handle, name: str, value: Any) -> None:
    setter = f"lmm_generate_options_set_{name}"
    if name in _INTEGERS:
        call(setter, handle, _convert.integer(value, name, signed=_INTEGERS[name]))
    elif name in _REALS:
        call(setter, handle, _convert.real(value, name))
    elif name in _TRUTHS:
        call(setter, handle, _convert.truth(value, name))
    elif name in _STRINGS:
        data = _convert.utf8(value, name)
        call(setter, handle, data, len(data))
    elif name == "speech_times":
        call(setter, handle, _abi.SPEECH_TIMES.index(_convert.one_of(value, name, _abi.SPEECH_TIMES)))
    elif name == "speech_temperatures":
        numbers = [_convert.real(number, name) for number in value]
        call(setter, handle, (c_double * len(numbers))(*numbers), len(numbers))
    elif name in _TEXTS:
        for entry in [value] if isinstance(value, str) else value:
            data = _convert.utf8(entry, name)
            call(f"lmm_generate_options_add_{_TEXTS[name]}", handle, data, len(data))
    else:
        for token, bias in value.items():
            call(setter, handle, _convert.integer(token, name, bits=32), _convert.real(bias, name))


def _set_tap(handle: Handle, glob: bytes, on_tap: OnTap, failure: list[BaseException]) -> None:
    def observe(_: Any, name: int, length: int, shape: Any, rank: int, data: Any) -> int:
        try:
            sizes = tuple(shape[:rank])
            count = 1
            for size in sizes:
                count *= size
            elements: Any = memoryview(bytearray(string_at(data, count * 4) if count else b"")).cast("f")
            with _keep.on_worker():
                goes_on = on_tap(Tap(string_at(name, length).decode("utf-8", "replace"), sizes, elements))
            return _abi.STOP if goes_on is False else _abi.GO_ON
        except BaseException as error:
            failure.append(error)
            return _abi.STOP

    kept = _keep.keep(_abi.OnTap(observe))
    try:
        call(
            "lmm_generate_options_set_on_tap",
            handle, glob, len(glob), kept.callback, kept.user, _keep.RELEASE,
        )  # fmt: skip
    except BaseException:
        _keep.forget(kept)
        raise
