"""Pictures of objects and every question that fits them: names, colours, shapes, sides, counts, boxes, lists, marks, two turns."""
import numpy as np
from PIL import ImageDraw

import things
from assets import assets
from questions import absent_name, box_text, centre, join, one_of, phrase, question, side_of
from scenes import MARK_ID, SIDE, Canvas

NAMES = list(things.ALL_THINGS)
SIDES = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}


def some(rng, values, count):
  """Up to `count` of the values, in random order."""
  return [values[i] for i in rng.permutation(len(values))[:count]]


def object_questions(canvas, pool, wanted, side):
  """Every question that fits the objects on the canvas; those of `wanted` come with the balanced answer first."""
  rng, items = canvas.rng, canvas.items
  names = [i["name"] for i in items]
  kinds, single = sorted(set(names)), [i for i in items if names.count(i["name"]) == 1]
  shapes = bool(items) and all(n in things.SHAPES for n in names)
  missing = lambda: absent_name(rng, names, pool)
  out = []

  def ask(*args, **kw):
    made = question(canvas, *args, **kw)
    if made: out.append(made)

  if len(items) == 1:
    if shapes: ask("shape", "shape", names[0])
    else: ask("identify", "identify", things.with_article(names[0]))
  colours = [i["colour"] for i in items]
  if shapes and len(items) > 1:
    for item in some(rng, [i for i in items if colours.count(i["colour"]) == 1], 3): ask("shape", "shape_c", item["name"], c=item["colour"])
  counted = some(rng, kinds, 2)
  if wanted == "count": counted = [names[0]] + [n for n in kinds if n != names[0] and names.count(n) > 1]
  for name in counted:
    if wanted == "count" or names.count(name) > 1 or rng.random() < .1: ask("count", "count", str(names.count(name)), n=name)
  if rng.random() < .1: ask("count", "count", "0", n=missing())
  if items:
    first = {n: min(i["box"][0] + i["box"][2] for i in items if i["name"] == n) for n in kinds}
    ask("list", "list", join([phrase(n, names.count(n)) for n in sorted(kinds, key=first.get)]))
  for item in some(rng, [i for i in single if i["colour"]], 3): ask("colour", "colour", item["colour"], n=item["name"])
  for item in some(rng, single, 3): ask("box", "box", box_text(item["box"]), n=item["name"])
  pairs = [(a, b, side_of(a, b)) for a in single for b in single if a is not b]
  pairs = some(rng, [p for p in pairs if p[2]], 12)
  if wanted == "relation": pairs.sort(key=lambda p: p[2] != side)
  if wanted != "relation" or (pairs and pairs[0][2] == side):
    for a, b, where in pairs[: 4 if wanted == "relation" else 2]: ask("relation", "relation", where, n=a["name"], m=b["name"])
  if not canvas.test:                                    # the other way round, a help to learn sides: which thing is there?
    for a, b, where in pairs[:2]:
      if sum(p[1] is b and p[2] == where for p in pairs) == 1: ask("relation", "beside", things.with_article(a["name"]), m=b["name"], s=SIDES[where])
  for answer in rng.permutation(["yes", "no"] if items else ["no"]):
    ask("yesno", "yesno", str(answer), n=kinds[rng.integers(len(kinds))] if answer == "yes" else missing())
  if wanted == "absent" or rng.random() < (.4 if canvas.test else .6):
    key = ["box", "colour"][rng.integers(2)] if not items or rng.random() < .7 else "relation"
    ask("absent", key, "not there", n=missing(), m=names[0] if key == "relation" else "")
  return out


def plan(rng, wanted):
  """How many objects, and how many of them are of the first and of the second kind."""
  same, second = 0, 0
  if wanted == "dense_objects": total = int(rng.integers(2, 6))
  elif wanted == "identify" or (wanted == "shape" and rng.random() < .6): total = 1
  elif wanted in ("mark", "list"): total = int(rng.integers(2, 5))
  elif wanted == "count":
    same = int(rng.integers(1, 7))
    if same < 7 and rng.random() < .4: second = int(rng.integers(1, 8 - same)) if same < 6 else 2
    total = max(same + second, min(8, same + int(rng.choice([0, 1, 2, 3], p=[.4, .25, .2, .15]))))
  elif wanted == "relation": total = int(rng.choice([2, 3, 4], p=[.55, .3, .15]))
  else: total = int(rng.choice([1, 2, 3, 4, 5], p=[.2, .25, .25, .15, .15]))
  return total, same, second


def place(rng, wanted, test, style, korean=False):
  """(canvas with objects, the names to choose from), drawn for a task."""
  canvas = Canvas(rng, test, korean=korean)
  shapes = wanted == "shape" or (wanted not in ("identify", "mark") and style is None and rng.random() < (.6 if wanted == "colour" else .2))
  drawn = assets().drawings.get(style) if style else None
  pool = things.SHAPES if shapes else [n for n in NAMES if drawn is None or n in drawn]
  total, same, second = plan(rng, wanted)
  top = {1: 140, 2: 80, 3: 70, 4: 62, 5: 54}.get(total, 46)
  low = {1: 48, 2: 40, 3: 36, 4: 34}.get(total, 28)
  kinds = [str(n) for n in rng.choice(pool, min(total, len(pool)), replace=False)]
  if wanted not in ("mark", "count", "relation") and rng.random() < .2: same = int(rng.integers(1, total + 1))
  if same: kinds = ([kinds[0]] * same + [kinds[-1]] * second + kinds[1:])[:total]
  colours = rng.permutation(list(things.COLOURS))
  for j, name in enumerate(kinds):
    colour = str(colours[j % len(colours)]) if shapes or (wanted == "colour" and rng.random() < .7) else None
    for size in (int(rng.integers(low, top + 1)), low, low - 6):
      if canvas.put(name, size, style, colour): break
  if wanted == "count" and sum(i["name"] == kinds[0] for i in canvas.items) != same: return place(rng, wanted, test, style, korean)
  return canvas, pool


def objects(rng, wanted, test=False, style=None, korean=False):
  side = str(rng.choice(list(SIDES)))
  canvas, pool = place(rng, wanted, test, style, korean)
  if wanted == "dense_objects": return canvas, []
  questions = object_questions(canvas, pool, wanted, side)
  if wanted == "mark": questions = marks(canvas) + some(rng, questions, 4)
  return canvas, questions


# ----------------------------------------------------------------------------------------------------------------- marks

def marks(canvas):
  """Marks an object, or (training only) up to three in different ways, and asks what is there. Training has more of what is hard."""
  rng, kinds = canvas.rng, ["circle", "arrow", "frame", "number"]
  count = 1 if canvas.test else min(int(rng.integers(1, 4)), len(canvas.items))
  chosen = [str(k) for k in rng.choice(kinds, count, replace=False, p=[.35, .3, .15, .2] if canvas.test else [.2, .4, .12, .28])]
  out = []
  for kind, target in zip(chosen, some(rng, canvas.items, len(chosen))):
    for number, item in draw_mark(canvas, kind, target): out.append(question(canvas, "mark", "mark_" + kind, things.with_article(item["name"]), k=number))
  return out if len(chosen) == 1 else [q for q in out if q.text != "What is marked?"]


def draw_mark(canvas, kind, target):
  """Draws it and returns [(number or None, marked thing)], the target first."""
  rng, draw = canvas.rng, ImageDraw.Draw(canvas.image)
  base = np.array(things.COLOURS[str(rng.choice(["red", "blue", "green", "black", "purple", "orange"]))])
  colour = tuple(int(v) for v in (base + rng.integers(-15, 16, 3)).clip(0, 255))
  width, (x0, y0, x1, y1), (cx, cy) = int(rng.integers(2, 5)), target["box"], centre(target)
  if kind != "number": canvas.labels["mark"][target["patches"]] = MARK_ID[kind]
  marked = [(None, target)]
  if kind == "circle":
    t = np.linspace(0, 2 * np.pi * rng.uniform(.97, 1.08), 40) + rng.uniform(0, 6)
    wobble = 1 + .04 * np.sin(t * 3 + rng.uniform(0, 6))
    rx, ry = ((x1 - x0) * .62 + 3) * wobble, ((y1 - y0) * .62 + 3) * wobble
    draw.line(list(zip(cx + rx * np.cos(t), cy + ry * np.sin(t))), fill=colour, width=width)
  elif kind == "frame": draw.rectangle((x0 - 4, y0 - 4, x1 + 4, y1 + 4), outline=colour, width=width)
  elif kind == "number":
    fonts = assets().fonts["latin", canvas.test]
    font, marked = assets().font(one_of(rng, fonts), 15), []
    for k, item in enumerate(some(rng, canvas.items, 8), 1):
      x, y = (min(max(v, 9), SIDE - 9) for v in (item["box"][0] + 2, item["box"][1] + 2))
      draw.ellipse((x - 9, y - 9, x + 9, y + 9), fill=(255, 255, 255), outline=colour)
      draw.text((x, y), str(k), font=font, fill=(0, 0, 0), anchor="mm")
      canvas.label_character(str(k), x, y, 4, 6)
      canvas.labels["mark"][item["patches"]] = MARK_ID[k]
      marked.append((k, item))
    marked.sort(key=lambda m: m[1] is not target)
    if canvas.test: marked = marked[:1]
  else: arrow(canvas, draw, target, colour, width + 1)
  return marked


def arrow(canvas, draw, target, colour, width):
  """From a free direction: the tail inside the picture, the tip at the object's edge."""
  rng, (x0, y0, x1, y1) = canvas.rng, target["box"]
  for _ in range(12):
    a = rng.uniform(0, 2 * np.pi)
    reach = .95 * min((x1 - x0) / 2 / max(.05, abs(np.cos(a))), (y1 - y0) / 2 / max(.05, abs(np.sin(a))))
    way = np.array([np.cos(a), np.sin(a)])
    tip = centre(target) + reach * way
    tail = tip + rng.uniform(22, 45) * way
    if (tail > 2).all() and (tail < SIDE - 2).all(): break
  draw.line([tuple(tail), tuple(tip)], fill=colour, width=width)
  for turn in (-.5, .5): draw.line([tuple(tip), tuple(tip + 11 * np.array([np.cos(a + turn), np.sin(a + turn)]))], fill=colour, width=width)


# ------------------------------------------------------------------------------------------------- two turns, two pictures

def second_turn(rng, test, style):
  """A question, its answer, and a question that only makes sense after it."""
  while True:
    canvas, _ = place(rng, "colour", test, style)
    names = [i["name"] for i in canvas.items]
    able = [i for i in canvas.items if names.count(i["name"]) == 1 and i["colour"]]
    if able: break
  item = one_of(rng, able)
  kinds = ["mark", "yesno"] if len(names) > 1 else ["shape" if names[0] in things.SHAPES else "identify", "yesno"]
  kind, name, number = str(rng.choice(kinds)), item["name"], None
  if kind == "mark":
    kind = "mark_" + str(rng.choice(["circle", "arrow", "frame", "number"]))
    number = draw_mark(canvas, kind.removeprefix("mark_"), item)[0][0]
  before = question(canvas, "second", kind, {"yesno": "yes", "shape": name}.get(kind, things.with_article(name)), n=name, k=number)
  out = [question(canvas, "second", "and_colour", item["colour"]), question(canvas, "second", "and_box", box_text(item["box"]))]
  if rng.random() < .3: out.reverse()
  return canvas, [q._replace(text=f"{before.text}\n{before.answer}\n{q.text}") for q in out]


def change(rng, test, style):
  """Two pictures: a thing is gone, is new, has moved or has another colour, or nothing has changed."""
  seeds, cells = rng.integers(0, 2 ** 40, 9), some(rng, [(x, y) for x in (30, 80, 130) for y in (30, 80, 130)], 5)
  pool = [n for n in NAMES if style is None or n in assets().drawings[style]]
  count, colours = int(rng.integers(2, 5)), [str(c) for c in rng.permutation(list(things.COLOURS))]
  names = [str(n) for n in rng.choice(pool, count, replace=False)]
  what = str(rng.choice(["is gone", "is new", "moved", "changed colour", ""], p=[.23, .23, .23, .21, .1]))
  # a thing: name, seed of its drawing, size, place, colour
  one = [(n, seeds[i], int(rng.integers(38, 50)), cells[i], colours[i] if rng.random() < .6 or (what == "changed colour" and i == 0) else None) for i, n in enumerate(names)]
  name, seed, size, cell, colour = one[0]
  other = {"is gone": [], "is new": [], "moved": [(name, seed, size, cells[-1], colour)], "changed colour": [(name, seed, size, cell, colours[-1])]}.get(what, one[:1]) + one[1:]
  pair = []
  for listed in (other, one) if what == "is new" else (one, other):
    canvas = Canvas(np.random.default_rng(seeds[-1]), test)
    for n, s, w, c, tint in listed:
      canvas.rng = np.random.default_rng(s)
      canvas.put(n, w, style, tint, c)
    canvas.rng = rng
    pair.append(canvas)
  out = [question(pair[0], "change", "change", f"the {name} {what}" if what else "nothing")]
  if not test:                                           # helps to learn: what is in which of the two pictures, and what is the same
    out += compared(rng, pair)
    for k, canvas in zip(("first", "second"), pair): out += about_one(rng, canvas, k, names)
  return pair, out


def compared(rng, pair):
  """Questions that only both pictures together answer, about what the change might be."""
  shown = [{i["name"]: i for i in canvas.items} for canvas in pair]
  out = []
  for k, own, other in (("first", *shown), ("second", *shown[::-1])):
    alone = [n for n in own if n not in other]
    out.append(question(pair[0], "change", "only_of", things.with_article(alone[0]) if alone else "nothing", k=k))
  both = [n for n in shown[0] if n in shown[1]]
  if not both: return out
  change = [n for n in both if np.abs(centre(shown[0][n]) - centre(shown[1][n])).max() > 20 or shown[0][n]["colour"] != shown[1][n]["colour"]]
  name = one_of(rng, change if change and rng.random() < .5 else both)
  a, b = shown[0][name], shown[1][name]
  out.append(question(pair[0], "change", "moved", "no" if np.abs(centre(a) - centre(b)).max() > 20 else "yes", n=name))
  if a["colour"]: out.append(question(pair[0], "change", "recoloured", "yes" if a["colour"] == b["colour"] else "no", n=name))
  return out


def about_one(rng, canvas, k, names):
  """Questions about the first or the second of two pictures that have no thing twice."""
  shown = {i["name"]: i for i in canvas.items}
  ordered, asked = sorted(shown, key=lambda n: shown[n]["box"][0] + shown[n]["box"][2]), one_of(rng, names)
  out = [question(canvas, "change", "yesno_of", "yes" if asked in shown else "no", n=asked, k=k)]
  if not ordered: return out
  name, coloured = one_of(rng, ordered), [n for n in ordered if shown[n]["colour"]]
  out += [question(canvas, "change", "list_of", join([things.with_article(n) for n in ordered]), k=k), question(canvas, "change", "box_of", box_text(shown[name]["box"]), n=name, k=k)]
  if coloured:
    name = one_of(rng, coloured)
    out.append(question(canvas, "change", "colour_of", shown[name]["colour"], n=name, k=k))
  return out
