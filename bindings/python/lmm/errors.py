"""What goes wrong: LmmError, one line of text each, with a class for every code of the C interface."""

from __future__ import annotations


class LmmError(Exception):
    """A call failed. Its text is one line: what, expected, actual, where. `code` is the C interface's name for it."""

    code = "unknown"


class InvalidArgument(LmmError, ValueError):
    """An argument or option is out of range, contradictory, or not for this model."""

    code = "invalid_argument"


class NotFound(LmmError, FileNotFoundError):
    """A file or folder does not exist."""

    code = "not_found"


class ReadFailed(LmmError, OSError):
    """Reading failed: permissions, a broken disk."""

    code = "io"


class BadFile(LmmError, ValueError):
    """A file is truncated, malformed or inconsistent: JSON, safetensors, pictures."""

    code = "bad_file"


class Unsupported(LmmError):
    """The checkpoint, or the process after a fork, asks for what lmm does not do."""

    code = "unsupported"


class OutOfMemory(LmmError, MemoryError):
    """An allocation failed, or would exceed max_memory."""

    code = "out_of_memory"


class ContextOverflow(LmmError):
    """The prompt does not fit into the model's context."""

    code = "context_overflow"


class Cancelled(LmmError):
    """The caller, or one of its callbacks, cancelled."""

    code = "cancelled"


class Busy(LmmError):
    """The session is used by another call, or the call is not for this thread."""

    code = "busy"


class NoDevice(LmmError):
    """The device asked for is not there."""

    code = "no_device"


class BadTemplate(LmmError):
    """The chat template is malformed, raised an exception, or exceeded its limits."""

    code = "bad_template"


class InternalError(LmmError):
    """A defect of lmm: please report."""

    code = "internal"


class LibraryNotFound(LmmError, ImportError):
    """liblmm.so was not found, could not be loaded, or is of another version."""

    code = "library"


BY_CODE: dict[str, type[LmmError]] = {
    kind.code: kind
    for kind in (
        InvalidArgument, NotFound, ReadFailed, BadFile, Unsupported, OutOfMemory, ContextOverflow, Cancelled, Busy,
        NoDevice, BadTemplate, InternalError,
    )
}  # fmt: skip
