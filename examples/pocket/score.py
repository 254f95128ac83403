"""Held-out scores, task by task, with 95% intervals and the commonest-answer baseline.

    python score.py model --engine transformers --n 400 --json scores.json --table
    python score.py model --engine lmm --same-as transformers          # equal answers on every item?
    python score.py run/ask.pt --engine own --damage jpeg,blur,noise,rotate,half

Items come from a fixed seed of their own, with held-out fonts, words, digits and wordings (every other question), and mostly
held-out grounds. Styles: `seen` drawings (in new compositions), `emojione`, `icons` and `clipart-held-out`, which training never
draws. Never train or tune on these items.
"""
import argparse
import io
import json
import os
import zlib
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

import engines
import tasks
from grading import grade, interval

GOALS = {"identify": .90, "identify/emojione": .55, "mood": .90, "colour": .90, "shape": .90, "relation": .90, "count": .85, "box": .80, "yesno": .92,
         "list": .80, "nothing": .95, "absent": .95, "digits": .88, "word": .75, "mark": .85,
         "hangul": .80, "handwriting": .75, "sudoku": .85, "order": .80, "meme": .80, "bone": .90, "fracture": .80, "korean": .89, "second": .80, "change": .75}
TITLES = {"identify": "what is this?", "mood": "mood of a face", "colour": "colour", "shape": "shape", "relation": "left, right, above, below", "count": "how many (1-6)",
          "box": "where is ...? (IoU 0.5)", "yesno": "is there ...?", "list": "list all (F1)", "nothing": "nothing there", "absent": "a thing that is not there",
          "digits": "handwritten digits, 1-3", "word": "printed words, 2-8 letters", "mark": "circled, framed, pointed at, numbered", "hangul": "Korean text, 1-4 syllables (share of syllables)",
          "handwriting": "words in fonts like handwriting", "sudoku": "sudoku 4x4, the marked cell", "order": "order of 3-4 pictures of steps",
          "meme": "a meme: caption, picture, do they agree", "bone": "a drawn X-ray: broken?", "fracture": "where is it broken? (IoU 0.5)",
          "korean": "questions in Korean", "second": "a second question", "change": "two pictures: what changed"}
ONLY_IDENTIFY = ("icons", "clipart-held-out")
LOSSES = {"jpeg": "JPEG 30", "blur": "blur", "noise": "noise", "rotate": "10° turned", "half": "half size"}


class Item(NamedTuple):
  task: str
  style: str
  pixels: np.ndarray
  question: str
  answer: str
  unseen_wording: bool


def items(task, style, n):
  """The n held-out items of one task and style; the same ones on every machine with the same assets."""
  out = []
  for i in range(n):
    rng = np.random.default_rng([zlib.crc32(f"score/{task}/{style}".encode()), i, 9])
    pixels, questions, _ = tasks.make(task, rng, test=True, style=None if style == "seen" else style)
    _, text, answer, unseen = questions[0]
    out.append(Item(task, style, pixels, "\n".join(text.split("\n")[::2]), answer, unseen))       # of two turns the questions alone
  return out


def columns(styles, names):
  for task in names:
    for style in styles:
      if style == "seen" or (task in tasks.STYLED and style == "emojione") or (task == "identify" and style in ONLY_IDENTIFY): yield task, style


def damaged(pixels, kind, rng):
  """JPEG 30, blur, noise, a turn of up to 10 degrees, half size."""
  if pixels.ndim == 4: return np.stack([damaged(p, kind, rng) for p in pixels])
  image = Image.fromarray(pixels)
  if kind == "jpeg":
    data = io.BytesIO()
    image.save(data, "JPEG", quality=30)
    return np.asarray(Image.open(data))
  if kind == "blur": return np.asarray(image.filter(ImageFilter.GaussianBlur(1.2)))
  if kind == "noise": return (pixels + rng.normal(0, 20, pixels.shape)).clip(0, 255).astype("u1")
  if kind == "rotate": return np.asarray(image.rotate(float(rng.choice([-10, 10])), Image.BILINEAR, fillcolor=tuple(int(v) for v in pixels[0, 0])))
  return np.asarray(image.resize((80, 80), Image.BOX))


def evaluate(answer, n, names, styles, damage=None, say=print):
  """{"task/style": {...}}; `answer` takes [(pixels, question)] and returns texts."""
  result = {}
  for task, style in columns(styles, names):
    cases = items(task, style, n)
    rng = np.random.default_rng(17)
    pictures = [damaged(c.pixels, damage, rng) if damage else c.pixels for c in cases]
    got = answer([(p, c.question) for p, c in zip(pictures, cases)])
    graded = [grade(task, g, c.answer) for g, c in zip(got, cases)]
    scores, wanted = [g[0] for g in graded], [c.answer for c in cases]
    common = max(sorted(set(wanted)), key=wanted.count)
    low, high = interval(scores)
    unseen = [s for s, c in zip(scores, cases) if c.unseen_wording]
    entry = dict(n=n, score=float(np.mean(scores)), low=low, high=high, commonest=float(np.mean([grade(task, common, w)[0] for w in wanted])))
    if unseen: entry["unseen wordings"] = float(np.mean(unseen))
    for key in sorted({k for g in graded for k in g[1]}): entry[key] = float(np.mean([g[1][key] for g in graded if key in g[1]]))
    if task == "box": entry["says not there"] = float(np.mean([g == "not there" for g in got]))
    if task == "count": entry["by answer"] = {k: round(float(np.mean([s for s, w in zip(scores, wanted) if w == k])), 3) for k in sorted(set(wanted))}
    if task == "word": entry["up to 4 letters"] = float(np.mean([s for s, w in zip(scores, wanted) if len(w) <= 6] or [0.]))
    result[f"{task}/{style}"] = entry
    say(f"{task:9s} {style:17s} {entry['score']:.3f} [{low:.3f}, {high:.3f}] commonest {entry['commonest']:.3f}  e.g. "
        + " | ".join(f"{c.answer} -> {g}" for c, g in list(zip(cases, got))[:3]))
  return result


def table(new, old=None):
  """The model card's table in Markdown."""
  head = ["task", "drawings", "goal"] + (["before"] if old else []) + ["now", "95% interval", "commonest answer", "unseen wordings", "remark"]
  lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
  for key, e in new.items():
    task, style = key.split("/")
    goal = GOALS.get(key, GOALS[task] if style == "seen" else None)
    notes = [f"{k} {e[k]:.2f}" for k in ("mean IoU", "exact", "characters", "up to 4 letters", "says not there") if k in e]
    if task != "absent" and e["low"] <= e["commonest"]: notes.insert(0, "**no skill**")
    cells = [TITLES[task], style, f"{goal:.2f}" if goal else ""] + ([f"{old[key]['score']:.3f}" if key in old else ""] if old else [])
    cells += [f"**{e['score']:.3f}**", f"{e['low']:.3f}-{e['high']:.3f}", f"{e['commonest']:.3f}", f"{e['unseen wordings']:.3f}" if "unseen wordings" in e else "", ", ".join(notes)]
    lines.append("| " + " | ".join(cells) + " |")
  return "\n".join(lines)


def damage_table(result):
  """What each damage costs each task, in Markdown."""
  kinds = [k for k in result if k != "clean"]
  lines = ["| task | clean | " + " | ".join(LOSSES[k] for k in kinds) + " |", "|---|" + "---|" * (len(kinds) + 1)]
  for key in result[kinds[0]]:
    clean = result["clean"][key]["score"]
    lines.append(f"| {TITLES[key.split('/')[0]]} | {clean:.3f} | " + " | ".join(f"{result[k][key]['score'] - clean:+.3f}" for k in kinds) + " |")
  return "\n".join(lines)


def main():
  p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
  p.add_argument("model", help="a training file (.pt, engine own) or an exported folder")
  p.add_argument("--engine", choices=engines.ENGINES, default="transformers")
  p.add_argument("--same-as", choices=["own", "transformers", "lmm"], help="compare answers item by item instead of scoring")
  p.add_argument("--n", type=int, default=400)
  p.add_argument("--tasks", default=",".join(tasks.TASKS), help="names, or all")
  p.add_argument("--styles", default="seen,emojione,icons,clipart-held-out")
  p.add_argument("--damage", default="", help="one or more of " + ",".join(LOSSES))
  p.add_argument("--json", help="write the figures here")
  p.add_argument("--before", help="figures of an earlier model, for the table")
  p.add_argument("--table", action="store_true", help="print the table in Markdown")
  args = p.parse_args()
  names, styles, answer = tasks.ALL_TASKS if args.tasks == "all" else args.tasks.split(","), args.styles.split(","), engines.open_engine(args.engine, args.model)
  if args.same_as:
    cases = [c for task, style in columns(styles, names) for c in items(task, style, args.n)]
    asked = [(c.pixels, c.question) for c in cases]
    pairs = list(zip(answer(asked), engines.open_engine(args.same_as, args.model)(asked)))
    for case, (a, b) in zip(cases, pairs):
      if a != b: print(f"{case.task}/{case.style}: {case.question} {args.engine}: {a!r} {args.same_as}: {b!r}")
    print(f"{sum(a == b for a, b in pairs)} of {len(pairs)} answers are equal")
    raise SystemExit(any(a != b for a, b in pairs))
  result = {"clean": evaluate(answer, args.n, names, styles)}
  for kind in filter(None, args.damage.split(",")):
    print(f"-- {kind}")
    result[kind] = evaluate(answer, args.n, names, ["seen"], kind)
  if args.json:
    with open(args.json, "w") as out: json.dump(result, out, indent=1)
  if args.table: print(table(result["clean"], json.load(open(args.before))["clean"] if args.before and os.path.exists(args.before) else None))
  if args.table and args.damage: print("\n" + damage_table(result))


if __name__ == "__main__": main()
