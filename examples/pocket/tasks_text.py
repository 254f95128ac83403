"""Pictures of text: printed and handwritten words, Korean syllables, handwritten digits."""
import re
import zlib

import numpy as np

import things
from assets import assets
from questions import question
from scenes import SIDE, Canvas

HANDWRITING = re.compile(r"breip|femkeklaver|rufscript|comicneue|ecolier|z003|dancing|humor|kristi|zapf|dkg|delphine|stevehand|kaushan|tomson"
                         r"|isabella|leckerli|staypuft|nanumpen|nanumbrush|nanumbarunpen|unpilgi", re.I)


def fonts_of(language, test, handwriting=False):
  """Font files; a pack without Korean or handwriting fonts gives others, so that the recipe runs."""
  fonts = assets().fonts.get((language, test)) or assets().fonts["latin", test]
  if not handwriting: return fonts
  korean = [] if test else assets().fonts.get(("korean", False), [])          # which have Latin letters, too
  return [f for f in fonts + korean if HANDWRITING.search(f)] or fonts


def some_word(rng, test, longest):
  """A word of the dictionary; in training sometimes letters at random, so that reading is spelling and not guessing."""
  if not test and rng.random() < .35: return "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(1, longest + 1)))
  words = assets().words[test]
  while True:
    word = words[rng.integers(len(words))]
    if len(word) <= longest: return word


def some_syllables(rng, test, longest):
  """One to four syllables; of the longer strings a part is held out."""
  while True:
    text = "".join(rng.choice(list(things.SYLLABLES), rng.integers(1, longest + 1)))
    if len(text) < 2 or (zlib.crc32(text.encode()) % 100 < 15) == test: return text


def cased(rng, text):
  u = rng.random()
  return text if u < .6 else text.capitalize() if u < .8 else text.upper()


def bend(canvas, hand):
  """How far letters are bent: never in scoring, often where the font is like handwriting, of which there are few."""
  share = 0. if canvas.test else .7 if hand else .3
  return canvas.rng.uniform(.1, 1.) if share and canvas.rng.random() < share else 0.


def write(canvas, shown, font, row, rows, smallest):
  """Writes the text somewhere (one row) or into its row of several; False when it does not fit."""
  rng = canvas.rng
  fit, high = 150 / max(assets().font(font, 40).getlength(shown), 1) * 40, SIDE / rows
  size = int(min(fit, 72 if rows == 1 else high * .72) * rng.uniform(smallest, 1.))
  if rows == 1: where = rng.uniform(size * .6, SIDE - size * .6, 2)
  else: where = (80 + rng.integers(-30, 31), (row + .5) * high + rng.uniform(-.12, .12) * high)
  turn = rng.uniform(-6, 6) if rows == 1 and rng.random() < .4 else 0.
  return size >= 12 and canvas.text(shown, font, size, where, canvas.ink(), turn, bend(canvas, bool(HANDWRITING.search(font))))


def words(rng, task, test, level):
  """One printed, handwritten or Korean word, or (training only) two to four in rows. level (0 to 1): how long words may be."""
  canvas, hangul = Canvas(rng, test), task == "hangul"
  fonts, key = fonts_of("korean" if hangul else "latin", test, task == "handwriting"), "hangul" if hangul else "word"
  rows = 1 if test else int(rng.choice([1, 2, 3, 4], p=[.4, .2, .2, .2]))
  out = []
  for row in range(rows):
    while True:
      text = some_syllables(rng, test, 1 + int(round(3 * level))) if hangul else some_word(rng, test, 3 + int(round(5 * level)))
      if write(canvas, text if hangul else cased(rng, text), fonts[rng.integers(len(fonts))], row, rows, 1 - .35 * level): break
    keys = [key] if rows == 1 else ["line"] + (["word_top"] if row == 0 and rows == 2 else ["word_bottom"] if row == 1 and rows == 2 else [])
    out.append(question(canvas, task, keys[rng.integers(len(keys))], f'"{text}"', k=row + 1))
  return canvas, out


def digits(rng, test):
  """A number of one to three handwritten digits, or (training only) two, one above the other."""
  canvas, rows = Canvas(rng, test), 1 if test or rng.random() < .5 else 2
  ink, out = canvas.ink(), []
  for row in range(rows):
    count = int(rng.integers(1, 4))
    size = int(rng.integers(42, {1: 130, 2: 76, 3: 53}[count] if rows == 1 else {1: 76, 2: 76, 3: 53}[count]))
    values, width, high = rng.integers(0, 10, count), size * .92 * count, SIDE / rows
    x, y = rng.uniform(0, max(1, SIDE - width)) + size * .46, row * high + rng.uniform(size / 2, max(size / 2 + 1, high - size / 2))
    for j, value in enumerate(values): canvas.digit(int(value), size, (x + j * size * .92, y + rng.uniform(-4, 4)), ink, j + 1)
    out.append(question(canvas, "digits", "digits" if rows == 1 else "digits_line", '"' + "".join(map(str, values)) + '"', k=row + 1))
  return canvas, out


def dense_digits(rng):
  canvas = Canvas(rng)
  for k in range(9): canvas.digit(int(rng.integers(10)), int(rng.integers(40, 56)), (28 + k % 3 * 52, 28 + k // 3 * 52), canvas.ink())
  return canvas, []


def dense_text(rng, hangul=False):
  """The picture full of characters: many labels a picture, for `see`."""
  canvas, y, fonts = Canvas(rng), int(rng.integers(0, 10)), [fonts_of("korean" if hangul else "latin", False, hand) for hand in (False, True)]
  letters = list(things.SYLLABLES if hangul else "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
  while y < SIDE - 16:
    hand = not hangul and rng.random() < .2
    size, path = int(rng.integers(16, 60)), fonts[hand][rng.integers(len(fonts[hand]))]
    font = assets().font(path, size)
    text = "".join(rng.choice(letters, 12)) if hangul or rng.random() < .6 else " ".join(some_word(rng, False, 8) for _ in range(3))
    while text and font.getlength(text) > SIDE - 8: text = text[:-1]
    height = font.getbbox(text)[3] - font.getbbox(text)[1] + 6 if text.strip() else 20
    if text.strip() and y + height <= SIDE: canvas.text(text, path, size, (SIDE / 2 + rng.integers(-8, 9), y + height / 2), canvas.ink(), wild=bend(canvas, hand))
    y += height + int(rng.integers(-2, 8))
  return canvas, []
