"""Raw material for the pictures, packed into one zip file: drawings, fonts, words, handwritten digits, photographs.

    python assets.py build --packages DIR --out assets.zip     # DIR: where train.sh unpacked the Debian and pip packages

Training and scoring read only the zip. A drawing's entry is `drawings/STYLE/NAME/N.png`; the styles `emojione`, `icons` and
`clipart-held-out`, the fonts under `fonts/*/held-out`, the words in `words-held-out.txt` and the photographs under
`grounds/held-out` are for the scorer only. Sources and licences: README.md.
"""
import argparse
import functools
import io
import os
import re
import subprocess
import tempfile
import zipfile
import zlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import things

SIDE = 112                                   # longest side of a stored drawing
HELD_OUT_STYLES = ("emojione", "icons", "clipart-held-out")
LINE_STYLES = ("symbola", "noto-line", "mdi", "icons")     # one colour: the painter gives them one


def held_out(key, share):
  """A stable split by name."""
  return zlib.crc32(key.encode()) % 1000 < share * 1000


# ---------------------------------------------------------------------------------------------------------- reading

class Assets:
  """The packed material. Drawings are decoded once, when first used."""

  def __init__(self, path=None):
    path = path or os.environ.get("POCKET_ASSETS") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "assets.zip")
    self.zip = zipfile.ZipFile(path)
    self.drawings, self.fonts, self.grounds = {}, {}, {False: [], True: []}
    for entry in sorted(self.zip.namelist()):
      kind, *rest = entry.split("/")
      if kind == "drawings": self.drawings.setdefault(rest[0], {}).setdefault(rest[1], []).append(entry)
      elif kind == "fonts": self.fonts.setdefault((rest[0], rest[1] == "held-out"), []).append(entry)
      elif kind == "grounds": self.grounds[rest[0] == "held-out"].append(entry)
    read = lambda name: self.zip.read(name).decode().split()
    self.words = {False: read("words.txt"), True: read("words-held-out.txt")}
    digits = np.load(io.BytesIO(self.zip.read("digits.npz")))
    images, labels, order = digits["images"], digits["labels"], np.arange(len(digits["labels"]))
    self.digits = {h: [images[(labels == k) & ((order % 5 == 0) == h)] for k in range(10)] for h in (False, True)}
    self.train_styles = [s for s in self.drawings if s not in HELD_OUT_STYLES]
    self.cache = {}

  def styles_of(self, name):
    return [s for s in self.train_styles if name in self.drawings[s]]

  def drawing(self, rng, style, name):
    """One drawing of `name` in `style`: uint8 RGBA array (not to be changed)."""
    entries = self.drawings[style][name]
    entry = entries[rng.integers(len(entries))]
    if entry not in self.cache:
      self.cache[entry] = np.asarray(Image.open(io.BytesIO(self.zip.read(entry))).convert("RGBA"))
    return self.cache[entry]

  def ground(self, rng, test):
    entry = self.grounds[test][rng.integers(len(self.grounds[test]))]
    if entry not in self.cache: self.cache[entry] = Image.open(io.BytesIO(self.zip.read(entry))).convert("RGB")
    return self.cache[entry]

  @functools.lru_cache(8192)
  def font(self, entry, size):
    return ImageFont.truetype(io.BytesIO(self.zip.read(entry)), size)


@functools.lru_cache(1)
def assets():
  """The process's own copy, opened on first use (worker processes each open theirs)."""
  return Assets()


# --------------------------------------------------------------------------------------------------------- building

def fit(image):
  image = image.convert("RGBA")
  box = image.getchannel("A").point(lambda a: 255 if a > 20 else 0).getbbox()
  if not box: return None
  image = image.crop(box)
  scale = SIDE / max(image.size)
  return image.resize((max(8, round(image.width * scale)), max(8, round(image.height * scale))), Image.LANCZOS) if scale < 1 else image


def glyph(char, font, colour=True):
  image = Image.new("RGBA", (220, 220), (0, 0, 0, 0))
  ImageDraw.Draw(image).text((40, 40), char, font=font, embedded_color=colour, fill=(0, 0, 0, 255))
  return fit(image)


def svg(data, ink=None):
  """Draws an SVG file with rsvg-convert."""
  if ink: data = data.replace(b"currentColor", ink.encode())
  png = subprocess.run(["rsvg-convert", "-w", "160", "-h", "160", "-a"], input=data, capture_output=True, check=True).stdout
  return fit(Image.open(io.BytesIO(png)))


class LayeredFont:
  """A COLR version 0 emoji font (Twemoji as Firefox brings it), drawn layer by layer as SVG: Pillow leaves its glyphs empty."""

  def __init__(self, path):
    from fontTools import ttLib
    self.font = ttLib.TTFont(path)
    self.map, self.layers, self.palette = self.font.getBestCmap(), self.font["COLR"].ColorLayers, self.font["CPAL"].palettes[0]

  def draw(self, char):
    from fontTools.pens.svgPathPen import SVGPathPen
    glyphs, parts, em = self.font.getGlyphSet(), [], self.font["head"].unitsPerEm
    for layer in self.layers.get(self.map.get(ord(char)), []):
      pen, c = SVGPathPen(glyphs), self.palette[layer.colorID]
      glyphs[layer.name].draw(pen)
      parts.append(f'<path fill="rgb({c.red},{c.green},{c.blue})" fill-opacity="{c.alpha / 255:.3f}" d="{pen.getCommands()}"/>')
    if not parts: return None
    box = f'{-em // 4} {-em * 5 // 4} {em * 3 // 2} {em * 3 // 2}'
    return svg(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"><g transform="scale(1,-1)">{"".join(parts)}</g></svg>'.encode())


def listing(*command):
  return sorted(set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")))


def find(root, name, under=""):
  """The path of the first file called `name` in a folder whose path has `under`."""
  return next((os.path.join(d, name) for d, _, files in os.walk(root) if name in files and under in d), None)


def emoji_groups():
  groups = {n: e for n, (e, *_) in things.ALL_THINGS.items()} | {"mood:" + n: e for n, e in things.MOODS.items()}
  return groups | {f"step:{s}:{i}": ch for s, e in things.SEQUENCES.items() for i, ch in enumerate(e)}


def emoji_drawings(packages, add):
  """Noto, Twemoji, Symbola and Noto's line emoji from fonts; OpenMoji and EmojiOne from files."""
  fonts = listing("fc-list", "--format", "%{file}\n")
  load = lambda path, size: ImageFont.truetype(path, size) if path else None
  sources = {"noto": load(next(f for f in fonts if "NotoColorEmoji" in f), 109), "symbola": load(next((f for f in fonts if "Symbola" in f), None), 110), "noto-line": load(find(packages, "NotoEmoji[wght].ttf"), 110)}
  twemoji = find(packages, "TwemojiMozilla.ttf")
  twemoji = LayeredFont(twemoji) if twemoji else None
  openmoji = os.path.dirname(find(packages, "1F408.svg", "openmoji") or "")
  emojione = os.path.dirname(find(packages, "1F408.png", "gemojione") or "")
  for name, chars in emoji_groups().items():
    for char in chars:
      for style, font in sources.items():
        line = style in LINE_STYLES
        if font is None or (line and name.startswith(("mood", "step"))): continue
        image, missing = glyph(char, font, not line), glyph("\U000F1234", font, not line)
        if image is not None and not (missing is not None and image.size == missing.size and image.tobytes() == missing.tobytes()): add(style, name, image)
      if twemoji: add("twemoji", name, twemoji.draw(char))
      path = os.path.join(openmoji, f"{ord(char):04X}.svg")
      if openmoji and os.path.exists(path): add("openmoji", name, svg(open(path, "rb").read()))
      for path in (os.path.join(emojione, f"{ord(char):{x}}.png") for x in ("04X", "04x")):
        if emojione and os.path.exists(path):
          add("emojione", name, fit(Image.open(path)))
          break


def other_drawings(packages, add):
  """Clip art, Tux Paint's stamps (drawn and photographed) and two icon themes."""
  clip = {os.path.basename(p)[:-4]: p for p in listing("dpkg", "-L", "openclipart-png") if p.endswith(".png")}
  stamps = {}
  for folder, _, files in os.walk(packages):
    if "/tuxpaint/stamps" not in folder: continue
    for f in sorted(files):
      if f.endswith((".svg", ".png")) and "_mirror" not in f: stamps["/" + os.path.join(folder, f).split("/stamps/")[1][:-4]] = os.path.join(folder, f)
  mdi, phosphor = (zipfile.ZipFile(p) if p else None for p in (find_icons(packages, k) for k in ("mdi", "phosphor")))
  for name, (_, clips, wanted, icons) in things.ALL_THINGS.items():
    files = [f for f in clips.split() if f in clip]
    for i, f in enumerate(files):
      add("clipart-held-out" if i == len(files) - 1 and len(files) > 1 else "clipart", name, fit(Image.open(clip[f])))
    for key in wanted.split():
      for path in sorted(p for k, p in stamps.items() if k.endswith("/" + key)):
        add("stamp", name, svg(open(path, "rb").read()) if path.endswith(".svg") else fit(Image.open(path)))
    for icon in icons.split():
      if mdi and icon + ".svg" in mdi.namelist(): add("mdi", name, svg(mdi.read(icon + ".svg")))
    entry = f"fill/{things.HELD_OUT_ICONS.get(name, name)}-fill.svg"
    if phosphor and entry in phosphor.namelist(): add("icons", name, svg(phosphor.read(entry), "#000000"))


def find_icons(packages, kind):
  return next((os.path.join(d, "icons.zip") for d, _, files in os.walk(packages) if "icons.zip" in files and d.endswith("justmyresource_" + kind)), None)


# dkgB...: without their ligatures these have no "l" and no "u".
NOT_LATIN = re.compile(r"dkgB|Symbol|Dingbat|D05000|Emoji|CJK|/ancient|Standard|Math|baekmuk|nanum|unfonts|YetHangul|type1|lignes|UnJamo|FreeMono", re.I)
STYLE_WORDS = r"[-_]|Bold|Light|Regular|Italic|Oblique|Extra|Medium|Thin|Black|B\.|EB\.|R\.|L\."


def font_families():
  """{(language, held out): font files}: whole families are held out; at most five files of a family are used."""
  families = {}
  for path in listing("fc-list", "--format", "%{file}\n"):
    base = os.path.basename(path)
    if not re.search(r"\.[to]t[fc]$", path) or "/fonts/" not in path: continue
    if re.search(r"baekmuk|nanum|unfonts|NotoS[a-z]*CJK", path) and "Yet" not in path and "UnJamo" not in path: language = "korean"
    elif not NOT_LATIN.search(path): language = "latin"
    else: continue
    if language == "korean" and "Light" in base: continue
    families.setdefault((language, re.split(STYLE_WORDS, base)[0].lower()), []).append(path)
  result = {}
  for (language, family), paths in sorted(families.items()):
    result.setdefault((language, held_out("font2:" + family, .2)), []).extend(paths[:: max(1, len(paths) // 5)][:5])
  return result


def font_bytes(path, text):
  """The font with only the characters of `text`, which keeps the pack small."""
  import logging
  from fontTools import subset, ttLib
  logging.getLogger("fontTools").setLevel(logging.ERROR)
  options = subset.Options(layout_features=[], hinting=False, notdef_outline=True, name_IDs=[1, 2], drop_tables=["FFTM", "GSUB", "GPOS", "GDEF", "DSIG"])
  font = ttLib.TTFont(path, fontNumber=1 if path.endswith(".ttc") else 0)
  tool = subset.Subsetter(options)
  tool.populate(text=text)
  tool.subset(font)
  out = io.BytesIO()
  font.save(out)
  ImageFont.truetype(io.BytesIO(out.getvalue()), 20).getbbox("a1" if "a" in text else "가")
  return out.getvalue()


def photographs(packages):
  """(name, picture): wallpaper packages and scikit-image's sample pictures; pictures that show a thing of the list are left out."""
  import skimage.data
  for name in ("brick", "grass", "gravel", "immunohistochemistry", "coins"):
    try: yield "skimage-" + name, Image.fromarray(getattr(skimage.data, name)())
    except Exception as error: print("no", name, error)
  for folder, _, files in os.walk(packages):
    if "/backgrounds" in folder or "/wallpapers" in folder:
      for f in sorted(files):
        if f.lower().endswith((".jpg", ".jpeg", ".png")) and not re.search("Elephants|LadyBird|Flower|TwoWings", f): yield "wallpaper-" + f.rsplit(".", 1)[0], Image.open(os.path.join(folder, f))


def build(packages, out):
  count = {}
  with zipfile.ZipFile(out + ".part", "w", zipfile.ZIP_STORED) as pack:
    def add(style, name, image):
      if image is None: return
      n = count[style, name] = count.get((style, name), 0) + 1
      data = io.BytesIO()
      image.save(data, "PNG")
      pack.writestr(f"drawings/{style}/{name}/{n}.png", data.getvalue())
    emoji_drawings(packages, add)
    other_drawings(packages, add)
    latin = "".join(map(chr, range(32, 127)))
    for (language, test), paths in sorted(font_families().items()):
      for path in paths:
        try: pack.writestr(f"fonts/{language}/{'held-out' if test else 'train'}/{os.path.basename(path)}", font_bytes(path, latin + (things.SYLLABLES if language == "korean" else "")))
        except Exception as error: print("left out", os.path.basename(path), type(error).__name__, error)
    dictionary = next(p for p in listing("dpkg", "-L", "wamerican") if p.endswith("dict/american-english"))
    words = sorted({w.strip() for w in open(dictionary) if re.fullmatch(r"[a-z]{2,8}\n", w)})
    for test, entry in ((False, "words.txt"), (True, "words-held-out.txt")):
      pack.writestr(entry, "\n".join(w for w in words if held_out("w" + w, .15) == test))
    from sklearn.datasets import load_digits
    digits, data = load_digits(), io.BytesIO()
    np.savez_compressed(data, images=digits.images.astype("u1"), labels=digits.target.astype("u1"))
    pack.writestr("digits.npz", data.getvalue())
    for name, image in photographs(packages):
      image.draft("RGB", (960, 960))
      image = image.convert("RGB")
      image.thumbnail((480, 480))
      data = io.BytesIO()
      image.save(data, "JPEG", quality=88)
      pack.writestr(f"grounds/{'held-out' if held_out('ground' + name, .25) else 'train'}/{name}.jpg", data.getvalue())
  os.replace(out + ".part", out)
  return count


def report(path):
  a = Assets(path)
  print(f"{path}: {os.path.getsize(path) / 2**20:.1f} MiB")
  for style, names in a.drawings.items():
    print(f"  {style:18s} {len(names):4d} names, {sum(map(len, names.values())):5d} drawings{'  (held out)' if style in HELD_OUT_STYLES else ''}")
  for (language, test), entries in a.fonts.items(): print(f"  fonts {language} {'held out' if test else 'train'}: {len(entries)}")
  print("  words", {k: len(v) for k, v in a.words.items()}, "grounds", {k: len(v) for k, v in a.grounds.items()})
  few = [n for n in things.ALL_THINGS if len(a.styles_of(n)) < 4]
  if few: print("  fewer than four styles:", ", ".join(few))


if __name__ == "__main__":
  parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
  parser.add_argument("command", choices=["build", "report"])
  parser.add_argument("--packages", default="packages")
  parser.add_argument("--out", default="assets.zip")
  args = parser.parse_args()
  if args.command == "build": build(args.packages, args.out)
  report(args.out)
