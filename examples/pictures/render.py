"""Draws README's picture of an answer: a picture, the question typed, and what lmm really answers to it now.

    build/venv/bin/python examples/pictures/render.py [LMM_COMMAND]

Writes examples/pictures/answer.png.
"""

import pathlib
import subprocess
import sys

from PIL import Image, ImageDraw, ImageFont

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ASKED = [("burger.png", "Name the object."), ("angry.png", "Which mood is this?"), ("ring.png", "Which colour does the ring have?")]
PAPER, PAGE, INK, DIM, ANSWER = "#0d1117", "#161b22", "#e6edf3", "#8b949e", "#7ee787"
ROW, MARGIN, WIDTH = 176, 20, 860


def ask(command, picture, question):
    return subprocess.run([command, "ask", ROOT / "examples/pocket/model", "-i", HERE / picture, question],
                          check=True, capture_output=True, text=True).stdout.strip()


def main():
    command = sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/bin/lmm"
    canvas = Image.new("RGB", (WIDTH, ROW * len(ASKED) + MARGIN), PAPER)
    draw = ImageDraw.Draw(canvas)
    small, large = ImageFont.load_default(17), ImageFont.load_default(24)
    for row, (picture, question) in enumerate(ASKED):
        top = MARGIN + row * ROW
        draw.rounded_rectangle((MARGIN, top, WIDTH - MARGIN, top + ROW - MARGIN), 8, PAGE)
        with Image.open(HERE / picture) as image:
            canvas.paste(image.convert("RGB").resize((140, 140), Image.Resampling.LANCZOS), (MARGIN + 8, top + 8))
        left = MARGIN + 170
        draw.text((left, top + 24), f"$ lmm ask model -i {picture}", DIM, small)
        draw.text((left, top + 52), f'      "{question}"', INK, small)
        draw.text((left, top + 96), ask(command, picture, question), ANSWER, large)
    canvas.save(HERE / "answer.png", optimize=True)


main()
