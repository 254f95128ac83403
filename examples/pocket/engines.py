"""Three ways to ask the model: the recipe's own code, transformers, and lmm. Each takes [(pixels, question)] and returns texts.

pixels: (H, W, 3), or (2, H, W, 3) for a question about two pictures. A question of two lines is a conversation: the first line
is asked, and the second after its answer.
"""
import json
import os
import subprocess
import tempfile

import numpy as np
from PIL import Image

LONGEST = 26                                       # new tokens
BATCH = 50


def in_batches(answer):
  return lambda cases: [text for i in range(0, len(cases), BATCH) for text in answer(cases[i: i + BATCH])]


def in_turns(answer):
  """For engines that know nothing of conversations: gives them "question, answer, next question", a line each."""
  def run(cases):
    cases, two = list(cases), [i for i, (_, q) in enumerate(cases) if "\n" in q]
    said = answer([(cases[i][0], cases[i][1].split("\n")[0]) for i in two])
    for i, text in zip(two, said): cases[i] = cases[i][0], cases[i][1].replace("\n", f"\n{text}\n")
    return answer(cases)
  return run


def pictures(pixels):
  return list(pixels) if pixels.ndim == 4 else [pixels]


def own(path):
  """A training file, or an exported folder, through model.py: the quickest."""
  import torch
  import things
  from tokenizers import Tokenizer
  from model import SIZES, PocketVLM, picture_tokens
  from tokenizer import PocketTokenizer
  from train import load_weights
  weights = load_weights(path)
  if os.path.isdir(path):
    tokenizer = Tokenizer.from_file(os.path.join(path, "tokenizer.json"))
    with open(os.path.join(path, "config.json")) as file: config = json.load(file)
    v, t = config["vision_config"], config["text_config"]
    sizes = dict(SIZES, scale=config["scale_factor"], image=v["image_size"], patch=v["patch_size"], v_dim=v["hidden_size"], v_mlp=v["intermediate_size"],
                 v_layers=v["num_hidden_layers"], v_heads=v["num_attention_heads"], vocab=t["vocab_size"], t_dim=t["hidden_size"],
                 t_mlp=t["intermediate_size"], t_layers=t["num_hidden_layers"], t_heads=t["num_attention_heads"], t_kv=t["num_key_value_heads"])
  else:
    saved = torch.load(path, map_location="cpu", weights_only=True)
    tokenizer, sizes = Tokenizer.from_str(saved["tokenizer"]), saved["sizes"]
  tokenizer, model = PocketTokenizer(tokenizer, picture_tokens(sizes)), PocketVLM(sizes, len(things.label_classes()))
  model.load_state_dict({k: v.float() for k, v in weights.items() if not k.startswith("label_heads.")}
                        | {k: v for k, v in model.state_dict().items() if k.startswith("label_heads.")})

  def answer(cases):
    pixels = torch.from_numpy(np.stack([square(p, sizes["image"]) for x, _ in cases for p in pictures(x)]).transpose(0, 3, 1, 2).copy()).float() / 127.5 - 1
    return model.answer(pixels, tokenizer, [(len(pictures(x)), q) for x, q in cases], LONGEST)
  return in_turns(in_batches(answer))


def square(pixels, side):
  return pixels if pixels.shape[0] == side else np.asarray(Image.fromarray(pixels).resize((side, side), Image.LANCZOS))


def chat(count, question, *later):
  """Messages: a question about `count` pictures, then answers and questions in turn."""
  text = lambda t: {"type": "text", "text": t}
  messages = [{"role": "user", "content": [{"type": "image"}] * count + [text(question)]}]
  return messages + [{"role": ("assistant", "user")[i % 2], "content": [text(t)]} for i, t in enumerate(later)]


def transformers(path):
  import torch
  from transformers import AutoModelForImageTextToText, AutoProcessor
  processor = AutoProcessor.from_pretrained(path)
  model = AutoModelForImageTextToText.from_pretrained(path, dtype=torch.float32).eval()
  processor.tokenizer.padding_side = "left"

  def answer(cases):
    texts = [processor.apply_chat_template(chat(len(pictures(x)), *q.split("\n")), add_generation_prompt=True) for x, q in cases]
    inputs = processor(text=texts, images=[[Image.fromarray(p) for p in pictures(x)] for x, _ in cases], return_tensors="pt", padding=True)
    with torch.no_grad(): out = model.generate(**inputs, max_new_tokens=LONGEST, do_sample=False)
    return [s.strip() for s in processor.batch_decode(out[:, inputs["input_ids"].shape[1]:], skip_special_tokens=True)]
  return in_turns(in_batches(answer))


def lmm(path, weights="full", towers="full"):
  """lmm: the tests' batch driver where it is built, else the `lmm` command, once a question. Looked for in LMM_BUILD (default:
  build/ of the checkout). Arithmetic in float32, as in the others; `weights` and `towers` as `lmm --weights` and `--tower-weights` take them."""
  build = os.environ.get("LMM_BUILD") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build")
  driver, command = (os.path.join(build, "bin", n) for n in ("batch_driver", "lmm"))
  if not os.path.exists(driver) and not os.path.exists(command): raise SystemExit(f"neither {driver} nor {command} is there: build lmm first, or set LMM_BUILD")

  def run(arguments, text=None):
    done = subprocess.run(arguments, input=text, capture_output=True, text=True)
    if done.returncode: raise RuntimeError(f"{arguments[0]}: {done.stderr.strip()}")
    return done.stdout

  def answer(cases):
    with tempfile.TemporaryDirectory() as folder:
      asked = []                                       # (case, files, question), a turn each
      for i, (pixels, text) in enumerate(cases):
        files = [os.path.join(folder, f"{i}-{k}.png") for k in range(len(pictures(pixels)))]
        for file, p in zip(files, pictures(pixels)): Image.fromarray(p).save(file)
        asked += [(i, [] if turn else files, q) for turn, q in enumerate(text.split("\n"))]
      if not os.path.exists(driver):
        if len(asked) > len(cases): raise SystemExit(f"conversations need {driver}")
        given = lambda files: [a for f in files for a in ("-i", f)]
        return [run([command, "ask", path, *given(f), "--max-tokens", str(LONGEST), "--dtype", "fp32", "--weights", weights, "--tower-weights", towers, "--threads", "1", q]).strip() for _, f, q in asked]
      lines = [json.dumps(dict(id=i, session=str(i), prompt=q, images=f, max_tokens=LONGEST)) for i, f, q in asked]
      replies = [json.loads(line) for line in run([driver, path, "fp32", "1", weights, towers], "\n".join(lines) + "\n").splitlines()]
      if [r["id"] for r in replies] != [i for i, *_ in asked]: raise RuntimeError(f"{len(replies)} answers to {len(asked)} questions")
      for r in replies:
        if "error" in r: raise RuntimeError(f"lmm: {r['message']}")
      return list({r["id"]: r["text"].strip() for r in replies}.values())       # the last turn's answer
  return answer


ENGINES = {"own": own, "transformers": transformers, "lmm": lmm, "lmm-int8": lambda path: lmm(path, "int8"), "lmm-int4": lambda path: lmm(path, "int4"),
           "lmm-tower-int8": lambda path: lmm(path, towers="int8")}


def open_engine(name, path):
  return ENGINES[name](path)
