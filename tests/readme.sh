#!/usr/bin/env bash
# Runs what README shows: each ```sh block, in order, as a reader would type it, and holds each ```cpp, ```c and ```python
# block against the file that it is quoted from. tests/run.sh itself is left out: whoever calls this has run it (.ci/run).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 - "$folder" <<'EOF'
import pathlib, re, sys

text = pathlib.Path("README.md").read_text(encoding="utf-8")
blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)
commands = [body for language, body in blocks if language == "sh"]
for number, body in enumerate(commands):
    lines = [line for line in body.splitlines() if not line.startswith("tests/run.sh")]
    pathlib.Path(sys.argv[1], f"{number:02}.sh").write_text("\n".join(lines) + "\n", encoding="utf-8")
for language, name in {"cpp": "hello_cpp/main.cpp", "c": "hello_c/main.c", "python": "hello_python/hello.py"}.items():
    example = pathlib.Path("examples", name).read_text(encoding="utf-8")
    quotes = [body for block, body in blocks if block == language]
    if not commands or not quotes or not all(body in example for body in quotes):
        sys.exit(f"README.md: no sh block, or no {language} block, or one that is not in examples/{name}")
EOF

count=0
for script in "$folder"/*.sh; do
  printf '== README block %d\n' "$((count += 1))" >&2
  cat "$script" >&2
  bash -euo pipefail "$script" >"$folder/output" || { cat "$folder/output"; printf 'error: a README command failed\n' >&2; exit 1; }
done
printf '%d of %d README blocks ran\n' "$count" "$count"
