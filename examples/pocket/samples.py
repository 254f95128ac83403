"""A few held-out items of each task as files, and the check that a model still answers them.

    python samples.py write DIR --each 8           # pictures as JPEG, DIR/samples.json with questions and answers
    python samples.py floors DIR model             # note how many the model gets right, less one, as each task's floor
    python samples.py check DIR model --engine lmm # exit 1 when a task falls below its floor

`check` needs no assets: it is the test of the shipped weights.
"""
import argparse
import json
import os

import numpy as np
from PIL import Image

import engines


def write(folder, each):
  import score
  import tasks
  os.makedirs(folder, exist_ok=True)
  entries = []
  for task in tasks.ALL_TASKS:
    for k, item in enumerate(score.items(task, "seen", each)):
      files = {}
      for key, part, pixels in zip(("file", "second_file"), ("", "b"), engines.pictures(item.pixels)):
        files[key] = f"{task}{k}{part}.jpg"
        Image.fromarray(pixels).save(os.path.join(folder, files[key]), quality=88)
      entries.append(files | dict(task=task, question=item.question, answer=item.answer))
  save(folder, dict(floors={}, items=entries))
  print(f"{len(entries)} items, {sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder)) / 2**20:.2f} MiB")


def save(folder, content):
  with open(os.path.join(folder, "samples.json"), "w", encoding="utf-8") as out:
    json.dump(content, out, indent=1, ensure_ascii=False)
    out.write("\n")


def right_answers(folder, model, engine):
  """({task: how many are right}, what the file holds)"""
  from grading import grade
  with open(os.path.join(folder, "samples.json"), encoding="utf-8") as file: content = json.load(file)
  picture = lambda name: np.asarray(Image.open(os.path.join(folder, name)).convert("RGB"))
  cases = [(np.stack([picture(e["file"]), picture(e["second_file"])]) if "second_file" in e else picture(e["file"]), e["question"]) for e in content["items"]]
  right = {e["task"]: 0 for e in content["items"]}
  for entry, got in zip(content["items"], engines.open_engine(engine, model)(cases)):
    right[entry["task"]] += grade(entry["task"], got, entry["answer"])[0] >= .999
  return right, content


def main():
  p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
  p.add_argument("command", choices=["write", "floors", "check"])
  p.add_argument("folder")
  p.add_argument("model", nargs="?")
  p.add_argument("--each", type=int, default=8)
  p.add_argument("--engine", choices=["own", "transformers", "lmm"], default="transformers")
  args = p.parse_args()
  if args.command == "write": return write(args.folder, args.each)
  right, content = right_answers(args.folder, args.model, args.engine)
  if args.command == "floors": return save(args.folder, content | dict(floors={t: max(0, int(n) - 1) for t, n in right.items()}))
  low = {t: (int(n), content["floors"][t]) for t, n in right.items() if n < content["floors"][t]}
  print(" ".join(f"{t} {int(n)}" for t, n in right.items()))
  for task, (n, floor) in low.items(): print(f"{task}: {n} right, the floor is {floor}")
  raise SystemExit(bool(low))


if __name__ == "__main__": main()
