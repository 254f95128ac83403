"""Where things are, for the tests of the Python package: out of the source tree, over the library of the build."""

import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LMM_BUILD", ROOT / "build")).resolve()
PACKAGE = ROOT / "bindings/python"
MODEL = ROOT / "examples/pocket/model"
PICTURES = ROOT / "examples/pictures"
PICTURE = PICTURES / "burger.png"
QUESTION = "Name the object."


def slow(tokens=150, seconds=0.03):
    """Options of a reply that cannot be over before it is cancelled: the worker sleeps at each token."""
    return {"max_tokens": tokens, "ignore_eos": True, "taps": "logits", "on_tap": lambda _: time.sleep(seconds)}


os.environ.setdefault("LMM_LIBRARY", str(BUILD / "lib"))
sys.path.insert(0, str(PACKAGE))
