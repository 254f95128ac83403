"""A contact sheet: unpicked held-out items with the model's answers, right and wrong marked, boxes drawn.

    python sheet.py model sheet.jpg [--engine transformers|lmm|own] [--items 60]
"""
import argparse

from PIL import Image, ImageDraw, ImageFont

import engines
import score
import tasks
from grading import grade
from tasks import STYLED

COLUMNS, SIDE, CAPTION = 10, 160, 66


def unpicked(count):
  """The first items of every task in turn, every other one of a styled task in the unseen emoji style."""
  chosen, rounds = [], -(-count // len(tasks.ALL_TASKS))
  for k in range(rounds):
    for task in tasks.ALL_TASKS:
      style = "emojione" if k % 2 and task in STYLED else "seen"
      chosen.append(score.items(task, style, k + 1)[k])
  return chosen[:count]


def boxes(draw, item, answer):
  """The right box in green, the answered one in red."""
  for text, colour in ((item.answer, (0, 150, 0)), (answer, (220, 0, 0))):
    numbers = [int(t) / 1000 * SIDE for t in text.replace("<", " ").split() if t.isdigit()] if text.startswith("<box>") else []
    if len(numbers) == 4 and numbers[0] <= numbers[2] and numbers[1] <= numbers[3]: draw.rectangle(numbers, outline=colour, width=2)


def caption_font():
  """One that has Korean, where it is installed."""
  try: return ImageFont.truetype("NanumGothic.ttf", 11)
  except OSError: return ImageFont.load_default(11)


def wrapped(text, font, width, lines):
  rows = [""]
  for word in text.split(" "):
    if rows[-1] and font.getlength(rows[-1] + " " + word) > width: rows.append(word)
    else: rows[-1] = (rows[-1] + " " + word).strip()
  return rows[:lines]


def sheet(cases, answers, path):
  font, rows = caption_font(), -(-len(cases) // COLUMNS)
  image = Image.new("RGB", (COLUMNS * (SIDE + 8), rows * (SIDE + CAPTION)), "white")
  draw, right = ImageDraw.Draw(image), 0
  for i, (item, answer) in enumerate(zip(cases, answers)):
    x, y = i % COLUMNS * (SIDE + 8) + 4, i // COLUMNS * (SIDE + CAPTION) + 4
    shown = engines.pictures(item.pixels)
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    for k, pixels in enumerate(shown): picture.paste(Image.fromarray(pixels).resize((SIDE // len(shown), SIDE // len(shown))), (k * SIDE // 2, 0))
    boxes(ImageDraw.Draw(picture), item, answer)
    image.paste(picture, (x, y))
    value = grade(item.task, answer, item.answer)[0]
    good, short = value >= .999, lambda s: s.replace("<box>", "box").replace("</box>", "").strip()
    right += good
    lines = [(t, (0, 0, 0)) for t in wrapped(item.question.replace("\n", " ... "), font, SIDE, 2)]
    lines += [(t, (0, 130, 0) if good else (200, 0, 0)) for t in wrapped(("right: " if good else "wrong: ") + short(answer), font, SIDE, 2)]
    if not good: lines += [(t, (90, 90, 90)) for t in wrapped("it is: " + short(item.answer), font, SIDE, 1)]
    for k, (text, colour) in enumerate(lines[:5]): draw.text((x, y + SIDE + 1 + 12 * k), text, font=font, fill=colour)
  image.save(path, quality=82)
  print(f"{path}: {right} of {len(cases)} right")


if __name__ == "__main__":
  p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
  p.add_argument("model")
  p.add_argument("out")
  p.add_argument("--engine", choices=["own", "transformers", "lmm"], default="transformers")
  p.add_argument("--items", type=int, default=60)
  args = p.parse_args()
  chosen = unpicked(args.items)
  sheet(chosen, engines.open_engine(args.engine, args.model)([(c.pixels, c.question) for c in chosen]), args.out)
