import os
import pathlib
import subprocess
import sys

import pytest
from binding import MODEL, PACKAGE, PICTURE, ROOT

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def model():
    import lmm

    return lmm.Model.load(MODEL, dtype="fp32", threads=1)


@pytest.fixture
def session(model):
    import lmm

    with lmm.Session(model) as session:
        yield session


@pytest.fixture
def run():
    """Runs a Python program that has MODEL and PICTURE, and can import binding; gives its standard output. Its exit code must be `code`,
    and its standard error empty, or hold `stderr`."""

    def run(body, *, code=0, stderr=None, python=sys.executable, without=(), **variables):
        head = f"MODEL, PICTURE = {str(MODEL)!r}, {str(PICTURE)!r}\n"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PACKAGE), str(HERE)]), **variables}
        for name in without:
            environment.pop(name, None)
        done = subprocess.run(
            [python, "-c", head + body], env=environment, capture_output=True, text=True, timeout=300, cwd=ROOT
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert done.stderr == "" if stderr is None else stderr in done.stderr, done.stderr
        return done.stdout

    return run
