"""Says which torch wheel pip would install, without downloading it: `cpu NAME` or `cuda NAME (SIZE)`.

pip names the file and its size before it downloads; this stops it there. Where the index serves the metadata of a
wheel on its own, pip gets along without the wheel, and its report tells what the wheel would bring with it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from urllib.parse import unquote

WHEEL = re.compile(r"(torch-[^\s/]+?\.whl)(?:[^\s.]*)\s*(?:\(([\d.]+) ([kMG]B)\))?$")
LARGEST_CPU_WHEEL_MB = 400


def megabytes(number, unit):
    return float(number) * {"kB": 1e-3, "MB": 1, "GB": 1e3}[unit]


def needs_cuda(report):
    with open(report, encoding="utf-8") as file:
        packages = json.load(file)["install"]
    names = [need for package in packages for need in package["metadata"].get("requires_dist", [])]
    return any(name.lower().startswith(("nvidia-", "cuda-")) and "extra ==" not in name for name in names)


def main(version):
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps",
                   "--disable-pip-version-check", "--progress-bar", "off", "--report", report, f"torch=={version}"]
        lines, wheel = [], None
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
            for line in pip.stdout:
                lines.append(line)
                found = WHEEL.search(unquote(line.strip()))
                if not found:
                    continue
                wheel, size, unit = found.groups()
                if "+cpu" in wheel or size:
                    pip.kill()
                    break
        if wheel is None:
            sys.exit("".join(lines) + f"error: pip found no torch {version} for this Python "
                     f"({sys.version.split()[0]}); LMM_PYTHON names another one")
        if "+cpu" in wheel:
            print("cpu", wheel)
        elif size:
            kind = "cuda" if megabytes(size, unit) > LARGEST_CPU_WHEEL_MB else "cpu"
            print(kind, f"{wheel} ({size} {unit})")
        else:
            print("cuda" if os.path.exists(report) and needs_cuda(report) else "cpu", wheel)


main(sys.argv[1])
