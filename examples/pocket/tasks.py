"""Tasks: a picture and the questions about it. `make(task, rng)` is the only entry that training and scoring need.

A picture of objects carries every kind of question that fits it; the first question is the one of the task that was asked
for. Answers are balanced where one answer could be guessed: counts, yes and no, sides, colours.
"""
from typing import NamedTuple

import numpy as np
from PIL import ImageDraw

import things
from assets import assets
from scenes import SIDE, Canvas
from wordings import say

TASKS = ["identify", "mood", "colour", "shape", "relation", "count", "box", "yesno", "list", "nothing", "absent", "digits", "word", "mark"]
NAMES = list(things.ALL_THINGS)
STYLED = ["identify", "mood", "relation", "count", "box", "yesno", "list", "mark"]      # tasks that change with the drawings' style
SIDES = {"left": (-1, 0), "right": (1, 0), "above": (0, -1), "below": (0, 1)}

# Shares of the pictures. `see` trains the vision tower on patch labels only, `ask` trains everything on questions.
MIXES = {
  "see": {"dense_objects": 45, "identify": 20, "mood": 8, "mark": 4, "shape": 3, "colour": 3, "dense_text": 10, "word": 3, "dense_digits": 3, "digits": 2},
  "ask": {"identify": 12, "mood": 7, "colour": 6, "shape": 5, "relation": 8, "count": 12, "box": 7, "yesno": 5, "list": 7, "nothing": 2, "absent": 2,
          "digits": 7, "word": 14, "mark": 10},
}


class Question(NamedTuple):
  task: str
  text: str
  answer: str
  unseen_wording: bool = False


def question(canvas, task, key, answer, **names):
  text, unseen = say(canvas.rng, key, canvas.test, **names)
  return Question(task, text, answer, unseen)


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


# ------------------------------------------------------------------------------------------------- questions on objects

def object_questions(canvas, pool, wanted, side):
  """Every question that fits the objects on the canvas."""
  rng, items = canvas.rng, canvas.items
  names = [i["name"] for i in items]
  kinds, single = sorted(set(names)), [i for i in items if names.count(i["name"]) == 1]
  shapes = bool(items) and all(n in things.SHAPES for n in names)
  missing = lambda: absent_name(rng, names, pool)
  ask = lambda *args, **kw: out.append(question(canvas, *args, **kw))
  out = []
  if len(items) == 1:
    if shapes: ask("shape", "shape", names[0])
    else: ask("identify", "identify", things.with_article(names[0]))
  colours = [i["colour"] for i in items]
  if shapes and len(items) > 1:
    distinct = [i for i in items if colours.count(i["colour"]) == 1]
    if distinct:
      item = distinct[rng.integers(len(distinct))]
      ask("shape", "shape_c", item["name"], c=item["colour"])
  if wanted == "count" and items: ask("count", "count", str(names.count(names[0])), p=things.plural(names[0]))
  elif kinds:
    name = kinds[rng.integers(len(kinds))]
    if names.count(name) > 1 or rng.random() < .2: ask("count", "count", str(names.count(name)), p=things.plural(name))
  if rng.random() < .1: ask("count", "count", "0", p=things.plural(missing()))
  if items:
    first = {n: min(i["box"][0] + i["box"][2] for i in items if i["name"] == n) for n in kinds}
    ask("list", "list", join([phrase(n, names.count(n)) for n in sorted(kinds, key=first.get)]))
  for item in rng.permutation([i for i in single if i["colour"]])[:2]: ask("colour", "colour", item["colour"], n=item["name"])
  for item in rng.permutation(single)[:2]: ask("box", "box", box_text(item["box"]), n=item["name"])
  pairs = [(a, b, side_of(a, b)) for a in single for b in single if a is not b]
  pairs = [p for p in pairs if p[2] and (wanted != "relation" or p[2] == side)]
  if pairs:
    a, b, where = pairs[rng.integers(len(pairs))]
    ask("relation", "relation", where, n=a["name"], m=b["name"])
  answers = ["yes", "no"] if items else ["no"]
  for answer in rng.permutation(answers):
    name = kinds[rng.integers(len(kinds))] if answer == "yes" else missing()
    ask("yesno", "yesno", str(answer), a=things.with_article(name))
  if wanted == "absent" or rng.random() < .1:
    key = ["box", "colour"][rng.integers(2)] if not items or rng.random() < .7 else "relation"
    there = {"m": names[0]} if key == "relation" else {}
    ask("absent", key, "not there", n=missing(), **there)
  return out


def absent_name(rng, names, pool):
  """A name that is not on the canvas; half the time one easily taken for something that is."""
  near = [n for name in set(names) for n in things.alike(name) if n not in names and n in pool]
  if near and rng.random() < .5: return str(near[rng.integers(len(near))])
  while True:
    name = str(pool[rng.integers(len(pool))])
    if name not in names: return name


def objects(rng, wanted, test=False, style=None, dense=False):
  canvas = Canvas(rng, test)
  shapes = wanted == "shape" or (wanted not in ("identify", "mark") and style is None and rng.random() < (.6 if wanted == "colour" else .2))
  drawn = assets().drawings.get(style) if style else None
  pool = things.SHAPES if shapes else [n for n in NAMES if drawn is None or n in drawn]
  side = str(rng.choice(list(SIDES)))
  same = 0
  if dense: total = int(rng.integers(2, 6))
  elif wanted == "identify" or (wanted == "shape" and rng.random() < .6): total = 1
  elif wanted in ("mark", "list"): total = int(rng.integers(2, 5))
  elif wanted == "count":
    same = int(rng.integers(1, 7))
    total = min(8, same + int(rng.choice([0, 1, 2, 3], p=[.4, .25, .2, .15])))
  elif wanted == "relation": total = int(rng.choice([2, 3], p=[.7, .3]))
  else: total = int(rng.choice([1, 2, 3, 4, 5], p=[.2, .25, .25, .15, .15]))
  top = {1: 140, 2: 80, 3: 70, 4: 62, 5: 54}.get(total, 46)
  low = {1: 48, 2: 40, 3: 36, 4: 34}.get(total, 28)
  kinds = [str(n) for n in rng.choice(pool, min(total, len(pool)), replace=False)]
  if wanted not in ("mark", "count", "relation") and rng.random() < .2: same = int(rng.integers(1, total + 1))
  if same: kinds = [kinds[0]] * same + kinds[1: 1 + total - same]
  colours = rng.permutation(list(things.COLOURS))
  for j, name in enumerate(kinds):
    colour = str(colours[j % len(colours)]) if shapes or (wanted == "colour" and rng.random() < .7) else None
    for size in (int(rng.integers(low, top + 1)), low, low - 6):
      if canvas.put(name, size, style, colour): break
  if wanted == "count" and sum(i["name"] == kinds[0] for i in canvas.items) != same: return objects(rng, wanted, test, style)
  if dense: return canvas, []
  questions = object_questions(canvas, pool, wanted, side)
  if wanted == "mark": questions = [mark(canvas)] + questions[:3]
  return canvas, questions


def mark(canvas):
  """Circles, frames, points at or numbers an object, and asks what it is."""
  rng, draw = canvas.rng, ImageDraw.Draw(canvas.image)
  kind = str(rng.choice(["circle", "arrow", "frame", "number"], p=[.35, .3, .15, .2]))
  target = canvas.items[rng.integers(len(canvas.items))]
  base = np.array(things.COLOURS[str(rng.choice(["red", "blue", "green", "black", "purple", "orange"]))])
  colour = tuple(int(v) for v in (base + rng.integers(-15, 16, 3)).clip(0, 255))
  width, (x0, y0, x1, y1), (cx, cy) = int(rng.integers(2, 5)), target["box"], centre(target)
  number = None
  if kind == "circle":
    t = np.linspace(0, 2 * np.pi * rng.uniform(.97, 1.08), 40) + rng.uniform(0, 6)
    wobble = 1 + .04 * np.sin(t * 3 + rng.uniform(0, 6))
    rx, ry = ((x1 - x0) * .62 + 3) * wobble, ((y1 - y0) * .62 + 3) * wobble
    draw.line(list(zip(cx + rx * np.cos(t), cy + ry * np.sin(t))), fill=colour, width=width)
  elif kind == "frame": draw.rectangle((x0 - 4, y0 - 4, x1 + 4, y1 + 4), outline=colour, width=width)
  elif kind == "number":
    fonts = assets().fonts["latin", canvas.test]
    font = assets().font(fonts[rng.integers(len(fonts))], 15)
    for k, item in enumerate(rng.permutation(canvas.items)):
      x, y = (min(max(v, 9), SIDE - 9) for v in (item["box"][0] + 2, item["box"][1] + 2))
      draw.ellipse((x - 9, y - 9, x + 9, y + 9), fill=(255, 255, 255), outline=colour)
      draw.text((x, y), str(k + 1), font=font, fill=(0, 0, 0), anchor="mm")
      canvas.label_character(str(k + 1), x, y, 4, 6)
      if item is target: number = k + 1
  else:
    for _ in range(12):                       # from a free direction: the tail inside the picture, the tip at the object's edge
      a = rng.uniform(0, 2 * np.pi)
      reach = .95 * min((x1 - x0) / 2 / max(.05, abs(np.cos(a))), (y1 - y0) / 2 / max(.05, abs(np.sin(a))))
      way = np.array([np.cos(a), np.sin(a)])
      tip = np.array([cx, cy]) + reach * way
      tail = tip + rng.uniform(22, 45) * way
      if (tail > 2).all() and (tail < SIDE - 2).all(): break
    draw.line([tuple(tail), tuple(tip)], fill=colour, width=width + 1)
    for turn in (-.5, .5): draw.line([tuple(tip), tuple(tip + 11 * np.array([np.cos(a + turn), np.sin(a + turn)]))], fill=colour, width=width + 1)
  canvas.labels["mark"][target["patches"]] = 1
  return question(canvas, "mark", "mark_" + kind, things.with_article(target["name"]), k=number)


# --------------------------------------------------------------------------------------------------- the other pictures

def face(rng, test, style):
  canvas, mood = Canvas(rng, test), str(rng.choice(list(things.MOODS)))
  while canvas.put("mood:" + mood, int(rng.integers(50, 145)), style) is None: pass
  return canvas, [question(canvas, "mood", "mood", mood)]


def nothing(rng, test):
  """An empty ground: there is nothing to name, list, read or count."""
  canvas, name = Canvas(rng, test, photos=False), str(rng.choice(NAMES))
  key = str(rng.choice(["identify", "list", "word", "mood", "mark_circle", "count", "yesno", "shape"], p=[.3, .2, .15, .05, .05, .1, .1, .05]))
  answer = {"count": "0", "yesno": "no"}.get(key, "nothing")
  return canvas, [question(canvas, "nothing", key, answer, p=things.plural(name), a=things.with_article(name))]


def some_word(rng, test, longest):
  """A word of the dictionary; in training sometimes letters at random, so that reading is spelling and not guessing."""
  if not test and rng.random() < .35: return "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(1, longest + 1)))
  words = assets().words[test]
  while True:
    word = words[rng.integers(len(words))]
    if len(word) <= longest: return word


def word(rng, test, level):
  """One printed word, or (training only) two, one above the other. level: 0 short words only, 1 up to eight letters."""
  canvas, fonts, longest = Canvas(rng, test), assets().fonts["latin", test], 3 + int(round(5 * level))
  two, out = not test and rng.random() < .5, []
  for row in ("top", "bottom") if two else ("",):
    while True:
      text, u = some_word(rng, test, longest), rng.random()
      shown = text if u < .6 else text.capitalize() if u < .8 else text.upper()
      font = fonts[rng.integers(len(fonts))]
      fit = 150 / max(assets().font(font, 40).getlength(shown), 1) * 40
      size = int(min(fit, 50 if two else 72) * rng.uniform(1 - .35 * level, 1.))
      place = (80 + rng.integers(-30, 31), (42 if row == "top" else 118) + rng.integers(-10, 11)) if two else rng.uniform(size * .6, SIDE - size * .6, 2)
      turn = rng.uniform(-6, 6) if not two and rng.random() < .4 else 0.
      if size >= 12 and canvas.text(text=shown, font=font, size=size, centre=place, fill=canvas.ink(), turn=turn): break
    out.append(question(canvas, "word", "word" + ("_" + row if row else ""), f'"{text}"'))
  return canvas, out


def digits(rng, test):
  canvas, count = Canvas(rng, test), int(rng.integers(1, 4))
  ink, size = canvas.ink(), int(rng.integers(42, {1: 130, 2: 76, 3: 53}[count]))
  values, width = rng.integers(0, 10, count), size * .92 * count
  x, y = rng.uniform(0, max(1, SIDE - width)) + size * .46, rng.uniform(size / 2, SIDE - size / 2)
  for j, value in enumerate(values): canvas.digit(int(value), size, (x + j * size * .92, y + rng.uniform(-4, 4)), ink)
  return canvas, [question(canvas, "digits", "digits", '"' + "".join(map(str, values)) + '"')]


def dense_digits(rng):
  canvas = Canvas(rng)
  for k in range(9): canvas.digit(int(rng.integers(10)), int(rng.integers(40, 56)), (28 + k % 3 * 52, 28 + k // 3 * 52), canvas.ink())
  return canvas, []


def dense_text(rng):
  """The picture full of characters: many labels a picture, for `see`."""
  canvas, y, fonts = Canvas(rng), int(rng.integers(0, 10)), assets().fonts["latin", False]
  letters = list("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
  while y < SIDE - 16:
    size, path = int(rng.integers(16, 60)), fonts[rng.integers(len(fonts))]
    font = assets().font(path, size)
    text = "".join(rng.choice(letters, 12)) if rng.random() < .6 else " ".join(some_word(rng, False, 8) for _ in range(3))
    while text and font.getlength(text) > SIDE - 8: text = text[:-1]
    height = font.getbbox(text)[3] - font.getbbox(text)[1] + 6 if text.strip() else 20
    if text.strip() and y + height <= SIDE: canvas.text(text, path, size, (SIDE / 2 + rng.integers(-8, 9), y + height / 2), canvas.ink())
    y += height + int(rng.integers(-2, 8))
  return canvas, []


def make(task, rng, test=False, style=None, level=1.):
  """(pixels (160, 160, 3) uint8, questions, labels): one picture of the task. With `test` everything held out but the drawings,
  which are held out by `style`. level (0 to 1): how long words may be."""
  if task == "word": canvas, questions = word(rng, test, level)
  elif task == "digits": canvas, questions = digits(rng, test)
  elif task == "mood": canvas, questions = face(rng, test, style)
  elif task == "nothing": canvas, questions = nothing(rng, test)
  elif task == "dense_digits": canvas, questions = dense_digits(rng)
  elif task == "dense_text": canvas, questions = dense_text(rng)
  elif task == "dense_objects": canvas, questions = objects(rng, task, dense=True)
  else:
    while True:
      canvas, questions = objects(rng, task, test, style)
      first = [q for q in questions if q.task == task]
      if first: break
    if task == "yesno": first = [first[rng.integers(len(first))]]
    questions = first[:1] + [q for q in questions if q is not first[0]]
  return canvas.finish(), questions, canvas.labels
