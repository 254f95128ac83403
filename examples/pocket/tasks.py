"""Tasks: a picture and the questions about it. `make(task, rng)` is the only entry that training and scoring need.

The first question is the one of the task that was asked for; the others are whatever else fits the picture. Answers are
balanced where one answer could be guessed: counts, yes and no, sides, colours.
"""
import numpy as np

import things
from questions import question
from scenes import Canvas
from tasks_drawn import bone, meme, order, sudoku
from tasks_objects import NAMES, change, objects, second_turn
from tasks_text import dense_digits, dense_text, digits, words

TASKS = ["identify", "mood", "colour", "shape", "relation", "count", "box", "yesno", "list", "nothing", "absent", "digits", "word", "mark"]
MORE_TASKS = ["hangul", "handwriting", "sudoku", "order", "meme", "bone", "fracture", "korean", "second", "change"]      # as far as it goes
ALL_TASKS = TASKS + MORE_TASKS
STYLED = ["identify", "mood", "relation", "count", "box", "yesno", "list", "mark", "meme", "second", "change"]      # tasks that change with the drawings' style

# Shares of the pictures. `see` trains the vision tower on patch labels only, `ask` trains everything on questions, and goes on
# with full pictures that have labels alone: they teach the tower more a second than questions do, and cost a third.
MIXES = {
  "see": {"dense_objects": 22, "identify": 12, "mood": 3, "mark": 22, "shape": 3, "colour": 2, "dense_text": 17, "word": 5, "handwriting": 3, "dense_digits": 2, "digits": 3,
          "dense_hangul": 8, "hangul": 4, "order": 4, "sudoku": 8, "count": 2, "nothing": 1.5, "fracture": 1, "second": 2},
  "ask": {"identify": 10, "mood": 2.5, "colour": 2.5, "shape": 4, "relation": 9, "count": 17, "box": 4, "yesno": 3, "list": 9, "nothing": 2.5, "absent": 7,
          "digits": 5.5, "word": 15, "mark": 18, "hangul": 7, "handwriting": 4, "sudoku": 9, "order": 4, "meme": 2.5, "bone": 1, "fracture": 1.2, "korean": 4,
          "second": 2.5, "change": 3,
          "dense_objects": 16, "dense_text": 14, "dense_digits": 2, "dense_hangul": 6},
}


def face(rng, test, style):
  canvas, mood = Canvas(rng, test), str(rng.choice(list(things.MOODS)))
  while canvas.put("mood:" + mood, int(rng.integers(50, 145)), style) is None: pass
  return canvas, [question(canvas, "mood", "mood", mood)]


def nothing(rng, test):
  """An empty ground: there is nothing to name, list, read or count."""
  canvas, name = Canvas(rng, test, photos=False), str(rng.choice(NAMES))
  keys = ["identify", "list", "word", "mood", "mark_circle", "count", "yesno", "shape"]
  chosen = rng.choice(keys, 1 if test else 3, replace=False, p=[.3, .2, .15, .05, .05, .1, .1, .05])
  return canvas, [question(canvas, "nothing", str(k), {"count": "0", "yesno": "no"}.get(k, "nothing"), n=name) for k in chosen]


def in_korean(rng, test):
  kind = str(rng.choice(["identify", "colour", "count", "yesno", "relation", "box"]))
  questions = []
  while not any(q.task == kind for q in questions): canvas, questions = objects(rng, kind, test, korean=True)
  questions.sort(key=lambda q: q.task != kind)
  return canvas, [q._replace(task="korean") for q in questions]


def scene(task, rng, test, style, level):
  """(canvas, or two of them; questions)"""
  if task in ("word", "handwriting", "hangul"): return words(rng, task, test, level)
  if task == "digits": return digits(rng, test)
  if task == "mood": return face(rng, test, style)
  if task == "nothing": return nothing(rng, test)
  if task == "sudoku": return sudoku(rng, test, level)
  if task == "order": return order(rng, test)
  if task == "meme": return meme(rng, test, style)
  if task in ("bone", "fracture"): return bone(rng, task, test)
  if task == "korean": return in_korean(rng, test)
  if task == "second": return second_turn(rng, test, style)
  if task == "change": return change(rng, test, style)
  if task == "dense_digits": return dense_digits(rng)
  if task in ("dense_text", "dense_hangul"): return dense_text(rng, task == "dense_hangul")
  return objects(rng, task, test, style)


def make(task, rng, test=False, style=None, level=1.):
  """(pixels (160, 160, 3) uint8, questions, labels): one picture of the task, or two of them with a first axis more. With `test`
  everything held out but the drawings, which are held out by `style`. level (0 to 1): how long words may be."""
  while True:
    canvas, questions = scene(task, rng, test, style, level)
    first = [q for q in questions if q.task == task]
    if first or task.startswith("dense"): break
  if task == "yesno": first = [first[rng.integers(len(first))]]
  questions = first[:1] + [q for q in questions if q is not first[0]]
  if not isinstance(canvas, list): return canvas.finish(), questions, canvas.labels
  return np.stack([c.finish() for c in canvas]), questions, {k: np.stack([c.labels[k] for c in canvas]) for k in canvas[0].labels}
