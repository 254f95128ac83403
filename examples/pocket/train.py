"""Trains the pocket model; goes on where it stopped when called again with the same --out.

    python train.py see --out run/see.pt --minutes 30                       # the eyes, on patch labels
    python train.py ask --out run/ask.pt --minutes 90 --init run/see.pt     # everything, on questions and answers

float32 master weights, one copy computes in the type in which this machine multiplies faster (bfloat16 with AMX or on a GPU,
float32 on other Intel processors), Muon for the matrices of the layers and AdamW for the rest, exported weights are a running
mean. The rate rises, stays, and falls in the last `--cool` of the run; the schedule runs on the time trained, kept in the
checkpoint. So a run can be stopped, a copy of its file be cooled (`--minutes` and `--cool` for what is left) and the file itself
be trained further. Beside --out come OUT.log.jsonl and, where matplotlib is there, OUT.png.
"""
import argparse
import copy
import json
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import things
from data import Stream
from model import SIZES, TINY, PocketVLM, picture_tokens, take_over
from muon import optimizers
from tasks import ALL_TASKS, MIXES
from tokenizer import PocketTokenizer, build

HERE = os.path.dirname(os.path.abspath(__file__))


def label_losses(out, labels):
  """Losses of the helper heads; patches with nothing on them weigh little."""
  def classes(key, background):
    weight = torch.ones(out[key].shape[-1], device=out[key].device)
    weight[0] = background
    return F.cross_entropy(out[key].flatten(0, -2), labels[key].flatten().long(), weight=weight)
  losses = {"obj": classes("obj", .15), "chr": classes("chr", .15), **{k: .5 * classes(k, .15) for k in ("num", "col", "initial", "vowel", "final", "mark")}, "ctr": .5 * classes("ctr", .3)}
  there = labels["obj"] > 0
  if there.any(): losses["box"] = 4 * F.smooth_l1_loss(out["box"][there], labels["box"][there].float(), beta=.05)
  return losses


def label_accuracy(out, labels):
  right = lambda k, m: (out[k][m][:, 1:].argmax(-1) + 1 == labels[k][m]).float().mean().item()
  return {"acc_" + k: right(k, labels[k] > 0) for k in ("obj", "chr", "num", "col", "mark") if k in out and (labels[k] > 0).any()}


def row(pictures, questions, tokenizer, room, rng):
  """The picture prefix, then as many of the questions as fit into `room` tokens: ids, positions, segments, targets, weights, and
  the tasks of the segments. Short answers weigh more a token, and a question more where a picture has few."""
  ids = tokenizer.prefix(pictures)
  start = len(ids)
  segments, positions, targets, weights, chosen = [0] * start, list(range(start)), [-100] * start, [0.] * start, []
  for k, j in enumerate([0] + (1 + rng.permutation(len(questions) - 1)).tolist()):
    task, text, answer = questions[j]
    asked, reply = tokenizer.question(text), tokenizer.reply(answer)
    n = len(asked) + len(reply) - 1
    if k and len(ids) + n > start + room: continue
    chosen.append(ALL_TASKS.index(task))
    ids += asked + reply[:-1]
    segments += [len(chosen)] * n
    positions += range(start, start + n)
    targets += [-100] * (len(asked) - 1) + reply
    weights += [0.] * (len(asked) - 1) + [len(reply) ** -.5] * len(reply)
  return ids, positions, segments, targets, [w * len(chosen) ** -.5 for w in weights], chosen


def answer_loss(net, features, questions, about, tokenizer, args, rng, hits):
  """Cross entropy of the answers. Rows of about one length are computed together, so that little is padded; pictures without
  questions have labels alone."""
  asked = [i for i, q in enumerate(questions) if q]
  if not asked: return features.sum() * 0.
  about, questions = [about[i] for i in asked], [questions[i] for i in asked]
  rows = [row(len(a), q, tokenizer, args.room, rng) for a, q in zip(about, questions)]
  total, weight, fill = 0., 0., (tokenizer.pad, 0, -1, -100, 0.)
  for part in np.array_split(np.argsort([len(r[0]) for r in rows], kind="stable"), 4):
    if not len(part): continue
    length = -(-len(rows[part[-1]][0]) // 8) * 8
    ids, positions, segments, targets, weights = (torch.tensor([rows[i][j] + [fill[j]] * (length - len(rows[i][j])) for i in part], device=features.device) for j in range(5))
    wanted = targets >= 0
    shown = features[torch.tensor([k for i in part for k in about[i]], device=features.device)]
    logits, y, w = net.decode(shown, ids, positions, segments, tokenizer.image, wanted).float(), targets[wanted], weights[wanted]
    total = total + (F.cross_entropy(logits, y, reduction="none") * w).sum()
    weight += w.sum()
    wrong = torch.zeros_like(wanted)
    wrong[wanted] = logits.argmax(-1) != y
    misses = torch.zeros(len(part), 32, device=ids.device).scatter_add_(1, segments.clamp(0), wrong.float()).cpu()
    for k, i in enumerate(part):
      for segment, task in enumerate(rows[i][5], 1): hits[task] += (float(misses[k, segment] == 0), 1.)
  return total / weight


def faster_type(device):
  """bfloat16 or float32, whichever multiplies matrices of this network's size faster here."""
  def seconds(dtype):
    x, w = torch.randn(2048, 512, device=device, dtype=dtype), torch.randn(512, 512, device=device, dtype=dtype)
    times = []
    for _ in range(8):
      start = time.perf_counter()
      float((x @ w)[0, 0])
      times.append(time.perf_counter() - start)
    return min(times)
  return min((torch.bfloat16, torch.float32), key=seconds)


class Run:
  """Weights, optimizers and progress of one training run; saved whole, so that it can go on."""

  def __init__(self, args):
    self.args, tokenizer = args, build(args.vocabulary or None)
    self.sizes = dict(SIZES, vocab=tokenizer.get_vocab_size(), **(TINY if args.tiny else {}))
    self.tokenizer = PocketTokenizer(tokenizer, picture_tokens(self.sizes))
    torch.manual_seed(args.seed)
    self.master = PocketVLM(self.sizes, len(things.label_classes()))
    for path in filter(None, args.init.split(",")): print(take_over(self.master, load_weights(path)), "from", path, flush=True)
    self.master.to(args.device)
    self.dtype = {"auto": None, "bf16": torch.bfloat16, "fp32": torch.float32}[args.dtype] or faster_type(args.device)
    self.mean, self.net = copy.deepcopy(self.master), copy.deepcopy(self.master).to(self.dtype)
    self.optimizers = optimizers(self.master, args.lr, args.weight_decay)
    self.step, self.seconds, self.shard = 0, 0., 0
    if os.path.exists(args.out) and torch.load(args.out, weights_only=True).get("stage") == args.stage: self.resume(args.out)

  def resume(self, path):
    saved = torch.load(path, map_location=self.args.device, weights_only=True)
    self.master.load_state_dict(saved["master"])
    self.mean.load_state_dict({k: v.float() for k, v in saved["model"].items()})
    self.net.load_state_dict(saved["master"])
    for optimizer, state in zip(self.optimizers, saved["optimizers"]): optimizer.load_state_dict(state)
    self.step, self.seconds, self.shard = saved["step"], saved["seconds"], saved["shard"]
    print(f"going on at step {self.step}, {self.seconds / 60:.1f} minutes trained", flush=True)

  def save(self):
    state = dict(stage=self.args.stage, sizes=self.sizes, model={k: v.half() for k, v in self.mean.state_dict().items()}, master=self.master.state_dict(),
                 optimizers=[o.state_dict() for o in self.optimizers], step=self.step, seconds=self.seconds, shard=self.shard,
                 tokenizer=self.tokenizer.inner.to_str())
    torch.save(state, self.args.out + ".part")
    os.replace(self.args.out + ".part", self.args.out)

  def update(self, losses, fraction):
    """One step of the optimizers on the sum of the losses."""
    a = self.args
    factor = min(1., (fraction + 1e-3) / a.warm_up, max(a.floor, (1 - fraction) / a.cool))
    for optimizer in self.optimizers:
      for group in optimizer.param_groups: group["lr"] = group["peak"] * factor
    sum(losses.values()).backward()
    master, net, mean = (list(m.parameters()) for m in (self.master, self.net, self.mean))
    for p, q in zip(master, net): p.grad, q.grad = (None if q.grad is None else q.grad.float()), None
    torch.nn.utils.clip_grad_norm_(master, 1.5)
    for optimizer in self.optimizers: optimizer.step()
    with torch.no_grad():
      torch._foreach_copy_(net, master)
      torch._foreach_lerp_(mean, master, 1 - min(a.mean, (self.step + 1) / (self.step + 10)))
    self.step += 1


def load_weights(path):
  """Weights of a training file, a safetensors file or an exported folder."""
  if path.endswith(".pt"): return torch.load(path, map_location="cpu", weights_only=True)["model"]
  from safetensors.torch import load_file
  return load_file(os.path.join(path, "model.safetensors") if os.path.isdir(path) else path)


def train(args):
  torch.set_num_threads(args.threads)
  run, rng = Run(args), np.random.default_rng(args.seed + 5)
  mix = MIXES[args.stage] | {k: float(v) for k, v in (x.split("=") for x in args.mix.split(",") if x)}
  stream = Stream(mix, args.seed + (1000 if args.stage == "ask" else 0), args.workers, args.keep, args.reuse, run.shard)
  hits, smooth, last, saved, end = np.zeros((len(ALL_TASKS), 2)), {}, time.time(), time.time(), args.minutes * 60
  see = torch.compile(run.net.see) if args.compile else run.net.see
  stream.take(wait=True)
  clock = time.time()
  while run.seconds < end and (not args.steps or run.step < args.steps):
    pixels, labels, questions, about = stream.batch(args.batch)
    x = torch.from_numpy(pixels).to(args.device).permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1)
    x = x * torch.empty(len(x), 1, 1, 1, device=x.device).uniform_(.88, 1.12) + torch.empty(len(x), 1, 1, 1, device=x.device).uniform_(-.08, .08)
    labels = {k: torch.from_numpy(v.astype(np.int64) if v.dtype == np.uint8 else v).to(args.device) for k, v in labels.items()}
    with torch.set_grad_enabled(not args.keep_eyes): features = see(x.to(run.dtype))
    out, losses = {}, {}
    if not args.keep_eyes:
      out = run.net.label(features)
      losses = {k: v * (args.helpers if args.stage == "ask" else 1.) for k, v in label_losses(out, labels).items()}
    if args.stage == "ask": losses["answers"] = answer_loss(run.net, features, questions, about, run.tokenizer, args, rng, hits)
    run.update(losses, run.seconds / end if not args.steps else run.step / args.steps)
    run.shard, now = stream.drawn, time.time()
    run.seconds, clock = run.seconds + min(now - clock, 30.), now  # a run that was paused has not trained
    for k, v in [(k, v.item()) for k, v in losses.items()] + list(label_accuracy(out, labels).items()): smooth[k] = smooth.get(k, v) * .95 + .05 * v
    if now - last > args.report:
      left = (run.seconds * (args.steps / run.step - 1) if args.steps else max(0., end - run.seconds)) / 60
      scores = {t: round(h / n, 3) for t, (h, n) in zip(ALL_TASKS, hits) if n >= 20}
      line = dict(minutes=round(run.seconds / 60, 2), step=run.step, pictures=run.step * args.batch, drawn=stream.drawn * 256, losses={k: round(v, 4) for k, v in smooth.items()}, scores=scores)
      with open(args.out + ".log.jsonl", "a") as log: log.write(json.dumps(line) + "\n")
      print(f"{run.seconds / 60:6.1f} min, {left:.0f} left | step {run.step} | " + " ".join(f"{k} {v:.2f}" for k, v in {**smooth, **scores}.items()), flush=True)
      last, hits[:] = now, hits * .5
    if now - saved > args.save_every:
      run.save()
      plot(args.out)
      saved = now
  run.save()
  plot(args.out)
  stream.close()
  print(f"done: {run.step} steps, {run.step * args.batch} pictures, {run.seconds / 60:.1f} minutes", flush=True)


def plot(out):
  """OUT.png: the losses and each task's score on fresh training pictures over time."""
  try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
  except ImportError: return
  if not os.path.exists(out + ".log.jsonl"): return
  lines = [json.loads(s) for s in open(out + ".log.jsonl")]
  figure, axes = plt.subplots(1, 2, figsize=(13, 5))
  for axis, part in zip(axes, ("losses", "scores")):
    for key in sorted({k for s in lines for k in s[part]}):
      axis.plot([s["minutes"] for s in lines if key in s[part]], [s[part][key] for s in lines if key in s[part]], label=key)
    axis.set_xlabel("minutes")
    axis.set_title("losses and label accuracies" if part == "losses" else "exact answers on training pictures")
    if axis.lines: axis.legend(fontsize=6, ncol=2)
  figure.tight_layout()
  figure.savefig(out + ".png", dpi=80)
  plt.close(figure)


def arguments(argv=None):
  p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
  p.add_argument("stage", choices=["see", "ask"])
  p.add_argument("--out", required=True)
  p.add_argument("--init", default="", help="what to start from: training files, safetensors files or exported folders, with commas")
  p.add_argument("--vocabulary", default="", help="a tokenizer.json whose token numbers are kept")
  p.add_argument("--minutes", type=float, default=30)
  p.add_argument("--steps", type=int, default=0, help="stop (and schedule) by steps instead of minutes")
  p.add_argument("--batch", type=int, default=64, help="pictures a step")
  p.add_argument("--lr", type=float, default=1e-3)
  p.add_argument("--weight-decay", type=float, default=.05)
  p.add_argument("--warm-up", type=float, default=.02, help="the first share of the run, in which the rate rises")
  p.add_argument("--cool", type=float, default=.6, help="the last share of the run, in which the rate falls to --floor of its peak")
  p.add_argument("--floor", type=float, default=.02)
  p.add_argument("--mean", type=float, default=.997, help="how slowly the running mean follows")
  p.add_argument("--helpers", type=float, default=.3, help="weight of the label losses in `ask`")
  p.add_argument("--keep-eyes", type=int, default=0, help="1: in `ask`, the decoder and the connector alone are trained, behind a vision tower that stays as it is")
  p.add_argument("--mix", default="", help="other shares than tasks.MIXES, e.g. word=20,count=5")
  p.add_argument("--room", type=int, default=160, help="tokens of questions and answers a picture")
  p.add_argument("--seed", type=int, default=0)
  p.add_argument("--device", default="cpu")
  p.add_argument("--dtype", choices=["auto", "bf16", "fp32"], default="auto", help="what the copy that computes has")
  p.add_argument("--threads", type=int, default=2)
  p.add_argument("--workers", type=int, default=2, help="processes that draw")
  p.add_argument("--keep", type=int, default=80, help="shards of 256 pictures held in memory (20 MB each)")
  p.add_argument("--reuse", type=float, default=1., help="how often a picture is used; drawing one costs a twentieth of a step's time for it")
  p.add_argument("--report", type=float, default=30, help="seconds between two lines of progress")
  p.add_argument("--save-every", type=float, default=180)
  p.add_argument("--compile", type=int, default=0)
  p.add_argument("--tiny", type=int, default=0, help="a very small network, for tests")
  return p.parse_args(argv)


if __name__ == "__main__": train(arguments())
