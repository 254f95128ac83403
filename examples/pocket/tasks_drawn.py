"""Pictures drawn stroke by stroke: sudokus, steps in a row, memes, bones."""
import itertools

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import things
from assets import assets
from questions import absent_name, box_text, one_of, question
from scenes import CENTRES, MARK_ID, SIDE, Canvas
from tasks_text import fonts_of

NAMES = list(things.ALL_THINGS)
LETTERS = "ABCD"


# --------------------------------------------------------------------------------------------------------------- sudoku

def solution(rng):
  """A filled 4 x 4 sudoku: a known one with digits, rows, columns and sides changed."""
  grid = np.array([[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3], [4, 3, 2, 1]])
  order = lambda: [2 * b + i for b in rng.permutation(2) for i in rng.permutation(2)]
  grid = rng.permutation(np.arange(1, 5))[grid[order()][:, order()] - 1]
  return grid if rng.random() < .5 else grid.T


def sudoku(rng, test, level):
  """A 4 x 4 sudoku in which row, column and box of the marked cell leave one digit for it."""
  whole = solution(rng)
  r, c = (int(v) for v in rng.integers(0, 4, 2))
  grid = whole.copy()
  grid[r, c] = 0
  near = lambda g, r, c: {int(v) for i, j in itertools.product(range(4), repeat=2) if i == r or j == c or (i // 2 == r // 2 and j // 2 == c // 2) for v in [g[i, j]] if v}
  empty = int(rng.integers(1, 3 + round(5 * level)))
  for cell in rng.permutation(16):
    i, j = divmod(int(cell), 4)
    kept, grid[i, j] = grid[i, j], 0
    if len(near(grid, r, c)) < 3: grid[i, j] = kept
    if (grid == 0).sum() > empty: break
  canvas = Canvas(rng, test, light=True, photos=False)
  draw, cell, font = ImageDraw.Draw(canvas.image), int(rng.integers(33, 39)), one_of(rng, fonts_of("latin", test))
  x0, y0 = (int(rng.integers(2, SIDE - 4 * cell - 1)) for _ in range(2))
  tint = tuple(int(v) for v in np.array(things.COLOURS[one_of(rng, ["yellow", "pink", "orange", "green", "blue"])]) // 2 + 110)
  draw.rectangle((x0, y0, x0 + 4 * cell, y0 + 4 * cell), fill=(252, 252, 250))
  draw.rectangle((x0 + c * cell, y0 + r * cell, x0 + (c + 1) * cell, y0 + (r + 1) * cell), fill=tint)
  for k in range(5):
    for line in ((x0 + k * cell, y0, x0 + k * cell, y0 + 4 * cell), (x0, y0 + k * cell, x0 + 4 * cell, y0 + k * cell)): draw.line(line, fill=(40, 40, 40), width=1 if k % 2 else 3)
  for i, j in zip(*np.nonzero(grid)): canvas.text(str(grid[i, j]), font, cell * .7, (x0 + (j + .5) * cell, y0 + (i + .5) * cell), (20, 20, 30))
  patches = lambda i, j: np.ix_(*(np.flatnonzero((CENTRES >= low) & (CENTRES < low + cell)) for low in (y0 + i * cell, x0 + j * cell)))
  canvas.labels["mark"][patches(r, c)] = MARK_ID["spot"]
  for i, j in itertools.product(range(4), repeat=2):
    if grid[i, j] or len(near(grid, i, j)) == 3: canvas.labels["num"][patches(i, j)] = whole[i, j]
  out = [question(canvas, "sudoku", "sudoku", str(whole[r, c]))]
  if not test:                                                 # a help to learn: what stands in the rows and columns
    for key, line in [("sudoku_row", grid[r]), ("sudoku_column", grid[:, c])]:
      out.append(question(canvas, "sudoku", key, '"' + "".join(str(v) if v else "." for v in line) + '"'))
  return canvas, out


# ---------------------------------------------------------------------------------------------------------- steps in a row

def kimbap(draw, k, rng):
  """Seaweed, rice on it, fillings, the roll, slices."""
  if k < 3:
    draw.rectangle((8, 14, 92, 86), fill=(25, 55, 35))
    if k > 0: draw.rounded_rectangle((14, 18, 86, 70), 8, fill=(245, 243, 235))
    for i, colour in enumerate([(240, 130, 30), (250, 215, 60), (60, 150, 60), (235, 110, 130)] if k == 2 else []): draw.rectangle((14, 34 + 8 * i, 86, 40 + 8 * i), fill=colour)
  else:
    if k == 3: draw.rounded_rectangle((6, 32, 80, 68), 14, fill=(25, 55, 35))
    for x in (78,) if k == 3 else (20, 50, 80):
      for radius, colour in ((17, (25, 55, 35)), (14, (245, 243, 235)), (7, (240, 130, 30)), (3, (60, 150, 60))): draw.ellipse((x - radius, 50 - radius, x + radius, 50 + radius), fill=colour)


def sandwich(draw, k, rng):
  """Bread, then one layer more a step."""
  layers = [(205, 150, 85), (90, 180, 70), (225, 60, 50), (250, 205, 60), (205, 150, 85)]
  for i, colour in enumerate(layers[: k + 1]): draw.rounded_rectangle((12 - 2 * (i in (1, 3)), 76 - 14 * i, 88 + 2 * (i in (1, 3)), 90 - 14 * i), 5, fill=colour)


def snowman(draw, k, rng):
  """One ball, two, three, then a face and a hat."""
  for y, radius in ((72, 24), (40, 17), (17, 12))[: min(k, 2) + 1]: draw.ellipse((50 - radius, y - radius, 50 + radius, y + radius), fill=(205, 225, 245), outline=(70, 95, 125))
  if k > 2:
    draw.rectangle((38, 2, 62, 9), fill=(30, 30, 35))
    for x in (46, 54): draw.ellipse((x - 2, 13, x + 2, 17), fill=(20, 20, 20))
    draw.polygon([(50, 18), (50, 22), (60, 20)], fill=(240, 130, 30))


def glass(draw, k, rng):
  """A glass that fills."""
  if k: draw.rectangle((30, 88 - 18 * k, 70, 88), fill=(60, 140, 220))
  draw.line([(28, 10), (28, 90), (72, 90), (72, 10)], fill=(70, 80, 90), width=4)


def candle(draw, k, rng):
  """A candle that burns down."""
  top = 22 + 16 * k
  draw.rectangle((38, top, 62, 90), fill=(235, 90, 80))
  draw.ellipse((45, top - 18, 55, top - 1), fill=(250, 190, 40))


DRAWN = {f.__name__: f for f in (kimbap, sandwich, snowman, glass, candle)}


def step(canvas, name, k, centre, size):
  """Draws step k of a sequence on the canvas."""
  if name in things.SEQUENCES: return canvas.put(f"step:{name}:{k}", size, None, None, centre)
  layer = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
  DRAWN[name](ImageDraw.Draw(layer), k, canvas.rng)
  layer = layer.resize((size, size), Image.BILINEAR)
  x, y = (int(c - size / 2) for c in centre)
  canvas.image.paste(layer, (x, y), layer)
  canvas.note(f"step:{name}:{k}", (x, y, x + size, y + size), None)


def order(rng, test):
  """Three or four lettered pictures of steps: in which order?"""
  canvas, name = Canvas(rng, test, light=True, photos=False), one_of(rng, list(things.SEQUENCES) + list(DRAWN))
  length = len(things.SEQUENCES[name]) if name in things.SEQUENCES else things.DRAWN_SEQUENCES[name]
  count = int(rng.integers(3, 5))
  steps = np.sort(rng.choice(length, count, replace=False))
  shown, draw, out = rng.permutation(count), ImageDraw.Draw(canvas.image), []
  font = assets().font(one_of(rng, fonts_of("latin", test)), 14)
  for place, which in enumerate(shown):
    x, y = (27 + 53 * place, 84 + int(rng.integers(-6, 7))) if count == 3 else (40 + 80 * (place % 2), 46 + 78 * (place // 2))
    size = int(rng.integers(40, 50) if count == 3 else rng.integers(46, 58))
    draw.rounded_rectangle((x - size / 2 - 3, y - size / 2 - 3, x + size / 2 + 3, y + size / 2 + 3), 4, fill=(250, 250, 250), outline=(150, 150, 150))
    step(canvas, name, int(steps[which]), (x, y), size)
    draw.text((x, y - size / 2 - 11), LETTERS[place], font=font, fill=(0, 0, 0), anchor="mm")
    canvas.labels["num"][canvas.items[-1]["patches"]] = which + 1
    canvas.label_character(LETTERS[place], x, y - size / 2 - 11, 4, 6, int(which) + 1)
  letters = [LETTERS[list(shown).index(k)] for k in range(count)]
  out = [question(canvas, "order", "order", " ".join(letters))]
  if not test: out += [question(canvas, "order", "order_first", letters[0]), question(canvas, "order", "order_last", letters[-1])]
  return canvas, out


# ----------------------------------------------------------------------------------------------------------- memes, bones

def meme(rng, test, style):
  """A thing and a caption that names it, or another thing: what does it say, what is there, do they agree?"""
  pool = [n for n in NAMES if style is None or n in assets().drawings[style]]
  canvas, name, agree, top = Canvas(rng, test), one_of(rng, pool), rng.random() < .5, rng.random() < .5
  said = name if agree else absent_name(rng, [name], pool)
  while canvas.put(name, int(rng.integers(70, 100)), style, None, (80 + rng.integers(-15, 16), 100 if top else 60)) is None: pass
  font, shown = one_of(rng, fonts_of("latin", test)), said.upper() if rng.random() < .5 else said
  size = int(min(30, 150 / assets().font(font, 40).getlength(shown) * 40))
  y, draw = 22 if top else 138, ImageDraw.Draw(canvas.image)
  ink = canvas.ink()
  if rng.random() < .5:                                         # a caption on a strip of its own
    draw.rectangle((0, y - 20, SIDE, y + 20), fill=(255, 255, 255))
    ink = (0, 0, 0)
  canvas.text(shown, font, size, (80, y), ink)
  out = [question(canvas, "meme", "meme_says", f'"{said}"'), question(canvas, "meme", "meme_shows", things.with_article(name)),
         question(canvas, "meme", "meme_agree", "yes" if agree else "no")]
  return canvas, [out[i] for i in rng.permutation(3)]


def shaft(draw, a, b, width, knobs):
  """A piece of bone from a to b with thicker ends where `knobs` says so."""
  across = np.array([-(b - a)[1], (b - a)[0]]) / np.linalg.norm(b - a) * width / 2
  draw.polygon([tuple(a + across), tuple(b + across), tuple(b - across), tuple(a - across)], fill=215)
  for end, is_knob in zip((a, b), knobs):
    for side in (-1, 1):
      x, y, r = *(end + side * across * .8), width * .62
      if is_knob: draw.ellipse((x - r, y - r, x + r, y + r), fill=225)


def bone(rng, task, test):
  """One or two bones as on an X-ray, one of them broken or none. A drawing, not medicine."""
  canvas = Canvas(rng, test, photos=False)
  base, layer = int(rng.integers(12, 45)), Image.new("L", (SIDE, SIDE), 0)
  draw, turn, count = ImageDraw.Draw(layer), rng.uniform(0, np.pi), int(rng.integers(1, 3))
  way = np.array([np.cos(turn), np.sin(turn)])
  broken, box = (rng.integers(count) if task == "fracture" or rng.random() < .5 else -1), None
  for k in range(count):
    width, long = rng.uniform(11, 17) if count == 1 else rng.uniform(9, 13), rng.uniform(100, 128)
    middle = np.array([80., 80.]) + rng.uniform(-8, 8, 2) + (k - (count - 1) / 2) * 34 * np.array([-way[1], way[0]])
    a, b = middle - way * long / 2, middle + way * long / 2
    if k != broken: shaft(draw, a, b, width, (True, True))
    else:
      at, gap, off, bend = a + (b - a) * rng.uniform(.25, .75), rng.uniform(3, 7), rng.uniform(-.4, .4) * width, rng.uniform(-.22, .22)
      across, turned = np.array([-way[1], way[0]]), np.array([np.cos(turn + bend), np.sin(turn + bend)])
      shaft(draw, a, at - way * gap / 2, width, (True, False))
      start = at + way * gap / 2 + across * off
      shaft(draw, start, start + turned * max(np.linalg.norm(b - start), 20), width, (False, True))
      box = np.concatenate([at - width * 1.1 - 3, at + width * 1.1 + 3]).clip(0, SIDE)
      canvas.labels["mark"][canvas.patch_at(*at)] = MARK_ID["spot"]
  light = np.asarray(layer.filter(ImageFilter.GaussianBlur(rng.uniform(.6, 1.4))), float)
  flesh = np.asarray(layer.filter(ImageFilter.GaussianBlur(16)), float)
  grey = base + .25 * flesh + light * rng.uniform(.6, .85) + rng.normal(0, rng.uniform(2, 7), (SIDE, SIDE))
  canvas.image = Image.fromarray((grey[..., None] * np.array([.92, .98, 1.06])).clip(0, 255).astype("u1"))
  out = [question(canvas, "bone", "bone", "no" if box is None else "yes"), question(canvas, "fracture", "fracture", "not there" if box is None else box_text(box))]
  return canvas, out[1:] if task == "fracture" else out         # where all are broken, "broken?" would teach to say yes
