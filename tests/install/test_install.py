"""Programs of other people, built against what `cmake --install` leaves, where it was installed and after it was moved.

The build folder is LMM_BUILD. Each program asks the pocket model about a picture, as the installed command does.
LMM_LONG=1 also builds all of lmm as a part of another project.
"""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("LMM_BUILD", ROOT / "build")).resolve()
MODEL = ROOT / "examples" / "pocket" / "model"
PICTURE = ROOT / "examples" / "pictures" / "burger.png"

# What liblmm.so may need when it runs: libtorch and its OpenMP runtime; the reading of pictures and of sound; regular
# expressions and Unicode; formatting; the C++ and C runtime. Nothing else.
NEEDED = re.compile(
    r"lib(torch|torch_cpu|c10)\.so|libgomp.*\.so.*|lib(jpeg|png16|webp|webpdemux|gif|sndfile|mpg123|soxr|webrtc_audio_processing|z)\.so\.\d+"
    r"|lib(pcre2-8|utf8proc|fmt)\.so\.\d+|libstdc\+\+\.so\.6|libgcc_s\.so\.1|lib(c|m)\.so\.6|ld-linux.*\.so\.\d")


def run(*command, fails=False, **environment):
    """Its standard output; with `fails`, its standard error. Nothing of the caller's environment leads to libraries."""
    leading = ("LD_LIBRARY_PATH", "CMAKE_PREFIX_PATH", "Torch_DIR", "LMM_TORCH_PREFIX", "PKG_CONFIG_PATH")
    clean = {name: value for name, value in os.environ.items() if name not in leading}
    done = subprocess.run([str(part) for part in command], env=clean | environment, capture_output=True, text=True,
                          encoding="utf-8", timeout=300)
    assert (done.returncode != 0) == fails, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stderr if fails else done.stdout


def configure(project, folder, *options, **keywords):
    return run("cmake", "-S", HERE / project, "-B", folder, "-G", "Ninja", *options, **keywords)


def build(project, folder, *options):
    """Folder of the programs of tests/install/`project`."""
    configure(project, folder, *options)
    run("cmake", "--build", folder)
    return folder


def dynamic(file, tag):
    """Values of a tag in the dynamic section."""
    return re.findall(rf"\({tag}\).*\[(.*)\]", run("readelf", "-d", file))


def asked(program, *arguments):
    """The answers, one a line."""
    return [line.strip() for line in run(program, *arguments, MODEL, PICTURE).splitlines()]


def command(tree):
    return run(tree / "bin" / "lmm", "ask", MODEL, "-i", PICTURE, "Name the object.").strip()


@pytest.fixture(scope="module")
def torch():
    """Folder of the libtorch that lmm was built with."""
    cache = (BUILD / "CMakeCache.txt").read_text(encoding="utf-8")
    return pathlib.Path(re.search(r"^LMM_TORCH_PREFIX:\w+=(.*)$", cache, re.M).group(1))


def install(prefix):
    run("cmake", "--install", BUILD, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return install(tmp_path_factory.mktemp("install") / "usr")


@pytest.fixture(scope="module")
def answer(installed):
    text = command(installed)
    assert text
    return [text]


@pytest.fixture(scope="module", params=["installed", "moved"])
def tree(request, installed, tmp_path_factory):
    """A tree where it was installed, then one that was moved: nothing is left at its first place."""
    if request.param == "installed":
        return installed
    moved = tmp_path_factory.mktemp("moved") / "to here" / "opt"
    moved.parent.mkdir()
    return install(tmp_path_factory.mktemp("install") / "usr").rename(moved)


def test_tree(tree, torch, answer):
    library = tree / "lib" / "liblmm.so"
    for name in ("lib/liblmm_static.a", "lib/cmake/lmm/lmmConfig.cmake", "lib/cmake/lmm/lmmConfigVersion.cmake",
                 "lib/pkgconfig/lmm.pc", "lib/pkgconfig/lmm_static.pc", "include/lmm.h", "include/lmm/lmm.hpp"):
        assert (tree / name).is_file(), name
    assert dynamic(library, "SONAME") == [(tree / "lib" / "liblmm.so.0.1").name]
    assert dynamic(library, "RUNPATH") == [f"$ORIGIN:{torch}/lib"]
    assert dynamic(tree / "bin" / "lmm", "RUNPATH") == ["$ORIGIN/../lib"]
    assert [name for name in dynamic(library, "NEEDED") if not NEEDED.fullmatch(name)] == []
    for file in tree.rglob("*"):  # the build folder may hold libtorch, and is named nowhere else
        if file.is_file():
            assert os.fsencode(BUILD) not in file.read_bytes().replace(os.fsencode(torch), b""), file
    assert [command(tree)] == answer


def test_cpp(tree, answer, tmp_path):
    programs = build("cpp", tmp_path, f"-DCMAKE_PREFIX_PATH={tree}")
    assert asked(programs / "cpp_host") == answer
    assert asked(programs / "static_host") == answer
    assert "liblmm.so.0.1" in dynamic(programs / "cpp_host", "NEEDED")
    assert [name for name in dynamic(programs / "static_host", "NEEDED") if "lmm" in name] == []


def test_c(tree, answer, tmp_path):
    programs = build("c", tmp_path, f"-DCMAKE_PREFIX_PATH={tree}")
    assert asked(programs / "c_host") == answer
    assert asked(programs / "c_static_host") == answer
    assert [name for name in dynamic(programs / "c_static_host", "NEEDED") if "lmm" in name] == []
    exported = run("nm", "-D", "--defined-only", programs / "c_static_host")
    assert " main" in exported and "lmm" not in exported


def pkg_config(tree, package):
    flags = run("pkg-config", "--cflags", "--libs", package, PKG_CONFIG_PATH=str(tree / "lib" / "pkgconfig"))
    return subprocess.run(["bash", "-c", f"printf '%s\\n' {flags}"], capture_output=True, text=True,
                          check=True).stdout.splitlines()


def test_pkg_config(tree, answer, tmp_path):
    source = HERE / "c" / "main.c"
    shared, static = tmp_path / "shared", tmp_path / "static"
    run("cc", source, "-o", shared, *pkg_config(tree, "lmm"), f"-Wl,-rpath,{tree}/lib")
    run("cc", source, "-o", static, *pkg_config(tree, "lmm_static"), "-Wl,--no-undefined")
    assert asked(shared) == answer
    assert asked(static) == answer
    assert [name for name in dynamic(static, "NEEDED") if "lmm" in name] == []


def test_dlopen(tree, answer, tmp_path):
    programs = build("dlopen", tmp_path, f"-DCMAKE_PREFIX_PATH={tree}")
    assert dynamic(programs / "dlopen_host", "NEEDED") == ["libc.so.6"]
    assert asked(programs / "dlopen_host", tree / "lib" / "liblmm.so") == answer * 3


def test_beside_libtorch(installed, torch, answer, tmp_path):
    if (torch / "lib" / "libtorch_cuda.so").exists():
        pytest.skip("libtorch is a CUDA build: its own TorchConfig.cmake asks for the CUDA toolkit")
    programs = build("torch", tmp_path, f"-DCMAKE_PREFIX_PATH={installed};{torch}")
    assert asked(programs / "torch_host") == answer


def test_stripped(installed, answer, tmp_path):
    shutil.copytree(installed, tmp_path / "tree", symlinks=True)
    library = tmp_path / "tree" / "lib" / "liblmm.so"
    run("strip", library.resolve())
    assert [command(tmp_path / "tree")] == answer


def test_libraries_missing_for_static(installed, tmp_path):
    folders = {str(file.parent) for root in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
               for file in pathlib.Path(root).glob("**/libgif.so")}
    told = configure("c", tmp_path, f"-DCMAKE_PREFIX_PATH={installed}", f"-DCMAKE_IGNORE_PATH={';'.join(folders)}",
                     fails=True)
    assert "lmm::lmm_static is linked with libraries that were not found:" in " ".join(told.split())
    assert "libgif (package libgif-dev)" in " ".join(told.split())


@pytest.fixture
def away(installed, torch, tmp_path):
    """An installed tree whose libtorch has gone, and another place where there is one."""
    tree, place = tmp_path / "tree", tmp_path / "new place" / "libtorch"
    shutil.copytree(installed, tree, symlinks=True)
    script = tmp_path / "rpath.cmake"
    library = (tree / "lib" / "liblmm.so").resolve()
    script.write_text(f'file(RPATH_SET FILE "{library}" NEW_RPATH "\\$ORIGIN:/nowhere/lib")', encoding="utf-8")
    run("cmake", "-P", script)
    config = tree / "lib" / "cmake" / "lmm" / "lmmConfig.cmake"
    config.write_text(config.read_text(encoding="utf-8").replace(f'"{torch}"', '"/nowhere"'), encoding="utf-8")
    shutil.copytree(torch / "share" / "cmake" / "Torch", place / "share" / "cmake" / "Torch")
    (place / "include").symlink_to(torch / "include")
    (place / "lib").mkdir()
    for file in (torch / "lib").glob("lib*.so*"):
        (place / "lib" / file.name).symlink_to(file)
    return tree, place


def test_libtorch_moved(away, answer, tmp_path):
    tree, place = away
    told = configure("c", tmp_path / "without", f"-DCMAKE_PREFIX_PATH={tree}", fails=True)
    assert "pip install torch==" in told and "lmm was built with /nowhere" in told
    for number, option in enumerate((f"-DCMAKE_PREFIX_PATH={tree};{place}", f"-DLMM_TORCH_PREFIX={place}",
                                     f"-DTorch_DIR={place}/share/cmake/Torch")):
        configure("c", tmp_path / f"with{number}", f"-Dlmm_ROOT={tree}", option)
    run("cmake", "--build", tmp_path / "with0")
    assert asked(tmp_path / "with0" / "c_host") == answer
    assert asked(tmp_path / "with0" / "c_static_host") == answer


def test_libtorch_of_another_version(away, tmp_path):
    tree, place = away
    version = place / "share" / "cmake" / "Torch" / "TorchConfigVersion.cmake"
    version.write_text('set(PACKAGE_VERSION "2.12.1")\n', encoding="utf-8")
    told = configure("c", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={tree};{place}", fails=True)
    assert "is 2.12.1, but lmm was built with" in " ".join(told.split())


def test_libtorch_not_whole(away, tmp_path):
    tree, place = away
    (place / "lib" / "libc10.so").unlink()
    told = configure("c", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={tree};{place}", fails=True)
    assert "is not whole:" in told and "libc10.so is missing" in told


def test_subdirectory(torch, answer, tmp_path):
    """The project around lmm keeps its settings (it checks that itself); both libraries build in it."""
    configure("subdirectory", tmp_path, f"-DLMM_SOURCE={ROOT}", f"-DCMAKE_PREFIX_PATH={torch}")
    run("cmake", "--build", tmp_path, "--target", "parent_objects")
    compiled = run("ninja", "-C", tmp_path, "-t", "commands", "parent_objects")
    assert re.search(r"-O|-W|-fvisibility|-fPIC|-DNDEBUG", compiled) is None, compiled
    if os.environ.get("LMM_LONG") == "1":
        run("cmake", "--build", tmp_path)
        for host in ("subdirectory_host", "subdirectory_static_host"):
            assert asked(tmp_path / host) == answer
