"""Pictures made ahead of need: worker processes draw shards, the trainer keeps the latest ones in memory and uses each a few times.

Shard number k is drawn from the seed (seed, k) alone, so the same pictures come again whatever the number of workers. Drawing
never holds training up: when no new shard is ready, older pictures are used once more.
"""
import multiprocessing
import os
import queue

import numpy as np

SHARD = 256


def draw_shard(mix, seed, number, size=SHARD):
  """{"pixels", one array per label, "questions", "second"} of `size` pictures. Where a question is about two pictures, the second
  ones stand behind the others; "second" says where."""
  import scenes
  import tasks
  rng, names = np.random.default_rng([seed, number]), list(mix)
  shares = np.array(list(mix.values()), float)
  pictures, later, questions, second = [], [], [], {}
  for i in range(size):
    pixels, asked, labels = tasks.make(names[rng.choice(len(names), p=shares / shares.sum())], rng, level=rng.uniform(0, 1))
    if pixels.ndim == 4:
      second[i] = size + len(later)
      later.append((pixels[1], {k: v[1] for k, v in labels.items()}))
      pixels, labels = pixels[0], {k: v[0] for k, v in labels.items()}
    pictures.append((pixels, labels))
    questions.append([tuple(q[:3]) for q in asked])
  pictures += later
  shard = {k: np.stack([labels[k].reshape(scenes.GRID ** 2, *shape) for _, labels in pictures]).astype(kind) for k, (kind, shape) in scenes.LABELS.items()}
  return shard | {"pixels": np.stack([p for p, _ in pictures]), "questions": questions, "second": second}


def work(mix, seed, first, step, out, parent):
  os.nice(5)
  out.cancel_join_thread()                                  # when the trainer has been killed nobody empties the queue: end all the same
  number = first
  while os.getppid() == parent:
    shard = draw_shard(mix, seed, number)
    while os.getppid() == parent:
      try:
        out.put(shard, timeout=2)
        break
      except queue.Full: pass
    number += step


class Stream:
  """Endless batches. workers: processes that draw; keep: shards held in memory; reuse: how often a picture is used on average;
  start: the first shard's number (a resumed run goes on behind the pictures it has seen)."""

  def __init__(self, mix, seed, workers=2, keep=80, reuse=2., start=0):
    context = multiprocessing.get_context("spawn")
    self.queues = [context.Queue(maxsize=2) for _ in range(workers)]
    self.processes = [context.Process(target=work, args=(mix, seed, start + w, workers, q, os.getpid()), daemon=True) for w, q in enumerate(self.queues)]
    for p in self.processes: p.start()
    self.keep, self.reuse, self.rng = keep, reuse, np.random.default_rng([seed, start, 1])
    self.shards, self.next, self.drawn, self.credit, self.order = [], 0, start, 0., []

  def take(self, wait):
    """The next shard in turn, if it is ready (or after waiting for it)."""
    while True:
      try:
        shard = self.queues[self.next].get(timeout=5 if wait else .001)
        break
      except queue.Empty:
        if not wait: return False
        if not self.processes[self.next].is_alive(): raise RuntimeError("a drawing process ended; its error is above")
    self.next = (self.next + 1) % len(self.queues)
    self.shards = (self.shards + [shard])[-self.keep:]
    self.drawn, self.order = self.drawn + 1, []
    return True

  def batch(self, size):
    """(pixels (N, S, S, 3) uint8, labels, questions, the numbers of the pictures that each entry of the questions is about)"""
    if not self.shards: self.take(wait=True)
    self.credit += size / SHARD / self.reuse
    if len(self.shards) < min(8, self.keep) or self.credit >= 1:
      if self.take(wait=False): self.credit = max(0., self.credit - 1)
    while len(self.order) < size: self.order = list(self.order) + self.rng.permutation(len(self.shards) * SHARD).tolist()
    chosen, self.order = self.order[:size], self.order[size:]
    rows = [(self.shards[i // SHARD], i % SHARD) for i in chosen]
    about = [[n] for n in range(size)]
    for n, (shard, i) in enumerate(rows[:size]):
      if i in shard["second"]:
        about[n].append(len(rows))
        rows.append((shard, shard["second"][i]))
    arrays = {k: np.stack([s[k][i] for s, i in rows]) for k in rows[0][0] if k not in ("questions", "second")}
    return arrays.pop("pixels"), arrays, [s["questions"][i] for s, i in rows[:size]], about

  def close(self):
    for p in self.processes: p.terminate()
    for p in self.processes: p.join()
