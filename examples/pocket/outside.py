"""What the model says outside its world: icons of a package that neither training nor scoring uses, and photographs.

    apt-get download oxygen-icon-theme && dpkg -x oxygen-icon-theme_*.deb icons
    python outside.py icons model --engine lmm --sheet outside.png

The photographs are those of scikit-image and scikit-learn, and are left out where these are not installed.
"""
import argparse
import os

import numpy as np
from PIL import Image

import engines
from engines import square
from score import Item
from sheet import SIDE, sheet
from things import with_article

THINGS = {"weather-clear": "sun", "weather-clear-night": "moon", "weather-many-clouds": "cloud", "weather-overcast": "cloud", "camera-photo": "camera",
          "computer": "computer", "computer-laptop": "computer", "phone": "phone", "smartphone": "phone", "food-cake": "cake", "clock": "clock",
          "edit-cut": "scissors", "object-locked": "lock", "lock": "lock", "preferences-desktop-notification-bell": "bell", "draw-star": "star",
          "rating": "star", "help-hint": "light bulb", "draw-freehand": "pencil", "go-home": "house", "face-monkey": "monkey",
          "x-office-address-book": "book", "address-book-new": "book"}
MOODS = {"face-angry": "angry", "face-cool": "cool", "face-glasses": "cool", "face-crying": "crying", "face-in-love": "in love", "face-laugh": "laughing",
         "face-laughing": "laughing", "face-sad": "sad", "face-sick": "sick", "face-sleeping": "sleepy", "face-smile": "happy",
         "face-smile-big": "happy", "face-surprise": "surprised"}
GROUNDS = ((255, 255, 255), (200, 205, 210), (150, 190, 230))


def icons(folder):
  """{an icon's name: its largest picture of 48 pixels or more}"""
  best = {}
  for root, _, files in os.walk(folder):
    for name, kind in map(os.path.splitext, files):
      if kind != ".png" or (name not in THINGS and name not in MOODS): continue
      image = Image.open(os.path.join(root, name + kind))
      if image.width >= 48 and image.width > (best[name].width if name in best else 0): best[name] = image
  return best


def photographs():
  try:
    import skimage.data
    from sklearn.datasets import load_sample_image
  except ImportError: return
  for name, thing in (("chelsea", "cat"), ("coffee", "cup"), ("rocket", "rocket")): yield getattr(skimage.data, name)(), thing
  yield load_sample_image("flower.jpg"), "flower"


def items(folder):
  """What is asked, as the scorer's items."""
  for name, icon in sorted(icons(folder).items()):
    icon = icon.convert("RGBA").resize((110, 110), Image.LANCZOS)
    for ground in GROUNDS:
      picture = Image.new("RGB", (SIDE, SIDE), ground)
      picture.paste(icon, (25, 25), icon)
      if name in MOODS: yield Item("mood", "icons", np.asarray(picture), "What does the face feel?", MOODS[name], False)
      else: yield Item("identify", "icons", np.asarray(picture), "What is this?", with_article(THINGS[name]), False)
  for pixels, thing in photographs():
    side = min(pixels.shape[:2])
    top, left = ((n - side) // 2 for n in pixels.shape[:2])
    yield Item("identify", "photographs", square(pixels[top: top + side, left: left + side], SIDE), "What is this?", with_article(thing), False)


def main():
  p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
  p.add_argument("icons", help="folder in which the package was unpacked")
  p.add_argument("model")
  p.add_argument("--engine", choices=engines.ENGINES, default="transformers")
  p.add_argument("--sheet", help="write all pictures with the answers here")
  args = p.parse_args()
  asked = list(items(args.icons))
  answers = engines.open_engine(args.engine, args.model)([(i.pixels, i.question) for i in asked])
  for key in dict.fromkeys((i.task, i.style) for i in asked):
    pairs = [(i.answer, got) for i, got in zip(asked, answers) if (i.task, i.style) == key]
    print(f"{' '.join(key)}: {sum(a == b for a, b in pairs)} of {len(pairs)} right; " + " | ".join(f"{a} -> {b}" for a, b in pairs))
  if args.sheet: sheet(asked, answers, args.sheet)


if __name__ == "__main__": main()
