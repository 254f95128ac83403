"""Lets transformers find torchvision, in the folder torchvision of the virtual environment or the one that LMM_TORCHVISION names:
the processors of Qwen and of SmolVLM2 need it. It is imported before transformers is, by conftest.py."""
import os
import pathlib
import sys

FOLDER = pathlib.Path(os.environ.get("LMM_TORCHVISION") or pathlib.Path(sys.prefix) / "torchvision")
THERE = (FOLDER / "torchvision").exists()

if THERE:
    sys.path.insert(0, str(FOLDER))
    import torch

    # torchvision's wheel is built for another torch (CUDA's); its Python part is all that is used here, and it asks for
    # the operators of its library by name when it is imported.
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def require():
    import pytest

    if not THERE:
        pytest.skip(f"{FOLDER} is not there: cmake/setup.sh puts torchvision into it", allow_module_level=True)
