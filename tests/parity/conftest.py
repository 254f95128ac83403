import os
import pathlib

import pytest

import torchvision_here  # noqa: F401

os.environ.setdefault("HF_HUB_OFFLINE", "1")

BUILD = pathlib.Path(os.environ.get("LMM_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
LONG = os.environ.get("LMM_LONG") == "1"

_notes = []


@pytest.fixture(scope="session")
def lmm():
    """The lmm command."""
    path = BUILD / "bin" / "lmm"
    assert path.exists(), f"{path} is not there: build it with LMM_BUILD_ENGINE=ON"
    return path


@pytest.fixture(scope="session")
def note():
    """Takes lines for the end of the report: what was counted rather than asserted, such as near ties."""
    return _notes.append


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # of several processes: this one's lines go to the one that reports
        session.config.workeroutput["notes"] = _notes


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    _notes.extend(getattr(node, "workeroutput", {}).get("notes", []))


def pytest_terminal_summary(terminalreporter):
    if _notes:
        terminalreporter.section("counted")
        for line in _notes:
            terminalreporter.line(line)
