"""Pictures: grounds, drawings, text and digits on a canvas of 160 x 160 pixels, then a camera that spoils them a little.

Every stroke also writes labels for the 10 x 10 patches of the vision tower; they train helper heads that are not exported.
All randomness comes from the generator that the caller passes. `test` draws what training never sees: held-out fonts, words,
digits, grounds and photographs; held-out drawings come with a held-out style.
"""
import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

import things
from assets import LINE_STYLES, assets

SIDE, PATCH = 160, 16
GRID = SIDE // PATCH
CENTRES = (np.arange(GRID) + .5) * PATCH
HALVES = (np.arange(2 * GRID) + .5) * PATCH / 2               # a patch has room for two narrow characters: one label for each half
CLASS_ID = {name: i + 1 for i, name in enumerate(things.label_classes())}
COLOUR_ID = {name: i + 1 for i, name in enumerate(things.COLOURS)}
CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
CHARACTER_ID = {c: i + 1 for i, c in enumerate(CHARACTERS)}
MARKS = ["spot", "circle", "arrow", "frame", *range(1, 9)]    # how a patch's thing is marked; a number is the thing's number
MARK_ID = {m: i + 1 for i, m in enumerate(MARKS)}
# `num` is a number that an answer needs, so that the tower learns what takes a look around: which letter of its word it is, which step of
# those shown, what belongs into the cell of a sudoku. Not how many of its kind there are: it names things in its last layers, too late to compare.
NUMBERS = 12
# Korean syllables are labelled by their three parts, each of which has few values (0: no syllable here).
LABELS = {"obj": ("u1", ()), "chr": ("u1", (2,)), "num": ("u1", (2,)), "initial": ("u1", ()), "vowel": ("u1", ()), "final": ("u1", ()), "col": ("u1", ()), "mark": ("u1", ()), "ctr": ("u1", ()), "box": ("f2", (4,))}
GROUNDS = ["solid", "gradient", "noise", "blobs", "stripes", "paper", "solid", "gradient"]
BUSY_GROUNDS = ["rings", "waves", "shards", "scribble", "grid", "slant"]       # training only; with them others no longer look like things
HELD_OUT_GROUNDS = ["checker", "dots", "clouds", "tricolour"]
STYLE_WEIGHT = {"symbola": .25, "noto-line": .25, "mdi": .35, "noto": 1.2}


def ground(rng, test=False, light=False, photos=True):
  """A plain, textured or photographic ground; `light` keeps it bright."""
  if photos and rng.random() < .2: return photograph(rng, test, pale=light or rng.random() < .4)
  kind = rng.choice(HELD_OUT_GROUNDS) if test and rng.random() < .6 else rng.choice(GROUNDS if test else GROUNDS + BUSY_GROUNDS)
  low = 120 if light or rng.random() < .7 else 0
  a, b = rng.integers(low, 256, 3), rng.integers(low, 256, 3)
  if kind == "solid": field = np.broadcast_to(a, (2, 2, 3)).astype(float)
  elif kind == "gradient":
    slope = np.add.outer(np.linspace(0, rng.random(), 16), np.linspace(0, rng.random(), 16))
    field = a + (b - a) * slope[..., None] / 2
  elif kind == "noise": field = a + rng.normal(0, rng.uniform(5, 30), (SIDE, SIDE, 1)) * np.ones(3)
  elif kind == "blobs": field = a + rng.normal(0, 25, (rng.integers(3, 7), rng.integers(3, 7), 3))
  elif kind == "stripes":
    field = np.where((np.arange(32) // rng.integers(2, 8) % 2)[:, None, None], a, a + (b - a) * .25) * np.ones((32, 32, 1))
    field = field if rng.random() < .5 else field.transpose(1, 0, 2)
  elif kind == "paper":
    field = np.full((SIDE, SIDE, 3), 1.) * (235 + a / 20)
    field[:: int(rng.integers(10, 24))] -= 40
  elif kind == "checker":
    n = np.arange(int(rng.integers(3, 9)))
    field = np.where(np.add.outer(n, n)[..., None] % 2, a, a + (b - a) * .3)
  elif kind == "dots":
    field, step = np.ones((SIDE, SIDE, 3)) * a, int(rng.integers(10, 24))
    for dy in (0, 1):
      for dx in (0, 1): field[dy::step, dx::step] = b
  elif kind == "clouds":
    layers = ((4, .5), (9, .3), (20, .2))
    noise = sum(w * np.asarray(Image.fromarray(rng.normal(128, 60, (k, k)).clip(0, 255).astype("u1")).resize((SIDE, SIDE), Image.BICUBIC), float) for k, w in layers)
    field = noise[..., None] * .5 + a * .5
  elif kind == "tricolour": field = np.stack([a, (a + b) / 2, b])[:, None] * np.ones((1, 2, 1))
  else: field = busy(rng, kind, a, b)
  image = Image.fromarray(field.clip(0, 255).astype("u1")).convert("RGB")
  return image.resize((SIDE, SIDE), Image.NEAREST if kind in ("checker", "tricolour", "stripes") else Image.BICUBIC)


def busy(rng, kind, a, b):
  """A pattern of two or more colours, (side, side, 3)."""
  side = 80
  y, x = np.mgrid[:side, :side] + rng.uniform(-40, 40, 2)[:, None, None]
  step, share = rng.uniform(3, 16), rng.choice([.25, .5, 1.])
  if kind == "shards":
    seeds, colours = rng.uniform(-40, 120, (int(rng.integers(3, 14)), 2)), rng.random((14, 1))
    nearest = ((x[..., None] - seeds[:, 0]) ** 2 + (y[..., None] - seeds[:, 1]) ** 2).argmin(-1)
    return a + (b - a) * share * colours[nearest]
  if kind == "scribble":
    image = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(4, 30))):
      start = rng.uniform(-5, side + 5, 2)
      draw.line([tuple(start + d) for d in rng.normal(0, step, (int(rng.integers(2, 5)), 2))], fill=int(rng.integers(90, 256)), width=int(rng.integers(1, 4)))
    return a + (b - a) * share * np.asarray(image)[..., None] / 255
  if kind == "grid": pattern = (x % (step + 3) < 1.5) | (y % (step + 3) < 1.5)
  else:
    angle = rng.uniform(0, np.pi)
    along = {"rings": np.hypot(x, y), "waves": y + step * .6 * np.sin(x / step)}.get(kind, x * np.cos(angle) + y * np.sin(angle))
    pattern = np.sin(along * np.pi / step)
    pattern = pattern > 0 if rng.random() < .5 else (pattern + 1) / 2
  return a + (b - a) * share * pattern[..., None]


def photograph(rng, test, pale):
  photo = assets().ground(rng, test)
  side = rng.uniform(.35, 1.) * min(photo.size)
  x, y = rng.uniform(0, photo.width - side), rng.uniform(0, photo.height - side)
  image = photo.resize((SIDE, SIDE), Image.BILINEAR, (x, y, x + side, y + side))
  return Image.blend(image, Image.new("RGB", (SIDE, SIDE), tuple(int(v) for v in rng.integers(120, 256, 3))), .55) if pale else image


def tinted(rng, rgba, colour):
  """The drawing's grey values under one plain colour."""
  base = np.array(things.COLOURS[colour]) + rng.integers(-14, 15, 3)
  grey = rgba[..., :3].mean(-1, keepdims=True) / 255
  out = rgba.copy()
  out[..., :3] = (base * (.55 + .45 * grey) + 30 * grey).clip(0, 255)
  return out


def shape_drawing(rng, kind, colour):
  """A filled shape in about that colour, 112 pixels high or wide."""
  size = 112
  image = Image.new("RGBA", (size, size), (0, 0, 0, 0))
  draw = ImageDraw.Draw(image)
  fill = tuple((np.array(things.COLOURS[colour]) + rng.integers(-18, 19, 3)).clip(0, 255).tolist()) + (255,)
  middle, end = size / 2, size - 3

  def polygon(corners, radius=54, inner=None):
    radii = [radius if inner is None or i % 2 == 0 else inner for i in range(corners)]
    draw.polygon([(middle + r * np.sin(2 * np.pi * i / corners), middle - r * np.cos(2 * np.pi * i / corners)) for i, r in enumerate(radii)], fill=fill)

  if kind == "circle": draw.ellipse((2, 2, end, end), fill=fill)
  elif kind == "ring": draw.ellipse((2, 2, end, end), outline=fill, width=int(rng.integers(14, 26)))
  elif kind == "oval":
    h = int(rng.integers(24, 32))
    draw.ellipse((2, h, end, size - h), fill=fill)
  elif kind == "square": draw.rectangle((8, 8, size - 9, size - 9), fill=fill)
  elif kind == "rectangle":
    h = int(rng.integers(26, 36))
    draw.rectangle((2, h, end, size - h), fill=fill)
  elif kind == "diamond": draw.polygon([(middle, 2), (size - 22, middle), (middle, end), (22, middle)], fill=fill)
  elif kind == "cross":
    w = int(rng.integers(14, 22))
    draw.rectangle((middle - w, 4, middle + w, size - 5), fill=fill)
    draw.rectangle((4, middle - w, size - 5, middle + w), fill=fill)
  elif kind == "heart":
    t = np.linspace(0, 2 * np.pi, 60)
    x, y = 16 * np.sin(t) ** 3, 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    draw.polygon(list(zip(middle + x * 3.1, middle - 6 - y * 3.1)), fill=fill)
  else: polygon(*{"triangle": (3,), "pentagon": (5,), "hexagon": (6,), "star shape": (10, 54, 23)}[kind])
  return np.asarray(image.crop(image.getchannel("A").getbbox()))


def bent(rng, layer, wild):
  """The line of text slanted, and its letters bent, widened and moved a little, as a hand would: a font becomes many."""
  margin = int(.2 * wild * layer.height) + 1
  layer = ImageOps.expand(layer, (margin, 0), layer.getpixel((0, 0)))
  (w, h), step = layer.size, max(6, layer.height // 3)
  xs, ys = (np.append(np.arange(0, side, step), side) for side in (w, h))
  moved = rng.normal(0, .05 * wild * h, (len(ys), len(xs), 2)) * (1., .8)
  moved[..., 0] += rng.uniform(-.35, .35) * wild * (ys[:, None] - h / 2)                 # the slant
  at = moved + np.stack(np.meshgrid(xs, ys), -1)
  corners = lambda i, j: (*at[i, j], *at[i + 1, j], *at[i + 1, j + 1], *at[i, j + 1])
  mesh = [((int(xs[j]), int(ys[i]), int(xs[j + 1]), int(ys[i + 1])), corners(i, j)) for i in range(len(ys) - 1) for j in range(len(xs) - 1)]
  return layer.transform(layer.size, Image.MESH, mesh, Image.BILINEAR)


class Canvas:
  """One picture in the making. `items` lists what was put on it: name, box (pixels), colour (or None) and patches."""

  def __init__(self, rng, test=False, light=False, photos=True, korean=False):
    self.rng, self.test, self.items, self.korean = rng, test, [], korean
    self.image = ground(rng, test, light, photos)
    self.labels = {k: np.zeros((GRID, GRID, *shape), np.float32 if k == "box" else np.int16) for k, (_, shape) in LABELS.items()}

  def free_place(self, w, h, tries=30):
    """A place where w x h pixels overlap nothing (None when none was found)."""
    for _ in range(tries):
      x, y = int(self.rng.integers(0, max(1, SIDE - w))), int(self.rng.integers(0, max(1, SIDE - h)))
      if all(x + w <= b[0] or x >= b[2] or y + h <= b[1] or y >= b[3] for b in (i["box"] for i in self.items)): return x, y
    return None

  def put(self, name, size, style=None, colour=None, centre=None):
    """Puts a thing, mood, step or shape on the canvas, its long side about `size` pixels; None when there is no room."""
    rng, free = self.rng, name not in things.SHAPES
    if not free:
      colour = colour or str(rng.choice(list(things.COLOURS)))
      rgba = shape_drawing(rng, name, colour)
    else:
      rgba, shown = self.pick(name, style, colour)
      colour = shown
    image = Image.fromarray(rgba)
    scale = size / max(image.size)
    image = image.resize((max(6, int(image.width * scale * rng.uniform(.88, 1.12))), max(6, int(image.height * scale))), Image.BILINEAR, reducing_gap=2.)
    if free and rng.random() < .5 and not name.startswith("step:"): image = image.transpose(Image.FLIP_LEFT_RIGHT)
    if rng.random() < .6:
      image = image.rotate(rng.uniform(-1, 1) * (20 if free else 12), Image.BILINEAR, expand=True)
      image = image.crop(image.getchannel("A").getbbox())
    w, h = image.size
    if w > SIDE or h > SIDE: return None
    place = self.free_place(w, h) if centre is None else (int(centre[0] - w / 2), int(centre[1] - h / 2))
    if place is None: return None
    x, y = (min(max(v, 0), SIDE - s) for v, s in zip(place, (w, h)))
    if free: image = self.lit(image, keep_colour=colour is not None)
    self.image.paste(image, (x, y), image)
    return self.note(name, (x, y, x + w, y + h), colour)

  def pick(self, name, style, colour):
    """A drawing and, where it has one plain colour, its name."""
    rng, a = self.rng, assets()
    plain = name.startswith(("mood:", "step:"))
    if style is None:
      styles = [s for s in a.styles_of(name) if not (plain and s in LINE_STYLES)]
      weights = np.array([STYLE_WEIGHT.get(s, .5 + .2 * len(a.drawings[s][name]) if s == "stamp" else 1.) for s in styles])
      style = str(rng.choice(styles, p=weights / weights.sum()))
    rgba = a.drawing(rng, style, name)
    if colour is None and (style in LINE_STYLES or (not plain and rng.random() < .05)): colour = str(rng.choice(list(things.COLOURS)))
    return (tinted(rng, rgba, colour) if colour else rgba), colour

  def lit(self, image, keep_colour):
    rng, pixels = self.rng, np.array(image)
    rgb = pixels[..., :3].astype(np.float32) * rng.uniform(.8, 1.15) * rng.uniform(.92, 1.08, 3) + rng.uniform(-15, 15)
    if not keep_colour and rng.random() < .05: rgb = rgb.mean(-1, keepdims=True) * np.ones(3)
    pixels[..., :3] = rgb.clip(0, 255)
    return Image.fromarray(pixels)

  def note(self, name, box, colour):
    x0, y0, x1, y1 = box
    patches = np.outer((CENTRES >= y0) & (CENTRES < y1), (CENTRES >= x0) & (CENTRES < x1))
    middle = self.patch_at((x0 + x1) / 2, (y0 + y1) / 2)
    if not patches.any(): patches[middle] = True
    self.labels["ctr"][middle] = 1
    self.labels["obj"][patches], self.labels["box"][patches] = CLASS_ID[name], np.array(box) / SIDE
    if colour: self.labels["col"][patches] = COLOUR_ID[colour]
    self.items.append(dict(name=name, box=box, colour=colour, patches=patches))
    return self.items[-1]

  @staticmethod
  def patch_at(x, y):
    return min(GRID - 1, max(0, int(y // PATCH))), min(GRID - 1, max(0, int(x // PATCH)))

  def text(self, text, font, size, centre, fill, turn=0., wild=0.):
    """One line of text centred there; False when it does not fit. wild (0 to 1): how far from the font its letters are bent."""
    font = assets().font(font, int(size))
    left, top, right, bottom = font.getbbox(text)
    w, h = right - left + 6, bottom - top + 6
    if not (4 <= w <= SIDE and 4 <= h <= SIDE): return False
    layer = Image.new("RGBA", (w, h), tuple(fill) + (0,))
    ImageDraw.Draw(layer).text((3 - left, 3 - top), text, font=font, fill=tuple(fill) + (255,))
    if wild: layer = bent(self.rng, layer, wild)
    if turn: layer = layer.rotate(turn, Image.BILINEAR, expand=True)
    if max(layer.size) > SIDE: return False
    x, y = (min(max(int(c - s / 2), 0), SIDE - s) for c, s in zip(centre, layer.size))
    self.image.paste(layer, (x, y), layer)
    angle, mx, my = np.deg2rad(turn), x + layer.width / 2, y + layer.height / 2
    for i, char in enumerate(text):
      start, end = font.getlength(text[:i]), font.getlength(text[:i + 1])
      along = (start + end) / 2 + 3 - left - w / 2
      place = i - text.rfind(" ", 0, i)
      self.label_character(char, mx + along * np.cos(angle), my - along * np.sin(angle), max((end - start) / 2, 1), max(h * .36, 5), place)
    return True

  def label_character(self, char, x, y, half_width, half_height, number=None):
    """number: which letter of its word it is."""
    row, column = self.patch_at(x, y)
    rows, halves = np.abs(CENTRES - y) <= half_height, np.abs(HALVES - x) <= half_width
    rows[row] = halves[min(2 * GRID - 1, max(0, int(x // (PATCH // 2))))] = True
    here, label = np.outer(rows, halves), lambda key: self.labels[key].reshape(GRID, 2 * GRID)
    if char.lower() in CHARACTER_ID: label("chr")[here] = CHARACTER_ID[char.lower()]
    if number and not char.isspace(): label("num")[here] = min(number, NUMBERS)
    patches = np.outer(rows, np.abs(CENTRES - x) <= half_width)
    patches[row, column] = True
    if "가" <= char <= "힣":
      parts, final = divmod(ord(char) - ord("가"), 28)
      for key, part in zip(("initial", "vowel", "final"), (parts // 21, parts % 21, final)): self.labels[key][patches] = part + 1

  def digit(self, value, size, centre, colour, number=None):
    """One handwritten digit: an 8 x 8 bitmap, smoothly enlarged. number: which of its number it is."""
    images = assets().digits[self.test][value]
    image = Image.fromarray((images[self.rng.integers(len(images))].astype(float) / 16 * 255).astype("u1")).resize((size, size), Image.BICUBIC)
    if self.rng.random() < .6: image = image.point(lambda v: min(255, max(0, int((v - 90) * 2.5))))
    image = image.rotate(self.rng.uniform(-12, 12), Image.BILINEAR)
    self.image.paste(Image.new("RGB", image.size, tuple(colour)), (int(centre[0] - size / 2), int(centre[1] - size / 2)), image)
    self.label_character(str(value), *centre, size * .3, size * .42, number)

  def ink(self):
    """A text colour that stands out from the ground."""
    mean = np.asarray(self.image.resize((1, 1), Image.BOX))[0, 0].astype(int)
    for _ in range(20):
      colour = self.rng.integers(0, 256, 3) if self.rng.random() < .5 else np.full(3, self.rng.choice([0, 20, 40, 255]))
      if abs((colour - mean) @ np.array([.3, .6, .1])) > 90: return tuple(int(v) for v in colour)
    return (0, 0, 0) if mean.mean() > 128 else (255, 255, 255)

  def finish(self):
    """The picture as the camera sees it: sometimes blurred, compressed or noisy. uint8 (160, 160, 3)."""
    rng, image = self.rng, self.image
    if rng.random() < .15: image = image.filter(ImageFilter.GaussianBlur(rng.uniform(.3, .9)))
    if rng.random() < .15:
      data = io.BytesIO()
      image.save(data, "JPEG", quality=int(rng.integers(30, 90)))
      image = Image.open(data)
    pixels = np.asarray(image)
    if rng.random() < .25: pixels = (pixels + rng.normal(0, rng.uniform(2, 10), (SIDE, SIDE, 1))).clip(0, 255).astype("u1")
    return pixels
