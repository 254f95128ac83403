"""Finding the library, and the package as it is installed."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from binding import MODEL, PACKAGE, PICTURE, ROOT

LIBRARY = pathlib.Path(os.environ["LMM_LIBRARY"])
LIBRARY = next(path for path in (LIBRARY / "liblmm.so.0.1", LIBRARY) if path.is_file()).resolve()
SAY = "import lmm; print(lmm.library_path(), lmm.library_version())"
FAIL = "import lmm\ntry: lmm.library_version()\nexcept lmm.LibraryNotFound as error: print(error.code, isinstance(error, ImportError), error)"


def test_by_variable(run, tmp_path):
    file = tmp_path / "any.so"
    file.symlink_to(LIBRARY)
    assert run(SAY, LMM_LIBRARY=str(file)) == f"{file} 0.1.0\n"
    (tmp_path / "liblmm.so").symlink_to(LIBRARY)
    assert run(SAY, LMM_LIBRARY=str(tmp_path)) == f"{tmp_path}/liblmm.so 0.1.0\n"


def test_variable_that_leads_nowhere(run, tmp_path):
    out = run(FAIL, LMM_LIBRARY=str(tmp_path))
    assert out.startswith("library True LMM_LIBRARY is ") and str(tmp_path) in out and "set it to" in out and out.count("\n") == 1


def test_beside_the_package(run, tmp_path):
    shutil.copytree(PACKAGE / "lmm", tmp_path / "lmm")
    (tmp_path / "lmm/liblmm.so.0.1").symlink_to(LIBRARY)
    out = run(SAY, without=["LMM_LIBRARY"], PYTHONPATH=str(tmp_path))
    assert out == f"{tmp_path}/lmm/liblmm.so.0.1 0.1.0\n"


def test_where_the_system_looks(run, tmp_path):
    (tmp_path / "liblmm.so.0.1").symlink_to(LIBRARY)
    assert run(SAY, without=["LMM_LIBRARY"], LD_LIBRARY_PATH=str(tmp_path)) == "liblmm.so.0.1 0.1.0\n"


def test_nowhere(run):
    out = run(FAIL, without=["LMM_LIBRARY", "LD_LIBRARY_PATH"])
    if not out:
        pytest.skip("lmm is installed on this machine")
    for part in ("liblmm.so.0.1 and liblmm.so", str(PACKAGE / "lmm"), sys.prefix, "LD_LIBRARY_PATH", "set LMM_LIBRARY"):
        assert part in out
    assert out.count("\n") == 1


def test_no_library_at_all(run, tmp_path):
    (tmp_path / "liblmm.so").write_bytes(b"no library")
    out = run(FAIL, LMM_LIBRARY=str(tmp_path))
    assert "could not be loaded" in out and str(tmp_path) in out and out.count("\n") == 1


def test_another_library(run, tmp_path):
    source = tmp_path / "other.c"
    out = tmp_path / "liblmm.so"
    for code, parts in (("int x;", ["is not liblmm"]), ("unsigned lmm_version_number(void) { return 2003000; }", ["is lmm 2.3", "is for 0.1"])):
        source.write_text(code)
        subprocess.run(["gcc", "-shared", "-fPIC", source, "-o", out], check=True)
        told = run(FAIL, LMM_LIBRARY=str(out))
        assert all(part in told for part in parts) and told.count("\n") == 1


def test_a_libtorch_that_does_not_fit(run, tmp_path):
    """As where another version of torch was imported before."""
    (tmp_path / "other.c").write_text("int of_another_libtorch(void); int lmm(void) { return of_another_libtorch(); }")
    subprocess.run(["gcc", "-shared", "-fPIC", tmp_path / "other.c", "-o", tmp_path / "liblmm.so"], check=True)
    torch = "import sys, types; sys.modules['torch'] = types.SimpleNamespace(__version__='9.9')\n"
    out = run(torch + FAIL, LMM_LIBRARY=str(tmp_path))
    assert "does not fit torch 9.9, which is imported already" in out and "of_another_libtorch" in out and out.count("\n") == 1


def test_a_libtorch_that_is_not_there(run, tmp_path):
    stub, out = tmp_path / "libtorch_cpu.so", tmp_path / "liblmm.so"
    (tmp_path / "other.c").write_text("int x;")
    subprocess.run(["gcc", "-shared", "-fPIC", tmp_path / "other.c", "-Wl,-soname,libtorch_cpu.so", "-o", stub], check=True)
    link = ["-Wl,--no-as-needed", stub, "-o", out]
    subprocess.run(["gcc", "-shared", "-fPIC", tmp_path / "other.c", *link], check=True)
    stub.unlink()
    told = run(FAIL, LMM_LIBRARY=str(out), without=["LD_LIBRARY_PATH"])
    assert "does not find libtorch" in told and told.count("\n") == 1


def test_nothing_is_loaded_before_it_is_needed(run):
    assert run("import lmm; print(lmm.__version__)", LMM_LIBRARY="/nowhere") == "0.1.0\n"


# Installed: in an environment that has nothing but pip


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Python of a virtual environment of its own, with the package and nothing else in it."""
    folder = tmp_path_factory.mktemp("clean")
    source = folder / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    # Built with the setuptools that is here, so that no network is needed; otherwise as `pip install ./bindings/python`.
    offline = ["--no-index", "--no-deps"]
    subprocess.run([*pip, "wheel", *offline, "--no-build-isolation", "-w", folder, source], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv/bin/python"
    subprocess.run([*pip, "--python", python, "install", *offline, *folder.glob("lmm-*.whl")], check=True)
    return python


def test_installed(clean, run):
    has = "import importlib.util; print([name for name in ('torch', 'numpy', 'PIL') if importlib.util.find_spec(name)])"
    assert run(has, python=clean, without=["PYTHONPATH"]) == "[]\n"
    where = "import lmm, importlib.metadata as m; print(lmm.__file__, m.version('lmm') == lmm.__version__, m.requires('lmm'))"
    out = run(where, python=clean, without=["PYTHONPATH"]).split()
    assert out[0].startswith(str(clean.parents[1])) and out[1:] == ["True", "None"]
    package = pathlib.Path(out[0]).parent
    assert {path.name for path in package.iterdir() if path.is_file()} == {path.name for path in (PACKAGE / "lmm").iterdir() if path.is_file()}


def test_hello(clean):
    script = ROOT / "examples/hello_python/hello.py"
    assert len(script.read_text().splitlines()) < 40
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def hello(*arguments):
        done = subprocess.run([clean, script, *arguments], env=environment, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout, done.stderr

    code, out, err = hello(MODEL, PICTURE)
    assert (code, err) == (0, "") and "burger" in out and out.endswith(" new tokens)\n")
    assert hello()[0] == 2
    code, out, err = hello(MODEL, "none.png")
    assert code == 1 and err.startswith("error: none.png") and err.count("\n") == 1


def test_instruction_sets_are_limited(run):
    """LMM_MAX_ISA is read once in a process: the log says which kernels were taken."""
    logged = "import lmm; lmm.Model.load(MODEL, on_log=lambda level, line: 'kernels' in line and print(line.split(', ')[-2]))"
    kernels = ["portable", "avx2", "avx512"]
    for widest, limit in enumerate(kernels, 1):
        assert run(logged, LMM_MAX_ISA=limit).strip() in [f"{name} kernels" for name in kernels[:widest]]
