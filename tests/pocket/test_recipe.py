"""The pocket model's recipe runs (on tiny sizes and made-up assets), and the shipped weights answer as well as they did.

The recipe's programs run as programs, as train.sh runs them. Nothing here needs the asset packages."""
import io
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytest.importorskip("tokenizers")
from PIL import Image, ImageDraw, ImageFont  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
RECIPE = os.path.join(ROOT, "examples", "pocket")
MODEL = os.path.join(RECIPE, "model")
SAMPLES = os.path.join(ROOT, "tests", "data", "pocket")


def recipe(*command, environment=None):
  """Runs a program of the recipe and returns what it printed."""
  done = subprocess.run([sys.executable, os.path.join(RECIPE, command[0]), *map(str, command[1:])], capture_output=True, text=True, cwd=RECIPE,
                        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **(environment or {})}, timeout=300)
  assert done.returncode == 0, done.stdout + done.stderr
  return done.stdout


def names():
  code = "import things, json; print(json.dumps([list(things.ALL_THINGS), things.label_classes()]))"
  return json.loads(subprocess.run([sys.executable, "-c", code], cwd=RECIPE, capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def assets(tmp_path_factory):
  """A pack like the one assets.py builds, with a coloured polygon for each drawing and Pillow's own font."""
  path, rng = tmp_path_factory.mktemp("assets") / "assets.zip", random.Random(3)
  font = getattr(ImageFont.load_default(20), "font_bytes", None)
  if not font: pytest.skip("this Pillow was built without FreeType")
  things, classes = names()

  def png(image):
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()

  with zipfile.ZipFile(path, "w") as pack:
    for style in ("noto", "mdi", "emojione", "icons", "clipart-held-out"):
      for name in classes if style in ("noto", "emojione") else things:
        if style not in ("noto", "emojione") and name not in things: continue
        image = Image.new("RGBA", (24, 24), (0, 0, 0, 0))
        points = [(rng.randrange(24), rng.randrange(24)) for _ in range(5)] + [(0, 0), (23, 20)]
        ImageDraw.Draw(image).polygon(points, fill=tuple(rng.randrange(256) for _ in range(3)) + (255,))
        pack.writestr(f"drawings/{style}/{name}/1.png", png(image))
    for part in ("train", "held-out"):
      pack.writestr(f"fonts/latin/{part}/default.ttf", font)
      pack.writestr(f"grounds/{part}/grey.jpg", png(Image.new("RGB", (200, 180), (90, 120, 100))))
    pack.writestr("words.txt", "cat\ndog\nbird\nwater")
    pack.writestr("words-held-out.txt", "sun\nmoon\nstar")
    data = io.BytesIO()
    np.savez(data, images=np.random.default_rng(0).integers(0, 17, (100, 8, 8)).astype("u1"), labels=(np.arange(100) // 10).astype("u1"))
    pack.writestr("digits.npz", data.getvalue())
  return {"POCKET_ASSETS": str(path)}


def test_recipe_trains_goes_on_exports_and_scores(assets, tmp_path):
  see, ask, folder = tmp_path / "see.pt", tmp_path / "ask.pt", tmp_path / "model"
  small = ["--tiny", 1, "--batch", 8, "--workers", 1, "--threads", 1, "--report", 0]
  assert "done: 2 steps" in recipe("train.py", "see", "--out", see, "--steps", 2, *small, environment=assets)
  out = recipe("train.py", "ask", "--out", ask, "--steps", 12, "--init", see, "--vocabulary", os.path.join(MODEL, "tokenizer.json"), *small, environment=assets)
  assert "took over" in out and "done: 12 steps" in out
  losses = [json.loads(line)["losses"] for line in open(f"{ask}.log.jsonl")]
  assert len(losses) == 12 and all(np.isfinite(list(x.values())).all() for x in losses)
  assert losses[-1]["answers"] < losses[0]["answers"]
  assert "going on at step 12" in recipe("train.py", "ask", "--out", ask, "--steps", 14, *small, "--vocabulary", os.path.join(MODEL, "tokenizer.json"), environment=assets)
  kept = tmp_path / "kept.pt"
  recipe("train.py", "ask", "--out", kept, "--steps", 2, "--keep-eyes", 1, "--init", ask, "--vocabulary", os.path.join(MODEL, "tokenizer.json"), *small, environment=assets)
  before, after = (torch.load(path, weights_only=True) for path in (ask, kept))
  changed = {name.split(".")[1] for name, weight in after["master"].items() if not torch.equal(weight, before["model"][name].float())}
  assert changed == {"text_model", "connector"}, changed
  pytest.importorskip("transformers")
  recipe("export.py", ask, folder)
  assert json.load(open(folder / "config.json"))["model_type"] == "idefics3"
  out = recipe("score.py", folder, "--engine", "own", "--n", 2, "--tasks", "all", "--damage", "blur", "--table", "--json", tmp_path / "scores.json", environment=assets)
  assert out.count("| seen |") == 24 and "| task | clean | blur |" in out, out
  out = recipe("score.py", folder, "--engine", "own", "--same-as", "transformers", "--n", 1, "--tasks", "all", environment=assets)
  assert out.strip().endswith("37 of 37 answers are equal"), out


def test_pictures_are_reproducible(assets):
  code = ("import numpy as np, tasks, zlib; "
          "made = [tasks.make(t, np.random.default_rng([5, i]), test=bool(i % 2)) for i, t in enumerate(tasks.ALL_TASKS * 2)]; "
          "print([zlib.crc32(pixels.tobytes() + repr(questions).encode()) for pixels, questions, _ in made])")
  runs = [subprocess.run([sys.executable, "-c", code], cwd=RECIPE, capture_output=True, text=True, check=True, env={**os.environ, **assets, "PYTHONHASHSEED": seed}).stdout for seed in "12"]
  assert runs[0] == runs[1]
  assert len(set(json.loads(runs[0]))) == 48


def test_labels_say_what_stands_where(assets):
  code = """
import numpy as np
from assets import assets
from scenes import CHARACTER_ID, GRID, MARK_ID, Canvas
from tasks_drawn import order, sudoku
from tasks_objects import draw_mark
canvas = Canvas(np.random.default_rng(1))
assert canvas.text("ab", assets().fonts["latin", False][0], 16, (80, 88), (0, 0, 0))           # two letters that share a patch or lie beside each other
row = canvas.labels["chr"].reshape(GRID, 2 * GRID)[5]
assert row[9] == CHARACTER_ID["a"] and row[10] == CHARACTER_ID["b"] and not row[:8].any() and not row[12:].any(), row
things = [canvas.put("cat", 40, "noto", None, (30, 30)), canvas.put("dog", 40, "noto", None, (130, 130))]
numbers = dict((thing["name"], k) for k, thing in draw_mark(canvas, "number", things[0]))
for thing in things: assert (canvas.labels["mark"][thing["patches"]] == MARK_ID[numbers[thing["name"]]]).all()
draw_mark(canvas, "arrow", things[1])
assert (canvas.labels["mark"][things[1]["patches"]] == MARK_ID["arrow"]).all() and (canvas.labels["mark"][things[0]["patches"]] == MARK_ID[numbers["cat"]]).all()
assert (canvas.labels["num"].reshape(GRID, 2 * GRID)[5, 9:11] == [1, 2]).all() and not canvas.labels["num"][things[1]["patches"]].any()
canvas, asked = sudoku(np.random.default_rng(2), False, 1.)
assert (canvas.labels["num"][canvas.labels["mark"] == MARK_ID["spot"]] == int(asked[0].answer)).all()
canvas, asked = order(np.random.default_rng(3), False)
for rank, letter in enumerate(asked[0].answer.split(), 1):
  named = canvas.labels["chr"] == CHARACTER_ID[letter.lower()]
  assert named.any() and (canvas.labels["num"][named] == rank).all()
"""
  subprocess.run([sys.executable, "-c", code], cwd=RECIPE, env={**os.environ, **assets}, check=True)


def test_busy_grounds_are_for_training_alone(assets):
  code = """
import numpy as np
import scenes
drawn, pattern = [], scenes.busy
def busy(rng, kind, *colours):
  drawn.append(kind)
  return pattern(rng, kind, *colours)
scenes.busy = busy
for seed in range(200): assert scenes.ground(np.random.default_rng(seed), test=True).size == (160, 160)
assert not drawn
for seed in range(200): assert scenes.ground(np.random.default_rng(seed)).size == (160, 160)
assert set(drawn) == set(scenes.BUSY_GROUNDS)
"""
  subprocess.run([sys.executable, "-c", code], cwd=RECIPE, env={**os.environ, **assets}, check=True)


def test_pictures_outside_its_world(tmp_path):
  icon = Image.new("RGBA", (64, 64))
  ImageDraw.Draw(icon).ellipse((4, 4, 60, 60), "yellow")
  for name in ("weather-clear", "face-smile", "face-unknown", "another"): icon.save(tmp_path / f"{name}.png")
  out = recipe("outside.py", tmp_path, MODEL, "--engine", "own", "--sheet", tmp_path / "sheet.png")
  assert "identify icons: " in out and out.count(" of 3 right; ") == 2, out
  assert Image.open(tmp_path / "sheet.png").size[0] == 10 * 168


def test_gallery_is_one_page(tmp_path):
  build = os.environ.get("LMM_BUILD", os.path.join(ROOT, "build"))
  library = os.path.join(build, "lib", "liblmm.so")
  if not os.path.exists(library): pytest.skip(f"there is no {library}")
  items = json.load(open(os.path.join(SAMPLES, "samples.json")))["items"]
  chosen = [next(i for i in items if i["task"] == task) for task in ("identify", "box")]
  chosen[0] = chosen[0] | {"task": "<new>", "question": 'Is "this" <b>bold</b> & $cheap?'}
  for item in chosen: shutil.copy(os.path.join(SAMPLES, item["file"]), tmp_path)
  (tmp_path / "samples.json").write_text(json.dumps({"items": chosen}))
  program = [sys.executable, os.path.join(ROOT, "examples", "gallery", "gallery.py"), "--samples", str(tmp_path)]
  environment = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "bindings", "python"), "LMM_LIBRARY": library}
  done = subprocess.run([*program, "--out", str(tmp_path / "page.html")], env=environment, capture_output=True, text=True)
  assert done.returncode == 0, done.stderr
  page = (tmp_path / "page.html").read_text()
  assert page.count("<figure") == 2 and page.count("data:image/jpeg;base64,") == 2 and page.count('<rect class="wanted"') == 1
  assert "Is &quot;this&quot; &lt;b&gt;bold&lt;/b&gt; &amp; $cheap?" in page and "<new>" not in page
  done = subprocess.run([*program, "--model", str(tmp_path), "--out", str(tmp_path / "none.html")], env=environment, capture_output=True, text=True)
  assert done.returncode == 1 and done.stderr.startswith("error: ") and not (tmp_path / "none.html").exists()


@pytest.mark.parametrize("engine", ["transformers", "lmm"])
def test_shipped_model_keeps_its_skill(engine):
  pytest.importorskip("transformers")
  build = os.environ.get("LMM_BUILD", os.path.join(ROOT, "build"))
  if engine == "lmm" and not any(os.path.exists(os.path.join(build, "bin", n)) for n in ("batch_driver", "lmm")): pytest.skip(f"lmm is not built in {build}")
  print(recipe("samples.py", "check", SAMPLES, MODEL, "--engine", engine, environment={"LMM_BUILD": build}))
