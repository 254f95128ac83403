"""What keeps the C interface stable: the symbols that leave the library, the types of its functions, the header of the
first commit. A change that is meant is written down by `python tests/abi/abi.py`; see capi/CONVENTIONS.md for which may be."""

import pathlib
import shutil
import subprocess

import pytest

import abi

FIRST_HEADER = abi.ROOT / "tests" / "abi" / "v0" / "lmm.h"
CAPI_TESTS = sorted([*(abi.ROOT / "tests" / "capi").glob("*_test.cpp"), *(abi.ROOT / "tests" / "unit" / "capi").glob("*_test.cpp")])
FUZZ = abi.ROOT / "tests" / "fuzz" / "sequence.cpp"

needs_abigail = pytest.mark.skipif(
    shutil.which("abidw") is None or shutil.which("abidiff") is None, reason="no abidw here: package abigail-tools"
)


def test_exactly_the_listed_symbols_leave_the_library():
    assert abi.exported(abi.LIBRARY) == abi.SYMBOLS.read_text().splitlines(), "python tests/abi/abi.py writes the list anew"


def test_the_library_exports_what_the_header_declares():
    c_symbols = {line.split()[1] for line in abi.exported(abi.LIBRARY) if line.split()[1].startswith("lmm_")}
    assert c_symbols == set(abi.declarations(abi.HEADER))


def test_nothing_but_lmm_leaves_the_library():
    names = [line.split()[1] for line in abi.exported(abi.LIBRARY)]
    demangled = subprocess.run(["c++filt"], input="\n".join(names), check=True, capture_output=True, text=True).stdout.splitlines()
    for name in demangled:
        bare = name.removeprefix("typeinfo for ").removeprefix("typeinfo name for ").removeprefix("vtable for ")
        assert bare.startswith(("lmm_", "lmm::v0::")), name
    for needed in ("typeinfo for lmm::v0::Error", "lmm::v0::Model::load", "lmm::v0::Session::ask"):
        assert any(name.startswith(needed) for name in demangled), needed


def test_every_function_has_a_test_and_is_in_the_random_sequence():
    tests = "\n".join(path.read_text() for path in CAPI_TESTS)
    assert [name for name in abi.declarations(abi.HEADER) if f"{name}(" not in tests and f"{name})" not in tests and f"{name}," not in tests] == []
    sequence = FUZZ.read_text()
    assert [name for name in abi.declarations(abi.HEADER) if f"OP({name}," not in sequence and f"SET({name}," not in sequence and not name.startswith("lmm_error_")] == []


def test_every_function_has_a_word_in_the_header():
    bare = []
    described = False  # the lines of a group stand below one comment
    for line in abi.HEADER.read_text().splitlines():
        if line.startswith("LMM_CAPI"):
            described = described or "/*" in line
            if not described:
                bare.append(line)
        else:
            described = line.endswith("*/") or (described and line.startswith(" "))
    assert bare == []


def test_every_error_code_has_a_test():
    tests = "\n".join(path.read_text() for path in CAPI_TESTS)
    codes = [name for name in abi.constants(abi.HEADER) if name.startswith("LMM_ERROR_")]
    assert len(codes) == 12
    assert [code for code in codes if f"fails({code}" not in tests and f"== {code})" not in tests] == []


@pytest.mark.parametrize("what", [abi.declarations, abi.constants, abi.callback_types])
def test_what_the_first_header_declared_is_still_so(what):
    first, now = what(FIRST_HEADER), what(abi.HEADER)
    assert len(first) > 5
    assert {name: now.get(name) for name in first} == first


@needs_abigail
def test_the_types_are_those_of_the_committed_dump(tmp_path):
    fresh = abi.dump(tmp_path)
    compared = subprocess.run(["abidiff", str(abi.DUMP), str(fresh)], capture_output=True, text=True)
    assert compared.returncode == 0, compared.stdout + "python tests/abi/abi.py writes the dump anew"


@needs_abigail
def test_the_first_header_is_compatible(tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "now").mkdir()
    first, now = abi.dump(tmp_path / "first", FIRST_HEADER), abi.dump(tmp_path / "now")
    compared = subprocess.run(["abidiff", "--no-added-syms", str(first), str(now)], capture_output=True, text=True)
    assert compared.returncode == 0, compared.stdout


@needs_abigail
def test_a_changed_type_is_noticed(tmp_path):
    text = abi.HEADER.read_text()
    changed = text.replace("int32_t threads,", "int64_t threads,")
    assert changed != text
    (tmp_path / "lmm.h").write_text(changed)
    fresh = abi.dump(tmp_path, tmp_path / "lmm.h")
    assert subprocess.run(["abidiff", str(abi.DUMP), str(fresh)], capture_output=True).returncode != 0
