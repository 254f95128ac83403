"""What the model says outside its world: icons of packages that neither training nor scoring uses, and photographs.

    apt-get download oxygen-icon-theme tango-icon-theme && for p in *icon-theme*.deb; do dpkg -x $p icons; done
    python outside.py icons model --engine lmm --sheet outside.png

The photographs are those of scikit-image and scikit-learn, and are left out where these are not installed.
"""
import argparse
import os

import numpy as np
from PIL import Image, ImageDraw

import engines
from things import with_article

THINGS = {"weather-clear": "sun", "weather-clear-night": "moon", "weather-many-clouds": "cloud", "weather-overcast": "cloud", "camera-photo": "camera",
          "computer": "computer", "computer-laptop": "computer", "phone": "phone", "smartphone": "phone", "food-cake": "cake", "clock": "clock",
          "edit-cut": "scissors", "object-locked": "lock", "lock": "lock", "preferences-desktop-notification-bell": "bell", "draw-star": "star",
          "rating": "star", "help-hint": "light bulb", "draw-freehand": "pencil", "go-home": "house", "face-monkey": "monkey",
          "x-office-address-book": "book", "address-book-new": "book"}
MOODS = {"angry": "angry", "cool": "cool", "glasses": "cool", "crying": "crying", "in-love": "in love", "laugh": "laughing", "laughing": "laughing", "sad": "sad",
         "sick": "sick", "sleeping": "sleepy", "smile": "happy", "smile-big": "happy", "surprise": "surprised"}
GROUNDS = ((255, 255, 255), (200, 205, 210), (150, 190, 230))


def icons(folder):
  """(name of the theme and the icon, its largest picture of 48 pixels or more)"""
  best = {}
  for root, _, files in os.walk(folder):
    for file in files:
      name, kind = os.path.splitext(file)
      if kind != ".png" or (name not in THINGS and not name.startswith("face-")): continue
      image = Image.open(os.path.join(root, file))
      key = (os.path.relpath(root, folder).split("icons" + os.sep)[-1].split(os.sep)[0], name)
      if image.width >= 48 and image.width > (best[key].width if key in best else 0): best[key] = image
  return sorted(best.items())


def photographs():
  try:
    import skimage.data
    from sklearn.datasets import load_sample_image
  except ImportError: return
  for name, thing in (("chelsea", "cat"), ("coffee", "cup"), ("rocket", "rocket")): yield name, getattr(skimage.data, name)(), thing
  yield "flower", load_sample_image("flower.jpg"), "flower"


def cases(folder):
  """(kind, pixels, question, answer)"""
  for (_, name), icon in icons(folder):
    kind, answer = ("moods", MOODS.get(name[5:])) if name.startswith("face-") and name not in THINGS else ("icons", with_article(THINGS[name]))
    if not answer: continue
    icon = icon.convert("RGBA").resize((110, 110), Image.LANCZOS)
    for ground in GROUNDS:
      picture = Image.new("RGB", (160, 160), ground)
      picture.paste(icon, (25, 25), icon)
      yield kind, np.asarray(picture), "What does the face feel?" if kind == "moods" else "What is this?", answer
  for _, pixels, thing in photographs():
    picture = Image.fromarray(pixels)
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    yield "photographs", np.asarray(picture.crop((left, top, left + side, top + side)).resize((160, 160), Image.LANCZOS)), "What is this?", with_article(thing)


def main():
  p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
  p.add_argument("icons", help="folder in which the packages were unpacked")
  p.add_argument("model")
  p.add_argument("--engine", choices=engines.ENGINES, default="transformers")
  p.add_argument("--sheet", help="write all pictures with the answers here")
  args = p.parse_args()
  every = list(cases(args.icons))
  got = engines.open_engine(args.engine, args.model)([(pixels, question) for _, pixels, question, _ in every])
  for kind in ("icons", "moods", "photographs"):
    right = [g == answer for (k, _, _, answer), g in zip(every, got) if k == kind]
    print(f"{kind}: {sum(right)} of {len(right)} right; " + " | ".join(f"{c[3]} -> {g}" for c, g in zip(every, got) if c[0] == kind))
  if args.sheet:
    sheet = Image.new("RGB", (12 * 164, -(-len(every) // 12) * 196), "white")
    for n, ((_, pixels, _, answer), g) in enumerate(zip(every, got)):
      x, y = n % 12 * 164, n // 12 * 196
      sheet.paste(Image.fromarray(pixels), (x, y))
      ImageDraw.Draw(sheet).text((x + 2, y + 164), f"{g}" if g == answer else f"{g}\n(it is: {answer})", "darkgreen" if g == answer else "darkred")
    sheet.save(args.sheet)


if __name__ == "__main__": main()
