"""Models: weights and tokenizer of one checkpoint, shared by any number of sessions."""

from __future__ import annotations

import os
import threading
from ctypes import byref, c_int64, c_size_t, string_at
from dataclasses import dataclass
from typing import Any, Callable, Literal, Optional, Union, cast

from . import _abi, _convert, _keep
from ._handle import Handle, call, check_process, make, path, text
from ._library import library
from .errors import Cancelled, InvalidArgument
from .options import OnProgress, Progress
from .tokenizer import Tokenizer

DType = Literal["auto", "fp32", "bf16", "fp16"]
WeightType = Literal["full", "int8", "int4"]
LogLevel = Literal["debug", "info", "warning"]
OnLog = Callable[[LogLevel, str], object]
"""Called with a line about a model, on the thread that loads it and on its worker thread, by one of
them at a time. Calls that wait for a reply raise Busy in it; what it raises is passed to sys.unraisablehook."""
Folder = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class ModelInfo:
    """What a checkpoint is."""

    folder: str
    family: str  #: model_type, "idefics3"
    architecture: str  #: may be empty
    parameters: int  #: stored elements, tied ones once
    weight_bytes: int  #: of all tensors as stored
    context_length: int  #: tokens
    vocab_size: int  #: rows of the embedding
    stored_dtype: DType  #: that of most weights
    compute_dtype: DType  #: "auto" where no model was loaded
    sees_images: bool
    sees_videos: bool
    hears: bool  #: takes recordings
    transcribes: bool  #: writes down recordings, and nothing else (Whisper)
    has_chat_template: bool
    towers: tuple[str, ...]  #: "vision", "text"
    weight_files: tuple[str, ...]

    @classmethod
    def read(cls, folder: Folder) -> ModelInfo:
        """That of a checkpoint folder: config files and weight headers alone are read."""
        name = _convert.path(folder, "folder")
        handle = make(_abi.Info, "lmm_info_read", None, name, len(name), free="lmm_info_free")
        return _info(handle)


def _info(info: Any) -> ModelInfo:
    loaded = library()
    return ModelInfo(
        folder=path(loaded.lmm_info_folder, info),
        family=text(loaded.lmm_info_family, info) or "",
        architecture=text(loaded.lmm_info_architecture, info) or "",
        parameters=loaded.lmm_info_parameters(info),
        weight_bytes=loaded.lmm_info_weight_bytes(info),
        context_length=loaded.lmm_info_context_length(info),
        vocab_size=loaded.lmm_info_vocab_size(info),
        stored_dtype=cast(DType, _abi.DTYPES[loaded.lmm_info_stored_dtype(info)]),
        compute_dtype=cast(DType, _abi.DTYPES[loaded.lmm_info_compute_dtype(info)]),
        sees_images=bool(loaded.lmm_info_sees_images(info)),
        sees_videos=bool(loaded.lmm_info_sees_videos(info)),
        hears=bool(loaded.lmm_info_hears(info)),
        transcribes=bool(loaded.lmm_info_transcribes(info)),
        has_chat_template=bool(loaded.lmm_info_has_chat_template(info)),
        towers=tuple(text(loaded.lmm_info_tower, info, i) or "" for i in range(loaded.lmm_info_tower_count(info))),
        weight_files=tuple(
            path(loaded.lmm_info_weight_file, info, i) for i in range(loaded.lmm_info_weight_file_count(info))
        ),
    )


class Model:
    """Immutable, shared by any number of sessions in any threads. Its worker thread is the only one that computes.

    Its memory goes when it and its sessions are gone. A process forked from this one loads its own."""

    def __init__(self, handle: Handle) -> None:
        self._handle: Optional[Handle] = handle
        self._info = _info(library().lmm_model_info(handle))

    @classmethod
    def load(
        cls,
        folder: Folder,
        *,
        dtype: DType = "auto",
        weights: WeightType = "full",
        tower_weights: WeightType = "full",
        threads: int = 0,
        device: str = "cpu",
        cache_folder: Optional[Folder] = None,
        max_memory: int = 0,
        on_progress: Optional[OnProgress] = None,
        on_log: Optional[OnLog] = None,
    ) -> Model:
        """Loads a Hugging Face checkpoint folder as downloaded.

        dtype: number format of weights and activations; "auto": bf16 for a bf16 checkpoint, fp32 otherwise.
        weights: how the matrices of a text decoder, and of all of Whisper, are kept; "full": in the compute type; "int8": 8
        bits a weight and a scale for each 32, packed now, half of bf16's memory and faster; "int4": 4 bits, half of that and
        less exact.
        tower_weights: the same for the vision and audio towers of a model: "int8" makes encoding faster on processors without
        matrix tiles (AMX).
        threads: of the model's worker; 0: as many as the process may use. device: "cpu", "cuda" or "cuda:N".
        cache_folder: where packed weights are kept for later loads, which map them; made if it is not there. Where it can't
        be written to the log warns.
        max_memory: bytes that the weights may take, 0: no limit. on_progress: called on this thread with the stage
        "load"; giving False, or raising, cancels, as does Ctrl-C.
        Raises NotFound, ReadFailed, BadFile, Unsupported, BadTemplate, NoDevice, OutOfMemory, Cancelled.
        """
        name = _convert.path(folder, "folder")
        options = make(_abi.LoadOptions, "lmm_load_options_create", None, free="lmm_load_options_free")
        call("lmm_load_options_set_dtype", options, _abi.DTYPES.index(_convert.one_of(dtype, "dtype", _abi.DTYPES)))
        for option, kind in (("weights", weights), ("tower_weights", tower_weights)):
            number = _abi.WEIGHT_TYPES.index(_convert.one_of(kind, option, _abi.WEIGHT_TYPES))
            call(f"lmm_load_options_set_{option}", options, number)
        call("lmm_load_options_set_threads", options, _convert.integer(threads, "threads", bits=32))
        place = _convert.utf8(device, "device")
        call("lmm_load_options_set_device", options, place, len(place))
        if cache_folder is not None:
            kept = _convert.path(cache_folder, "cache_folder")
            call("lmm_load_options_set_cache_folder", options, kept, len(kept))
        call("lmm_load_options_set_max_memory", options, _convert.integer(max_memory, "max_memory", signed=False))
        if on_log is not None:
            _set_log(options, on_log)
        return cls(_Loading(name, options).wait(on_progress))

    @property
    def info(self) -> ModelInfo:
        """What was loaded."""
        return self._info

    @property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer(
            make(_abi.Tokenizer, "lmm_model_tokenizer", self._open(), free="lmm_tokenizer_free")
        )

    def sample_frames(self, total: int, fps: float, frames_per_second: float = 0) -> list[int]:
        """Which frames of a video of `total` frames, `fps` a second, the model would be shown: their indices, rising. Who
        decodes only these gives them with Video.from_sample. frames_per_second: how many to choose, as far as the model's
        limits on their number allow; 0: as many as the checkpoint says, which may be all.
        Raises Unsupported where the model takes no videos, InvalidArgument."""
        size = _convert.integer(total, "total")
        rates = _convert.real(fps, "fps"), _convert.real(frames_per_second, "frames_per_second")
        count = c_size_t()
        call("lmm_model_sample_frames", self._open(), size, *rates, None, 0, byref(count))
        indices = (c_int64 * count.value)()
        call("lmm_model_sample_frames", self._open(), size, *rates, indices, count.value, byref(count))
        return list(indices)

    def close(self) -> None:
        """Lets go of the model; sessions that were made of it go on."""
        self._handle = None

    def _open(self) -> Handle:
        handle = self._handle
        if handle is None:
            raise InvalidArgument("the model is closed")
        check_process(handle, "model")
        return handle

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<lmm.Model {self._info.family} {self._info.folder}>"


class _Loading:
    """Loading on a thread of its own, so that the one that waits can take signals, and be told of progress."""

    def __init__(self, folder: bytes, options: Handle) -> None:
        self._folder, self._options = folder, options
        self._model = Handle(_abi.Model, "lmm_model_free")
        self._error: BaseException | None = None
        self._now: Progress | None = None
        self._stop = False

    def _on_progress(self, _: Any, stage: bytes, done: int, total: int) -> int:
        self._now = Progress(stage.decode(), done, total)
        return _abi.STOP if self._stop else _abi.GO_ON

    def _load(self) -> None:
        try:
            kept = _keep.keep(_abi.OnProgress(self._on_progress))
            try:
                call(
                    "lmm_load_options_set_on_progress",
                    self._options, kept.callback, kept.user, _keep.RELEASE,
                )  # fmt: skip
            except BaseException:
                _keep.forget(kept)
                raise
            model = self._model
            call("lmm_model_load", None, self._folder, len(self._folder), self._options, byref(model.pointer))
        except BaseException as error:
            self._error = error
        finally:
            self._options.free()  # and with it the callback, which holds this object

    def wait(self, on_progress: Optional[OnProgress]) -> Handle:
        thread = threading.Thread(target=self._load, name="lmm load")
        thread.start()
        told: Progress | None = None
        failure: BaseException | None = None
        ended = False
        while not ended:
            try:
                thread.join(0.005)
                ended = not thread.is_alive()
                now = self._now
                if on_progress is not None and now is not None and now != told and not self._stop:
                    told = now
                    self._stop = on_progress(now) is False
            except BaseException as error:
                if failure is not None:  # told twice: it does not wait any longer
                    raise
                failure, self._stop = error, True
        if failure is not None:
            raise failure
        if self._error is not None:
            raise self._error
        if self._stop:  # told to stop when it had just ended
            raise Cancelled("cancelled by the caller")
        return self._model


def _set_log(options: Handle, on_log: OnLog) -> None:
    def write(_: Any, level: int, line: int, length: int) -> None:
        with _keep.on_worker():
            on_log(cast(LogLevel, _abi.LOG_LEVELS[level]), string_at(line, length).decode("utf-8", "replace"))

    kept = _keep.keep(_abi.OnLog(write))
    try:
        call("lmm_load_options_set_on_log", options, kept.callback, kept.user, _keep.RELEASE)
    except BaseException:
        _keep.forget(kept)
        raise
