"""A question about a picture, and the words that questions and answers are made of."""
from typing import NamedTuple

import numpy as np

import korean
import things
from scenes import SIDE
from wordings import WORDINGS, say


class Question(NamedTuple):
  """A second turn's text holds the first one: question, answer, second question, a line each."""
  task: str
  text: str
  answer: str
  unseen_wording: bool = False


def question(canvas, task, key, answer, n="", m="", **names):
  """n, m: names of things. None when the canvas is talked about in Korean and there is no Korean wording."""
  if canvas.korean:
    if "ko_" + key not in WORDINGS: return None
    answer, n, m, key = korean.in_korean(task, answer), korean.NAMES.get(n, n), korean.NAMES.get(m, m), "ko_" + key
  text, unseen = say(canvas.rng, key, canvas.test, n=n, m=m, a=n and things.with_article(n), p=things.plural(n), **names)
  return Question(task, text, answer, unseen)


def one_of(rng, values):
  return values[rng.integers(len(values))]


def phrase(name, count):
  return things.with_article(name) if count == 1 else f"{count} {things.plural(name)}"


def join(parts):
  return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def box_text(box):
  """Corners on a grid of 0-1000 in steps of 20."""
  return "<box> {} {} {} {}</box>".format(*(int(round(v / SIDE * 50)) * 20 for v in box))


def centre(item):
  x0, y0, x1, y1 = item["box"]
  return np.array([(x0 + x1) / 2, (y0 + y1) / 2])


def side_of(a, b):
  """Where item a is, seen from item b: left, right, above or below; None when it is too slanting to say."""
  dx, dy = centre(a) - centre(b)
  if max(abs(dx), abs(dy)) < 24 or max(abs(dx), abs(dy)) < 1.5 * min(abs(dx), abs(dy)): return None
  return ("left" if dx < 0 else "right") if abs(dx) > abs(dy) else ("above" if dy < 0 else "below")


def absent_name(rng, names, pool):
  """A name that is not on the canvas; half the time one easily taken for something that is."""
  near = [n for name in sorted(set(names)) for n in things.alike(name) if n not in names and n in pool]
  if near and rng.random() < .5: return str(near[rng.integers(len(near))])
  while True:
    name = str(pool[rng.integers(len(pool))])
    if name not in names: return name
