"""What lmm.h declares, what liblmm.so exports, and the ABI dump of the first. Run as a program it writes
capi/lmm.symbols and capi/lmm.abi anew, after a change that is meant."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LMM_BUILD", ROOT / "build"))
LIBRARY = BUILD / "lib" / "liblmm.so"
HEADER = ROOT / "capi" / "lmm.h"
SYMBOLS = ROOT / "capi" / "lmm.symbols"
DUMP = ROOT / "capi" / "lmm.abi"


def declarations(header):
    """Function name → its declaration on one line, without comments."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    found = {}
    for declaration in re.findall(r"^LMM_CAPI\s+(.*?);", text, flags=re.S | re.M):
        line = re.sub(r"\s+", " ", declaration).strip()
        found[re.search(r"(lmm_\w+)\(", line)[1]] = line
    return found


def constants(header):
    """Name → number of every enumerator."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    return {name: int(value) for name, value in re.findall(r"\b(LMM_\w+) = (-?\d+)", text)}


def callback_types(header):
    """Name → the whole typedef of every type of callback and public struct."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    text = re.sub(r"\s+", " ", text)
    types = {name: whole for whole, name in re.findall(r"(typedef [\w ]+\**\(\*(lmm_\w+)\)\([^;]*\);)", text)}
    types.update({name: whole for whole, name in re.findall(r"(typedef struct (lmm_\w+) \{[^}]*\} \w+;)", text)})
    types.update({name: whole for whole, name in re.findall(r"(typedef u?int\d+_t (lmm_\w+);)", text)})
    return types


def exported(library):
    """Sorted lines "kind mangled-name" of what a shared library defines for others. The kind is that of nm, without the
    difference between data sections."""
    out = subprocess.run(["nm", "-D", "--defined-only", "--without-symbol-versions", str(library)], check=True, capture_output=True, text=True)
    lines = set()
    for line in out.stdout.splitlines():
        _, kind, name = line.rsplit(maxsplit=2)
        if kind != "A":  # the version's own name
            lines.add(f"{'D' if kind in 'BDRGS' else kind} {name}")
    return sorted(lines)


def stub_library(folder, header=HEADER):
    """A library of empty functions with the header's types, for abidw: small, quick, and of the C interface alone. That
    the true ones have these types is the compiler's to say, as each is defined where lmm.h is included."""
    source = folder / "stub.c"
    lines = ['#include "lmm.h"']
    for name, declaration in declarations(header).items():
        result = declaration[: declaration.index(f"{name}(")].strip()
        lines.append(f"{declaration} {{ {'' if result == 'void' else 'return 0;'} }}")
    source.write_text("\n".join(lines) + "\n")
    library = folder / "liblmm.so"
    subprocess.run(
        ["cc", "-g", "-O0", "-w", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{header.parent}", f"-ffile-prefix-map={folder}=.",
         "-Wl,-soname,liblmm.so.0.1", str(source), "-o", str(library)],
        check=True,
    )
    return library


def dump(folder, header=HEADER):
    out = folder / "lmm.abi"
    subprocess.run(
        ["abidw", "--no-corpus-path", "--no-show-locs", "--no-comp-dir-path", "--no-elf-needed", "--no-architecture", "--out-file", str(out),
         str(stub_library(folder, header))],
        check=True,
    )
    return out


def main():
    SYMBOLS.write_text("\n".join(exported(LIBRARY)) + "\n")
    print(f"{SYMBOLS}: {len(exported(LIBRARY))} symbols")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(dump(pathlib.Path(folder)), DUMP)
    print(f"{DUMP}: {DUMP.stat().st_size} bytes")


if __name__ == "__main__":
    main()
